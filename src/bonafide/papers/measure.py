"""From finished runs to the figures of a row: rates with intervals by subject and seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.operating_point import load_operating_point
from bonafide.evaluation.intervals import Interval, Spread, spread
from bonafide.evaluation.paired import Difference, holm
from bonafide.evaluation.rates import curve_figures, judge, rates_of
from bonafide.evaluation.score_file import read_test
from bonafide.evaluation.seeds import RATES, SeedBootstrap, SeededRun, bootstrap_seeds
from bonafide.papers.plan import Claim, Plan, PlannedRow
from bonafide.types import Split

OPERATING_POINT = "operating_point.json"
DONE = "trial.json"


def scores_path(run: Path, split: Split) -> Path:
    """Where a run's scores of a split lie."""
    return run / f"scores_{split.value}.csv"


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """One finished trial.

    Attributes:
        folder: of the run.
        seed: of the run.
        development_measure: of its kept weights; lower is better.
        judged: the test presentations with the run's own decisions.
        eer: over presentations; None when a class is missing.
        eer_frames: the same over single frames.
        hter: at the threshold of the development people's EER.
        silent: presentations without an answer.
    """

    folder: Path
    seed: int
    development_measure: float
    judged: SeededRun
    eer: float | None
    eer_frames: float | None
    hter: float | None
    silent: int


def read_run(folder: Path) -> MeasuredRun:
    """Measure a finished trial's test scores at its own operating point."""
    record = json.loads((folder / DONE).read_text())
    point = load_operating_point(folder / OPERATING_POINT)
    frames = read_test(scores_path(folder, Split.TEST))
    test = to_presentations(frames)
    accepted = judge(test, point)
    return MeasuredRun(
        folder,
        int(record["seed"]),
        float(record["development_measure"]),
        SeededRun(test, accepted),
        curve_figures(test)["eer"].value,
        curve_figures(frames)["eer"].value,
        rates_of(test, accepted).hter,
        int((~test.answered).sum()),
    )


@dataclass(frozen=True)
class MeasuredRow:
    """A row of ours.

    Attributes:
        planned: what it is.
        model: the model that counts; of several candidates the best on development data.
        rates: "eer", "hter", "eer_frames" -> mean and spread over the seeds.
        intervals: "eer", "hter" -> interval over people and seeds; None where nothing varies.
        by_seed: seed -> rates.
        silent: presentations without an answer, of all.
        presentations: of the test part.
        folders: of its runs.
        lowest_on_test: of several candidates, the model with the lowest EER on the test part, which
            is how the paper chose, and that EER; "" and None for a single candidate.
    """

    planned: PlannedRow
    model: str
    rates: dict[str, Spread]
    intervals: dict[str, Interval | None]
    by_seed: dict[int, dict[str, float | None]]
    silent: int
    presentations: int
    folders: tuple[Path, ...]
    lowest_on_test: tuple[str, float | None]


@dataclass(frozen=True)
class TestedClaim:
    """A claim with what the data say of it.

    Attributes:
        claim: that the first row errs less.
        rate: "eer" or "hter".
        difference: first minus second.
        adjusted: its p value, adjusted for all claims tested here (Holm).
        by_seed: first minus second for each seed that both have.
    """

    claim: Claim
    rate: str
    difference: Difference
    adjusted: float
    by_seed: dict[int, float]

    @property
    def verdict(self) -> str:
        """ "holds", "the opposite holds" or "not shown"."""
        if self.adjusted >= 0.05 or self.difference.value == 0:
            return "not shown"
        return "holds" if self.difference.value < 0 else "the opposite holds"


Runs = Mapping[tuple[str, str], Sequence[MeasuredRun]]
"""(dataset, model) -> its finished runs, one a seed."""


def choose_model(row: PlannedRow, runs: Runs) -> str:
    """The candidate with the lowest mean measure on development data."""

    def measure(model: str) -> float:
        return float(np.mean([run.development_measure for run in runs[row.dataset, model]]))

    return min(row.models, key=measure)


def measure_rows(
    plan: Plan, runs: Runs, rng: np.random.Generator, rounds: int
) -> tuple[list[MeasuredRow], list[TestedClaim]]:
    """Measure every planned row and test every claim.

    Args:
        plan: of the table.
        runs: every run that the plan's rows name.
        rng: of the bootstrap.
        rounds: of the bootstrap.
    """
    chosen = {(row.group, row.name): choose_model(row, runs) for row in plan.rows}
    samples: dict[str, SeedBootstrap] = {}
    for dataset in dict.fromkeys(row.dataset for row in plan.rows):
        models = {chosen[row.group, row.name] for row in plan.rows if row.dataset == dataset}
        judged = {m: [run.judged for run in runs[dataset, m]] for m in sorted(models)}
        samples[dataset] = bootstrap_seeds(judged, rng, rounds)
    rows = [
        _measured(row, chosen[row.group, row.name], runs, samples[row.dataset]) for row in plan.rows
    ]
    return rows, _test_claims(plan, chosen, runs, samples)


def _measured(row: PlannedRow, model: str, runs: Runs, samples: SeedBootstrap) -> MeasuredRow:
    mine = runs[row.dataset, model]
    by_seed = {
        run.seed: {"eer": run.eer, "hter": run.hter, "eer_frames": run.eer_frames} for run in mine
    }
    rates = {}
    for name in ("eer", "hter", "eer_frames"):
        values = [value for one in by_seed.values() if (value := one[name]) is not None]
        if len(values) == len(mine):
            rates[name] = spread(values)
    return MeasuredRow(
        row,
        model,
        rates,
        {name: samples.interval(model, name) for name in RATES},
        by_seed,
        mine[0].silent,
        len(mine[0].judged.test),
        tuple(run.folder for run in mine),
        _lowest_on_test(row, runs),
    )


def _lowest_on_test(row: PlannedRow, runs: Runs) -> tuple[str, float | None]:
    if len(row.models) < 2:
        return "", None
    eer = {
        model: float(np.mean([run.eer or 0.0 for run in runs[row.dataset, model]]))
        for model in row.models
    }
    best = min(eer, key=lambda model: eer[model])
    return best, eer[best]


def _test_claims(
    plan: Plan,
    chosen: Mapping[tuple[str, str], str],
    runs: Runs,
    samples: Mapping[str, SeedBootstrap],
) -> list[TestedClaim]:
    datasets = {(row.group, row.name): row.dataset for row in plan.rows}
    tested = []
    for claim in plan.claims:
        dataset = datasets[claim.first[0]]
        first, second = ([chosen[row] for row in side] for side in (claim.first, claim.second))
        for rate in RATES:
            difference = samples[dataset].difference(first, second, rate)
            by_seed = _by_seed(
                [runs[dataset, model] for model in first],
                [runs[dataset, model] for model in second],
                rate,
            )
            tested.append((claim, rate, difference, by_seed))
    adjusted = holm([difference.p_value for _, _, difference, _ in tested])
    return [
        TestedClaim(claim, rate, difference, p, by_seed)
        for (claim, rate, difference, by_seed), p in zip(tested, adjusted, strict=True)
    ]


def _by_seed(
    first: Sequence[Sequence[MeasuredRun]], second: Sequence[Sequence[MeasuredRun]], rate: str
) -> dict[int, float]:
    """Seed -> difference of the mean rates, for the seeds that all models have."""
    values = [
        [{run.seed: getattr(run, rate) or 0.0 for run in runs} for runs in side]
        for side in (first, second)
    ]
    seeds = set.intersection(*(set(one) for side in values for one in side))
    means = [{s: float(np.mean([one[s] for one in side])) for s in seeds} for side in values]
    return {s: means[0][s] - means[1][s] for s in sorted(seeds)}
