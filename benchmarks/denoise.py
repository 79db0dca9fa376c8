"""How often the molecule comes back from a corrupted text: exact recovery at the first place, and within the first five.

    python benchmarks/denoise.py --molecules 1000 --models moses runs/denoise

Each of the MOSES test molecules is corrupted in four ways: of the merged tokens of its SELFIES, 5% or 10% replaced by other ones; of the
characters of its canonical SMILES, 5% or 10% lost or swapped with the next (as often one as the other). Every text is changed in one
place at least. What is asked: the true molecule, as canonical SMILES. Who answers:

- plain: the encoder's mean for the text as it stands, decoded greedily; a SMILES that is no molecule has no answer
- denoise, no trust: `MolVAE.denoise(..., trust=False)`, which is told that every text is corrupted
- denoise: the default, which gives a text that reads as a molecule back as that molecule (so it fails at those by definition)

A bundled model or folder each; train the denoising one by
`molvae train recipes/denoise.toml --start moses --out runs/denoise --devices 2`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from trained import moses_test

from molvae import MolVAE
from molvae.chem.selfies import to_symbols
from molvae.data.cache import cache_folder
from molvae.files import replacing
from molvae.latent.texts import read_text

_PART = 50  # texts answered between two writings
_FIRST_TOKEN = 2  # the two before it begin and end a molecule


def with_tokens_replaced(model: MolVAE, smiles: str, share: float, random: np.random.Generator) -> str:
    """SELFIES text some of whose merged tokens are other ones; at least one is."""
    tokenizer = model.checkpoint.tokenizer
    ids = tokenizer.encode([to_symbols(smiles)])[0].astype(int)
    while True:
        hit = random.random(len(ids)) < share
        new = np.where(hit, random.integers(_FIRST_TOKEN, len(tokenizer), len(ids)), ids)
        if (new != ids).any():
            return "".join(tokenizer.symbols_of(new))


def with_characters_spoilt(smiles: str, share: float, random: np.random.Generator) -> str:
    """SMILES some of whose characters are lost, or swapped with the next; at least one is.

    >>> with_characters_spoilt("CO", 0.99, np.random.default_rng(0)) in ("", "C", "O", "OC")
    True
    """
    while (text := _spoilt(smiles, share, random)) in (smiles, ""):
        pass
    return text


def _spoilt(text: str, share: float, random: np.random.Generator) -> str:
    left, written = text, ""
    while left:
        slip, lost = random.random() < share, random.random() < 0.5
        if not slip:
            written, left = written + left[0], left[1:]
        elif lost or len(left) == 1:
            left = left[1:]
        else:
            written, left = written + left[1] + left[0], left[2:]
    return written


def corrupted(model: MolVAE, smiles: list[str], kind: str, share: float, seed: int) -> list[str]:
    """The texts of a task."""
    random = np.random.default_rng([seed, int(1000 * share), kind == "tokens"])
    if kind == "tokens":
        return [with_tokens_replaced(model, text, share, random) for text in smiles]
    return [with_characters_spoilt(text, share, random) for text in smiles]


@torch.inference_mode()
def plain(model: MolVAE, texts: list[str], kind: str) -> list[list[str]]:
    """The one answer of encoder and greedy decoder for each text."""
    if kind == "characters":
        return [[text] for text in model.reconstruct(texts)["reconstruction"]]
    tokenizer, device = model.checkpoint.tokenizer, next(model.checkpoint.vae.parameters()).device
    ids = tokenizer.encode_texts(texts)
    codes = np.concatenate([model.checkpoint.vae.encoder(torch.tensor([row], device=device)).mean.cpu().numpy() for row in ids])
    return [[text] for text in model.decode(codes)["smiles"]]


@dataclass(frozen=True)
class Kept:
    """Answers on disk, with the seconds that each part of them took.

    Attributes:
        folder: of one model, corruption and seed.
        resume: whether what is there is used.
    """

    folder: Path
    resume: bool

    def answers(self, name: str, texts: list[str], answer: Callable[[list[str]], list[list[str]]]) -> tuple[list[list[str]], float]:
        """The answers of a method, in parts of 50 texts that are kept, and the seconds they took."""
        parts = [self._part(f"{name}-{start}", texts[start : start + _PART], answer) for start in range(0, len(texts), _PART)]
        return [each for part in parts for each in part["answers"]], sum(part["seconds"] for part in parts)

    def _part(self, name: str, texts: list[str], answer: Callable[[list[str]], list[list[str]]]) -> dict[str, Any]:
        path = self.folder / f"{name}.json"
        if not (self.resume and path.exists()):
            start = time.perf_counter()
            part = {"answers": answer(texts), "seconds": time.perf_counter() - start}
            with replacing(path) as partial:
                partial.write_text(json.dumps(part), encoding="utf-8")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


def denoised(model: MolVAE, texts: list[str], **options: Any) -> list[list[str]]:
    """The answers of `MolVAE.denoise`, the likeliest first."""
    frame = model.denoise(texts, n=5, **options)
    answers: list[list[str]] = [[] for _ in texts]
    for row, smiles in zip(frame["row"], frame["smiles"], strict=True):
        answers[row].append(smiles)
    return answers


def judged(name: str, smiles: list[str], answers: list[list[str]], seconds: float | None) -> dict[str, Any]:
    """Exact recovery of one method."""
    first = [answer[:1] == [text] for text, answer in zip(smiles, answers, strict=True)]
    five = [text in answer[:5] for text, answer in zip(smiles, answers, strict=True)]
    return {
        "method": name,
        "top1": float(np.mean(first)),
        "top5": None if name == "plain" else float(np.mean(five)),
        "seconds_per_molecule": None if seconds is None else seconds / len(smiles),
    }


def task(model: MolVAE, name: str, smiles: list[str], kind: str, share: float, seed: int, kept: Kept) -> list[dict[str, Any]]:
    """Every method on one kind of corruption."""
    texts = corrupted(model, smiles, kind, share, seed)
    own = [read_text(model, text, "smiles" if kind == "characters" else "selfies").own for text in texts]
    found = []

    def take(method: str, answer: Callable[[list[str]], list[list[str]]]) -> list[list[str]]:
        answers, seconds = kept.answers(method, texts, answer)
        found.append(judged(method, smiles, answers, seconds))
        common.say(f"{name}, {share:.0%} of the {kind}: {found[-1]}")
        return answers

    take("plain", lambda part: plain(model, part, kind))
    answers = take("denoise, no trust", lambda part: denoised(model, part, seed=seed, trust=False))
    trusted = [[whole] if whole else answer for whole, answer in zip(own, answers, strict=True)]  # a whole text is its own answer
    found.append(judged("denoise", smiles, trusted, None))
    head = {"model": name, "corrupted": kind, "share": share, "read_as_molecules": float(np.mean([bool(text) for text in own]))}
    return [head | each for each in found]


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as markdown."""
    head = ["model", "corrupted", "texts that read as a molecule", "method", "recovered, rank 1", "within 5", "s a molecule"]
    return common.markdown(head, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    five = "" if row["top5"] is None else f"{row['top5']:.1%}"
    seconds = "" if row["seconds_per_molecule"] is None else common.number_text(row["seconds_per_molecule"])
    what = f"{row['share']:.0%} of the {row['corrupted']}"
    return [row["model"], what, f"{row['read_as_molecules']:.1%}", row["method"], f"{row['top1']:.1%}", five, seconds]


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, default=1_000, help="of the MOSES test set")
    parser.add_argument("--models", "--model", nargs="+", default=["moses"], help="bundled names or folders")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.1], help="of tokens or characters corrupted")
    parser.add_argument("--resume", action="store_true", help="go on where a run with the same molecules and seed stopped")
    parser.add_argument("--work", type=Path, default=cache_folder() / "benchmarks" / "denoise", help="keeps the answers for --resume")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=common.RESULTS / "denoise.json")
    return parser.parse_args()


def main() -> None:
    """Measure, and write after every task."""
    args, before = parse_options(), common.machine()
    rows: list[dict[str, Any]] = []
    settings = {"molecules": args.molecules, "seed": args.seed}
    for kind, share, folder in product(("tokens", "characters"), args.shares, args.models):
        model = MolVAE.from_pretrained(folder)
        smiles = [text for text in model.encode_all(moses_test()[: args.molecules]).smiles if text]
        kept = Kept(args.work / f"{Path(folder).name}-{args.molecules}-{kind}-{share:g}-{args.seed}", args.resume)
        rows += task(model, Path(folder).name, smiles, kind, share, args.seed, kept)
        common.write_result(args.out, "Molecules recovered from corrupted texts", rows, table(rows), before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
