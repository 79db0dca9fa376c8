"""Values and speed of the oracles: against the published test values of the tasks with models, and in milliseconds a molecule.

    python benchmarks/oracles.py --zinc zinc250k.smi.gz

The published values are those of TDC's own tests (github.com/mims-harvard/TDC, tdc/test/test_oracles.py), which ask for agreement within
.0001. The models are fetched once (70 MB) from the wheel named in molvae/optimize/oracles/models.py. Speed: molecules of ZINC250k drawn by
--seed, one process, the second call, so that no start is counted.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import common

from molvae.data.formats import read_rows
from molvae.errors import DataError
from molvae.optimize.oracles import PMO, guacamol, oracle

_FIRST = "CC(C)(C)[C@H]1CCc2c(sc(NC(=O)COc3ccc(Cl)cc3)c2C(N)=O)C1"
_SECOND = "CCNC(=O)c1ccc(NC(=O)N2CC[C@H](C)[C@H](O)C2)c(C)c1"
_THIRD = "C[C@@H]1CCN(C(=O)CCCc2ccccc2)C[C@@H]1O"
#: Task, molecule, value of TDC's tests.
PUBLISHED = (("gsk3b", _FIRST, 0.03), ("jnk3", _FIRST, 0.01), ("jnk3", _SECOND, 0.0), ("jnk3", _THIRD, 0.01))


def values() -> list[dict[str, object]]:
    """Our value of every published one; raises DataError where they differ by .0001 or more."""
    rows: list[dict[str, object]] = []
    for task, smiles, published in PUBLISHED:
        (answer,) = oracle(f"pmo:{task}")([smiles])
        if answer.value is None or abs(answer.value - published) >= 1e-4:
            raise DataError(f"{task} of {smiles}: published {published}, here {answer}")
        rows.append({"task": task, "smiles": smiles, "published": published, "here": answer.value})
    return rows


def milliseconds(name: str, smiles: list[str]) -> float:
    """Time that one molecule takes, in milliseconds."""
    asked = oracle(name)
    asked(smiles[:1])
    start = time.perf_counter()
    failures = sum(answer.value is None for answer in asked(smiles))
    if failures:
        raise DataError(f"{name} failed on {failures} of {len(smiles)} molecules")
    return 1000 * (time.perf_counter() - start) / len(smiles)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zinc", type=Path, required=True, help="ZINC250k, one SMILES a line")
    parser.add_argument("--molecules", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=common.RESULTS / "oracles.json")
    options = parser.parse_args()
    with common.plain_errors():
        checked = values()
        texts = [row.text for row in read_rows(options.zinc)]
        smiles = random.Random(options.seed).sample(texts, options.molecules)
        names = [*(f"pmo:{task}" for task in PMO), *(f"guacamol:{task}" for task in guacamol.TASKS if task not in PMO)]
        speeds = {name: round(milliseconds(name, smiles), 2) for name in names}
    first = common.markdown(["task", "molecule", "published", "here"], [[str(cell) for cell in row.values()] for row in checked])
    second = common.markdown(["oracle", "ms a molecule"], [[name, common.number_text(speed)] for name, speed in speeds.items()])
    figures = {"values": checked, "milliseconds": speeds}
    common.write_result(options.out, "Oracles: values and speed", figures, f"{first}\n\n{second}", molecules=options.molecules)


if __name__ == "__main__":
    main()
