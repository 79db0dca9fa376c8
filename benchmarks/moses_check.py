"""Whether our metrics agree with the code of MOSES: the same 10,000 molecules, judged by both.

    python benchmarks/moses_check.py                # references computed here (twenty minutes the first time, then kept)
    python benchmarks/moses_check.py --published    # references as MOSES published them (two minutes)

The molecules are `random.seed(1); random.sample(train, 10000)` of the MOSES training set in file order. The figures asked for
were computed by the code of MOSES (molsets 0.3.1). What may differ: .001, and .005 of FCD.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import common
import numpy as np
import pandas as pd
from make_moses_chemnet import SETS, gaussian, published

from molvae.chem.similarity import pack
from molvae.data.cache import cache_folder
from molvae.data.moses import moses_file
from molvae.evaluate.moses import moses_metrics
from molvae.evaluate.reference import PROPERTIES, Reference, references
from molvae.evaluate.samples import Samples

_ROWS = 10_000
_ASKED = {
    "FCD/Test": 0.129508, "SNN/Test": 0.642453, "Frag/Test": 0.999711, "Scaf/Test": 0.874330,
    "FCD/TestSF": 0.611511, "SNN/TestSF": 0.586139, "Frag/TestSF": 0.998163, "Scaf/TestSF": 0.0,
    "IntDiv": 0.855634, "IntDiv2": 0.849566, "Filters": 1.0, "logP": 0.030123, "SA": 0.004936, "QED": 0.001055, "weight": 0.167461,
}  # fmt: skip


def main() -> None:
    """Judge, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", action="store_true", help="take the reference sets as MOSES published them")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--cache", type=Path, default=cache_folder() / "benchmarks", help="where the wheel is kept")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "moses_check.json")
    options = parser.parse_args()
    sets = _published(options.cache) if options.published else references("moses", jobs=options.jobs, progress=_progress)
    metrics = moses_metrics(Samples.of(_sample(), options.jobs), sets, jobs=options.jobs, progress=_progress)
    figures = [_figure(name, asked, metrics.values[name]) for name, asked in _ASKED.items()]
    rows = [[str(each["metric"]), *(f"{each[key]:.6f}" for key in ("asked", "got", "difference")), each["agrees"]] for each in figures]
    kind = "published" if options.published else "computed"
    table = common.markdown(["metric", "code of MOSES", "molvae", "difference", "agrees"], rows)
    common.write_result(options.out, f"The metrics of MOSES, by its code and by ours; reference sets {kind}", figures, table)


def _figure(name: str, asked: float, got: float) -> dict[str, Any]:
    difference = got - asked
    agrees = abs(difference) <= (0.005 if name.startswith("FCD") else 0.001)
    return {"metric": name, "asked": asked, "got": got, "difference": difference, "agrees": "yes" if agrees else "no"}


def _sample() -> list[str]:
    rows = [str(text) for text in pd.read_csv(moses_file("train"), usecols=["SMILES"])["SMILES"]]
    return random.Random(1).sample(rows, _ROWS)


def _published(cache: Path) -> list[Reference]:
    return [_reference(name, published(of, cache)) for name, of in zip(("Test", "TestSF"), SETS, strict=True)]


def _reference(name: str, statistics: dict[str, Any]) -> Reference:
    packed = pack(statistics["SNN"]["fps"])
    known = {label: np.asarray(statistics[label]["values"], dtype=np.float64) for label in PROPERTIES}
    return Reference(name, len(packed), packed, statistics["Frag"]["frag"], statistics["Scaf"]["scaf"], known, gaussian(statistics))


def _progress(what: str, done: int, total: int) -> None:
    if done == total or done % 10_000 == 0:
        common.say(f"{what}: {done:,} of {total:,}")


if __name__ == "__main__":
    with common.plain_errors():
        main()
