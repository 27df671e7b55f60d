"""Tables III to XI of the cascade paper as plans: which runs, which rows, which claims.

Stages are shared: what several tables ask for is one run, trained once. D-Net is trained on MIP-2D,
M-Net on MIP-3D (section IV-I) or on CASIA-SURF. Rivals see what the catalogue's models see, and
that differs from the paper's in places; the row's remark says where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers import cascade_tables as printed
from bonafide.papers.cascade_figures import roc_figures
from bonafide.papers.cascade_measures import sheets_of
from bonafide.papers.cascade_rivals import RivalTransfer, RivalTrial
from bonafide.papers.cascade_settings import (
    ADDED,
    FUSED,
    MIP_2D,
    MIP_3D,
    MIPD,
    RIVAL_REMARKS,
    SURF,
    notes_of,
    rival_settings,
    stage_settings,
)
from bonafide.papers.cascade_trial import CascadeTrial, StageTransfer, StageTrial
from bonafide.papers.measure import MeasuredRow
from bonafide.papers.plan import Claim, Plan, PlannedRow, Request, Sheet, Trial
from bonafide.papers.published import PublishedTable
from bonafide.training.cascade_settings import BRANCH_CHOICES

OURS, OURS_PLUS = "Ours", "Ours+"
RIVALS = {
    "Patch-based CNN": "patch_depth_cnn",
    "ML-LPQ": "ml_lpq",
    "LiveNet": "live_net",
    "FaceBagNet": "face_bag_net",
    "FacebagNet": "face_bag_net",
    "FeatherNet": "feather_net_b",
    "ResNet-18": "casia_surf_fusion",
    "CDCN": "cdcn",
}
"""How a printed name begins -> the catalogue's model."""
ON_DEPTH = {"FaceBagNet": "face_bag_net_depth", "FeatherNet": "feather_net_depth"}
"""The same of Table III, which gives them a depth map."""


class Runs:
    """The trials of a request by wave; each is made once, whatever the rows that use it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._waves: list[dict[tuple[str, str, int], Trial]] = [{}, {}, {}, {}, {}, {}]
        self.rows: list[PlannedRow] = []

    def waves(self) -> tuple[tuple[Trial, ...], ...]:
        """Trained stages; fine-tuning; tests on other data; cascades; rivals; their tests."""
        return tuple(tuple(wave.values()) for wave in self._waves if wave)

    def _add(self, wave: int, trial: Trial) -> None:
        self._waves[wave].setdefault((trial.dataset, trial.model, trial.seed), trial)

    def stage(
        self,
        dataset: str,
        stage: str,
        branches: tuple[str, ...],
        *,
        fmix: bool = True,
        se: bool = True,
        patches: bool = True,
        raw: bool = False,
    ) -> list[StageTrial]:
        """One stage, a trial a seed; fine-tuning brings its M-Net along.

        Args:
            dataset: trained on.
            stage: see `CascadeSettings`.
            branches: what it sees.
            fmix: whether the summation picture is mixed.
            se: whether the backbone has squeeze and excitation.
            patches: whether M-Net trains on patches of several sizes, or of one.
            raw: whether c is 0, so that no picture is made free of distance.
        """
        variant = (stage, branches, fmix, se, patches, raw)
        settings = stage_settings(self._request, *variant)
        name = _name(*variant)
        before = _name("m_net", *variant[1:]) if stage == "fine_tune" else ""
        if before:
            self.stage(dataset, "m_net", branches, fmix=fmix, se=se, patches=patches, raw=raw)
        found = [
            StageTrial(dataset, name, replace(settings, seed=seed), before)
            for seed in self._request.seeds
        ]
        for trial in found:
            self._add(1 if before else 0, trial)
        return found

    def tested_on(self, dataset: str, stages: Sequence[StageTrial]) -> list[StageTransfer]:
        """Trained stages, tested on other data."""
        found = [StageTransfer(trial, dataset) for trial in stages]
        for trial in found:
            self._add(2, trial)
        return found

    def cascade(
        self, first: Sequence[StageTransfer], second: Sequence[StageTransfer]
    ) -> list[CascadeTrial]:
        """Both stages, seed by seed."""
        found = [CascadeTrial(one, two) for one, two in zip(first, second, strict=True)]
        for trial in found:
            self._add(3, trial)
        return found

    def rival(self, model: str, trained: str, tested: str) -> Sequence[Trial]:
        """A model of the catalogue, on its own data or on another's."""
        seeds = self._request.seeds
        found = [RivalTrial(trained, rival_settings(self._request, model, seed)) for seed in seeds]
        for trial in found:
            self._add(4, trial)
        if trained == tested:
            return found
        moved = [RivalTransfer(trial, tested) for trial in found]
        for each in moved:
            self._add(5, each)
        return moved

    def row(self, group: str, name: str, trials: Sequence[Trial], remark: str = "") -> None:
        """A row of what these trials measured."""
        first = trials[0]
        self.rows.append(PlannedRow(group, name, first.dataset, (first.model,), remark))

    def rival_rows(
        self,
        table: PublishedTable,
        trained: str,
        tested: str,
        group: str = "",
        models: Mapping[str, str] = RIVALS,
    ) -> None:
        """Every row of the table that is a rival's."""
        for row in table.rows:
            for start, model in models.items():
                if row.name.startswith(start):
                    trials = self.rival(model, trained, tested)
                    self.row(group, row.name, trials, RIVAL_REMARKS.get(model, ""))

    def m_net(self, dataset: str) -> list[StageTrial]:
        """M-Net as the paper's best: three fused pictures, FMix, patches, weighted fine-tuning."""
        return self.stage(dataset, "fine_tune", FUSED)

    def d_net(self, dataset: str) -> list[StageTrial]:
        """D-Net on all three depth maps."""
        return self.stage(dataset, "d_net", BRANCH_CHOICES["d_net"])


def _name(
    stage: str, branches: tuple[str, ...], fmix: bool, se: bool, patches: bool, raw: bool
) -> str:
    """Such as "m_net-stack-summation-difference-fmix-patches"."""
    parts = [stage, *branches]
    if stage != "d_net":
        words = {"fmix": fmix and "summation" in branches, "patches": patches, "raw": raw}
        parts += [word for word, on in words.items() if on]
    return "-".join([*parts, *([] if se else ["plain"])])


Printed = Callable[[MeasuredRow], Mapping[str, str]]


def _plan(
    table: PublishedTable,
    request: Request,
    runs: Runs,
    claims: Sequence[Claim] = (),
    notes: Sequence[str] = (),
    crossed: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of what the runs hold.

    Args:
        table, request, runs, claims: as they say.
        notes: of this table.
        crossed: for tables with a direction a column: group of the measured row -> that column,
            whose numbers are ACER.
    """
    rows = {(row.group, row.name): row for row in table.rows}

    def beside(group: str, name: str) -> Mapping[str, str]:
        if crossed is None:
            return rows[group, name].printed if (group, name) in rows else {}
        inside = group in crossed and ("", name) in rows
        return {printed.ACER: rows["", name].printed[crossed[group]]} if inside else {}

    def sheets(measured: Sequence[MeasuredRow]) -> list[Sheet]:
        columns = table.columns if crossed is None else (printed.ACER,)
        return sheets_of(columns, measured, beside)

    waves = runs.waves()
    return Plan(
        table,
        {},
        tuple(runs.rows),
        tuple(trial for wave in waves for trial in wave),
        tuple(claims),
        roc_figures,
        (*notes_of(request), *notes),
        waves=waves,
        sheets=sheets,
    )


def _claim(words: str, group: str, first: str, other: str, second: str) -> Claim:
    return Claim(words, ((group, first),), ((other, second),))


def table_iii(request: Request) -> Plan:
    """D-Net on one, two and three depth maps, and rivals on one."""
    runs = Runs(request)
    runs.rival_rows(printed.TABLE_III, MIP_2D, MIP_2D, "F1", ON_DEPTH)
    for maps in (("f1",), ("f1", "f2"), ("f2", "f3"), ("f1", "f3"), ("f1", "f2", "f3")):
        name = "&".join(one.upper() for one in maps)
        runs.row("D-Net", name, runs.stage(MIP_2D, "d_net", maps))
    claim = _claim("All three depth maps beat F1 alone", "D-Net", "F1&F2&F3", "D-Net", "F1")
    return _plan(printed.TABLE_III, request, runs, [claim])


RAW, TUNED = "Fusion without distance correction (c = 0)", "Aug Fusion, fine-tuned"


def table_iv(request: Request) -> Plan:
    """M-Net on one modality, on both, and with FMix."""
    runs = Runs(request)
    m_net = "m_net"
    runs.row("", "RGB", runs.stage(MIP_3D, m_net, ("rgb",)))
    runs.row("", "IR", runs.stage(MIP_3D, m_net, ("infrared",)))
    runs.row("", "Fusion", runs.stage(MIP_3D, m_net, FUSED, fmix=False))
    runs.row("", "Aug Fusion", runs.stage(MIP_3D, m_net, FUSED))
    runs.row(ADDED, RAW, runs.stage(MIP_3D, m_net, FUSED, fmix=False, raw=True))
    runs.row(ADDED, TUNED, runs.m_net(MIP_3D))
    claims = [
        _claim("Distance-free fusion beats raw fusion", "", "Fusion", ADDED, RAW),
        _claim("FMix helps", "", "Aug Fusion", "", "Fusion"),
        _claim("Weighted fine-tuning helps", ADDED, TUNED, "", "Aug Fusion"),
    ]
    note = "The paper does not say whether these rows are fine-tuned; here only the added one is."
    return _plan(printed.TABLE_IV, request, runs, claims, [note])


def table_v(request: Request) -> Plan:
    """Approaches on MIP-3D."""
    runs = Runs(request)
    runs.rival_rows(printed.TABLE_V, MIP_3D, MIP_3D)
    runs.row("", OURS_PLUS, runs.m_net(MIP_3D))
    return _plan(printed.TABLE_V, request, runs)


def table_vi(request: Request) -> Plan:
    """Approaches on CASIA-SURF; ours with and without fused pictures."""
    runs = Runs(request)
    runs.rival_rows(printed.TABLE_VI, SURF, SURF)
    runs.row("", OURS, runs.stage(SURF, "m_net", ("rgb", "infrared")))
    runs.row("", OURS_PLUS, runs.m_net(SURF))
    claim = _claim("Fused pictures and fine-tuning beat RGB and IR", "", OURS_PLUS, "", OURS)
    return _plan(printed.TABLE_VI, request, runs, [claim])


def table_vii(request: Request) -> Plan:
    """Squeeze and excitation, patches of several sizes, fine-tuning: each on and off."""
    runs = Runs(request)
    named = {}
    for se, backbone in ((False, "Res"), (True, "SE/Res")):
        for patches, patch in ((False, ""), (True, f" + {printed.PATCH}")):
            for stage, tuned in (("m_net", ""), ("fine_tune", f" + {printed.TUNED}")):
                name = f"{backbone}{patch}{tuned}"
                named[se, patches, stage] = name
                trials = runs.stage(MIP_3D, stage, FUSED, se=se, patches=patches)
                runs.row("", name, trials)

    def side(place: int, value: object) -> tuple[tuple[str, str], ...]:
        return tuple(("", name) for key, name in named.items() if key[place] == value)

    claims = [
        Claim("Squeeze and excitation helps", side(0, True), side(0, False)),
        Claim("Patches of several sizes help", side(1, True), side(1, False)),
        Claim("Weighted fine-tuning helps", side(2, "fine_tune"), side(2, "m_net")),
    ]
    note = "Without multi-scale patches, M-Net trains on patches of the one size that it judges."
    return _plan(printed.TABLE_VII, request, runs, claims, [note])


def table_viii(request: Request) -> Plan:
    """D-Net, and rivals, across CASIA-SURF and MIP-2D."""
    runs = Runs(request)
    directions = ((printed.SURF_TO_2D, SURF, MIP_2D), (printed.D2_TO_SURF, MIP_2D, SURF))
    for heading, trained, tested in directions:
        runs.rival_rows(printed.TABLE_VIII, trained, tested, heading)
        runs.row(heading, OURS_PLUS, runs.tested_on(tested, runs.d_net(trained)))
    crossed = {heading: heading for heading, _, _ in directions}
    return _plan(printed.TABLE_VIII, request, runs, crossed=crossed)


D_NET, M_NET = "D-Net", "M-Net, fine-tuned"


def table_ix(request: Request) -> Plan:
    """M-Net, and rivals, across CASIA-SURF and MIP-3D; D-Net on the same people."""
    runs = Runs(request)
    directions = ((printed.SURF_TO_3D, SURF, MIP_3D), (printed.D3_TO_SURF, MIP_3D, SURF))
    for heading, trained, tested in directions:
        runs.rival_rows(printed.TABLE_IX, trained, tested, heading)
        runs.row(heading, OURS_PLUS, runs.tested_on(tested, runs.m_net(trained)))
    outward, back = f"{ADDED}: CASIA-SURF → MIPD", f"{ADDED}: MIP-2D → CASIA-SURF"
    runs.row(outward, D_NET, runs.tested_on(MIPD, runs.d_net(SURF)))
    runs.row(outward, M_NET, runs.tested_on(MIPD, runs.m_net(SURF)))
    runs.row(back, D_NET, runs.tested_on(SURF, runs.d_net(MIP_2D)))
    claims = [
        _claim("M-Net generalises better than D-Net, CASIA-SURF → MIPD",
               outward, M_NET, outward, D_NET),
        _claim("M-Net (MIP-3D) generalises better than D-Net (MIP-2D), → CASIA-SURF",
               printed.D3_TO_SURF, OURS_PLUS, back, D_NET),
    ]  # fmt: skip
    crossed = {heading: heading for heading, _, _ in directions}
    return _plan(printed.TABLE_IX, request, runs, claims, crossed=crossed)


def table_x(request: Request) -> Plan:
    """Trained on MIP-3D, tested on MIPD."""
    runs = Runs(request)
    runs.rival_rows(printed.TABLE_X, MIP_3D, MIPD)
    runs.row("", OURS_PLUS, runs.tested_on(MIPD, runs.m_net(MIP_3D)))
    return _plan(printed.TABLE_X, request, runs)


def table_xi(request: Request) -> Plan:
    """The cascade on MIPD: D-Net of MIP-2D before M-Net of MIP-3D; rivals trained on MIPD."""
    runs = Runs(request)
    runs.rival_rows(printed.TABLE_XI, MIPD, MIPD)
    first = runs.tested_on(MIPD, runs.d_net(MIP_2D))
    second = runs.tested_on(MIPD, runs.m_net(MIP_3D))
    runs.row("", OURS_PLUS, runs.cascade(first, second))
    runs.row(ADDED, D_NET, first)
    runs.row(ADDED, M_NET, second)
    claims = [
        _claim("The cascade beats D-Net alone", "", OURS_PLUS, ADDED, D_NET),
        _claim("The cascade beats M-Net alone", "", OURS_PLUS, ADDED, M_NET),
    ]
    return _plan(printed.TABLE_XI, request, runs, claims)


assert {*RIVALS.values(), *ON_DEPTH.values()} <= {*NETWORKS, *MACHINES}

TABLES: dict[str, Callable[[Request], Plan]] = {
    "cascade/3": table_iii,
    "cascade/4": table_iv,
    "cascade/5": table_v,
    "cascade/6": table_vi,
    "cascade/7": table_vii,
    "cascade/8": table_viii,
    "cascade/9": table_ix,
    "cascade/10": table_x,
    "cascade/11": table_xi,
}
"""Table -> what running it means."""
