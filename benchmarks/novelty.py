"""How well each column of `molvae novelty` tells MOSES test molecules from others: ROC-AUC.

    python benchmarks/novelty.py --zinc zinc250k.smi.gz

The others: molecules of ZINC250k that the filters of MOSES refuse (each has at least one alert, and nothing else need be odd about it),
and two kinds of decoys made from MOSES test molecules other than those they are compared with: `shuffled` joins BRICS pieces of
different molecules at random attachment points, whatever bond results; `rewired` takes a molecule and exchanges the partners of two
single bonds, three times over. Both have the sizes of the molecules they come from (the first within two atoms), and RDKit accepts them.
The model must be able to encode all; of the ZINC molecules it is said how many it cannot.

The formula of `score` was chosen among about fifty candidates on 500 molecules of each kind from the same sources; a run with another
--seed draws other ZINC molecules and other decoys.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import common
import numpy as np
import pandas as pd
from rdkit import Chem, rdBase
from trained import moses_test

from molvae import MolVAE
from molvae.chem.filters import passes
from molvae.chem.molecules import canonical, parse
from molvae.chem.similarity import fragments
from molvae.data.formats import read_rows
from molvae.errors import DataError, MoleculeError

#: What is compared: name, and the sign that makes a molecule unlike the training set score high.
_SCORES = {
    "score": 1, "nll": 1, "nll_per_atom": 1, "writing_cost": 1, "writing_cost_per_atom": 1, "critic": -1, "kl": 1, "distance": 1,
    "similarity": -1, "exact": -1,
}  # fmt: skip
_SWAPS, _TRIES = 3, 300
_SPARE = 2  # heavy atoms that a shuffled molecule may have more or fewer than the one it is made after


def auc(usual: Sequence[float], odd: Sequence[float]) -> float:
    """Chance that an odd molecule scores above a usual one, ties counted half (Mann and Whitney 1947).

    >>> auc([1, 2], [2, 3])
    0.875
    """
    ranks = pd.Series([*usual, *odd]).rank().to_numpy()[len(usual) :]
    return float((ranks.sum() - len(odd) * (len(odd) + 1) / 2) / (len(usual) * len(odd)))


def refused_by_filters(path: Path, chance: random.Random) -> Iterator[str]:
    """Molecules of a file that the filters of MOSES refuse, in random order."""
    texts = [row.text for row in read_rows(path)]
    for text in chance.sample(texts, len(texts)):
        try:
            if not passes(parse(text)):
                yield text
        except MoleculeError:
            continue


def split_by_model(model: MolVAE, texts: Iterator[str], count: int) -> tuple[list[str], int]:
    """The first `count` molecules that the model can encode, and how many it could not on the way."""
    found: list[str] = []
    seen = 0
    while len(found) < count:
        part = list(islice(texts, count - len(found) + 50))
        if not part:
            raise DataError(f"only {len(found):,} of {count:,} molecules that the filters refuse can be encoded")
        for text, problem in zip(part, model.encode_all(part).problems, strict=True):
            if len(found) < count:
                found, seen = found + [text] * (problem is None), seen + 1
    return found, seen - count


def shuffled(sources: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Pieces of the sources joined at random, a molecule of the size of each source in turn."""
    pool = [Chem.MolFromSmiles(piece) for text in sources for piece in fragments(parse(text)) if "*" in piece]
    for text in cycle(sources):
        size = parse(text).GetNumHeavyAtoms()
        made = next((mol for _ in range(_TRIES) if (mol := _joined(pool, size, chance))), None)
        if made is not None:
            yield made


def _joined(pool: Sequence[Chem.Mol], size: int, chance: random.Random) -> str | None:
    """A molecule of about `size` heavy atoms made of pieces, or None."""
    mol = chance.choice(pool)
    while ends := _ends(mol):
        piece = chance.choice(pool)
        if _heavy(mol) + _heavy(piece) > size + _SPARE:
            return None
        mol = _bonded(mol, chance.choice(ends), piece, chance.choice(_ends(piece)))
    return _sound(mol) if _heavy(mol) >= size - _SPARE else None


def _heavy(mol: Chem.Mol) -> int:
    return sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms())


def _ends(mol: Chem.Mol) -> list[int]:
    """Attachment points."""
    return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]


def _bonded(mol: Chem.Mol, end: int, piece: Chem.Mol, other: int) -> Chem.Mol:
    """Two pieces with a single bond in place of an attachment point of each."""
    whole = Chem.RWMol(Chem.CombineMols(mol, piece))
    points = (end, other + mol.GetNumAtoms())
    whole.AddBond(*(whole.GetAtomWithIdx(point).GetNeighbors()[0].GetIdx() for point in points), Chem.BondType.SINGLE)
    for point in sorted(points, reverse=True):
        whole.RemoveAtom(point)
    return whole.GetMol()


def rewired(sources: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Each source with the partners of two single bonds exchanged, `_SWAPS` times."""
    for text in cycle(sources):
        mol, swaps = parse(text), 0
        for _ in range(_TRIES):
            if swaps == _SWAPS:
                yield canonical(mol)
                break
            changed = _swapped(mol, chance)
            mol, swaps = (changed, swaps + 1) if changed is not None else (mol, swaps)


def _swapped(mol: Chem.Mol, chance: random.Random) -> Chem.Mol | None:
    edited = Chem.RWMol(mol)
    single = [bond for bond in edited.GetBonds() if bond.GetBondType() == Chem.BondType.SINGLE]
    if len(single) < 2:
        return None
    (a, b), (c, d) = ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in chance.sample(single, 2))
    if chance.random() < 0.5:
        c, d = d, c
    if len({a, b, c, d}) < 4 or edited.GetBondBetweenAtoms(a, d) or edited.GetBondBetweenAtoms(c, b):
        return None
    for old, new in (((a, b), (a, d)), ((c, d), (c, b))):
        edited.RemoveBond(*old)
        edited.AddBond(*new, Chem.BondType.SINGLE)
    text = _sound(edited.GetMol())
    return None if text is None else Chem.MolFromSmiles(text)


def _sound(mol: Chem.Mol) -> str | None:
    """Canonical SMILES of one whole molecule that RDKit accepts, or None."""
    with rdBase.BlockLogs():
        if Chem.SanitizeMol(mol, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            return None
        read = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    return None if read is None or len(Chem.GetMolFrags(read)) > 1 else canonical(read)


def judged(model: MolVAE, texts: Sequence[str], args: argparse.Namespace) -> pd.DataFrame:
    """The table of `molvae novelty`."""
    frame = model.novelty(texts, samples=args.samples, seed=args.seed)
    return frame.assign(writing_cost_per_atom=frame["writing_cost"] / frame["heavy_atoms"])


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zinc", type=Path, required=True, help="file of ZINC250k")
    parser.add_argument("--model", default="moses", help="bundled name or folder; one trained on MOSES")
    parser.add_argument("--molecules", type=int, default=1_000, help="of each set")
    parser.add_argument("--samples", type=int, default=16, help="codes a molecule of the likelihood")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "novelty.json", help="JSON to write; the table goes beside it")
    return parser.parse_args()


def main() -> None:
    """Make the sets, judge them, write the table."""
    args, before = parse_options(), common.machine()
    model, chance = MolVAE.from_pretrained(args.model), random.Random(args.seed)
    usual, sources = moses_test()[: args.molecules], moses_test()[args.molecules : 2 * args.molecules]
    zinc, foreign = split_by_model(model, refused_by_filters(args.zinc, chance), args.molecules)
    sets = {"ZINC250k, refused by the filters": zinc}
    sets |= {make.__name__: split_by_model(model, make(sources, chance), args.molecules)[0] for make in (shuffled, rewired)}
    common.say("judging")
    base = judged(model, usual, args)
    frames = {name: judged(model, texts, args) for name, texts in sets.items()}
    figures = {
        score: {name: auc(sign * base[score], sign * frame[score]) for name, frame in frames.items()} for score, sign in _SCORES.items()
    }
    share = foreign / (foreign + len(zinc))
    flagged = {name: float((frame["percentile"] > 95).mean()) for name, frame in {"MOSES test": base, **frames}.items()}
    write(args, before, figures, flagged, share)


def write(args: argparse.Namespace, before: common.Machine, figures: dict[str, dict[str, float]], flagged: dict[str, float],
          share: float) -> None:  # fmt: skip
    """Table, remarks and JSON."""
    names = list(figures["score"])
    rows = [[f"`{score}`", *(f"{values[name]:.3f}" for name in names)] for score, values in figures.items()]
    best = max(figures, key=lambda score: float(np.mean(list(figures[score].values()))))
    text = "\n".join(
        [
            f"ROC-AUC against {args.molecules:,} MOSES test molecules, {args.molecules:,} of each set. Highest mean: `{best}`.", "",
            common.markdown(["column", *names], rows), "",
            f"Share above 95% of the training set: {', '.join(f'{name} {value:.1%}' for name, value in flagged.items())}.", "",
            f"Of the ZINC250k molecules that the filters refuse, the model cannot encode {share:.0%} (stereo marks, charges, elements); "
            "these get the percentile 100 and are not in the table.",
        ]
    )  # fmt: skip
    common.write_result(
        args.out, "Novelty: MOSES test molecules against others", figures, text, before, best=best, above_95th_percentile=flagged,
        zinc_not_encodable=share, settings={"model": args.model, "molecules": args.molecules, "samples": args.samples, "seed": args.seed},
    )  # fmt: skip


if __name__ == "__main__":
    with common.plain_errors():
        main()
