"""What running a table means: its rows, the training runs they need, and the claims to test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from bonafide.evaluation.drawing import Drawing
from bonafide.papers.data import PreparedData
from bonafide.papers.published import PublishedTable

if TYPE_CHECKING:
    from bonafide.papers.measure import MeasuredRow

Number = TypeVar("Number", int, float)
OnStep = Callable[[int], None]
"""Called with the number of steps done."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer of a model costs.

    Attributes:
        paper_gflops: in the paper's counting, 1e9; None where there are no layers to count.
        parameters: of the deployed network; None where there is none.
        ms: milliseconds to score one face on one thread of this machine.
    """

    paper_gflops: float | None
    parameters: int | None
    ms: float

    def __add__(self, other: Cost) -> Cost:
        """Of two models that are both asked; what cannot be counted of one is not of both."""
        flops = _sum(self.paper_gflops, other.paper_gflops)
        return Cost(flops, _sum(self.parameters, other.parameters), self.ms + other.ms)


def _sum(one: Number | None, two: Number | None) -> Number | None:
    return None if one is None or two is None else one + two


class Trial(Protocol):
    """One training run of a table; it can be sent to another process.

    Whatever its family, `run` leaves scores_development.csv, scores_test.csv and
    operating_point.json in its folder, see `measure`, and for every one of `tests` its
    scores_test.csv at `measure.scores_path`.
    """

    @property
    def dataset(self) -> str:
        """The name of the data it is trained and tested on, see `PreparedData`."""
        ...

    @property
    def tests(self) -> tuple[str, ...]:
        """Names of other data whose test people it is tested on, too."""
        ...

    @property
    def cache(self) -> str:
        """What `prepare` makes; trials of one name share it, so it is asked of one of them."""
        ...

    @property
    def model(self) -> str:
        """A folder name: the same for trials that differ in seed alone."""
        ...

    @property
    def seed(self) -> int:
        """Of the run."""
        ...

    @property
    def steps(self) -> int:
        """Of the run, for the progress bar."""
        ...

    def prepare(
        self, data: PreparedData, workers: int, preparing: Callable[[str, int], Callable[[], None]]
    ) -> None:
        """Cut what trials of this cache share on a data set; the second call finds it done."""
        ...

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """Train or go on training, then score; returns the development measure, lower is better."""
        ...

    def cost(self) -> Cost | None:
        """What one answer costs; None where it is not measured."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row to measure.

    Attributes:
        group, name: of the published row beside it, or of our own.
        dataset: of the trials.
        models: of the trials; of several, the one that is best on development data counts.
        remark: what a reader must know of it.
        test: of the trials' other data sets, the one that is tested on; "" for their own.
    """

    group: str
    name: str
    dataset: str
    models: tuple[str, ...]
    remark: str = ""
    test: str = ""

    @property
    def people(self) -> str:
        """Names whom it is trained and tested on: rows of one name can be compared in pairs."""
        return f"{self.dataset} to {self.test}" if self.test else self.dataset


@dataclass(frozen=True, slots=True)
class Claim:
    """That the first rows err less than the second ones, on the same people.

    Attributes:
        words: what is claimed.
        first, second: (group, name) of planned rows of one data set; of several the mean counts.
    """

    words: str
    first: tuple[tuple[str, str], ...]
    second: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption."""

    drawing: Drawing
    caption: str


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A measured row in a sheet.

    Attributes:
        group, name: of the planned row.
        printed: column -> as published; columns without a published number are left out.
        cells: measured, as text, in the order of the sheet's columns.
        values: column -> the same for programs; None where it is refused.
    """

    group: str
    name: str
    printed: Mapping[str, str]
    cells: tuple[str, ...]
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sheet:
    """More measures of the rows than the table's EER and HTER.

    Attributes:
        title, note: for the page.
        columns: measured.
        published: those of them that stand in the paper's table, shown beside.
        lines: one a measured row.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    published: tuple[str, ...]
    lines: tuple[SheetLine, ...]


def no_sheets(rows: Sequence[MeasuredRow]) -> list[Sheet]:  # noqa: ARG001
    """For tables whose measures are EER and HTER."""
    return []


@dataclass(frozen=True)
class Plan:
    """How a published table is run.

    Attributes:
        published: the paper's table.
        columns: heading of the published table -> the measured rate beside it, of `seeds.RATES`.
        rows: to measure; rows of the paper without one are quoted alone.
        trials: every training run that the rows need, all seeds.
        claims: to test.
        figures: makes the page's figures from the measured rows.
        notes: how it was run, for the page.
        stills: whether its models look at single frames, so that a twin may have few a clip.
        rates: that are shown; claims are tested on those of them that are errors.
        waves: the trials in groups, where later ones read what earlier ones left; none is one.
        sheets: makes further tables of measures from the measured rows.
    """

    published: PublishedTable
    columns: Mapping[str, str]
    rows: tuple[PlannedRow, ...]
    trials: tuple[Trial, ...]
    claims: tuple[Claim, ...]
    figures: Callable[[Sequence[MeasuredRow]], list[Figure]]
    notes: tuple[str, ...]
    stills: bool = False
    rates: tuple[str, ...] = ("eer", "hter")
    waves: tuple[tuple[Trial, ...], ...] = ()
    sheets: Callable[[Sequence[MeasuredRow]], list[Sheet]] = no_sheets

    @property
    def datasets(self) -> list[str]:
        """The data sets it needs, in the order of the trials."""
        return list(dict.fromkeys(name for t in self.trials for name in (t.dataset, *t.tests)))


@dataclass(frozen=True)
class MotionRequest:
    """What the second paper's tables can be asked for.

    Attributes:
        columns: of `motion_columns.COLUMNS` or a control, in any case; () for all.
        weights: file of initial weights of the CNN; None for random ones.
        freeze_cnn: train the LSTM alone, on stored pool5.
    """

    columns: tuple[str, ...] = ()
    weights: Path | None = None
    freeze_cnn: bool = False


@dataclass(frozen=True)
class Request:
    """What the user asks of a reproduction.

    Attributes:
        size: "small" or "full".
        seeds: of the runs.
        steps: in the place of the size's; None keeps them.
        precision: of training, see `training.settings`.
        motion: what is asked of the second paper's tables alone.
    """

    size: str
    seeds: tuple[int, ...]
    steps: int | None
    precision: str
    motion: MotionRequest = MotionRequest()
