"""What `MolVAE` does in its latent space; each method is a function of `molvae.latent`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from molvae.data.assays import Table
    from molvae.latent.directions import Direction
    from molvae.latent.fit_properties import FittedProperties
    from molvae.latent.impute import Imputed
    from molvae.latent.maps import LatentMap, Projection
    from molvae.model import MolVAE
    from molvae.nn.heads import Column
    from molvae.training.heads import FittedHeads


class Moves:
    """The moves of a model; see `molvae.latent`."""

    @property
    def _model(self) -> MolVAE:
        """The model that these are the moves of."""
        return cast("MolVAE", self)

    @property
    def properties(self) -> list[Column]:
        """The properties this model has heads for: name, unit, kind, range."""
        from molvae.latent.heads import columns

        return columns(self._model)

    def predict_codes(
        self, codes: ArrayLike, names: Sequence[str] | None = None, *, drawn: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Properties of codes without writing the molecules: mean and standard deviation.

        See `molvae.latent.heads.predict_codes`.
        """
        from molvae.latent.heads import predict_codes

        return predict_codes(self._model, codes, names, drawn=drawn)

    def fit_properties(
        self,
        source: str | Path,
        columns: Sequence[str],
        *,
        smiles: str | None = None,
        units: Mapping[str, str] | None = None,
        method: Literal["auto", "gp", "ensemble"] = "auto",
        seed: int = 1,
        listener: Callable[[int, float], None] | None = None,
    ) -> FittedProperties:
        """Learn properties from a table of molecules and values and put heads for them into the model; save it afterwards.

        See `molvae.latent.fit_properties.fit_properties`.
        """
        from molvae.latent.fit_properties import fit_properties

        return fit_properties(self._model, source, columns, smiles=smiles, units=units, method=method, seed=seed, listener=listener)

    def fit_computed(
        self,
        source: str | Path,
        names: Sequence[str],
        *,
        molecules: int = 150_000,
        seed: int = 1,
        listener: Callable[[int, float], None] | None = None,
    ) -> FittedHeads:
        """Learn properties that RDKit computes from molecules of a file and put heads for them into the model; save it afterwards.

        See `molvae.latent.fit_computed.fit_computed`.
        """
        from molvae.latent.fit_computed import fit_computed

        return fit_computed(self._model, source, names, molecules=molecules, seed=seed, listener=listener)

    def predict(self, smiles: str | Iterable[str], names: Sequence[str] | None = None) -> pd.DataFrame:
        """Properties of molecules read off their codes: computed and predicted value, standard deviation, and whether to trust them.

        See `molvae.latent.predict.predict`.
        """
        from molvae.latent.predict import predict

        return predict(self._model, smiles, names)

    def impute(
        self,
        source: str | Path | Table,
        *,
        columns: Sequence[str] | None = None,
        smiles: str | None = None,
        seed: int = 0,
        listener: Callable[[int, int], None] | None = None,
    ) -> Imputed:
        """Fill the missing cells of a table of properties, each with its standard deviation, from codes and from the other columns.

        See `molvae.latent.impute.impute`.
        """
        from molvae.latent.impute import impute

        return impute(self._model, source, columns=columns, smiles=smiles, seed=seed, listener=listener)

    def novelty(
        self,
        smiles: str | Iterable[str],
        *,
        samples: int = 16,
        seed: int = 0,
        reference: Sequence[str] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Judge how unlike the training set molecules are: a score, its percentile, likelihood, reconstruction.

        See `molvae.latent.novelty.novelty`.
        """
        from molvae.latent.novelty import novelty

        return novelty(self._model, smiles, samples=samples, seed=seed, reference=reference, progress=progress)

    def map(
        self,
        smiles: Sequence[str],
        *,
        method: Literal["pca", "umap"] = "pca",
        clusters: int = 0,
        onto: Projection | str | Path | None = None,
        seed: int = 0,
    ) -> LatentMap:
        """Place molecules on a two-dimensional map of their codes, a new one or one that is there, with clusters.

        See `molvae.latent.maps.latent_map`; `molvae.latent.map_picture.picture` and `molvae.latent.map_page.page` draw it.
        """
        from molvae.latent.maps import latent_map

        return latent_map(self._model, smiles, method=method, clusters=clusters, onto=onto, seed=seed)

    def direction(self, name: str, *, molecules: Sequence[str] | str | Path | None = None, n: int = 1024, seed: int = 0) -> Direction:
        """The direction of the latent space along which a property rises fastest, from molecules of the model itself or given ones.

        See `molvae.latent.directions.direction`.
        """
        from molvae.latent.directions import direction

        return direction(self._model, name, molecules=molecules, n=n, seed=seed)

    def edit(
        self,
        smiles: str,
        *,
        set: Mapping[str, float] | None = None,
        raise_: str | Sequence[str] = (),
        lower: str | Sequence[str] = (),
        similarity: float = 0.4,
        n: int = 20,
        seed: int = 0,
        rounds: int = 8,
    ) -> pd.DataFrame:
        """Analogues of a molecule that move properties as asked and stay similar to it, best first.

        See `molvae.latent.edit.edit`.
        """
        from molvae.latent.edit import edit

        return edit(self._model, smiles, set=set, raise_=raise_, lower=lower, similarity=similarity, n=n, seed=seed, rounds=rounds)

    def interpolate(
        self,
        a: str,
        b: str,
        *,
        steps: int = 8,
        method: Literal["path", "slerp", "linear"] = "path",
        properties: Sequence[str] | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Molecules on the way from one to another, both included, in small structural steps.

        See `molvae.latent.interpolate.interpolate`.
        """
        from molvae.latent.interpolate import interpolate

        return interpolate(self._model, a, b, steps=steps, method=method, properties=properties, seed=seed)

    def interpolate_grid(
        self, corners: Sequence[str], rows: int = 5, columns: int = 5, *, properties: Sequence[str] | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """Molecules between four, as a grid that has these in its corners.

        See `molvae.latent.corners.interpolate_grid`.
        """
        from molvae.latent.corners import interpolate_grid

        return interpolate_grid(self._model, corners, rows, columns, properties=properties, seed=seed)

    def neighbors(
        self,
        smiles: str,
        n: int = 100,
        *,
        min_similarity: float = 0.0,
        radius: float | None = None,
        properties: Sequence[str] | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Distinct molecules around one, the most similar first.

        See `molvae.latent.neighbors.neighbors`.
        """
        from molvae.latent.neighbors import neighbors

        return neighbors(self._model, smiles, n, min_similarity=min_similarity, radius=radius, properties=properties, seed=seed)

    def complete(
        self, scaffold: str, n: int = 100, *, budget: str | int = "20s", properties: Sequence[str] | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """Distinct molecules that contain a scaffold (SMILES or SMARTS, attachment points allowed), the likeliest first.

        See `molvae.latent.complete.complete`.
        """
        from molvae.latent.complete import complete

        return complete(self._model, scaffold, n, budget=budget, properties=properties, seed=seed)

    def denoise(
        self,
        texts: str | Iterable[str],
        *,
        n: int = 5,
        seed: int = 0,
        kind: Literal["auto", "smiles", "selfies"] = "auto",
        trust: bool = True,
    ) -> pd.DataFrame:
        """The molecules that corrupted SMILES or SELFIES probably were, the likeliest first.

        See `molvae.latent.denoise.denoise`.
        """
        from molvae.latent.denoise import denoise

        return denoise(self._model, texts, n=n, seed=seed, kind=kind, trust=trust)
