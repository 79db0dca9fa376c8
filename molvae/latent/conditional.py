"""Molecules whose properties lie in windows, found by a search of the latent space and checked with RDKit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from molvae.chem.filters import passes
from molvae.chem.molecules import parse
from molvae.chem.windows import Where, windows
from molvae.data.reading import in_parts
from molvae.errors import DataError
from molvae.latent.screen import heads_for
from molvae.latent.window_search import WindowSearch
from molvae.nn.sampling import SamplingSettings

if TYPE_CHECKING:
    from molvae.model import MolVAE

_LEAST_BUDGET, _BUDGET_EACH = 50_000, 100


def sample_where(
    model: MolVAE,
    where: Where,
    n: int,
    settings: SamplingSettings,
    *,
    seed: int,
    novel: bool = False,
    budget: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Molecules whose properties, computed by RDKit, lie in windows.

    First codes are drawn from the prior, 512 at a time until 100 molecules have been found or 10 times: this is rejection sampling,
    what the search is compared with. Each round after that proposes 8 codes for every one it decodes: half from the prior, half around the
    molecules in the windows, or those nearest to them as long as there are few (with noise of their posteriors, between two of
    them, and shifted towards the windows). Those decoded are drawn from the proposals by the chance that their molecules lie in the
    windows, as `molvae.latent.screen.Screen` sees it: it learns from all that was written, and from the property heads of the model where
    there are any. Everything that is returned was computed by RDKit.

    Args:
        model: the model.
        where: the windows, see `molvae.chem.windows.windows`.
        n: molecules wanted.
        settings: how codes and tokens are drawn. The critic is never asked: it prefers what training molecules are like, and windows
            may lie elsewhere.
        seed: the same seed gives the same molecules, and a larger n starts with those of a smaller one.
        novel: only molecules outside the training set.
        budget: most decodings; 100 a molecule asked for, and at least 50,000, when None.
        progress: told what is counted (molecules, and the decodings spent), how many were found and how many are wanted.

    Returns:
        DataFrame of `smiles` (canonical, distinct, in the order they were found), `valid`, `survives`, `novel`, `duplicate` (see
        `MolVAE.sample`) and the properties asked for; fewer than n rows where the budget did not suffice. `attrs` holds `drawn`
        (decodings in all), `surviving` and `accepted` (share of decodings that gave a new molecule in the windows), `where`, `heads`
        (properties searched for with heads), `budget`, `rejection` (draws from the prior), `walk` (rounds before 64 molecules were
        found) and `search` (rounds after that), each a `molvae.latent.window_search.Tally` as a dictionary with its `share`; `gain`
        (share of the search over that of rejection sampling, None where one of them is not known) and `passing` (share of the
        molecules that pass the medicinal-chemistry filters of `molvae.chem.filters`, None without molecules).

    Raises:
        DataError: the windows cannot be understood, or no molecule can be in them; n or the budget is below 1.
    """
    wanted = windows(where)
    budget = max(_LEAST_BUDGET, _BUDGET_EACH * n) if budget is None else budget
    if n < 1 or budget < 1:
        raise DataError(f"{n} molecules within {budget} decodings were asked for; at least 1 of each is needed")
    search = WindowSearch(model, wanted, settings, seed, novel)
    for found in search.rounds(budget, n):
        if progress is not None:
            progress(f"molecules in {search.spent.decoded:,} of at most {budget:,} decodings", min(found, n), n)
    frame = _table(model, dict(list(search.found.items())[:n]), [window.name for window in wanted])
    asked: dict[str, Any] = {"where": ",".join(map(str, wanted)), "heads": heads_for(model, wanted), "budget": budget}
    frame.attrs |= asked | _cost(search) | {"passing": _passing(frame["smiles"].tolist())}
    return frame


def _table(model: MolVAE, found: dict[str, tuple[float, ...]], names: Sequence[str]) -> pd.DataFrame:
    smiles = list(found)
    known = model.checkpoint.index.contains(smiles)
    frame = pd.DataFrame({"smiles": smiles, "valid": True, "survives": True, "novel": ~known, "duplicate": False})
    return frame.assign(**{name: np.array([row[place] for row in found.values()], dtype=float) for place, name in enumerate(names)})


def _cost(search: WindowSearch) -> dict[str, Any]:
    """What was spent, and what came of it."""
    spent, rejection, later = search.spent, search.tallies["rejection"], search.tallies["search"]
    gain = later.share / rejection.share if rejection.hits and later.decoded else None
    cost = {"drawn": spent.decoded, "surviving": spent.survived / spent.decoded, "accepted": spent.share, "gain": gain}
    return cost | {phase: asdict(tally) | {"share": tally.share} for phase, tally in search.tallies.items()}


def _passing(smiles: Sequence[str]) -> float | None:
    return float(np.mean(in_parts(_pass, smiles))) if smiles else None


def _pass(smiles: Sequence[str]) -> list[bool]:
    return [passes(parse(text)) for text in smiles]
