"""A campaign as one validated object, read from TOML: the tables [campaign], [objective] and [[term]]."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import pydantic
from pydantic import ConfigDict, Field, FiniteFloat, PositiveInt

from molvae.errors import RecipeError
from molvae.optimize.keys import nearest, problems
from molvae.optimize.methods import METHODS

#: Similarity to the lead that molecules must have where the recipe does not say.
LEAST_SIMILARITY = 0.4
_TABLES = ("campaign", "objective", "term")

_Share = Annotated[FiniteFloat, Field(gt=0, le=1)]


class CampaignPart(pydantic.BaseModel):
    """The table [campaign]: all but what is wanted.

    Attributes:
        model: a bundled name, or the folder of a model.
        method: a key of `molvae.optimize.methods.METHODS`.
        options: of the method, see its class or settings.
        budget: oracle calls, each on another molecule.
        batch: molecules asked at once.
        seed: of everything random.
        start_file: a file of molecules to begin with.
        column: its SMILES column; found by itself when None.
        lead: SMILES of a molecule to begin with, which all must be similar to.
        min_similarity: the least Tanimoto similarity to the lead (Morgan fingerprints of radius 2); 0.4 when None.
        jobs: processes that ask the oracles; -1 is one a core.
        timeout: seconds that a command may take for a batch.
        cluster: address of a Dask scheduler that asks the oracles, such as "tcp://10.0.0.1:8786".
        top: molecules in `diverse.csv`.
        max_similarity: the Tanimoto similarity that no two molecules of `diverse.csv` reach; no such file when None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "moses"
    method: str = "evolve"
    options: dict[str, Any] = {}
    budget: PositiveInt = 1000
    batch: PositiveInt = 20
    seed: Annotated[int, Field(ge=0)] = 1
    start_file: str | None = None
    column: str | None = None
    lead: str | None = None
    min_similarity: _Share | None = None
    jobs: int | None = None
    timeout: Annotated[FiniteFloat, Field(gt=0)] = 600.0
    cluster: str | None = None
    top: PositiveInt = 20
    max_similarity: _Share | None = None

    @pydantic.field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if method not in METHODS:
            raise ValueError(f"no such method{_offered(method, METHODS)}")
        return method

    @pydantic.model_validator(mode="after")
    def _go_together(self) -> Self:
        if self.min_similarity is not None and self.lead is None:
            raise ValueError("min_similarity is that to a lead, and there is no lead")
        if self.column is not None and self.start_file is None:
            raise ValueError("column is that of a start_file, and there is no start_file")
        return self


@dataclass(frozen=True)
class Campaign:
    """What a campaign is.

    Attributes:
        part: the table [campaign].
        wishes: the tables `objective` and `term`, as `molvae.optimize.objective.Objective.of` reads them, the lead's similarity among them.
    """

    part: CampaignPart
    wishes: dict[str, Any]

    @classmethod
    def of(cls, tables: Mapping[str, Any], where: str = "campaign") -> Campaign:
        """From nested dictionaries; raises RecipeError for an unknown table or key (with the nearest) and a value that cannot be meant."""
        for name in tables:
            if name not in _TABLES:
                raise RecipeError(f"{where}: unknown table {name}{_offered(name, _TABLES)}")
        try:
            part = CampaignPart.model_validate(dict(tables.get("campaign", {})))
        except pydantic.ValidationError as error:
            raise RecipeError(f"{where}: [campaign] {problems(error, CampaignPart.model_fields)}") from error
        return cls(part, {name: tables[name] for name in ("objective", "term") if name in tables})

    @classmethod
    def load(cls, path: str | Path) -> Campaign:
        """From a TOML file; raises RecipeError as `of` does, and for a file that cannot be read."""
        try:
            return cls.of(tomllib.loads(Path(path).read_text(encoding="utf-8")), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{path} is not TOML: {error}") from error

    def updated(self, **changes: Any) -> Campaign:
        """A copy with some keys of [campaign] changed; None leaves a key as it is."""
        given = self.part.model_dump(exclude_unset=True) | {key: value for key, value in changes.items() if value is not None}
        return replace(self, part=Campaign.of({"campaign": given}).part)

    @property
    def terms(self) -> dict[str, Any]:
        """The wishes, with the constraint that a lead brings."""
        if self.part.lead is None:
            return self.wishes
        low = self.part.min_similarity or LEAST_SIMILARITY
        bound = {"similar_to": self.part.lead, "low": low, "hard": True, "name": "similarity to the lead"}
        return self.wishes | {"term": [*self.wishes.get("term", ()), bound]}


def _offered(name: str, known: Collection[str]) -> str:
    """The end of a sentence on an unknown name: the nearest known one, or all."""
    return nearest(name, known) or f", expected one of {', '.join(known)}"
