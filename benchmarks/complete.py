"""Completion of scaffolds and neighbours of molecules: how many are found, and how fast.

    python benchmarks/complete.py

Murcko scaffolds of molecules of MOSES' scaffold test set, drawn at random and all different: distinct molecules that contain each,
within the budget, and the seconds they took from the call to the table. Molecules of the MOSES test set, drawn at random: seconds for
1,000 neighbours of each and how similar they are.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import common

from molvae import MolVAE
from molvae.chem.molecules import parse
from molvae.chem.properties import compute
from molvae.chem.similarity import scaffold
from molvae.chem.substructure import read_scaffold
from molvae.data.formats import read_rows
from molvae.data.moses import MosesSet, moses_file
from molvae.errors import DataError
from molvae.latent.neighbors import spread

_ENOUGH = 10  # molecules a scaffold must get
_TENTHS = [f"{tenth / 10:.1f}" for tenth in range(10)]


def molecules(name: MosesSet, seed: int) -> list[str]:
    """A MOSES set in random order."""
    rows = [row.text for row in read_rows(moses_file(name))]
    random.Random(seed).shuffle(rows)
    return rows


def scaffolds(n: int, seed: int) -> list[str]:
    """Different Murcko scaffolds of MOSES' scaffold test set."""
    found = dict.fromkeys(filter(None, (scaffold(parse(text)) for text in islice(molecules("test_scaffolds", seed), 4 * n))))
    return list(found)[:n]


def completed(model: MolVAE, text: str, args: argparse.Namespace) -> dict[str, Any]:
    """What came of one scaffold; each molecule is checked once more here."""
    start = time.perf_counter()
    frame = model.complete(text, args.n, budget=args.budget, properties=(), seed=args.seed)
    seconds = time.perf_counter() - start
    core = read_scaffold(text)
    if not all(core.is_in(parse(each)) for each in frame["smiles"]) or frame["smiles"].duplicated().any():
        raise DataError(f"{text}: a molecule without the scaffold, or twice the same")
    common.say(f"{text}: {len(frame)} in {seconds:.1f} s")
    passing = float(frame["passes"].mean()) if len(frame) else None
    return {"scaffold": text, "molecules": len(frame), "found": frame.attrs["found"], "seconds": seconds, "passing": passing}


def around(model: MolVAE, text: str, args: argparse.Namespace) -> dict[str, Any]:
    """Neighbours of one molecule."""
    start = time.perf_counter()
    frame = model.neighbors(text, args.neighbors, properties=(), seed=args.seed)
    seconds = time.perf_counter() - start
    compute(frame["smiles"].tolist())
    whole = time.perf_counter() - start
    common.say(f"{text}: {len(frame)} neighbours in {seconds:.1f} s")
    figures = {"smiles": text, "neighbors": len(frame), "seconds": seconds, "with_properties": whole, "drawn": frame.attrs["drawn"]}
    return figures | {"spread": spread(frame["similarity"].tolist())}


def report(grown: Sequence[dict[str, Any]], near: Sequence[dict[str, Any]], args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Figures and their text."""
    limit = float(str(args.budget).rstrip("s")) if str(args.budget).endswith("s") else float("inf")
    good = sum(each["molecules"] >= _ENOUGH and each["seconds"] <= limit for each in grown)
    full = sum(each["molecules"] >= args.n for each in grown)
    passing = [each["passing"] for each in grown if each["passing"] is not None]
    fast = sum(each["seconds"] < 5 for each in near)
    figures = {"enough": good, "full": full, "passing": statistics.fmean(passing) if passing else None, "fast": fast}
    lines = [
        f"Scaffolds with at least {_ENOUGH} distinct molecules within {args.budget}: **{good} of {len(grown)}**; with {args.n}: {full}.",
        f"Of the molecules given, {figures['passing']:.1%} pass the filters of MOSES (mean over scaffolds)." if passing else "",
        common.markdown(["scaffold", "molecules", "found in all", "seconds", "pass the filters"], [_cells(each) for each in grown]),
        f"{args.neighbors:,} neighbours in less than 5 s: {fast} of {len(near)} molecules. Seconds without the properties that RDKit "
        "computes and with them; how many have a Tanimoto similarity of 0.0 to 0.1, 0.1 to 0.2, ...:",
        common.markdown(["molecule", "neighbours", "seconds", "with properties", "drawn", *_TENTHS], [_near(each) for each in near]),
    ]
    return figures | {"scaffolds": list(grown), "molecules": list(near)}, "\n\n".join(filter(None, lines))


def _cells(each: dict[str, Any]) -> list[str]:
    passing = "" if each["passing"] is None else f"{each['passing']:.0%}"
    return [f"`{each['scaffold']}`", f"{each['molecules']:,}", f"{each['found']:,}", f"{each['seconds']:.1f}", passing]


def _near(each: dict[str, Any]) -> list[str]:
    seconds = [f"{each[key]:.1f}" for key in ("seconds", "with_properties")]
    return [f"`{each['smiles']}`", f"{each['neighbors']:,}", *seconds, f"{each['drawn']:,}", *map(str, each["spread"])]


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses", help="bundled name or folder")
    parser.add_argument("--scaffolds", type=int, default=100)
    parser.add_argument("--n", type=int, default=100, help="molecules a scaffold")
    parser.add_argument("--budget", default="20s", help="of each scaffold: seconds (20s) or draws (20000)")
    parser.add_argument("--molecules", type=int, default=20, help="whose neighbours are looked for")
    parser.add_argument("--neighbors", type=int, default=1000, help="of each molecule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=common.RESULTS / "complete.json", help="JSON to write; the table goes beside it")
    return parser.parse_args()


def main() -> None:
    """Measure, write the table."""
    args, before = parse_options(), common.machine()
    model = MolVAE.from_pretrained(args.model)
    grown = [completed(model, text, args) for text in scaffolds(args.scaffolds, args.seed)]
    near = [around(model, text, args) for text in molecules("test", args.seed)[: args.molecules]]
    settings = {key: value for key, value in vars(args).items() if key != "out"}
    figures, text = report(grown, near, args)
    common.write_result(args.out, "Completion of scaffolds, and neighbours", figures, text, before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
