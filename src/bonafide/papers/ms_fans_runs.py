"""Tables II to V of paper 1 as plans: which runs, which rows, which claims.

All rows of a table see the same crops: those of seven scales are cut once, and a row takes its own.
As the paper does not state them, batch size and number of steps are ours, and so are, at the small
size, the learning rate and the number of frames of a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bonafide.models.ms_fans import PAPER_GROUPS, PAPER_SCALES
from bonafide.papers import ms_fans_figures as figures
from bonafide.papers.ms_fans_rivals import RIVALS, MsFansRival, note_of, remark_of, rivals_of
from bonafide.papers.ms_fans_tables import (
    AVERAGE,
    BEST_SINGLE,
    CONCAT,
    EER,
    HTER,
    MS_FANS,
    TABLE_II,
    TABLE_III,
    TABLE_IV,
    TABLE_V,
)
from bonafide.papers.ms_fans_trial import MsFansTrial
from bonafide.papers.plan import Claim, Plan, PlannedRow, Request, Trial
from bonafide.papers.published import PublishedTable
from bonafide.training.ms_fans_settings import MsFansSettings

CASIA, REPLAY = "casia-fasd", "replay-attack"
Scales = tuple[float, ...]
CASIA_GROUP: Scales = (1.1, 1.2, 1.3)
REPLAY_GROUP: Scales = (1.3, 1.4, 1.5)
"""The groups of Tables IV and V, which the paper picked by hand."""

SIZES: dict[str, MsFansSettings] = {
    "small": MsFansSettings(
        frames_per_clip=4,
        batch=16,
        steps=1000,
        learning_rate=0.01,
        dropout=0.3,
        milestones=(0.7, 0.9),
        jitter=0.3,
        evaluate_every=100,
    ),
    "full": MsFansSettings(batch=64, steps=20_000, jitter=0.0, evaluate_every=500),
}
"""At the full size the paper's window is the only augmentation; the small one varies colour a
little, too, which folds of the training people were the better for."""

ADDED = "not in the paper's table"


def settings_of(request: Request) -> MsFansSettings:
    """The settings that all runs of a request share, but for scales, network and seed."""
    chosen = replace(SIZES[request.size], precision=request.precision)
    if request.steps is not None:
        every = min(chosen.evaluate_every, request.steps)
        chosen = replace(chosen, steps=request.steps, evaluate_every=every)
    return chosen


class Runs:
    """The trials of a request on one data set; each is made once, whatever the rows that use it."""

    def __init__(self, request: Request, dataset: str) -> None:
        self._request, self._dataset = request, dataset
        self._base = settings_of(request)
        self.trials: dict[str, list[MsFansTrial]] = {}
        self.rivals: list[MsFansRival] = []

    def model(self, scales: Scales, fusion: str = "lstm", cnn: str = "cnn_s") -> str:
        """Ask for a model's runs, one a seed; returns its name.

        At the small size the deep network, ten times as costly, is run with the first seed alone.
        """
        fusion = fusion if len(scales) > 1 else "average"
        settings = replace(self._base, scales=scales, fusion=fusion, cnn=cnn)
        few = cnn == "cnn_d" and self._request.size == "small"
        seeds = self._request.seeds[:1] if few else self._request.seeds
        trials = [MsFansTrial(self._dataset, replace(settings, seed=seed)) for seed in seeds]
        self.trials[trials[0].model] = trials
        return trials[0].model

    def row(self, group: str, name: str, *models: str, remark: str = "") -> PlannedRow:
        """A row on this data set."""
        return PlannedRow(group, name, self._dataset, models, remark)

    def rival_rows(self, table: PublishedTable) -> list[PlannedRow]:
        """Every row of the table that is somebody else's."""
        rows = []
        for printed in table.rows:
            for start, model in RIVALS.items():
                if printed.name.startswith(start):
                    frames = self._base.frames_per_clip
                    trials = rivals_of(self._request, self._dataset, model, frames)
                    self.rivals += trials
                    rows.append(self.row("", printed.name, model, remark=remark_of(trials[0])))
        return rows

    def all_trials(self) -> tuple[Trial, ...]:
        """Seed by seed, so that a table that is broken off has whole seeds; the long runs last."""
        seeds = self._request.seeds
        ours = [trial for runs in self.trials.values() for trial in runs]
        ours.sort(key=lambda trial: seeds.index(trial.seed))
        deep = [trial for trial in ours if trial.settings.cnn == "cnn_d"]
        return (*(trial for trial in ours if trial not in deep), *self.rivals, *deep)


def words_of(scales: Iterable[float]) -> str:
    """A group as the paper prints it.

    >>> words_of((0.9, 1.0))
    '[0.9, 1.0]'
    """
    return f"[{', '.join(str(scale) for scale in scales)}]"


def table_ii(request: Request) -> Plan:
    """Each single scale on CASIA-FASD."""
    runs = Runs(request, CASIA)
    rows = [runs.row("", str(scale), runs.model((scale,))) for scale in PAPER_SCALES]
    return Plan(
        TABLE_II,
        {EER: "eer"},
        tuple(rows),
        runs.all_trials(),
        (),
        figures.scales_figure,
        notes_of(request),
        stills=True,
    )


FUSION_NAMES = {AVERAGE: "average", CONCAT: "concatenation", MS_FANS: "lstm"}
BEST_REMARK = "the scale with the lowest development loss; the paper's is the lowest on test"


def fusion_rows(runs: Runs, group: str, scales: Scales) -> list[PlannedRow]:
    """Table III's four rows for one group."""
    singles = [runs.model((scale,)) for scale in scales]
    rows = [runs.row(group, BEST_SINGLE, *singles, remark=BEST_REMARK)]
    rows += [
        runs.row(group, name, runs.model(scales, fusion)) for name, fusion in FUSION_NAMES.items()
    ]
    return rows


def fusion_claims(groups: Sequence[str], where: str) -> list[Claim]:
    """What the paper claims of fusion, over the mean of some groups."""

    def rows(name: str) -> tuple[tuple[str, str], ...]:
        return tuple((group, name) for group in groups)

    fused = [(AVERAGE, BEST_SINGLE), (CONCAT, BEST_SINGLE)]
    fused += [(MS_FANS, rival) for rival in (BEST_SINGLE, AVERAGE, CONCAT)]
    return [
        Claim(f"{first} errs less than {second}, {where}", rows(first), rows(second))
        for first, second in fused
    ]


def table_iii(request: Request) -> Plan:
    """Strategies of fusion for each group."""
    runs = Runs(request, CASIA)
    rows = []
    for scales in PAPER_GROUPS:
        rows += fusion_rows(runs, words_of(scales), scales)
    groups = [words_of(scales) for scales in PAPER_GROUPS]
    claims = fusion_claims(groups, "mean of the five groups")
    seven = "MS-FANS over all seven scales"
    rows.append(runs.row(ADDED, seven, runs.model(PAPER_SCALES), remark="no group is picked"))
    claims.append(
        Claim(
            f"{seven} errs less than over the paper's hand-picked group",
            ((ADDED, seven),),
            ((words_of(CASIA_GROUP), MS_FANS),),
        )
    )
    return Plan(
        TABLE_III,
        {EER: "eer"},
        tuple(rows),
        runs.all_trials(),
        tuple(claims),
        figures.alpha_figures,
        notes_of(request),
        stills=True,
    )


def both_networks(runs: Runs, scales: Scales) -> list[PlannedRow]:
    """The paper's own two rows of Tables IV and V."""
    return [
        runs.row("", f"{words_of(scales)} {cnn.upper()} (Ours)", model)
        for cnn in ("cnn_s", "cnn_d")
        for model in [runs.model(scales, "lstm", cnn)]
    ]


def table_iv(request: Request) -> Plan:
    """The best group with both networks on CASIA-FASD, beside the rivals."""
    runs = Runs(request, CASIA)
    rows = runs.rival_rows(TABLE_IV) + both_networks(runs, CASIA_GROUP)
    return Plan(
        TABLE_IV,
        {EER: "eer"},
        tuple(rows),
        runs.all_trials(),
        (),
        figures.alpha_figures,
        (*notes_of(request), note_of(runs.rivals)),
        stills=True,
    )


def table_v(request: Request) -> Plan:
    """The same on Replay-Attack, with Table III's ways of fusing for the claim."""
    runs = Runs(request, REPLAY)
    rows = runs.rival_rows(TABLE_V) + both_networks(runs, REPLAY_GROUP)
    group = f"{ADDED}: {words_of(REPLAY_GROUP)}"
    rows += fusion_rows(runs, group, REPLAY_GROUP)
    return Plan(
        TABLE_V,
        {EER: "eer", HTER: "hter"},
        tuple(rows),
        runs.all_trials(),
        tuple(fusion_claims([group], words_of(REPLAY_GROUP))),
        figures.alpha_figures,
        (*notes_of(request), note_of(runs.rivals)),
        stills=True,
    )


def notes_of(request: Request) -> tuple[str, ...]:
    """How the runs were made, in sentences."""
    s, paper = settings_of(request), MsFansSettings()
    rate = f"{s.learning_rate:g}"
    if s.learning_rate != paper.learning_rate:
        rate += f" (the paper's {paper.learning_rate:g} learns too slowly for so few steps)"
    return (
        f"{s.steps} steps of {s.batch} faces, {s.frames_per_clip} frames of each clip, SGD with "
        f"momentum {s.momentum:g}, weight decay {s.weight_decay:g} and learning rate {rate}, "
        f"divided by ten after {' and '.join(f'{100 * m:g} %' for m in s.milestones)} of the "
        f"steps; dropout {s.dropout:g}; arithmetic {s.precision}. The paper states neither batch "
        "size nor steps nor dropout's rate.",
        "A random window of 112 px, mirrored at random, alike for all scales of a face, is the "
        "paper's augmentation; that of colour and noise, "
        f"{f'of strength {s.jitter:g}, is ours' if s.jitter else 'ours, is off'}.",
        "One detection and one alignment a frame give the crops of all seven scales; every row "
        "takes its own of the same cache. Frames without one usable face are counted, not dropped "
        "unseen.",
        "The kept weights, the threshold and the best single scale come from development people. "
        "CASIA-FASD has no development part: a quarter of its training people, drawn by a seed, "
        "is held out for it, so that these runs train on fewer people than the paper's. Test "
        "people are looked at once, at the end.",
        "EER and HTER are over clips, a clip's score being the mean over its frames; the paper "
        "does not say whether it counts frames or clips. HTER is at the threshold of the "
        "development people's EER.",
        "Milliseconds are for the network alone: all crops of one face in one forward, one CPU "
        "thread, torch, the fastest of five.",
    )


TABLES: dict[str, Callable[[Request], Plan]] = {
    "ms-fans/2": table_ii,
    "ms-fans/3": table_iii,
    "ms-fans/4": table_iv,
    "ms-fans/5": table_v,
}
