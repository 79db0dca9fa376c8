"""Molecules a second in training: molvae beside the MOSES VAE and CharRNN in one run on the same rows, and the machine's ceilings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import selfies
import torch
from common import (
    Figure,
    Variant,
    add_common_arguments,
    cores,
    machine,
    measure_interleaved,
    number_text,
    plain_errors,
    repeat_for,
    say,
    write_speeds,
)
from ours import measured_speed
from peers import char_rnn_training, load_peers, moses_rows, vae_training
from rdkit import Chem

from molvae.chem.selfies import pinned
from molvae.data.batching import EqualLengthBatches
from molvae.data.corpus import Corpus, build_corpus
from molvae.data.tokenizer import Tokenizer
from molvae.files import replacing
from molvae.fitting import corpus_settings, new_vae
from molvae.pretrained import find_pretrained, pretrained_names
from molvae.training.engine import make_fabric
from molvae.training.recipe import Recipe

BASE, BASE_BF16 = "MOSES VAE, fp32", "MOSES VAE, bf16"
EQUAL = "molvae at MOSES VAE's sizes"
BATCH = 512
_RECIPE = Path(__file__).parents[1] / "recipes" / "moses.toml"
#: The MOSES VAE's hidden sizes, layers and latent size. Its encoder reads one way, ours both ways at the same width, so ours is larger.
_EQUAL = {"latent_size": 128, "encoder_hidden": 256, "encoder_layers": 1, "decoder_hidden": 512, "decoder_layers": 3}
_CEILING_SECONDS = 5.0
_MOLECULES = "molecules/s"


@dataclass(frozen=True)
class Timing:
    """Seconds of a measurement, and of the warm-up before one of ours (a peer warms up for one step)."""

    seconds: float

    @property
    def warmup(self) -> float:
        """A sixth of the measurement, at least two seconds: every length of batch should have been seen once."""
        return max(2.0, self.seconds / 6)

    @property
    def ceiling(self) -> float:
        """Seconds of a ceiling's measurement."""
        return min(_CEILING_SECONDS, self.seconds)


def our_recipe() -> Recipe:
    """recipes/moses.toml, or the default recipe where that is missing, with the batch size of the peer."""
    recipe = Recipe.load(_RECIPE) if _RECIPE.exists() else Recipe()
    return recipe.updated(train={"batch_size": BATCH})


def make_corpus(rows: list[str], cache: Path, recipe: Recipe) -> Corpus:
    """Our corpus of the rows."""
    source = cache / f"moses-first-{len(rows)}.smi"
    if not source.exists():
        with replacing(source) as partial:
            partial.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return build_corpus(source, cache / "corpora", corpus_settings(recipe), bundled_tokenizer())


def bundled_tokenizer() -> Tokenizer | None:
    """Tokens learned from the whole training set: those learned from a few rows fit these rows too well and would flatter us."""
    return Tokenizer.load(find_pretrained("moses") / "tokenizer.json") if "moses" in pretrained_names() else None


def peer_variants(rows: list[str], cache: Path, seconds: float) -> list[Variant]:
    """The MOSES VAE as published and under bf16 autocast; the CharRNN at its own batch size and at that of the others."""
    peers = load_peers(cache)
    vae, low = vae_training(peers, rows), vae_training(peers, rows)
    own, large = char_rnn_training(peers, rows), char_rnn_training(peers, rows, BATCH)
    size = f"{vae.parameters():,} weights"
    rnn = f"{own.parameters():,} weights"
    return [
        Variant(BASE, _MOLECULES, lambda: vae.train(seconds), f"as published, {size}, batch {BATCH}"),
        Variant(BASE_BF16, _MOLECULES, lambda: low.train(seconds, bf16=True), "the same under bf16 autocast, which MOSES does not use"),
        Variant("MOSES CharRNN, fp32", _MOLECULES, lambda: own.train(seconds), f"as published, {rnn}, batch 64"),
        Variant(f"MOSES CharRNN, fp32, batch {BATCH}", _MOLECULES, lambda: large.train(seconds), f"the same at batch {BATCH}"),
    ]


def our_variants(corpus: Corpus, recipe: Recipe, timing: Timing) -> list[Variant]:
    """Ours by the recipe in one process and in two, and at the MOSES VAE's sizes in both precisions."""
    equal = recipe.updated(model=_EQUAL)
    precision = str(make_fabric(recipe, accelerator="cpu")._precision.precision)
    short = "bf16" if precision.startswith("bf16") else "fp32"
    sizes = "encoder 256 (both ways, theirs one), decoder 3 x 512, latent 128, embedding 128"
    trained = [
        (f"molvae, {short}, 1 process", recipe, 1, f"recipes/moses.toml, precision {precision}, all threads"),
        (f"molvae, {short}, 2 processes x 1 thread", recipe, 2, f"the same in two processes, batch {BATCH} over both"),
        (f"{EQUAL}, fp32", equal.updated(train={"precision": "32-true"}), 1, f"{sizes}; in fp32, as the MOSES VAE is trained"),
    ]
    if short == "bf16":
        trained.append((f"{EQUAL}, bf16", equal, 1, "the same in bf16"))
    return [_our_variant(*each, corpus=corpus, timing=timing) for each in trained]


def _our_variant(name: str, recipe: Recipe, devices: int, note: str, *, corpus: Corpus, timing: Timing) -> Variant:
    weights = sum(weight.numel() for weight in new_vae(recipe, len(corpus.tokenizer)).parameters())

    def measure() -> float:
        return measured_speed(recipe, corpus.folder, timing.seconds, timing.warmup, devices)

    return Variant(name, _MOLECULES, measure, f"{note}; {weights:,} weights")


def matrix_ceilings(recipe: Recipe, seconds: float) -> list[Variant]:
    """Products of the shapes of a GRU step, batch x hidden by hidden x 3 hidden, on all cores."""
    widths = sorted({recipe.model.encoder_hidden, recipe.model.decoder_hidden})
    kinds = {"bf16": torch.bfloat16, "fp32": torch.float32}
    return [_product(width, name, kind, seconds) for width in widths for name, kind in kinds.items()]


def _product(width: int, name: str, kind: torch.dtype, seconds: float) -> Variant:
    left, right = torch.randn(BATCH, width).to(kind), torch.randn(width, 3 * width).to(kind)
    out = torch.empty(BATCH, 3 * width, dtype=kind)

    def once() -> int:
        for _ in range(20):
            torch.mm(left, right, out=out)
        return 20 * 2 * BATCH * width * 3 * width

    return Variant(f"product {BATCH} x {width} by {width} x {3 * width}, {name}", "GFLOP/s", lambda: repeat_for(seconds, once) / 1e9)


def chemistry_ceilings(rows: list[str], seconds: float) -> list[Variant]:
    """What RDKit and selfies do on one core."""
    strings = [selfies.encoder(smiles) for smiles in rows[:1000]]
    smiles, written = cycle(rows), cycle(strings)

    def canonicalise() -> int:
        return sum(bool(Chem.MolToSmiles(Chem.MolFromSmiles(text))) for text in islice(smiles, 100))

    def encode() -> int:
        return sum(bool(selfies.encoder(text)) for text in islice(smiles, 100))

    def decode() -> int:
        return sum(bool(selfies.decoder(text)) for text in islice(written, 100))

    jobs = {"RDKit parse and canonicalise": canonicalise, "selfies encode": encode, "selfies decode": decode}
    return [Variant(name, f"{_MOLECULES}/core", lambda once=once: repeat_for(seconds, once)) for name, once in jobs.items()]  # type: ignore[misc]


def like_with_like(figures: Sequence[Figure]) -> str:
    """The ratios of equal sizes at equal precision."""
    by_name = {figure.name: figure for figure in figures}
    pairs = {"fp32": (f"{EQUAL}, fp32", BASE), "bf16": (f"{EQUAL}, bf16", BASE_BF16)}
    spreads = {name: by_name[ours].over(by_name[theirs]).spread() for name, (ours, theirs) in pairs.items() if ours in by_name}
    texts = [f"{number_text(s['median'])} ({number_text(s['min'])} to {number_text(s['max'])}) in {name}" for name, s in spreads.items()]
    return f"Equal sizes at equal precision, molvae over the MOSES VAE: {', '.join(texts)}."


def remarks(corpus: Corpus) -> list[str]:
    """What a reader must know."""
    batches = len(EqualLengthBatches(corpus.lengths, BATCH))
    return [
        f"Our batches hold molecules of one length in tokens (mean {corpus.lengths.mean():.1f} tokens a molecule), so the last of each "
        f"length is short: {len(corpus) / batches:.0f} molecules a batch on these rows, closer to {BATCH} on the whole set. "
        "Only molecules really seen are counted.",
        "The peers run their own collation, packing, loss, clipping and optimizer; one step of warm-up, then whole steps until time is up.",
        "Ours is the loop of `molvae train` (molvae.training.trainer.Trainer); its corpus is encoded beforehand, which is not counted.",
    ]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="first rows of the MOSES training set")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement")
    add_common_arguments(parser, "training_speed.json")
    return parser.parse_args()


def main() -> None:
    """Measure and write the report."""
    args, before = parse(), machine()
    timing, recipe = Timing(args.seconds), our_recipe()
    say(f"{before['processor']}, {cores()} cores, load average {before['load_average']}")
    rows = moses_rows(args.cache, args.rows)
    corpus = make_corpus(rows, args.cache, recipe)
    variants = peer_variants(rows, args.cache, timing.seconds) + our_variants(corpus, recipe, timing)
    with pinned():
        variants += matrix_ceilings(recipe, timing.ceiling) + chemistry_ceilings(rows, timing.ceiling)
        figures = measure_interleaved(variants, args.rounds)
    settings = {"rows": args.rows, "seconds": args.seconds, "threads": torch.get_num_threads(), "recipe": recipe.model_dump()}
    write_speeds(args.out, "Training speed", figures, BASE, before, settings, [like_with_like(figures), *remarks(corpus)])


if __name__ == "__main__":
    with plain_errors():
        main()
