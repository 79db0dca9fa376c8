"""molvae: a variational autoencoder for molecules.

>>> from molvae import MolVAE
>>> model = MolVAE.from_pretrained("moses")
>>> model.sample(3, seed=1)["valid"].all()
np.True_
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molvae.errors import CheckpointError, DataError, MoleculeError, MolvaeError
    from molvae.model import MolVAE

__all__ = ["CheckpointError", "DataError", "MolVAE", "MoleculeError", "MolvaeError"]

_HOME = {"MolVAE": "molvae.model"}  # everything else is in molvae.errors

try:
    __version__ = version("molvae")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import molvae` does not load torch."""
    if name in __all__:
        return getattr(import_module(_HOME.get(name, "molvae.errors")), name)
    raise AttributeError(f"module 'molvae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
