"""Distinct valid molecules a second, from model to canonical SMILES: molvae beside the MOSES VAE (and CharRNN)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import torch
from common import Figure, Variant, add_common_arguments, cores, machine, measure_interleaved, plain_errors, say, write_speeds
from peers import PeerTraining, char_rnn_training, load_peers, moses_rows, trained, vae_training
from rdkit import Chem, rdBase

from molvae import MolVAE

_PEER = "MOSES VAE"
_UNIT = "distinct valid molecules/s"
_BLOCK = 512  # strings a call of a peer; its own script defaults to 32, which is slower
_PUBLISHED_VALID = {"MOSES VAE": 0.977, "MOSES CharRNN": 0.975}
_PUBLISHED_KL_WEIGHT = 0.05  # at the end of the MOSES VAE's training
_ROWS = 100_000  # rows a peer is trained on


def canonical_or_none(text: str) -> str | None:
    """Canonical SMILES, None for a string that is no molecule."""
    mol = Chem.MolFromSmiles(text) if text else None
    return Chem.MolToSmiles(mol) if mol is not None else None


def check(texts: list[str]) -> set[str]:
    """The distinct molecules among strings."""
    with rdBase.BlockLogs():
        return {smiles for text in texts if (smiles := canonical_or_none(text))}


def distinct_per_second(seconds: float, draw: Callable[[], set[str]]) -> float:
    """Draw until `seconds` have passed; distinct molecules over all draws, a second."""
    found: set[str] = set()
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or not spent:
        found |= draw()
    return len(found) / spent


def our_variants(model: MolVAE, n: int, seconds: float) -> list[Variant]:
    """Ours as by default, filtered by the round trip alone, and raw."""
    seeds = count()

    def kept(critic: bool | None = None) -> set[str]:
        return set(model.sample(n, seed=next(seeds), critic=critic)["smiles"])

    def raw() -> set[str]:
        frame = model.sample(n, seed=next(seeds), raw=True)
        return set(frame.loc[frame["valid"], "smiles"])

    shares = model.sample(n, seed=next(seeds)).attrs  # also the warm-up
    return [
        Variant(
            "molvae, filtered",
            _UNIT,
            lambda: distinct_per_second(seconds, kept),
            f"the default; round trip{' and critic keep' if shares['critic'] else ' keeps'} {shares['accepted']:.1%} of draws",
        ),
        Variant(
            "molvae, round trip alone",
            _UNIT,
            lambda: distinct_per_second(seconds, lambda: kept(critic=False)),
            f"{shares['surviving']:.1%} of draws survive it",
        ),
        Variant(
            "molvae, raw",
            _UNIT,
            lambda: distinct_per_second(seconds, raw),
            "without the round-trip filter; the round trip is still computed and reported",
        ),
    ]


def peer_variants(name: str, model: Any, real: list[str], seconds: float, trained_for: float) -> list[Variant]:
    """A peer as trained here, and as it would be with its published validity."""
    valid = _PUBLISHED_VALID[name]

    def draw() -> set[str]:
        return check(model.sample(_BLOCK))

    return [
        Variant(
            f"{name}, as trained here", _UNIT, lambda: distinct_per_second(seconds, draw),
            f"after {trained_for:g} s of training on this machine only, so few of its strings are valid",
        ),
        Variant(
            f"{name}, generous", _UNIT, lambda: generous(model, real, valid, seconds),
            f"its strings/s, each {valid} valid as published and all distinct; "
            "checking costs what real MOSES SMILES cost, spread over all cores without loss",
        ),
    ]  # fmt: skip


def generous(model: Any, real: list[str], valid: float, seconds: float) -> float:
    """Valid molecules a second if the peer were as valid as published and never repeated itself."""
    written, start = 0, time.perf_counter()
    while (sampling := time.perf_counter() - start) < seconds or not written:
        written += len(model.sample(_BLOCK))
    some = real[: min(len(real), written)]
    start = time.perf_counter()
    check(some)
    checking = (time.perf_counter() - start) * written / len(some) / cores()
    return valid * written / (sampling + checking)


def prepared_peer(name: str, args: argparse.Namespace, rows: list[str]) -> Any:
    """A peer's model, trained now or before."""
    say(f"{name}: training for {args.peer_train_seconds:g} s unless it is in the cache")
    peers = load_peers(args.cache)
    training: PeerTraining = vae_training(peers, rows, _PUBLISHED_KL_WEIGHT) if name == _PEER else char_rnn_training(peers, rows)
    model = trained(name.lower().replace(" ", "-"), args.cache, args.peer_train_seconds, training)
    torch.manual_seed(0)
    model.sample(8)  # warm-up
    return model


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2_048, help="molecules asked of molvae in a call")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement; calls under way are finished")
    parser.add_argument("--model", default="moses", help="bundled name or folder of the molvae model")
    parser.add_argument(
        "--peer-train-seconds", type=float, default=600.0, help="training of a peer, once; its weights are kept in the cache"
    )
    parser.add_argument("--char-rnn", action="store_true", help="measure the MOSES CharRNN too")
    add_common_arguments(parser, "sampling_speed.json")
    return parser.parse_args()


def main() -> None:
    """Measure and write the report."""
    args, before = parse(), machine()
    say(f"{before['processor']}, {cores()} cores, load average {before['load_average']}")
    variants = our_variants(MolVAE.from_pretrained(args.model), args.n, args.seconds)
    rows = moses_rows(args.cache, _ROWS)
    for name in list(_PUBLISHED_VALID)[: 2 if args.char_rnn else 1]:
        variants += peer_variants(name, prepared_peer(name, args, rows), rows, args.seconds, args.peer_train_seconds)
    figures = measure_interleaved(variants, args.rounds)
    settings = {"n": args.n, "seconds": args.seconds, "peer_train_seconds": args.peer_train_seconds, "peer_rows": _ROWS,
                "peer_kl_weight": _PUBLISHED_KL_WEIGHT, "peer_batch": _BLOCK, "threads": torch.get_num_threads()}  # fmt: skip
    write_speeds(args.out, "Sampling speed", figures, more_generous(figures), before, settings, remarks())


def more_generous(figures: Sequence[Figure]) -> str:
    """Name of the faster of the MOSES VAE's two figures, which the ratios refer to."""
    return max((figure for figure in figures if figure.name.startswith(_PEER)), key=lambda figure: figure.spread()["median"]).name


def remarks() -> list[str]:
    """What a reader must know."""
    return [
        "The ratio to quote is the one in the table: it is to the more generous of the MOSES VAE's two figures.",
        "A peer always writes 100 characters a string, so its strings/s hardly depend on how well it is trained.",
        f"The MOSES VAE was trained at the KL weight its own training ends with ({_PUBLISHED_KL_WEIGHT}).",
        f"Loading the models is not counted. Strings are drawn {_BLOCK} at a time by both.",
    ]


if __name__ == "__main__":
    with plain_errors():
        main()
