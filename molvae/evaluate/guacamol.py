"""The distribution-learning benchmarks of GuacaMol (Brown et al. 2019, doi:10.1021/acs.jcim.8b00839) on molecules in a file.

Definitions follow the paper and its code (github.com/BenevolentAI/guacamol, version 0.5.5); molecules are compared without stereo,
as there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from molvae.errors import DataError
from molvae.evaluate.chunks import in_chunks
from molvae.evaluate.metrics import Known, Metrics, Progress
from molvae.evaluate.samples import Samples

#: How many molecules every published figure of GuacaMol was computed on.
NUMBER = 10_000
#: Descriptors (names of RDKit) whose distributions are compared as densities, and as histograms.
CONTINUOUS = ("BertzCT", "MolLogP", "MolWt", "TPSA")
DISCRETE = ("NumHAcceptors", "NumHDonors", "NumRotatableBonds", "NumAliphaticRings", "NumAromaticRings")
_DIVERGENCES = tuple(f"kl_{name}" for name in (*CONTINUOUS, *DISCRETE, "internal_similarity"))
_TINY = 1e-10  # GuacaMol's own floor of a density
_GRID = 1_000  # points a density is evaluated at
_BINS = 10


def guacamol_metrics(
    samples: Samples,
    training: Sequence[str],
    known: Known | None = None,
    fcd: float | None = None,
    seed: int = 0,
    jobs: int = -1,
    progress: Progress | None = None,
    number: int = NUMBER,
) -> Metrics:
    """Validity, uniqueness, novelty, KL score, FCD score (each 0 to 1, high is good) and the ten divergences behind the KL score (nats).

    - `validity`: valid rows among all rows.
    - `uniqueness`: different molecules among the first `number` valid ones.
    - `novelty`: of the first `number` different molecules, the share not trained on.
    - `kl_score`: mean of exp(-KL) over nine descriptors and each molecule's largest Tanimoto similarity (ECFP4, 4,096 bits) to another
      of its set, the training molecules first in the divergence. Single divergences are `kl_` and the descriptor's name.
    - `fcd_score`: exp(-0.2 FCD).

    GuacaMol holds the model and asks it for more until it has enough; after ten times as many draws it gives up and counts what is
    short as repeated or known, while its KL and FCD take what there is. A file cannot be asked for more, so here a metric whose
    molecules do not suffice is missing, with the number it needs. Validity is over all rows, not the first `number`, because the
    refused rows of a file carry no place; and the training molecules that KL takes are drawn by `seed`, not by GuacaMol's generator.

    Args:
        samples: the molecules to judge.
        training: SMILES trained on, at least `number` for the KL score; with `known`, a random part of them will do.
        known: tells what was trained on; None compares with all of `training`, at some thousand molecules a second and core.
        fcd: Fréchet ChemNet distance of `number` valid samples to `number` training molecules.
        seed: of the draw of training molecules.
        jobs: processes; -1 is one a core.
        progress: told of the longer steps.
        number: molecules every metric is computed on. Figures on another number than GuacaMol's 10,000 cannot be compared with its.

    Raises:
        DataError: a training molecule is no SMILES, or `number` is below 2.
    """
    if number < 2:
        raise DataError(f"{number} molecules asked for, a distribution needs at least 2")
    different = samples.unique[:number]
    flat = _without_stereo(different, jobs, progress, "samples without stereo")
    parts = (
        _validity(samples, number),
        _uniqueness(samples.smiles[:number], dict(zip(different, flat, strict=True)), number),
        _novelty(different, flat, training, known, number, jobs, progress),
        _kl(flat if len(different) == number else [], len(different), _drawn(training, number, seed), number, jobs, progress),
        _fcd(fcd, len(samples.smiles), number),
    )
    found = Metrics({k: v for part in parts for k, v in part.values.items()}, {k: v for part in parts for k, v in part.missing.items()})
    order = ("validity", "uniqueness", "novelty", "kl_score", "fcd_score", *_DIVERGENCES)
    return Metrics({name: found.values[name] for name in order if name in found.values}, found.missing)


def _short(names: Sequence[str], number: int, what: str, got: int) -> Metrics:
    return Metrics({}, dict.fromkeys(names, f"needs {number:,} {what}, got {got:,}"))


def _validity(samples: Samples, number: int) -> Metrics:
    if samples.rows < number:
        return _short(["validity"], number, "rows", samples.rows)
    return Metrics({"validity": len(samples.smiles) / samples.rows}, {})


def _uniqueness(valid: Sequence[str], flat: dict[str, str], number: int) -> Metrics:
    if len(valid) < number:
        return _short(["uniqueness"], number, "valid molecules", len(valid))
    return Metrics({"uniqueness": len({flat[smiles] for smiles in valid}) / number}, {})


def _novelty(
    different: Sequence[str],
    flat: Sequence[str],
    training: Sequence[str],
    known: Known | None,
    number: int,
    jobs: int,
    progress: Progress | None,
) -> Metrics:
    if len(different) < number:
        return _short(["novelty"], number, "different molecules", len(different))
    if known is None and not training:
        return Metrics({}, {"novelty": "needs the molecules trained on, got none"})
    if known is None:
        seen = set(_without_stereo(training, jobs, progress, "training molecules without stereo"))
    else:  # an index of molecules with stereo knows them by that form only
        seen = {form for form, old in zip(flat, known.contains(different) | known.contains(flat), strict=True) if old}
    return Metrics({"novelty": len(set(flat) - seen) / number}, {})


def _fcd(fcd: float | None, valid: int, number: int) -> Metrics:
    if valid < number:
        return _short(["fcd_score"], number, "valid molecules", valid)
    if fcd is None:
        return Metrics({}, {"fcd_score": "needs the FCD to training molecules, which was not computed"})
    return Metrics({"fcd_score": float(np.exp(-0.2 * fcd))}, {})


def _drawn(training: Sequence[str], number: int, seed: int) -> list[str]:
    """`number` of the training molecules by chance, or all where there are fewer."""
    if len(training) <= number:
        return list(training)
    return [training[at] for at in np.random.default_rng(seed).choice(len(training), number, replace=False)]


def _without_stereo(smiles: Sequence[str], jobs: int, progress: Progress | None, what: str) -> list[str]:
    """Canonical SMILES without stereo and isotopes, one for each."""
    return [flat for chunk in in_chunks(_flattened, smiles, jobs, progress, what) for flat in chunk]


def _flattened(smiles: list[str]) -> list[str]:
    return [str(Chem.MolToSmiles(_mol(text), isomericSmiles=False)) for text in smiles]


def _mol(smiles: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise DataError(f"{smiles[:80]!r} among the molecules to compare with is no SMILES; leave it out")
    return mol


def _kl(flat: Sequence[str], different: int, training: Sequence[str], number: int, jobs: int, progress: Progress | None) -> Metrics:
    """The divergences from the training molecules to the samples, and their score; `flat` is empty where `different` is too few."""
    names = ("kl_score", *_DIVERGENCES)
    if not flat:
        return _short(names, number, "different molecules", different)
    if len(training) < number:
        return _short(names, number, "training molecules", len(training))
    reference = _distributions(_without_stereo(training, jobs, None, ""), "training molecules", jobs, progress)
    sampled = _distributions(flat, "samples", jobs, progress)
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for at, name in enumerate(_DIVERGENCES):
        compare = discrete_divergence if name.removeprefix("kl_") in DISCRETE else continuous_divergence
        try:
            values[name] = compare(reference[at], sampled[at])
        except DataError as error:
            missing[name] = str(error)
    if missing:
        return Metrics(values, {"kl_score": f"needs all {len(_DIVERGENCES)} divergences, without {', '.join(missing)}", **missing})
    return Metrics({"kl_score": float(np.mean([np.exp(-kl) for kl in values.values()])), **values}, {})


def _distributions(flat: Sequence[str], whose: str, jobs: int, progress: Progress | None) -> list[NDArray[np.float64]]:
    """What is compared, in the order of `_DIVERGENCES`: nine descriptors and the similarity of each different molecule."""
    parts = list(in_chunks(_described, list(dict.fromkeys(flat)), jobs, progress, f"descriptors of {whose}"))
    columns = list(np.concatenate([descriptors for descriptors, _ in parts]).T)
    return [*columns, _nearest([bits for _, fingerprints in parts for bits in fingerprints], f"similarity of {whose}", progress)]


def _described(smiles: list[str]) -> tuple[NDArray[np.float64], list[DataStructs.ExplicitBitVect]]:
    """Descriptors (n, 9) and fingerprints."""
    mols = [_mol(text) for text in smiles]
    functions = [getattr(Descriptors, name) for name in (*CONTINUOUS, *DISCRETE)]
    ecfp4 = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096)
    return np.array([[float(function(mol)) for function in functions] for mol in mols]), [ecfp4.GetFingerprint(mol) for mol in mols]


def _nearest(fingerprints: Sequence[DataStructs.ExplicitBitVect], what: str, progress: Progress | None) -> NDArray[np.float64]:
    """Each molecule's largest Tanimoto similarity to another one: (n,); each pair is computed once."""
    largest = np.zeros(len(fingerprints))
    for at in range(1, len(fingerprints)):
        similarities = np.array(DataStructs.BulkTanimotoSimilarity(fingerprints[at], fingerprints[:at]))
        largest[at] = similarities.max()
        np.maximum(largest[:at], similarities, out=largest[:at])
        if progress is not None and (at % 1_000 == 0 or at == len(fingerprints) - 1):
            progress(what, at + 1, len(fingerprints))
    return largest


def continuous_divergence(reference: NDArray[np.float64], sampled: NDArray[np.float64]) -> float:
    """KL divergence from `reference` (n,) to `sampled` (m,), nats, of Gaussian kernel densities on 1,000 points over both.

    Raises:
        DataError: one of them has no spread, so no density.
    """
    both = np.concatenate([reference, sampled])
    grid = np.linspace(both.min(), both.max(), _GRID)
    return _divergence(density(reference, grid) + _TINY, density(sampled, grid) + _TINY)


def discrete_divergence(reference: NDArray[np.float64], sampled: NDArray[np.float64]) -> float:
    """KL divergence from `reference` (n,) to `sampled` (m,), nats, of histograms of ten bins over the reference.

    As in GuacaMol, samples outside the range of the reference are not counted.

    Raises:
        DataError: all samples are outside it.
    """
    expected, edges = np.histogram(reference, bins=_BINS)
    got, _ = np.histogram(sampled, bins=edges)
    if not got.any():
        raise DataError(f"no sample lies within the range of the training molecules, {reference.min():g} to {reference.max():g}")
    width = edges[1] - edges[0]
    return _divergence(expected / expected.sum() / width + _TINY, got / got.sum() / width + _TINY)


def density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian kernel density of values (n,) on a grid (g,): (g,), of width by Scott's rule (Scott 1992): n^(-1/5) standard deviations.

    Raises:
        DataError: fewer than two values, or all are the same.
    """
    if len(values) < 2 or np.ptp(values) == 0:
        raise DataError("fewer than two different values, which have no density")
    width = np.std(values, ddof=1) * len(values) ** -0.2
    sums = [np.exp(-0.5 * ((point - values) / width) ** 2).sum() for point in grid]
    return np.asarray(np.array(sums) / (len(values) * width * np.sqrt(2 * np.pi)))


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """KL divergence of two positive vectors, each scaled to a sum of one."""
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p * np.log(p / q)))
