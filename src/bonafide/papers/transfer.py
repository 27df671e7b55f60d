"""What the cascade's trials have in common: tests on one data set, with or without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bonafide.papers.plan import Cost


class OneDataSet:
    """Of trials that are tested on one data set alone; testing elsewhere is a trial of its own."""

    model: str

    @property
    def tests(self) -> tuple[str, ...]:
        """No other data."""
        return ()

    @property
    def cache(self) -> str:
        """Its own name: what models share is cut by the first, and found done by the next."""
        return self.model


class Trained(Protocol):
    """What a test elsewhere needs to know of the run that it takes."""

    @property
    def dataset(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    def cost(self) -> Cost: ...  # noqa: D102


T = TypeVar("T", bound=Trained)


@dataclass(frozen=True)
class Transfer(OneDataSet, Generic[T]):
    """Tests a trained model on other people's data, at the threshold of its own development.

    Attributes:
        trained: the trial whose run is taken.
        dataset: tested on.
    """

    trained: T
    dataset: str

    @property
    def model(self) -> str:  # type: ignore[override]
        """Says where it was trained."""
        return f"{self.trained.model}-from-{self.trained.dataset}"

    @property
    def seed(self) -> int:
        """Of the run that is taken."""
        return self.trained.seed

    @property
    def steps(self) -> int:
        """Nothing is trained."""
        return 1

    def cost(self) -> Cost:
        """That of the trained model."""
        return self.trained.cost()
