"""Search strategies behind ask and tell; `method` finds them by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from molvae.errors import DataError
from molvae.optimize.methods.base import Method

if TYPE_CHECKING:
    from molvae.model import MolVAE

#: What each method does, in a line.
METHODS = {
    "evolve": "mutation and crossover of codes, screened by a Gaussian process",
    "gradient": "codes climb an ensemble of small networks that learns scores from codes",
    "cma": "covariance matrix adaptation over codes, begun anew when it converges",
    "turbo": "Gaussian process over codes and Thompson sampling inside a trust region",
    "stoned": "random changes of SELFIES symbols, without a latent",
    "random": "molecules of the prior, unguided",
}


def method(name: str, model: MolVAE, *, seed: int = 0, **options: Any) -> Method:
    """The method of this name.

    Args:
        name: a key of `METHODS`.
        model: what proposes the molecules.
        seed: of everything random.
        options: further ones, see the class of the method; `starts` (SMILES to ask first) and `allowed` (whether a SMILES may be asked
            at all, a function) go with all.

    Raises:
        DataError: an unknown name, with the nearest ones, or an unknown option.
        MissingExtraError: `cma` or `turbo` without what they need: pip install 'molvae[optimize]'.
    """
    from molvae.optimize.methods.cma import Cma
    from molvae.optimize.methods.evolve import Evolve
    from molvae.optimize.methods.gradient import Gradient
    from molvae.optimize.methods.random import Random
    from molvae.optimize.methods.stoned import Stoned
    from molvae.optimize.methods.turbo import Turbo

    classes: dict[str, Any] = {
        "evolve": Evolve, "gradient": Gradient, "cma": Cma, "turbo": Turbo, "stoned": Stoned, "random": Random,
    }  # fmt: skip
    if name not in classes:
        near = get_close_matches(name.strip().lower(), METHODS) or list(METHODS)
        raise DataError(f"unknown method {name!r}, nearest: {', '.join(near)}")
    try:
        made: Method = classes[name](model, seed=seed, **options)
    except TypeError as error:
        raise DataError(f"method {name}: {error}") from error
    return made
