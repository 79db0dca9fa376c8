"""A whole campaign as one validated object, read from TOML: what is wished, and how it is searched for."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import pydantic
from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt

from molvae.chem.molecules import canonical, parse
from molvae.errors import MoleculeError, RecipeError
from molvae.optimize.keys import nearest, problems
from molvae.optimize.methods import METHODS
from molvae.optimize.objective import Objective
from molvae.optimize.options import checked

if TYPE_CHECKING:
    from molvae.model import MolVAE

#: What the bound of similarity to the lead is called in results.
LEAD = "similarity to the lead"


class Settings(pydantic.BaseModel):
    """The table [campaign]; paths are those of the folder where the command runs.

    Attributes:
        model: a bundled name, or the folder of a model.
        method: a key of `molvae.optimize.methods.METHODS`.
        options: of the method, such as `first` or `population`.
        budget: oracle calls in all; a molecule is asked once.
        batch: molecules asked at once.
        seed: of everything random.
        out: folder of the campaign.
        start_file: molecules to ask first, any format that `molvae.data.formats` reads.
        column: of the SMILES in it; found by itself when left out.
        lead: SMILES to start from.
        min_similarity: least Tanimoto similarity of whatever is asked to the lead.
        jobs: processes of each oracle; -1 is one a core.
        timeout: seconds that a command may take for a batch, and a Python function for a molecule.
        retries: further tries for a molecule that an oracle failed on.
        cluster: address of a Dask scheduler, "tcp://...", that oracles run on.
        top: molecules in `diverse.csv`.
        max_similarity: Tanimoto similarity that no two of these reach; without it there is no such file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "moses"
    method: str = "evolve"
    options: dict[str, Any] = {}
    budget: PositiveInt = 1000
    batch: PositiveInt = 20
    seed: NonNegativeInt = 0
    out: Annotated[str | None, Field(min_length=1)] = None
    start_file: str | None = None
    column: str | None = None
    lead: str | None = None
    min_similarity: Annotated[FiniteFloat | None, Field(gt=0, lt=1)] = None
    jobs: int | None = None
    timeout: Annotated[FiniteFloat | None, Field(gt=0)] = None
    retries: NonNegativeInt = 0
    cluster: str | None = None
    top: PositiveInt = 20
    max_similarity: Annotated[FiniteFloat | None, Field(gt=0, le=1)] = None

    @pydantic.field_validator("method")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METHODS:
            raise ValueError("there is no such method" + (nearest(name, METHODS) or f", expected one of {', '.join(METHODS)}"))
        return name

    @pydantic.field_validator("lead")
    @classmethod
    def _molecule(cls, text: str | None) -> str | None:
        try:
            return None if text is None else canonical(parse(text))
        except MoleculeError as error:
            raise ValueError(str(error)) from error

    @pydantic.field_validator("jobs")
    @classmethod
    def _some(cls, jobs: int | None) -> int | None:
        if jobs == 0:
            raise ValueError("expected a number of processes, or -1 for one a core")
        return jobs

    @pydantic.model_validator(mode="after")
    def _together(self) -> Self:
        if self.min_similarity is not None and self.lead is None:
            raise ValueError("min_similarity is a bound of the similarity to a lead, and there is no lead")
        if self.column is not None and self.start_file is None:
            raise ValueError("column is one of start_file, and there is no start_file")
        checked(self.method, self.options)
        return self


class _Tables(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    campaign: Settings = Settings()
    objective: dict[str, Any] = {}
    term: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class CampaignRecipe:
    """A campaign that can be run; see `of` and `load`.

    Attributes:
        settings: how it is searched.
        tables: what is wished: `objective` and `term`, as `Objective.of` reads them, without the bound of similarity to the lead.
        where: the file they are from, for messages.
    """

    settings: Settings
    tables: dict[str, Any]
    where: str = "campaign"

    @classmethod
    def of(cls, tables: Mapping[str, Any], where: str = "campaign") -> CampaignRecipe:
        """From the tables `campaign`, `objective` and `term`.

        Raises:
            RecipeError: an unknown key, method, option, property or oracle, with the nearest; a value outside its range; terms that
                contradict each other. Heads are looked for when the campaign is run, since they are the model's.

        >>> recipe = CampaignRecipe.of({"campaign": {"budget": 200}, "term": [{"property": "QED", "goal": "maximize"}]})
        >>> recipe.settings.budget, recipe.settings.method, recipe.objective().names
        (200, 'evolve', ['QED'])
        """
        try:
            given = _Tables.model_validate(dict(tables))
        except pydantic.ValidationError as error:
            raise RecipeError(f"{where}: {problems(error, [*_Tables.model_fields, *Settings.model_fields])}") from error
        recipe = cls(given.campaign, {"objective": given.objective, "term": list(given.term)}, where)
        if not any("head" in term for term in given.term):
            recipe.objective()
        return recipe

    @classmethod
    def load(cls, path: str | Path) -> CampaignRecipe:
        """From a TOML file; raises RecipeError as `of` does."""
        try:
            return cls.of(tomllib.loads(Path(path).read_text(encoding="utf-8-sig")), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{path} is not TOML: {error}") from error

    def updated(self, **changes: Any) -> CampaignRecipe:
        """A copy with some settings changed; None leaves a setting as it is."""
        given = {name: value for name, value in changes.items() if value is not None}
        return CampaignRecipe.of({"campaign": self.settings.model_dump(exclude_unset=True) | given, **self.tables}, self.where)

    def objective(self, model: MolVAE | None = None) -> Objective:
        """What is wished, the bound of similarity to the lead among it; the model is needed for heads."""
        s = self.settings
        bound = [{"similar_to": s.lead, "low": s.min_similarity, "hard": True, "name": LEAD}] if s.min_similarity is not None else []
        return Objective.of({**self.tables, "term": [*self.tables["term"], *bound]}, self.where, model)

    def toml(self, model: MolVAE | None = None) -> str:
        """The recipe as TOML with every number that was left out filled in; read again, it is the same campaign."""
        found = self.objective(model).recipe()
        terms = found["term"][: len(self.tables["term"])]  # without the bound, which follows from the settings
        settings = self.settings.model_dump(exclude_none=True)
        options = settings.pop("options")
        parts = [*_table("[campaign]", settings)]
        parts += _table("[campaign.options]", options) if options else []
        parts += _table("[objective]", found["objective"])
        return "\n".join([*parts, *(line for term in terms for line in _table("[[term]]", term))])


def _table(title: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield title
    yield from (f"{name} = {_value(value)}" for name, value in values.items() if value is not None)
    yield ""


def _value(value: Any) -> str:
    r"""One value of TOML; only the kinds that a recipe can hold.

    >>> _value('say "C"'), _value(True), _value([0.5, 1])
    ('"say \\"C\\""', 'true', '[0.5, 1]')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON writes texts, numbers and truth as TOML does
