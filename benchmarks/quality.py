"""What a model is worth on MOSES: samples from the prior by all metrics, and the latent of the same checkpoint.

    python benchmarks/quality.py --model moses --out benchmarks/results/quality.json

30,000 samples a seed, as `molvae sample` draws them (round trip and critic), by the metrics of MOSES and GuacaMol; for the first seed also
without the critic, and raw. The latent is measured on 10,000 molecules of MOSES' test set (exact reconstruction on 1,000). By the same
measure 10,000 real training molecules have an FCD/Test of .13, and all of them .008.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import common

from molvae import MolVAE
from molvae.data.moses import moses_file
from molvae.evaluate import chemnet
from molvae.evaluate.judge import evaluate
from molvae.evaluate.published import MOSES
from molvae.evaluate.report import write_html

_PEERS = ("CharRNN", "VAE (MOSES)", "JTN-VAE")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses")
    parser.add_argument("--samples", type=int, default=30_000)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--resume", action="store_true", help="keep what --out holds of the same number of samples, and measure the rest")
    parser.add_argument("--html", type=Path, default=None, help="also the report of the first seed")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quality.json"))
    chosen = parser.parse_args()
    moses_file("test")  # now, not after minutes of sampling
    model = MolVAE.from_pretrained(chosen.model)
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    figures: dict[str, object] = {"samples": chosen.samples, "seeds": {}}
    if chosen.resume and chosen.out.exists():
        found = json.loads(chosen.out.read_text(encoding="utf-8"))["figures"]
        figures = found if found.get("samples") == chosen.samples else figures
    for seed in seeds:
        if str(seed) in figures["seeds"]:  # type: ignore[operator]
            continue
        figures["seeds"][str(seed)] = judged(model, chosen.samples, seed, seed == seeds[0], chosen.html)  # type: ignore[index]
        common.write_result(chosen.out, "quality", figures, table(figures))  # what is measured so far is kept
    without = {"round trip, no critic": {"critic": False}, "raw": {"raw": True}}
    figures["without"] = {name: shares(model, chosen.samples, seeds[0], **options) for name, options in without.items()}
    common.write_result(chosen.out, "quality", figures, table(figures))


def judged(model: MolVAE, count: int, seed: int, first: bool, html: Path | None) -> dict[str, object]:
    """All metrics of the samples of one seed; of the latent too for the first one."""
    start = time.perf_counter()
    frame = model.sample(count, seed=seed, distinct=False)
    sampled = time.perf_counter()
    found = evaluate(frame["smiles"].tolist(), "moses", model if first else None)
    seconds = {"sampling": sampled - start, "judging": time.perf_counter() - sampled}
    if first and html:
        write_html(found, html)
    drawn = {name: frame.attrs[name] for name in ("surviving", "accepted", "temperature", "top_p", "prior", "critic")}
    result: dict[str, object] = {"seconds": seconds, "sampling": drawn, "moses": found.moses.values, "guacamol": found.guacamol.values}
    return result | ({"latent": found.latent.values, "verdict": found.settings["verdict"]} if found.latent else {})


def shares(model: MolVAE, count: int, seed: int, **options: bool) -> dict[str, float]:
    """The few figures that show what a filter does."""
    frame = model.sample(count, seed=seed, distinct=False, **options)
    valid = frame.loc[frame["valid"]]
    smiles = valid["smiles"].tolist()
    return {
        "accepted": 1.0 if "raw" in options else float(frame.attrs["accepted"]),
        "valid": float(frame["valid"].mean()),
        "unique@10000": len(set(smiles[:10_000])) / len(smiles[:10_000]),
        "Novelty": float(valid.drop_duplicates("smiles")["novel"].mean()),
        "FCD/Test": chemnet.frechet(chemnet.statistics(smiles), chemnet.moses_statistics("test")),
    }


def table(figures: dict[str, object]) -> str:
    """The figures as markdown."""
    seeds: dict[str, dict[str, dict[str, float]]] = figures["seeds"]  # type: ignore[assignment]
    peers = [peer for peer in MOSES if peer.name in _PEERS]
    first = next(iter(seeds.values()))
    ours = {name: [seed["moses"][name] for seed in seeds.values()] for name in first["moses"]}
    rows = [
        [
            name,
            *(f"{value:.4f}" for value in (*values, statistics.mean(values))),
            *(f"{peer.values.get(name, '')}" for peer in peers),
        ]
        for name, values in ours.items()
    ]
    accepted = [f"{seed['sampling']['accepted']:.4f}" for seed in seeds.values()]
    rows.insert(0, ["accepted of what is drawn", *accepted, "", *("" for _ in peers)])
    parts = [common.markdown(["MOSES", *(f"seed {seed}" for seed in seeds), "mean", *(f"{peer.name}, published" for peer in peers)], rows)]
    if "without" in figures:
        without: dict[str, dict[str, float]] = figures["without"]  # type: ignore[assignment]
        names = list(next(iter(without.values())))
        own = first["moses"] | {"accepted": first["sampling"]["accepted"]}
        columns = {"round trip and critic (the default)": own, **without}
        cells = [[name, *(f"{column[name]:.4f}" for column in columns.values())] for name in names]
        parts.append(common.markdown([f"seed {next(iter(seeds))}", *columns], cells))
    guacamol = [[name, *(f"{seed['guacamol'].get(name, float('nan')):.4f}" for seed in seeds.values())] for name in first["guacamol"]]
    parts.append(common.markdown(["GuacaMol", *(f"seed {seed}" for seed in seeds)], guacamol))
    if "latent" in first:
        parts.append(common.markdown(["latent", ""], [[name, f"{value:,.4g}"] for name, value in first["latent"].items()]))
        parts.append(str(first["verdict"]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
