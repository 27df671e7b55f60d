"""Tables 1 and 2 of paper 2 as plans: which runs, which rows, which claims.

Both tables are read off the same runs: each column is trained once a seed on each of three data
sets, and tested on its own test people (Table 1) and on those of other sets (Table 2). Beside the
paper's ten columns stand two controls without motion. Batch size, steps, frames of a clip and
their window are ours: the paper does not state them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bonafide.cues.magnification_settings import PRESETS
from bonafide.models.initial_weights import load_initial_weights
from bonafide.papers.measure import MeasuredRow
from bonafide.papers.motion_tables import (
    ACCURACY,
    ADVERSE,
    CONTROLLED,
    HTER,
    MSU_MFSD,
    TABLE_1,
    TABLE_2,
    crossing,
)
from bonafide.papers.motion_trial import NetworkTrial, TextureTrial
from bonafide.papers.plan import Claim, Figure, Plan, PlannedRow, Request
from bonafide.papers.published import PublishedTable
from bonafide.training.motion_columns import COLUMNS, Column
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.texture_run import TextureSettings
from bonafide.types import BonafideError

PRESET = "face-motion"
SETS = {
    CONTROLLED: "replay-attack-controlled",
    ADVERSE: "replay-attack-adverse",
    MSU_MFSD: "msu-mfsd",
}
"""As the tables print them -> as `papers.data` names them."""

CROSSINGS = ((ADVERSE, CONTROLLED), (ADVERSE, MSU_MFSD), (MSU_MFSD, CONTROLLED))
"""(trained on, tested on), as in Table 2."""

SHUFFLED, STILL = "CNN-LSTM shuffled", "CNN-LSTM still"
CONTROLS = {SHUFFLED: "shuffled", STILL: "still"}
"""Controls -> order of the frames, in training and in the test."""

CONTROL_REMARK = {
    SHUFFLED: "control: every clip's frames in an order of chance",
    STILL: "control: one frame of every clip, repeated",
}
ADDED = "not in the paper's table"

NETWORKS: dict[str, MotionSettings] = {
    "small": MotionSettings(
        cnn="small",
        hidden=64,
        window_s=2.2,
        batch=8,
        steps=120,
        learning_rate=1e-3,
        evaluate_every=40,
    ),
    "full": MotionSettings(),
}
TEXTURES: dict[str, TextureSettings] = {
    "small": TextureSettings(window_s=2.2, rows_per_clip=8),
    "full": TextureSettings(),
}
"""The clips of the small twins last 2.2 s; magnification from 0.5 Hz on needs two of them.

Steps are from curves of development people, see docs/papers/motion.md. The loss of the first steps
is that of a network that knows nothing yet; looking there first would often keep it.
"""

Trial = NetworkTrial | TextureTrial


def columns_of(request: Request) -> list[str]:
    """The columns and controls that are asked for, in the paper's order.

    Raises:
        BonafideError: one is none of them.
    """
    known = [*COLUMNS, *CONTROLS]
    asked = {name.lower() for name in request.motion.columns}
    strange = asked - {name.lower() for name in known}
    if strange:
        raise BonafideError(
            f"{', '.join(sorted(strange))}: no such column.",
            where="--variants",
            remedy=f"Columns are {', '.join(known)}.",
        )
    return [name for name in known if not asked or name.lower() in asked]


def network_settings(request: Request) -> MotionSettings:
    """What all networks of a request share.

    Raises:
        BonafideError: the weights cannot be read, or do not fit the size's CNN.
    """
    asked = request.motion
    settings = replace(
        NETWORKS[request.size], precision=request.precision, freeze_cnn=asked.freeze_cnn
    )
    if asked.weights is not None:
        _, record = load_initial_weights(asked.weights, settings.cnn)
        settings = replace(settings, initial=record.kind, initial_sha256=record.source_sha256)
    if request.steps is not None:
        every = min(settings.evaluate_every, request.steps)
        settings = replace(settings, steps=request.steps, evaluate_every=every)
    return settings


class Runs:
    """The trials of a request; the same for both tables."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._network = network_settings(request)
        self.columns = columns_of(request)
        self.trials: dict[tuple[str, str], list[Trial]] = {}

    def model(self, dataset: str, column: str) -> str:
        """Ask for a column's runs on a data set, one a seed; returns the model's name."""
        trials = [self._trial(dataset, column, seed) for seed in self._request.seeds]
        self.trials[dataset, column] = trials
        return trials[0].model

    def row(self, column: str, train: str, test: str = "") -> PlannedRow:
        """A column, trained on one and tested on the same or another data set of `SETS`."""
        table = TABLE_2 if test else TABLE_1
        group = crossing(train, test) if test else train
        printed = {(row.group, row.name) for row in table.rows}
        if (group, column) not in printed:
            group = f"{ADDED}: {group}"
        model = self.model(SETS[train], column)
        remark = CONTROL_REMARK.get(column, "")
        return PlannedRow(group, column, SETS[train], (model,), remark, SETS[test] if test else "")

    def all_trials(self) -> tuple[Trial, ...]:
        """Seed by seed, so that a table that is broken off has whole seeds."""
        trials = [trial for runs in self.trials.values() for trial in runs]
        seeds = self._request.seeds
        return tuple(sorted(trials, key=lambda trial: seeds.index(trial.seed)))

    def _trial(self, dataset: str, column: str, seed: int) -> Trial:
        tests = tuple(SETS[test] for train, test in CROSSINGS if SETS[train] == dataset)
        which = COLUMNS.get(column) or Column("", "cnn-lstm", magnified=False)
        order = CONTROLS.get(column, "in_order")
        preset = PRESET if which.magnified else ""
        if which.cue:
            texture = replace(TEXTURES[self._request.size], cue=which.cue, preset=preset, seed=seed)
            return TextureTrial(dataset, column, texture, tests)
        network = replace(
            self._network, variant=which.variant, preset=preset, order=order, seed=seed
        )
        return NetworkTrial(dataset, column, network, tests, self._request.motion.weights)


INTRA_CLAIMS = (
    ("LBP", "LBP^M", "(a) magnification hurts LBP: without it LBP errs less"),
    ("CNN", "CNN^M", "(a) magnification hurts CNN: without it CNN errs less"),
    ("CNN-LSTM^M", "CNN-LSTM", "(a) magnification helps CNN-LSTM: with it CNN-LSTM errs less"),
)
INTER_CLAIMS = (
    ("CNN-LSTM^M", "CNN-LSTM", "(b) magnification helps CNN-LSTM"),
    ("CNN-LSTM^A", "CNN-LSTM", "(b) attention helps CNN-LSTM"),
    ("CNN-LSTM^AM", "CNN-LSTM^M", "(b) both help more than magnification alone"),
    ("CNN-LSTM^AM", "CNN-LSTM^A", "(b) both help more than attention alone"),
    ("CNN-LSTM", "CNN", "(c) CNN-LSTM crosses better than CNN"),
    ("LBP-TOP", "LBP", "(c) LBP-TOP crosses better than LBP"),
)
CONTROL_CLAIMS = (
    ("CNN-LSTM", SHUFFLED, "control: CNN-LSTM errs less than with its frames shuffled"),
    ("CNN-LSTM", STILL, "control: CNN-LSTM errs less than with one frame repeated"),
)


def claims_of(rows: Sequence[PlannedRow], asked: Sequence[tuple[str, str, str]]) -> list[Claim]:
    """The claims on every group of people whose both rows are planned; pairs share the people."""
    claims = []
    for people in dict.fromkeys(row.people for row in rows):
        mine = {row.name: (row.group, row.name) for row in rows if row.people == people}
        where = next(row.group for row in rows if row.people == people)
        where = where.removeprefix(f"{ADDED}: ")
        for first, second, words in asked:
            if first in mine and second in mine:
                claims.append(Claim(f"{words}; {where}", (mine[first],), (mine[second],)))
    return claims


def table_1(request: Request) -> Plan:
    """Trained and tested on the same data set."""
    runs = Runs(request)
    rows = [runs.row(column, name) for name in SETS for column in runs.columns]
    return _plan(TABLE_1, runs, rows, INTRA_CLAIMS + CONTROL_CLAIMS, request)


def table_2(request: Request) -> Plan:
    """Trained on one data set, tested on another."""
    runs = Runs(request)
    rows = [runs.row(column, *pair) for pair in CROSSINGS for column in runs.columns]
    return _plan(TABLE_2, runs, rows, INTER_CLAIMS + CONTROL_CLAIMS, request)


def _plan(
    published: PublishedTable,
    runs: Runs,
    rows: Sequence[PlannedRow],
    asked: Sequence[tuple[str, str, str]],
    request: Request,
) -> Plan:
    return Plan(
        published,
        {HTER: "hter", ACCURACY: "accuracy"},
        tuple(rows),
        runs.all_trials(),
        tuple(claims_of(rows, asked)),
        _no_figures,
        notes_of(request),
        rates=("hter", "accuracy"),
    )


def _no_figures(rows: Sequence[MeasuredRow]) -> list[Figure]:
    del rows
    return []


def notes_of(request: Request) -> tuple[str, ...]:
    """How the runs were made, in sentences."""
    s, paper, texture = network_settings(request), MotionSettings(), TEXTURES[request.size]
    rate = f"{s.learning_rate:g}"
    if s.learning_rate != paper.learning_rate:
        rate += f" (the paper's {paper.learning_rate:g} learns too slowly for so few steps)"
    cnn = "VGG-16" if s.cnn == paper.cnn else "a small CNN of 112 px in the place of VGG-16"
    frozen = ", not trained further" if s.freeze_cnn else ""
    preset = PRESETS[PRESET]
    rows = f"{texture.rows_per_clip} frames" if texture.rows_per_clip else "all frames"
    return (
        f"{s.steps} steps of {s.batch} clips, Adam with learning rate {rate}; {cnn}, initial "
        f"weights {s.initial}{frozen}; LSTM of two layers of {s.hidden}; arithmetic "
        f"{s.precision}. The paper begins with VGG-Face and states neither batch size nor steps.",
        f"{s.frames} frames, evenly spread over the first {s.window_s:g} s of every clip, cut by "
        "one box for the whole clip with surroundings. Texture: the face alone, every frame of the "
        f"window scored, {rows} of each clip trained on.",
        f"Magnified (M): motion, {preset.low_hz:g} to {preset.high_hz:g} Hz, alpha "
        f"{preset.alpha:g}, before the frames are taken. Attention: A.",
        "HTER and accuracy are over clips, at the threshold of the EER of the development people "
        "of the data set that was trained on; accuracy depends on how many attacks a set holds. "
        "Clips without an answer are counted apart.",
        "MSU-MFSD's test people are halved by a seed, by person, into development and test. The "
        "two lights of Replay-Attack are the same people; people of a test part are in no "
        "training or development part.",
        "Each model is trained once a seed and data set; both tables read the same runs. The "
        "controls are trained and tested without motion.",
    )


TABLES: dict[str, Callable[[Request], Plan]] = {"motion/1": table_1, "motion/2": table_2}
