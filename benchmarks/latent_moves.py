"""Walks between molecules: `MolVAE.interpolate` beside the straight line with one greedy decoding a point.

    python benchmarks/latent_moves.py

Random pairs of the MOSES test set and pairs of known drugs. Each pair is walked by every method in as many steps; the straight line is
what others do: codes evenly spaced between the two posterior means, ends included, one greedy decoding each, nothing put in, dropped or
repeated. A jump is 1 - Tanimoto similarity of neighbours (Morgan fingerprints of radius 2). Shares over intermediates are means over pairs.

Finished pairs are written as they come; after a stop `--resume` goes on with the rest.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import common
import numpy as np

from molvae import MolVAE
from molvae.chem.filters import passes
from molvae.chem.molecules import parse
from molvae.chem.properties import compute
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.data.formats import read_rows
from molvae.data.moses import moses_file
from molvae.errors import MoleculeError

#: Drugs without stereo marks, each walked to its partner.
DRUGS: dict[tuple[str, str], tuple[str, str]] = {
    ("aspirin", "ibuprofen"): ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"),
    ("paracetamol", "phenacetin"): ("CC(=O)Nc1ccc(O)cc1", "CCOc1ccc(NC(C)=O)cc1"),
    ("caffeine", "theophylline"): ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "Cn1c(=O)c2[nH]cnc2n(C)c1=O"),
    ("diazepam", "zolpidem"): ("CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21", "Cc1ccc(-c2nc3ccc(C)cn3c2CC(=O)N(C)C)cc1"),
    ("lidocaine", "procaine"): ("CCN(CC)CC(=O)Nc1c(C)cccc1C", "CCN(CC)CCOC(=O)c1ccc(N)cc1"),
    ("celecoxib", "valdecoxib"): ("Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1", "Cc1onc(-c2ccccc2)c1-c1ccc(S(N)(=O)=O)cc1"),
    ("gefitinib", "erlotinib"): ("COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1", "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC"),
    ("imatinib", "sorafenib"): (
        "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
        "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1",
    ),
    ("propranolol", "atenolol"): ("CC(C)NCC(O)COc1cccc2ccccc12", "CC(C)NCC(O)COc1ccc(CC(N)=O)cc1"),
    ("metoprolol", "salbutamol"): ("COCCc1ccc(OCC(O)CNC(C)C)cc1", "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1"),
    ("fluoxetine", "sertraline"): ("CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1", "CNC1CCC(c2ccc(Cl)c(Cl)c2)c2ccccc21"),
    ("citalopram", "venlafaxine"): ("CN(C)CCCC1(c2ccc(F)cc2)OCc2cc(C#N)ccc21", "COc1ccc(C(CN(C)C)C2(O)CCCCC2)cc1"),
    ("omeprazole", "lansoprazole"): ("COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1", "Cc1c(OCC(F)(F)F)ccnc1CS(=O)c1nc2ccccc2[nH]1"),
    ("warfarin", "phenprocoumon"): ("CC(=O)CC(c1ccccc1)c1c(O)c2ccccc2oc1=O", "CCC(c1ccccc1)c1c(O)c2ccccc2oc1=O"),
    ("sulfamethoxazole", "trimethoprim"): ("Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1", "COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC"),
    ("haloperidol", "clozapine"): ("O=C(CCCN1CCC(O)(c2ccc(Cl)cc2)CC1)c1ccc(F)cc1", "CN1CCN(C2=Nc3cc(Cl)ccc3Nc3ccccc32)CC1"),
    ("sildenafil", "vardenafil"): (
        "CCCc1nn(C)c2c1nc(-c1cc(S(=O)(=O)N3CCN(C)CC3)ccc1OCC)[nH]c2=O",
        "CCCc1nc(C)c2c(=O)[nH]c(-c3cc(S(=O)(=O)N4CCN(CC)CC4)ccc3OCC)nn12",
    ),
    ("loratadine", "cetirizine"): ("CCOC(=O)N1CCC(=C2c3ccc(Cl)cc3CCc3cccnc32)CC1", "O=C(O)COCCN1CCN(C(c2ccccc2)c2ccc(Cl)cc2)CC1"),
    ("naproxen", "diclofenac"): ("COc1ccc2cc(C(C)C(=O)O)ccc2c1", "O=C(O)Cc1ccccc1Nc1c(Cl)cccc1Cl"),
    ("apixaban", "rivaroxaban"): (
        "COc1ccc(-n2nc(C(N)=O)c3c2C(=O)N(c2ccc(N4CCCCC4=O)cc2)CC3)cc1",
        "O=C(NCC1CN(c2ccc(N3CCOCC3=O)cc2)C(=O)O1)c1ccc(Cl)s1",
    ),
}

_ENOUGH = 5  # distinct intermediates
_GREEDY = "straight line, one greedy decoding"
_METHODS = ("linear", "slerp", "path")
_QUALITY = common.RESULTS / "quality.json"
_ROWS: dict[str, Callable[[list[dict[str, Any]]], float]] = {
    f"walks with at least {_ENOUGH} distinct intermediates": lambda walks: _mean([walk["intermediates"] >= _ENOUGH for walk in walks]),
    "distinct intermediates, mean": lambda walks: _mean([walk["intermediates"] for walk in walks]),
    "both ends exact": lambda walks: _mean([walk["exact"] for walk in walks]),
    "all steps valid": lambda walks: _mean([walk["valid"] for walk in walks]),
    "largest jump, mean": lambda walks: _mean([walk["largest_jump"] for walk in walks]),
    "jump, mean": lambda walks: _mean([walk["jump"] for walk in walks]),
    "intermediates that pass the filters of MOSES": lambda walks: _mean([walk["filters"] for walk in walks]),
    "QED of the intermediates, mean": lambda walks: _mean([walk["QED"] for walk in walks]),
    "QED of the ends, mean": lambda walks: _mean([walk["QED_ends"] for walk in walks]),
    "seconds a walk, median": lambda walks: statistics.median(walk["seconds"] for walk in walks),
}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses")
    parser.add_argument("--pairs", type=int, default=200, help="random pairs of test molecules")
    parser.add_argument("--drugs", type=int, default=len(DRUGS), help="pairs of drugs, the first of the list")
    parser.add_argument("--steps", type=int, default=8, help="molecules in a walk, both ends included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="keep what --out holds of the same settings, and measure the rest")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "latent_moves.json")
    args = parser.parse_args()
    settings = {"model": Path(args.model).name, "steps": args.steps, "seed": args.seed}
    model, before = MolVAE.from_pretrained(args.model), common.machine()
    figures: dict[str, Any] = kept(args.out, settings) if args.resume else {"walks": [], "refused": []}
    done = {(each["group"], each["a"], each["b"]) for each in figures["walks"]}
    todo = [pair for pair in pairs(args.pairs, args.drugs, args.seed) if pair not in done]
    for number, (group, a, b) in enumerate(todo, 1):
        problem = next((p for p in model.encode_all([a, b]).problems if p), None)
        if problem is None:
            figures["walks"] += [{"group": group, "a": a, "b": b} | walk for walk in walks(model, a, b, args.steps, args.seed)]
        elif [a, b, str(problem)] not in figures["refused"]:
            figures["refused"].append([a, b, str(problem)])
        if number % 20 == 0 or number == len(todo):
            common.say(f"{number} of {len(todo)} pairs")
            common.write_result(args.out, "walks between molecules", figures, text(figures), before, settings=settings)


def kept(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What a result file holds; nothing where there is none or it was measured with other settings."""
    found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    figures: dict[str, Any] = found["figures"] if found.get("settings") == settings else {"walks": [], "refused": []}
    return figures


def pairs(count: int, drugs: int, seed: int) -> list[tuple[str, str, str]]:
    """Group, and the two molecules."""
    test = [row.text for row in read_rows(moses_file("test"))]
    chosen = random.Random(seed).sample(test, 2 * count)
    known = [("drugs", a, b) for a, b in list(DRUGS.values())[:drugs]]
    return known + [("MOSES test", a, b) for a, b in zip(chosen[::2], chosen[1::2], strict=True)]


def walks(model: MolVAE, a: str, b: str, steps: int, seed: int) -> list[dict[str, Any]]:
    """Figures of the walks of one pair by every method."""
    ends = model.encode_all([a, b]).smiles
    ways: dict[str, Callable[[], list[str]]] = {_GREEDY: lambda: straight_line(model, ends, steps)}
    for method in _METHODS:
        ways[method] = lambda method=method: model.interpolate(*ends, steps=steps, method=method, seed=seed)["smiles"].tolist()  # type: ignore[misc]
    found = []
    for name, way in ways.items():
        start = time.perf_counter()
        smiles = way()
        found.append({"method": name, "seconds": time.perf_counter() - start} | judged(smiles, ends))
    return found


def straight_line(model: MolVAE, ends: Sequence[str], steps: int) -> list[str]:
    """What greedy decoding writes at evenly spaced points of the straight line."""
    a, b = model.encode(ends)
    written: list[str] = model.decode(a + (b - a) * np.linspace(0, 1, steps)[:, None])["smiles"].tolist()
    return written


def judged(smiles: list[str], ends: Sequence[str]) -> dict[str, Any]:
    """Figures of one walk, in the order of its steps."""
    mols = [parse(text) for text in smiles if valid(text)]
    bits = bit_matrix(mols)
    jumps = [1 - float(tanimoto(one[None], other[None])[0, 0]) for one, other in pairwise(bits)]
    between = [text for text in dict.fromkeys(smiles[1:-1]) if text not in ends and valid(text)]
    return {
        "intermediates": len(between),
        "exact": [smiles[0], smiles[-1]] == list(ends),
        "valid": len(mols) == len(smiles),
        "largest_jump": max(jumps, default=None),
        "jump": statistics.mean(jumps) if jumps else None,
        "filters": statistics.mean(passes(parse(text)) for text in between) if between else None,
        "QED": float(compute(between, ["QED"])["QED"].mean()) if between else None,
        "QED_ends": float(compute(ends, ["QED"])["QED"].mean()),
    }


def valid(text: str) -> bool:
    """Whether RDKit reads a molecule in it."""
    try:
        return bool(parse(text))
    except MoleculeError:
        return False


def _mean(values: Sequence[float | None]) -> float:
    """Mean of those that there are."""
    present = [float(value) for value in values if value is not None]
    return statistics.mean(present) if present else float("nan")


def text(figures: dict[str, Any]) -> str:
    """The figures as markdown, a table a group."""
    parts = []
    for group in dict.fromkeys(walk["group"] for walk in figures["walks"]):
        mine = [walk for walk in figures["walks"] if walk["group"] == group]
        columns = {name: [walk for walk in mine if walk["method"] == name] for name in dict.fromkeys(walk["method"] for walk in mine)}
        cells = [[name, *(f"{row(column):.3f}" for column in columns.values())] for name, row in _ROWS.items()]
        parts.append(f"{group}, {len(mine) // len(columns)} pairs\n\n" + common.markdown(["", *columns], cells))
    if _QUALITY.exists():
        seeds = json.loads(_QUALITY.read_text(encoding="utf-8"))["figures"]["seeds"].values()
        share = statistics.mean(seed["moses"]["Filters"] for seed in seeds)
        parts.append(f"Of samples from the prior {share:.4f} pass the filters of MOSES ({_QUALITY.name}).")
    refused = [f"- {a} to {b}: {problem}" for a, b, problem in figures["refused"]]
    parts.append("\n".join(["Refused by the model:", *refused]) if refused else "No pair was refused by the model.")
    return "\n\n".join(parts)


if __name__ == "__main__":
    with common.plain_errors():
        main()
