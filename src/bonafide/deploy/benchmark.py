"""Train and evaluate any set of models under one budget: runs, reports, and their comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter

from lightning.fabric import Fabric

from bonafide.datasets.sample_table import digest_of
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.model_list import MS_FANS, ModelRow, list_models
from bonafide.deploy.rival_run import Place, run_machine, run_network
from bonafide.deploy.run_scores import OPERATING_POINT, score_run, scores_path
from bonafide.evaluation.assessment import assess
from bonafide.evaluation.compare import Comparison, Run, compare, load_run
from bonafide.evaluation.record import read_record
from bonafide.evaluation.report import Heading, write_report
from bonafide.evaluation.score_file import read_development, read_test
from bonafide.models.catalogue import MACHINES
from bonafide.training import ms_fans_task, rival_machine, rival_task
from bonafide.training.face_caches import open_caches
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.ms_fans_task import MsFansTask, training_data
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.run import RECORD, Reporter, check_folder, read_splits, train_run
from bonafide.training.settings import RunSettings, read_toml
from bonafide.types import BonafideError, Presentation, Split

SECONDS = "seconds"
"""File of a run: how long training and scoring took."""

MEASUREMENTS = 5
"""Of a network on the development set during its run; the best weights are kept."""

MS_FANS_RATE = 1e-2
"""The paper's 2e-4 is for tens of thousands of steps; see docs/rivals.md."""

FAMILIES = {
    MsFansSettings: ms_fans_task.FAMILY,
    MachineSettings: rival_machine.FAMILY,
    RivalSettings: rival_task.FAMILY,
}


@dataclass(frozen=True)
class Budget:
    """What every model of a benchmark is given.

    Attributes:
        steps, batch: of each network; machines see every training item once.
        seeds: a run each.
        frames_per_clip: of picture models.
        target: how the operating point is chosen on development scores.
        device: auto, cpu or cuda.
        workers: processes that cut crops.
    """

    steps: int
    batch: int
    seeds: tuple[int, ...]
    frames_per_clip: int
    target: str
    device: str
    workers: int


@dataclass(frozen=True)
class Benchmark:
    """What came of it.

    Attributes:
        data: the datasets' names; simulated ones say so.
        counts: split -> presentations.
        budget: what each model was given.
        rows: identity and cost of each model, timed on this machine.
        training_s: name -> mean seconds of training and scoring, without cutting.
        runs: name -> its judged runs, a seed each.
        comparison: paired tests between the models; None for a single run.
    """

    data: str
    counts: dict[str, int]
    budget: Budget
    rows: list[ModelRow]
    training_s: dict[str, float]
    runs: dict[str, list[Run]]
    comparison: Comparison | None


def run_benchmark(
    table: Path,
    output: Path,
    names: Sequence[str],
    budget: Budget,
    rounds: int,
    *,
    report_of: Callable[[str], Reporter],
    on_start: Callable[[str], None],
) -> Benchmark:
    """Train, score, report and compare. A finished run of the same settings is not trained again.

    Args:
        table: samples.csv with all three splits.
        output: gets runs/NAME-SEED, reports/NAME-SEED and the crop caches.
        names: of models, see `model_list`.
        budget: for each.
        rounds: of the bootstrap.
        report_of: a progress report for a run, by its name.
        on_start: told of each run.

    Raises:
        BonafideError: the table has no test rows, a name is unknown or stands twice, or a folder
            holds runs of another budget.
    """
    rows = list_models(names, timed=True)
    if len(set(names)) < len(names):
        raise BonafideError("a model stands twice.", where="models", remedy="Name each once.")
    by_split = read_splits(table)
    if not by_split[Split.TEST]:
        raise BonafideError(
            "has no test rows.", where=str(table), remedy="A benchmark judges on people of its own."
        )
    everything = [row for part in by_split.values() for row in part]
    reports: dict[str, list[Path]] = {}
    seconds: dict[str, list[float]] = {}
    for name in names:
        for seed in budget.seeds:
            on_start(f"{name}, seed {seed}")
            run = output / "runs" / f"{name}-{seed}"
            place = Place(table, run, output / "crops", budget.workers)
            settings = _settings(name, seed, budget)
            if not _is_finished(run, settings, everything):
                took = _train(settings, place, budget, report_of(run.name))
                (run / SECONDS).write_text(f"{took}\n")
            seconds.setdefault(name, []).append(float((run / SECONDS).read_text()))
            report = output / "reports" / run.name
            _report(run, report, rounds)
            reports.setdefault(name, []).append(report)
    folders = [folder for each in reports.values() for folder in each]
    return Benchmark(
        data=", ".join(sorted({row.dataset for row in everything})),
        counts={split.value: len(part) for split, part in by_split.items()},
        budget=budget,
        rows=rows,
        training_s={name: sum(each) / len(each) for name, each in seconds.items()},
        runs={name: [load_run(folder) for folder in each] for name, each in reports.items()},
        comparison=compare(folders, 0, rounds) if len(folders) > 1 else None,
    )


def _settings(
    name: str, seed: int, budget: Budget
) -> MsFansSettings | MachineSettings | RivalSettings:
    """The run's settings: the model's own defaults under the budget."""
    every = max(budget.steps // MEASUREMENTS, 1)
    if name in MACHINES:
        return MachineSettings(name, budget.frames_per_clip, seed=seed)
    if name in MS_FANS:
        return MsFansSettings(
            cnn="cnn_d" if name.endswith("deep") else "cnn_s",
            steps=budget.steps,
            batch=budget.batch,
            frames_per_clip=budget.frames_per_clip,
            learning_rate=MS_FANS_RATE,
            evaluate_every=every,
            seed=seed,
        )
    return RivalSettings(
        name,
        steps=budget.steps,
        batch=budget.batch,
        frames_per_clip=budget.frames_per_clip,
        evaluate_every=every,
        seed=seed,
    )


def _is_finished(run: Path, settings: RunSettings, samples: list[Presentation]) -> bool:
    """Whether a run is there, of these settings and data.

    Raises:
        BonafideError: a run of others is there.
    """
    family = FAMILIES[type(settings)]
    check_folder(family, settings, run, resume=True)
    if not (run / RECORD).exists():
        return False
    if read_toml(run / RECORD)["data"]["digest"] != digest_of(samples):
        raise BonafideError(
            "was trained on other data.", where=str(run), remedy="Name another folder with -o."
        )
    return (run / OPERATING_POINT).exists() and (run / SECONDS).exists()


def _train(settings: RunSettings, place: Place, budget: Budget, report: Reporter) -> float:
    """Train one run and score it; the seconds that it took after its crops were cut."""
    watch = _Watch(report)
    if isinstance(settings, MachineSettings):
        run_machine(settings, place, resume=True, target=budget.target, report=watch.report)
        return watch.seconds()
    fabric = Fabric(accelerator=budget.device, devices=1)
    fabric.launch()
    if isinstance(settings, MsFansSettings):
        _train_ms_fans(settings, place, fabric, budget, watch.report)
    else:
        run_network(settings, place, fabric, resume=True, target=budget.target, report=watch.report)
    return watch.seconds()


def _train_ms_fans(
    settings: MsFansSettings, place: Place, fabric: Fabric, budget: Budget, report: Reporter
) -> None:
    folder = place.crops / f"ms_fans_{settings.frames_per_clip}"
    caches = open_caches(place.table, folder, settings.crops(), place.workers, report)
    task = MsFansTask(settings, training_data(caches))
    train_run(task, caches.run_data(), place.output, fabric, resume=True, report=report)
    score_run(place.output, caches, budget.target)


class _Watch:
    """Seconds since the last crop was cut, or since the start if all were there."""

    def __init__(self, report: Reporter) -> None:
        self._since = perf_counter()
        self.report = Reporter(self._preparing(report), report.training)

    def _preparing(self, report: Reporter) -> Callable[[str, int], Callable[[], None]]:
        def preparing(split: str, samples: int) -> Callable[[], None]:
            after_each = report.preparing(split, samples)

            def cut() -> None:
                after_each()
                self._since = perf_counter()

            return cut

        return preparing

    def seconds(self) -> float:
        return perf_counter() - self._since


def _report(run: Path, folder: Path, rounds: int) -> None:
    """The run's own report, as `bonafide evaluate` writes it, with its record's name and seed."""
    record = read_record(run / RECORD)
    assessment = assess(
        read_test(scores_path(run, Split.TEST)),
        load_operating_point(run / OPERATING_POINT),
        development=read_development(scores_path(run, Split.DEVELOPMENT)),
        record=record,
        rounds=rounds,
    )
    write_report(folder, assessment, Heading(record.name, date.today().isoformat(), None))
