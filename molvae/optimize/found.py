"""What a campaign found, as tables, pictures and a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from molvae.data.writers import write_table
from molvae.files import replacing
from molvae.optimize.diversity import diverse
from molvae.optimize.score import Score

if TYPE_CHECKING:
    import pandas as pd

    from molvae.optimize.campaign import Outcome
    from molvae.optimize.objective import Objective
    from molvae.optimize.recipe import CampaignRecipe


@dataclass(frozen=True)
class Found:
    """A campaign that has ended.

    Attributes:
        recipe: what was asked for.
        objective: of the recipe, its numbers filled in.
        outcome: every call.
        notes: what the user should know; empty ones are nothing.
    """

    recipe: CampaignRecipe
    objective: Objective
    outcome: Outcome
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> Counter[str]:
        """Calls that an oracle gave no number for, by reason."""
        return Counter(entry.problem for entry in self.outcome.entries if entry.failed)

    @property
    def unmet(self) -> Counter[str]:
        """Calls on molecules that turned out not to meet a constraint, by reason: only the oracle of the constraint could tell."""
        return Counter(entry.problem for entry in self.outcome.entries if not entry.failed and not entry.is_met)

    @property
    def met(self) -> int:
        """Molecules that have a score and meet every constraint."""
        return sum(entry.is_met for entry in self.outcome.entries)

    @property
    def scores(self) -> list[Score]:
        """Scores in the order of the calls; a number with a problem is that of a constraint that is not met."""
        return [Score(e.value, e.problem, e.parts, e.is_met) for e in self.outcome.entries]

    def diverse(self) -> pd.DataFrame | None:
        """The best molecules of which no two are alike, as `Outcome.best` has them; None where no bound was given."""
        s, entries = self.recipe.settings, [entry for entry in self.outcome.entries if entry.is_met]
        if s.max_similarity is None:
            return None
        rows = diverse([entry.smiles for entry in entries], [entry.value for entry in entries], s.top, s.max_similarity)
        return self.outcome.table([entries[row] for row in rows])

    def front(self) -> pd.DataFrame | None:
        """The molecules that no other one beats in every wish; None where the wishes are not kept apart."""
        if self.objective.combine != "pareto":
            return None
        return self.outcome.table([self.outcome.entries[row] for row in self.objective.front(self.scores)])

    @property
    def soft_names(self) -> list[str]:
        """Names of the wishes that make the score: the axes of a front."""
        return [name for name, term in zip(self.objective.names, self.objective.terms, strict=True) if not term.hard]

    def write(self, folder: str | Path) -> None:
        """Write `report.html`, and where they were asked for `diverse.csv`, `front.csv` and `front.png`; each whole or not at all.

        Raises:
            DataError: a file cannot be written.
            MissingExtraError: the pictures need matplotlib.
        """
        from molvae.optimize.front_picture import front_picture
        from molvae.optimize.page import page

        folder = Path(folder)
        for name, table in (("diverse", self.diverse()), ("front", self.front())):
            if table is not None:
                write_table(table, folder / f"{name}.csv")
        if self.objective.combine == "pareto":
            front_picture(self.objective.points(self.scores), self.soft_names, folder / "front.png")
        with replacing(folder / "report.html") as partial:
            partial.write_text(page(self), encoding="utf-8")
