"""What the loop of a campaign asks of every method: propose molecules, and learn what they scored."""

from collections.abc import Sequence
from typing import Protocol


class Method(Protocol):
    """A search strategy behind ask and tell; higher scores are better.

    The campaign alone spends calls: a method never sees the oracle, and the same tells in the same order leave it in the same state,
    so a campaign that was killed is rebuilt from its journal.
    """

    def ask(self, n: int) -> list[str]:
        """At most n molecules to score next; fewer, or none, if it ran dry.

        Returns:
            Canonical SMILES of valid molecules, all different, none told before.
        """
        ...

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Learn the scores of molecules, in the order they were asked; None is a failure of the oracle, not a bad molecule."""
        ...
