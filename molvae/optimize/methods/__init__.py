"""Search strategies behind ask and tell; `method` finds them by name."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from difflib import get_close_matches
from inspect import signature
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
            at all, a function) go with all. What is a field of its settings may be given by itself, such as `population=50`.

    Raises:
        DataError: an unknown name, with the nearest ones, or an unknown option.
        MissingExtraError: `cma` or `turbo` without what they need: pip install 'molvae[optimize]'.
    """
    from molvae.optimize.methods.cma import Cma, CmaSettings
    from molvae.optimize.methods.evolve import Evolve, EvolveSettings
    from molvae.optimize.methods.gradient import Gradient, GradientSettings
    from molvae.optimize.methods.random import Random
    from molvae.optimize.methods.stoned import Stoned
    from molvae.optimize.methods.turbo import Turbo, TurboSettings

    kinds: dict[str, tuple[Any, Any]] = {
        "evolve": (Evolve, EvolveSettings), "gradient": (Gradient, GradientSettings), "cma": (Cma, CmaSettings),
        "turbo": (Turbo, TurboSettings), "stoned": (Stoned, None), "random": (Random, None),
    }  # fmt: skip
    if name not in kinds:
        near = get_close_matches(name.strip().lower(), METHODS) or list(METHODS)
        raise DataError(f"unknown method {name!r}, nearest: {', '.join(near)}")
    kind, settings = kinds[name]
    try:
        made: Method = kind(model, seed=seed, **_sorted_out(kind, settings, options))
    except TypeError as error:
        raise DataError(f"method {name}: {error}") from error
    return made


def _sorted_out(kind: Any, settings: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a method, those that are fields of its settings put into these; raises TypeError for an unknown one, with the nearest."""
    own = list(signature(kind).parameters)[1:]
    fields = [each.name for each in dataclass_fields(settings)] if settings else []
    for option in options:
        if option not in (*own, *fields):
            near = get_close_matches(option, [*own, *fields], 1)
            raise TypeError(f"no option {option!r}{f'; nearest: {near[0]}' if near else ''}")
    set_ = {option: tuple(value) if isinstance(value, list) else value for option, value in options.items() if option in fields}
    rest = {option: value for option, value in options.items() if option in own}
    return rest | {"settings": replace(rest.get("settings") or settings(), **set_)} if set_ else rest
