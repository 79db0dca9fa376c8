"""Molecules with properties in a window: share of hits, diversity, and the cost in decodings beside rejection sampling.

    python benchmarks/conditional.py --n 1000 --seeds 3

The first four windows are those of table 3 of You et al. 2018 (GCPN, arXiv:1806.02473), their measures too: success is the share of the
molecules generated that lie in the window, diversity the mean Tanimoto distance between all pairs of those returned. The last is a
drug-like window. Each is measured with the property heads of the model and with the heads taken away, when the search knows only what
RDKit says of the molecules it has written. Every run measures rejection sampling from the prior as well, on its first decodings.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from torch import nn

from molvae import MolVAE
from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, tanimoto

_WINDOWS = ("logP=-2.5..-2", "logP=5..5.5", "MW=150..200", "MW=500..550", "logP=2..3,QED>0.8")
#: Success in two of the windows, from table 3 of You et al. 2018 (arXiv:1806.02473).
_PUBLISHED = {"JT-VAE": {"logP=-2.5..-2": "11.3%", "MW=150..200": "0.7%"}, "GCPN": {"logP=-2.5..-2": "85.5%", "MW=150..200": "76.1%"}}


def diversity(smiles: Sequence[str]) -> float | None:
    """Mean Tanimoto distance of all pairs (Morgan fingerprints of radius 2, 1,024 bits); None for less than two molecules."""
    if len(smiles) < 2:
        return None
    near = tanimoto(*[bit_matrix(map(parse, smiles))] * 2).astype(np.float64)
    return float(1 - (near.sum() - np.trace(near)) / (len(smiles) * (len(smiles) - 1)))


def run(model: MolVAE, where: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """One sample and all that is told of it."""
    start = time.perf_counter()
    frame = model.sample(args.n, where=where, seed=seed, budget=args.budget)
    about = {str(name): value for name, value in frame.attrs.items()}
    phases = [about[phase] for phase in ("rejection", "walk", "search")]
    later, survived = about["search"], sum(each["survived"] for each in phases)
    found = {
        "window": where,
        "heads": about["heads"],
        "seed": seed,
        "found": len(frame),
        "drawn": about["drawn"],
        "rejection": about["rejection"],
        "walk": about["walk"],
        "search": later,
        "success": later["inside"] / later["survived"] if later["survived"] else None,
        "success_in_all": sum(each["inside"] for each in phases) / survived if survived else None,
        "gain": about["gain"],
        "diversity": diversity(frame["smiles"].tolist()),
        "novel": float(frame["novel"].mean()) if len(frame) else None,
        "passing": about["passing"],
        "seconds": round(time.perf_counter() - start, 1),
    }
    common.say(f"{where} {'with' if about['heads'] else 'no'} heads, seed {seed}: {found}")
    return found


def table(rows: Sequence[dict[str, Any]], args: argparse.Namespace) -> str:
    """Ours and the published figures as markdown."""
    kinds = list(dict.fromkeys((row["window"], bool(row["heads"])) for row in rows))
    head = ["window", "heads", "found", "decodings", "of these on the way", "rejection: new a decoding", "search: new a decoding", "gain",
            "success of the search", "success in all", "diversity", "novel", "pass filters", "seconds"]  # fmt: skip
    ours = [_cells([row for row in rows if (row["window"], bool(row["heads"])) == kind]) for kind in kinds]
    published = [[name, *cells.values()] for name, cells in _PUBLISHED.items()]
    notes = [
        f"- {args.n:,} molecules asked for within {args.budget or max(50_000, 100 * args.n):,} decodings; means over {args.seeds} seeds.",
        "- New a decoding: molecules in the window that were not found before, for each code decoded. Rejection sampling: the first draws "
        "from the prior of the same runs (512 at a time until 100 molecules are found, at most 5,120), all seeds together.",
        "- On the way: decodings of the rounds begun before 64 molecules had been found. The search is what follows; gain is its share "
        "over that of rejection sampling.",
        "- Success: share in the window of the molecules written that survive the round trip (all that the model gives out), repeats "
        "counted; of the search, and in all (draws from the prior, the way, the search).",
        "- Diversity: mean Tanimoto distance of all pairs of the molecules returned (Morgan, radius 2, 1,024 bits).",
    ]
    theirs = common.markdown(["success", *_PUBLISHED["JT-VAE"]], published)
    credit = "Published, trained on ZINC250k (You et al. 2018, arXiv:1806.02473, table 3):"
    return "\n\n".join([common.markdown(head, ours), "\n".join(notes), credit, theirs])


def _cells(rows: Sequence[dict[str, Any]]) -> list[str]:
    decoded, hits = (sum(row["rejection"][key] for row in rows) for key in ("decoded", "hits"))
    later = {key: sum(row["search"][key] for row in rows) for key in ("decoded", "hits")}
    share, searched = hits / decoded, later["hits"] / later["decoded"] if later["decoded"] else None
    return [
        rows[0]["window"],
        "yes" if rows[0]["heads"] else "no",
        f"{_mean(rows, 'found'):,.0f}",
        f"{_mean(rows, 'drawn'):,.0f}",
        f"{statistics.fmean(row['walk']['decoded'] for row in rows):,.0f}",
        f"{share:.2%}" if hits else f"less than 1 in {decoded:,}",
        "" if searched is None else f"{searched:.1%}",
        f"{searched / share:.1f}" if searched and share else "",
        *(_percent(_mean(rows, key)) for key in ("success", "success_in_all")),
        "" if (different := _mean(rows, "diversity")) is None else f"{different:.3f}",
        *(_percent(_mean(rows, key)) for key in ("novel", "passing")),
        f"{_mean(rows, 'seconds'):.0f}",
    ]


def _mean(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    """Mean over the runs that have the figure."""
    values = [row[key] for row in rows if row[key] is not None]
    return statistics.fmean(values) if values else None


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="molecules of each run")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each window")
    parser.add_argument("--budget", type=int, help="most decodings of a run; the default of `molvae sample` without it")
    parser.add_argument("--model", default="moses", help="a bundled name, or the folder of a model")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "conditional.json", help="JSON to write; the table goes beside it")
    return parser.parse_args()


def main() -> None:
    """Sample in each window with and without heads, and write the table."""
    args, before = parse_options(), common.machine()
    model = MolVAE.from_pretrained(args.model)
    models = [MolVAE(replace(model.checkpoint, heads=nn.ModuleList()))]
    models = [model, *models] if model.properties else models
    rows = [run(each, where, seed, args) for where in _WINDOWS for each in models for seed in range(args.seeds)]
    settings = {"n": args.n, "seeds": args.seeds, "budget": args.budget, "model": Path(args.model).name}
    common.write_result(args.out, "Sampling with properties in a window", rows, table(rows, args), before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
