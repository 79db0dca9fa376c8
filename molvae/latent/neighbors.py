"""Molecules around a molecule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.molecules import parse
from molvae.chem.properties import compute
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.sampling import BLOCK

if TYPE_CHECKING:
    from molvae.model import MolVAE

_FIRST, _STEP, _LAST = 0.5, 0.25, 4.0  # radii
_LEAST_BLOCKS, _DRAWS_EACH = 20, 50  # patience: blocks in all, or draws for each molecule asked for, whichever is more

_Floats = NDArray[np.float32]


def neighbors(
    model: MolVAE,
    smiles: str,
    n: int = 100,
    *,
    min_similarity: float = 0.0,
    radius: float | None = None,
    properties: Sequence[str] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Distinct molecules around one, the most similar first; never the molecule itself.

    Codes are drawn around its posterior, first near and then farther away, and the likeliest molecule is written for each, until n
    have been found that survive the round trip. After 50 codes for each molecule asked for (and at least 10,240) the search ends with
    fewer.

    Args:
        model: the model.
        smiles: the molecule.
        n: molecules wanted.
        min_similarity: least Tanimoto similarity to the molecule, 0 to 1.
        radius: how far away to draw: 1 draws from the posterior, below 1 nearer, above 1 on the way to the prior (see `codes_around`).
            From 0.5 outward when None.
        properties: names of properties to add, see `molvae.chem.properties`; its usual ones when None.
        seed: the same seed gives the same molecules.

    Returns:
        DataFrame of `smiles` (canonical), `similarity` (Tanimoto, Morgan fingerprints of radius 2), `distance` (Euclidean, between the
        posterior means) and the properties. `attrs` holds `smiles` (the molecule, canonical), `asked`, `drawn` and `seed`.

    Raises:
        DataError: the molecule cannot be encoded (with the reason), or an argument is out of its range.
    """
    _check(n, min_similarity, radius)
    start = model.encode_all([smiles])
    if start.problems[0]:
        raise DataError(f"{smiles!r} cannot be encoded: {start.problems[0]}")
    own = bit_matrix([parse(start.smiles[0])])
    found: dict[str, float] = {start.smiles[0]: 0.0}
    blocks = 0
    for block, far in enumerate(islice(_radii(radius), max(_LEAST_BLOCKS, -(-n * _DRAWS_EACH // BLOCK)))):
        noise = np.random.default_rng([seed, block]).standard_normal((BLOCK, model.latent_size), dtype=np.float32)
        written = model.decode(codes_around(start.codes, start.log_variances, far, noise), surviving=True)
        new = [text for text in dict.fromkeys(written["smiles"]) if text not in found]
        near = tanimoto(bit_matrix(map(parse, new)), own)[:, 0].tolist()
        found |= {text: value for text, value in zip(new, near, strict=True) if value >= min_similarity}
        blocks = block + 1
        if len(found) > n:
            break
    del found[start.smiles[0]]
    frame = _table(model, found, start.codes, properties).head(n)
    frame.attrs = {"smiles": start.smiles[0], "asked": n, "drawn": blocks * BLOCK, "seed": seed}
    return frame


def codes_around(mean: _Floats, log_variance: _Floats, radius: float | _Floats, noise: _Floats) -> _Floats:
    """Codes near or far from a posterior q = N(mean, variance), between the molecule and the prior p = N(0, I).

    Up to a radius of 1 they are mean + radius * standard deviation * noise. Beyond, they are drawn from the density proportional to
    q^(1/radius^2) p^(1 - 1/radius^2), the geometric path of annealed importance sampling (Neal 2001, doi:10.1023/A:1008923215028), so
    that they come out as far from the origin as codes of molecules do.

    Args:
        mean: of the posterior, (n, D) or (1, D).
        log_variance: of the posterior, as `mean`.
        radius: positive; one number or one a code (n, 1).
        noise: standard normal, (n, D).

    Returns:
        (n, D).

    >>> one = np.ones((1, 1), dtype=np.float32)
    >>> codes_around(one, 0 * one, 0.5, one).tolist(), codes_around(one, 0 * one, 2.0, one).tolist()
    ([[1.5]], [[1.25]])
    """
    variance, share = np.exp(log_variance), 1 / np.maximum(radius, 1) ** 2
    precision = share / variance + (1 - share)
    codes = share * mean / variance / precision + noise * np.minimum(radius, 1) / np.sqrt(precision)
    return np.asarray(codes, dtype=np.float32)


def spread(similarities: Sequence[float]) -> list[int]:
    """How many similarities fall in each tenth, 0 to 0.1 first, 1 in the last.

    >>> spread([0.05, 0.95, 1.0])
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    """
    return [int(count) for count in np.histogram(similarities, bins=10, range=(0, 1))[0]]


def _check(n: int, min_similarity: float, radius: float | None) -> None:
    if n < 1:
        raise DataError(f"{n} molecules were asked for; at least 1 is needed")
    if not 0 <= min_similarity <= 1:
        raise DataError(f"the least similarity is {min_similarity}, expected 0 to 1")
    if radius is not None and not 0 < radius < np.inf:
        raise DataError(f"the radius is {radius}, expected a positive number")


def _radii(radius: float | None) -> Iterator[float]:
    """The radius of each block: the one asked for, or outward again and again."""
    if radius is not None:
        yield from repeat(radius)
    while True:
        yield from np.arange(_FIRST, _LAST + _STEP / 2, _STEP).tolist()


def _table(model: MolVAE, found: dict[str, float], code: _Floats, properties: Sequence[str] | None) -> pd.DataFrame:
    """All that was found, the most similar first and of these the nearest."""
    smiles = list(found)
    distance = np.linalg.norm(model.encode_all(smiles).codes - code, axis=1)
    frame = pd.DataFrame({"smiles": smiles, "similarity": list(found.values()), "distance": distance})
    frame = frame.sort_values(["similarity", "distance"], ascending=[False, True], ignore_index=True)
    return pd.concat([frame, compute(frame["smiles"].tolist(), properties)], axis=1)
