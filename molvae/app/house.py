"""What all pages of one server share: the workers. Nothing of a user is kept here."""

from __future__ import annotations

from dataclasses import dataclass

from molvae.app.workers import Workers


@dataclass
class House:
    """A server's workers, once it is open."""

    workers: Workers | None = None

    def open(self, model: str) -> Workers:
        """Make the workers; the model is loaded in the background."""
        self.workers = Workers(model)
        self.workers.warm()
        return self.workers

    @property
    def open_workers(self) -> Workers:
        """The workers; those of the bundled model where the page is run without `molvae app`."""
        return self.workers or self.open("moses")


#: The one house of this process.
HOUSE = House()
