"""Everything that was found out about a set of samples, as one object: what the report shows and the JSON file holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.evaluate.metrics import Metrics
from molvae.evaluate.samples import Samples


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Samples judged.

    Attributes:
        source: name of the file or model that the samples are from.
        reference: what they were compared with.
        samples: the samples.
        moses: the metrics of MOSES.
        guacamol: the metrics of GuacaMol.
        latent: health of the model's latent space, None where only samples were given.
        settings: how the figures came about: seed, temperature, acceptance, versions. `verdict`, where there is one, is a sentence on
            the latent that begins with `alive` when all is well and speaks of collapse when it has collapsed.
        reconstructions: canonical SMILES of held-out molecules and of what came back, empty where nothing did.
        properties: values of the samples (n,) and of the reference (m,) by the name of the property.
        codes: two principal components of codes of real molecules (n, 2) and of draws from the prior (m, 2).
    """

    source: str
    reference: str
    samples: Samples
    moses: Metrics
    guacamol: Metrics
    latent: Metrics | None = None
    settings: dict[str, object] = field(default_factory=dict)
    reconstructions: list[tuple[str, str]] = field(default_factory=list)
    properties: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=dict)
    codes: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @property
    def sets(self) -> list[tuple[str, Metrics]]:
        """The sets of metrics with their titles; the latent only where there is one."""
        found = [("MOSES", self.moses), ("GuacaMol", self.guacamol)]
        return found if self.latent is None else [*found, ("latent", self.latent)]

    @property
    def missing(self) -> list[tuple[str, str, str]]:
        """Set, name and reason of each metric that could not be computed."""
        return [(title, name, why) for title, metrics in self.sets for name, why in metrics.missing.items()]

    def to_json(self) -> dict[str, Any]:
        """Everything but the molecules themselves and the map of codes, in types of JSON; a number that is not finite becomes None.

        Of a property there are mean, standard deviation and median; of the reconstructions, the pairs.
        """
        counts = {
            "rows": self.samples.rows,
            "valid": len(self.samples.smiles),
            "different": len(self.samples.unique),
            "repeats": self.samples.duplicates,
            "refused": self.samples.refused,
        }
        content = {
            "source": self.source,
            "reference": self.reference,
            "samples": counts,
            "moses": _of_metrics(self.moses),
            "guacamol": _of_metrics(self.guacamol),
            "latent": None if self.latent is None else _of_metrics(self.latent),
            "properties": {
                name: {"samples": summary(ours), "reference": summary(theirs)} for name, (ours, theirs) in self.properties.items()
            },
            "reconstructions": [{"input": given, "reconstruction": back} for given, back in self.reconstructions],
            "settings": self.settings,
        }
        plain = _plain(content)
        assert isinstance(plain, dict)  # a dictionary stays one
        return plain


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """How many of the values (n,) are finite, and their mean, standard deviation and median where there are any.

    >>> summary(np.array([1.0, 3.0, np.nan]))
    {'number': 2, 'mean': 2.0, 'standard_deviation': 1.0, 'median': 2.0}
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return {"number": 0}
    found = {"mean": numbers.mean(), "standard_deviation": numbers.std(), "median": np.median(numbers)}
    return {"number": int(numbers.size), **{name: float(value) for name, value in found.items()}}


def _of_metrics(metrics: Metrics) -> dict[str, Any]:
    return {"values": metrics.values, "missing": metrics.missing}


def _plain(value: object) -> Any:
    """The value in types of JSON; what is of no such type becomes its text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
