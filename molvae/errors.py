"""One root for every error molvae raises on purpose.

Each message says what came, what was expected and, where there is one, which row or file.
"""

from __future__ import annotations


class MolvaeError(Exception):
    """Root of all errors raised by molvae."""


class DataError(MolvaeError):
    """A file or table cannot be used as it is: missing, empty, wrong column, not text."""


class MoleculeError(MolvaeError):
    """One molecule is refused.

    Attributes:
        reason: a short fixed phrase, the same for all molecules refused for the same cause, so that refusals can be counted.
        detail: what is particular to this molecule, or an empty string.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[MoleculeError], tuple[str, str]]:
        return type(self), (self.reason, self.detail)


class RecipeError(MolvaeError):
    """A training recipe has an unknown key or a value outside its range."""


class CheckpointError(MolvaeError):
    """A checkpoint is missing, damaged, or of a kind this version cannot read."""


class MissingExtraError(MolvaeError):
    """An optional package is needed; the message names the command that installs it."""


class Interrupted(MolvaeError):  # noqa: N818  it is no fault
    """Work was stopped by a signal after it had been saved; the message says how to resume."""
