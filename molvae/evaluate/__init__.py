"""Judges sets of molecules: the metrics of MOSES and GuacaMol, the health of a latent space, and the report.

>>> from molvae.evaluate import evaluate
>>> evaluate.__module__
'molvae.evaluate.judge'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molvae.evaluate.evaluation import Evaluation
    from molvae.evaluate.judge import evaluate
    from molvae.evaluate.latent import LatentHealth, latent_health
    from molvae.evaluate.report import write_html, write_json
    from molvae.evaluate.samples import Samples

__all__ = ["Evaluation", "LatentHealth", "Samples", "evaluate", "latent_health", "write_html", "write_json"]

_HOME = {
    "Evaluation": "evaluation", "LatentHealth": "latent", "Samples": "samples", "evaluate": "judge", "latent_health": "latent",
    "write_html": "report", "write_json": "report",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import molvae.evaluate` does not load torch."""
    if name in _HOME:
        return getattr(import_module(f"molvae.evaluate.{_HOME[name]}"), name)
    raise AttributeError(f"module 'molvae.evaluate' has no attribute {name!r}")
