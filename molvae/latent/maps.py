"""Two-dimensional maps of codes: projection, clusters, and new molecules placed on a map that is there."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.errors import DataError, MissingExtraError
from molvae.files import replacing
from molvae.model import MolVAE

#: How codes are brought into two dimensions.
METHODS = ("pca", "umap")

_LEAST = {"pca": 3, "umap": 20}  # molecules of a map
_ANCHORS = 20_000  # molecules UMAP arranges; all others are placed between them
_NEAREST = 8  # anchors that decide a place
_AT_ONCE = 5_000  # codes placed at a time

_Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Projection:
    """What brings codes into two dimensions, and the clusters: all that is needed to place further molecules.

    Attributes:
        method: "pca" or "umap".
        centre: subtracted from codes, (D,).
        axes: principal components by variance, (2, D); of no use to UMAP.
        share: of the variance that both components hold, 0 to 1; NaN of UMAP.
        anchors: codes of the molecules that UMAP arranged, (m, D); none of PCA.
        places: of molecules of the map (the anchors, of UMAP), (m, 2), at most 20,000: its background.
        centres: of the clusters, (k, D), the largest cluster first; none without clusters.
        model: tells the model whose codes these are.
    """

    method: str
    centre: _Floats
    axes: _Floats
    share: float
    anchors: _Floats
    places: _Floats
    centres: _Floats
    model: str

    def place(self, codes: _Floats) -> _Floats:
        """Places of codes: (n, D) to (n, 2)."""
        if self.method == "pca":
            return np.asarray((codes - self.centre) @ self.axes.T, dtype=np.float32)
        parts = [self._between(codes[start : start + _AT_ONCE]) for start in range(0, len(codes), _AT_ONCE)]
        return np.concatenate([np.zeros((0, 2), np.float32), *parts])

    def _between(self, codes: _Floats) -> _Floats:
        """Mean place of the nearest anchors, weighted by the inverse square of their distance; an anchor keeps its own."""
        squares = (codes**2).sum(axis=1)[:, None] + (self.anchors**2).sum(axis=1) - 2 * codes @ self.anchors.T
        nearest = np.argpartition(squares, min(_NEAREST, len(self.anchors)) - 1, axis=1)[:, :_NEAREST]
        weights = 1 / np.maximum(np.take_along_axis(squares, nearest, axis=1), 1e-6)
        return np.asarray((weights[:, :, None] * self.places[nearest]).sum(axis=1) / weights.sum(axis=1)[:, None], dtype=np.float32)

    def cluster(self, codes: _Floats) -> tuple[NDArray[np.int64], _Floats]:
        """The nearest centre of each code, from 1, and the squared distance to it: (n,) each; 0 and NaN without clusters."""
        if not len(self.centres):
            return np.zeros(len(codes), np.int64), np.full(len(codes), np.nan, np.float32)
        squares = (codes**2).sum(axis=1)[:, None] + (self.centres**2).sum(axis=1) - 2 * codes @ self.centres.T
        return squares.argmin(axis=1) + 1, squares.min(axis=1)

    def save(self, path: str | Path) -> None:
        """Write as .npz, without pickles.

        Raises:
            DataError: another suffix, or the file system refuses.
        """
        if Path(path).suffix.lower() != ".npz":
            raise DataError(f"{path}: a map is saved as .npz")
        with replacing(path) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> Projection:
        """Read what `save` wrote; raises DataError where it is missing, damaged or no map."""
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                parts: dict[str, Any] = {name: file[name] for name in cls.__dataclass_fields__}
            found = cls(**parts | {"method": str(parts["method"]), "model": str(parts["model"]), "share": float(parts["share"])})
            found.place(found.centre[None])  # fails where the shapes do not fit
            found.cluster(found.centre[None])
        except (OSError, KeyError, TypeError, ValueError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not a map saved by molvae: {error}") from error
        return found


@dataclass(frozen=True, eq=False)
class LatentMap:
    """Molecules on a map.

    Attributes:
        frame: one row a molecule given: `input`, `smiles` (canonical, empty where refused), `x`, `y`, `cluster` (from 1, the largest
            first; 0 without clusters or where refused), `representative` (of these molecules the nearest to the centre of its
            cluster), `reason` (why it was refused, else empty).
        projection: places further molecules.
    """

    frame: pd.DataFrame
    projection: Projection

    @property
    def representatives(self) -> pd.DataFrame:
        """One row a cluster: `cluster`, `smiles` of its representative, `molecules` in it."""
        chosen = self.frame[self.frame["representative"]].sort_values("cluster")
        counts = self.frame["cluster"].value_counts()
        return chosen[["cluster", "smiles"]].assign(molecules=chosen["cluster"].map(counts)).reset_index(drop=True)

    def save(self, path: str | Path) -> None:
        """Write the projection as .npz, for `onto`; see `Projection.save`."""
        self.projection.save(path)


def latent_map(
    model: MolVAE,
    smiles: Sequence[str],
    *,
    method: Literal["pca", "umap"] = "pca",
    clusters: int = 0,
    onto: Projection | str | Path | None = None,
    seed: int = 0,
) -> LatentMap:
    """Place molecules on a two-dimensional map of their codes.

    Args:
        model: the model.
        smiles: the molecules.
        method: "pca" takes the two principal components: quick, and distances mean what they say, but of codes that fill all their
            dimensions two show a small share (`Projection.share`); "umap" (McInnes et al. 2018, arXiv:1802.03426) keeps neighbours
            together, and is slow: it arranges at most 20,000 of the molecules, between which the others are placed.
        clusters: how many, found among the codes themselves by k-means (Sculley 2010, doi:10.1145/1772690.1772862); 0 for none.
        onto: a map saved before, or its projection: the molecules are placed on it, and get its clusters.
        seed: of everything random.

    Raises:
        DataError: too few molecules that can be encoded, an unknown method, more clusters than molecules, a saved map of another
            model, or clusters asked for on a map that is there.
        MissingExtraError: scikit-learn or umap-learn is needed.
    """
    if method not in METHODS:
        raise DataError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    if onto is not None and clusters:
        raise DataError("a saved map has its clusters already; leave out either clusters or the map")
    known = None if onto is None else _fitting(model, onto if isinstance(onto, Projection) else Projection.load(onto))
    encoded = model.encode_all(smiles)
    rows = encoded.usable
    _check(len(rows), len(smiles), 1 if known else _LEAST[method], clusters)
    codes = encoded.codes[rows]
    projection = known or _projection(model, codes, method, clusters, seed)
    frame = pd.DataFrame({"input": list(smiles), "smiles": encoded.smiles, "x": np.nan, "y": np.nan, "cluster": 0, "representative": False})
    frame.loc[rows, ["x", "y"]] = projection.place(codes).astype(np.float64)
    numbers, distances = projection.cluster(codes)
    frame.loc[rows, "cluster"] = numbers
    frame.loc[[rows[best] for best in _nearest(numbers, distances)], "representative"] = True
    return LatentMap(frame.assign(reason=[str(problem or "") for problem in encoded.problems]), projection)


def _check(usable: int, given: int, least: int, clusters: int) -> None:
    if usable < least:
        raise DataError(f"{usable} of {given} molecules can be encoded; such a map needs at least {least}")
    if not 0 <= clusters <= usable:
        raise DataError(f"{clusters} clusters of {usable} molecules, expected 0 to {usable}")


def _fitting(model: MolVAE, projection: Projection) -> Projection:
    if projection.model != _mark(model):
        raise DataError("the saved map was made with another model, whose codes mean something else")
    return projection


def _mark(model: MolVAE) -> str:
    """The same for the same encoder."""
    weights = model.checkpoint.vae.encoder.to_code.weight.detach().cpu().numpy()
    return blake2b(weights.astype(np.float16).tobytes(), digest_size=8).hexdigest()


def _nearest(numbers: NDArray[np.int64], distances: _Floats) -> list[int]:
    """For each cluster the row nearest to its centre."""
    order = np.lexsort((distances, numbers))
    found, first = np.unique(numbers[order], return_index=True)
    return [int(row) for row, number in zip(order[first], found, strict=True) if number]


def _projection(model: MolVAE, codes: _Floats, method: str, clusters: int, seed: int) -> Projection:
    centre = codes.mean(axis=0)
    shown = np.sort(np.random.default_rng(seed).permutation(len(codes))[:_ANCHORS])
    centres = _centres(codes, clusters, seed) if clusters else codes[:0]
    if method == "umap":
        anchors = codes[shown]
        return Projection(method, centre, codes[:0], np.nan, anchors, _umap(anchors, seed), centres, _mark(model))
    axes, share = _components(codes - centre)
    return Projection(method, centre, axes, share, codes[:0], (codes[shown] - centre) @ axes.T, centres, _mark(model))


def _components(centred: _Floats) -> tuple[_Floats, float]:
    """The two principal components, (2, D), each with its largest entry positive, and their share of the variance."""
    exact = centred.astype(np.float64)
    variances, vectors = np.linalg.eigh(exact.T @ exact)
    axes = np.zeros((2, centred.shape[1]), dtype=np.float32)  # a code of one dimension has one component
    for row, column in enumerate(range(len(variances) - 1, max(len(variances) - 3, -1), -1)):
        vector = vectors[:, column]
        axes[row] = vector * np.sign(vector[np.abs(vector).argmax()])
    return axes, float(variances[-2:].sum() / max(variances.sum(), 1e-12))


def _umap(codes: _Floats, seed: int) -> _Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a part of it needs tensorflow, that a seed means one thread, spectral starts that fail
        try:
            from umap import UMAP
        except ImportError as error:
            raise MissingExtraError("UMAP needs umap-learn: pip install 'molvae[umap]'") from error
        return np.asarray(UMAP(random_state=seed, n_jobs=1).fit_transform(codes), dtype=np.float32)


def _centres(codes: _Floats, clusters: int, seed: int) -> _Floats:
    """Centres of clusters, (k, D), the largest cluster first."""
    try:
        from sklearn.cluster import MiniBatchKMeans
    except ImportError as error:
        raise MissingExtraError("clusters need scikit-learn: pip install 'molvae[maps]'") from error
    found = MiniBatchKMeans(clusters, random_state=seed, n_init=3, batch_size=4096).fit(codes)
    order = np.argsort(-np.bincount(found.labels_, minlength=clusters), kind="stable")
    return np.asarray(found.cluster_centers_[order], dtype=np.float32)
