"""Properties of molecules as a model's heads see them, beside what can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.molecules import is_molecule
from molvae.chem.properties import PROPERTIES, compute
from molvae.data.reading import in_parts
from molvae.errors import DataError
from molvae.latent.domain import outside

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE


def predict(model: MolVAE, smiles: str | Iterable[str], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Predict properties of molecules from their codes (posterior means).

    Args:
        model: with heads for these properties.
        smiles: one SMILES or several.
        names: properties wanted, in this order; all the model has heads for when None.

    Returns:
        One row an input: `input`; `smiles` (canonical, empty where refused); for each property NAME `NAME_computed` (by RDKit, where
        it computes a property of this name), `NAME_predicted` (a probability for a binary property) and `NAME_std` (standard
        deviation of the value about the prediction), in the unit of the property; `applicable` (whether nothing speaks against trusting
        them, see `molvae.latent.domain.outside`) and `reason` (what does, else empty). A molecule that the model cannot encode has no
        predictions.

    Raises:
        DataError: the model has no head for a name, or none at all.
    """
    texts = [smiles] if isinstance(smiles, str) else [str(text) for text in smiles]
    wanted = [column.name for column in model.properties] if names is None else list(names)
    if not wanted:
        raise DataError("the model has no property heads; molvae fit-properties adds them")
    encoded = model.encode_all(texts)
    mean, deviation = model.predict_codes(encoded.codes, wanted)
    known = [name for name in wanted if name in PROPERTIES]
    values = in_parts(partial(_computed, names=known), _readable(texts, encoded))
    computed = pd.DataFrame(np.stack(values) if values else np.zeros((0, len(known))), columns=known)
    parts: dict[str, object] = {"input": texts, "smiles": encoded.smiles}
    for at, name in enumerate(wanted):
        parts |= {f"{name}_computed": computed[name]} if name in known else {}
        parts |= {f"{name}_predicted": mean[:, at], f"{name}_std": deviation[:, at]}
    reasons = outside(model, encoded, wanted)
    return pd.DataFrame(parts | {"applicable": np.array([not reason for reason in reasons], dtype=bool), "reason": reasons})


def _readable(texts: Sequence[str], encoded: Encoded) -> list[str]:
    """Canonical SMILES; where a molecule was refused its text if it is one, so that its properties can be computed all the same."""
    return [known or (text if is_molecule(text) else "") for text, known in zip(texts, encoded.smiles, strict=True)]


def _computed(smiles: Sequence[str], names: Sequence[str]) -> list[NDArray[np.float64]]:
    return list(compute(smiles, names).to_numpy())
