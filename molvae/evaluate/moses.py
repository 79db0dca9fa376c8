"""The metrics of MOSES (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644), by the definitions of its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase

from molvae.chem.filters import passes
from molvae.chem.molecules import parse
from molvae.errors import DataError, MissingExtraError
from molvae.evaluate import chemnet
from molvae.evaluate.chunks import in_chunks
from molvae.evaluate.metrics import Known, Metrics, Progress
from molvae.evaluate.neighbours import mean_similarities, nearest
from molvae.evaluate.reference import PROPERTIES, Reference
from molvae.evaluate.samples import Samples

#: How many of the first valid samples are looked at for repeats.
UNIQUE_AT = (1_000, 10_000)

_Entry = tuple[str, Callable[[], float]]


def moses_metrics(
    samples: Samples,
    references: Sequence[Reference],
    train: Known | AbstractSet[str] | None = None,
    jobs: int = -1,
    progress: Progress | None = None,
    mine: Reference | None = None,
) -> Metrics:
    """The metrics of MOSES, under the names of its table.

    - valid: share of the rows that are molecules. All that follow are of the valid ones, repeats included.
    - unique@1000, unique@10000: share of different molecules among the first so many.
    - FCD: Frechet ChemNet distance; it falls with the number of samples, MOSES takes 30,000, and below 1,000 it says little.
    - SNN: mean Tanimoto similarity to the nearest neighbour in the reference.
    - Frag, Scaf: cosine similarity of the counts of BRICS fragments, and of Murcko scaffolds of at least two rings.
    - IntDiv, IntDiv2: one minus the mean similarity of all pairs, and minus the mean root of its mean square.
    - Filters: share that passes `molvae.chem.filters`.
    - Novelty: share of the different molecules that are not in the training set.
    - logP, SA, QED, weight: Wasserstein distance of the distributions to those of the first reference.

    Args:
        samples: what is judged.
        references: what it is compared with, as of `molvae.evaluate.reference.references`; FCD, SNN, Frag and Scaf are taken to each.
        train: the training set: an object with `contains`, or a set of canonical SMILES.
        jobs: processes; -1 is one a core.
        progress: told of what is done.
        mine: `Reference.of` the samples with properties, where it is known already.

    Returns:
        What could be computed, and for the rest why not.
    """
    if mine is None:
        asked = any(reference.chemnet is not None for reference in references)
        mine = Reference.of(samples.smiles, "samples", jobs, progress, with_chemnet=asked)
    entries: list[_Entry] = [("valid", partial(_valid, samples))]
    entries += [(f"unique@{count}", partial(_unique, samples.smiles, count)) for count in UNIQUE_AT]
    for reference in references:
        entries += _comparisons(mine, reference, progress)
    entries += _diversity(mine, progress)
    entries += [("Filters", partial(_filters, samples.smiles, jobs, progress)), ("Novelty", partial(_novelty, samples, train))]
    entries += _distributions(mine, references)
    return _collected(entries)


def _collected(entries: Sequence[_Entry]) -> Metrics:
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, compute in entries:
        try:
            values[name] = compute()
        except (DataError, MissingExtraError) as error:
            missing[name] = str(error)
    return Metrics(values, missing)


def _need(count: int, got: int) -> None:
    if got < count:
        raise DataError(f"needs {count:,} valid sample{'s' if count > 1 else ''}, got {got:,}")


def _valid(samples: Samples) -> float:
    if not samples.rows:
        raise DataError("needs 1 row, got 0")
    return len(samples.smiles) / samples.rows


def _unique(smiles: Sequence[str], count: int) -> float:
    _need(count, len(smiles))
    return len(set(smiles[:count])) / count


def _comparisons(mine: Reference, other: Reference, progress: Progress | None) -> Iterator[_Entry]:
    yield f"FCD/{other.name}", partial(_fcd, mine, other)
    yield f"SNN/{other.name}", partial(_snn, mine, other, progress)
    yield f"Frag/{other.name}", partial(_cosine, mine.fragments, other.fragments, "fragment")
    yield f"Scaf/{other.name}", partial(_cosine, mine.scaffolds, other.scaffolds, "scaffold of two rings or more")


def _fcd(mine: Reference, other: Reference) -> float:
    _need(2, mine.count)
    if mine.chemnet is not None and other.chemnet is not None:
        return chemnet.frechet(mine.chemnet, other.chemnet)
    if not chemnet.available():
        raise MissingExtraError(chemnet.MISSING)
    raise DataError(f"needs a reference with ChemNet's statistics, of 2 molecules at least; this one has {other.count}")


def _snn(mine: Reference, other: Reference, progress: Progress | None) -> float:
    _need(1, mine.count)
    return float(nearest(mine.fingerprints, other.fingerprints, progress).mean())


def _cosine(mine: Mapping[str, int], other: Mapping[str, int], what: str) -> float:
    """Cosine of the angle between two vectors of counts; MOSES gives NaN where one is zero."""
    for counts, whose in ((mine, "the samples have"), (other, "the reference has")):
        if not counts:
            raise DataError(f"needs a {what}, {whose} none")
    product = sum(count * other.get(key, 0) for key, count in mine.items())
    return float(product / np.sqrt(_square(mine) * _square(other)))


def _square(counts: Mapping[str, int]) -> float:
    return float(sum(count * count for count in counts.values()))


def _diversity(mine: Reference, progress: Progress | None) -> Iterator[_Entry]:
    """Both kinds from one pass over the pairs, made when the first is asked for."""
    found: list[tuple[float, float]] = []

    def of(power: int) -> float:
        _need(1, mine.count)
        if not found:
            means, squares = mean_similarities(mine.fingerprints, progress)
            found.append((1 - float(means.mean()), 1 - float(np.sqrt(squares).mean())))
        return found[0][power - 1]

    yield "IntDiv", partial(of, 1)
    yield "IntDiv2", partial(of, 2)


def _filters(smiles: Sequence[str], jobs: int, progress: Progress | None) -> float:
    _need(1, len(smiles))
    return sum(in_chunks(_passing, smiles, jobs, progress, "filters")) / len(smiles)


def _passing(smiles: list[str]) -> int:
    with rdBase.BlockLogs():
        return sum(passes(parse(text)) for text in smiles)


def _novelty(samples: Samples, train: Known | AbstractSet[str] | None) -> float:
    if train is None:
        raise DataError("needs the training set")
    _need(1, len(samples.smiles))
    different = samples.unique
    known = [text in train for text in different] if isinstance(train, AbstractSet) else train.contains(different)
    return 1 - float(np.mean(known))


def _distributions(mine: Reference, others: Sequence[Reference]) -> Iterator[_Entry]:
    for name in PROPERTIES:
        yield name, partial(_distribution, name, mine, others)


def _distribution(name: str, mine: Reference, others: Sequence[Reference]) -> float:
    _need(1, mine.count)
    if not others or name not in others[0].properties:
        raise DataError("needs a reference with properties")
    return wasserstein(mine.properties[name], others[0].properties[name])


def wasserstein(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Wasserstein distance of two samples of a number: the area between their cumulative distributions, in the number's unit.

    >>> wasserstein(np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0]))
    5.0
    """
    edges = np.sort(np.concatenate([a, b]))
    below = [np.searchsorted(np.sort(values), edges[:-1], side="right") / len(values) for values in (a, b)]
    return float(np.sum(np.abs(below[0] - below[1]) * np.diff(edges)))
