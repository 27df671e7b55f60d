"""What `bonafide models` and the benchmark's page say of every model: identity and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn, uint8, zeros

from bonafide.models import ms_fans
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import (
    FRAMES,
    MODALITIES,
    MachineRival,
    NetworkRival,
    Published,
    Views,
    describe_ms,
)
from bonafide.models.cost import cost_of
from bonafide.models.cost import milliseconds as time_network
from bonafide.types import BonafideError

FIELDS = {
    "name": "name",
    "title": "model",
    "paper": "paper",
    "modality": "modality",
    "input": "input",
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "milliseconds": "ms",
    "tables": "tables",
}
MS_FANS = ("ms-fans", "ms-fans-deep")
"""The paper's own, CNN_S and CNN_D; they are built and trained by their own file and task."""

ROUNDS = 5


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes:
        name: for the command line.
        title, paper: for people.
        modality: RGB, RGB clip, or RGB + depth + IR.
        input: size and number of its views, in words.
        parameters, multiply_adds: counted; None for machines, whose features are not counted.
        published_parameters, published_flops: as stated by the authors or the tables.
        counted_as_published: our count by the published figure's own rule.
        rule: that rule in words.
        milliseconds: least time of one presentation at one thread, crops to score; None when not
            asked for.
        tables: of our papers.
    """

    name: str
    title: str
    paper: str
    modality: str
    input: str
    parameters: int | None
    multiply_adds: int | None
    published_parameters: float | None
    published_flops: float | None
    counted_as_published: float | None
    rule: str
    milliseconds: float | None
    tables: tuple[str, ...]

    def cell(self, field: str) -> str:
        """A field as text for a table."""
        value = getattr(self, field)
        if value is None:
            return "-"
        if field in ("parameters", "multiply_adds"):
            return engineering(value)
        if field == "milliseconds":
            return f"{value:.1f}"
        return ", ".join(value) if isinstance(value, tuple) else str(value)


def engineering(value: float) -> str:
    """Three digits with k, M or G.

    >>> engineering(434560), engineering(30.8e9)
    ('435 k', '30.8 G')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def all_names() -> list[str]:
    """Every name that `list_models` knows, in its order."""
    return [*MS_FANS, *NETWORKS, *MACHINES]


def list_models(names: Sequence[str], *, timed: bool) -> list[ModelRow]:
    """Describe models.

    Args:
        names: which; all if empty.
        timed: also measure one presentation at one thread, on this machine.

    Raises:
        BonafideError: a name is unknown.
    """
    unknown = sorted(set(names) - set(all_names()))
    if unknown:
        raise BonafideError(
            f"unknown models {unknown}.",
            where="models",
            remedy=f"Known: {', '.join(all_names())}.",
        )
    rows = []
    for name in names or all_names():
        if name in NETWORKS:
            rows.append(_of_network(name, NETWORKS[name], timed))
        elif name in MACHINES:
            rows.append(_of_machine(name, MACHINES[name], timed))
        else:
            rows.append(_of_ms_fans(name, timed))
    return rows


def modality_of(views: Views) -> str:
    """In words."""
    return {FRAMES: "RGB clip", MODALITIES: "RGB + depth + IR"}.get(views.kind, "RGB")


def input_of(views: Views) -> str:
    """Such as "224 px at 1.3", "6 frames of 128 px at 1.2"."""
    scales = ", ".join(f"{scale:g}" for scale in views.scales)
    many = f"{views.frames} frames of " if views.kind == FRAMES else ""
    return f"{many}{views.side_px} px at {scales}"


def _of_network(name: str, one: NetworkRival, timed: bool) -> ModelRow:
    network = one.build(one.views.side_px)
    blank = one.views.blank()
    cost = cost_of(network, blank)
    stated = one.published
    return ModelRow(
        name,
        one.title,
        one.paper,
        modality_of(one.views),
        input_of(one.views),
        cost.parameters,
        cost.multiply_adds,
        stated.parameters,
        stated.flops,
        stated.counting(cost) if stated.flops is not None else None,
        stated.rule if stated.flops is not None else "",
        time_network(network, blank, ROUNDS) if timed else None,
        one.tables,
    )


def _of_machine(name: str, one: MachineRival, timed: bool) -> ModelRow:
    return ModelRow(
        name,
        one.title,
        one.paper,
        modality_of(one.views),
        input_of(one.views),
        None,
        None,
        None,
        None,
        None,
        "",
        describe_ms(one, ROUNDS) if timed else None,
        one.tables,
    )


def _of_ms_fans(name: str, timed: bool) -> ModelRow:
    deep = name == "ms-fans-deep"
    network = ms_fans.MsFans(3, "cnn_d" if deep else "cnn_s")
    scorer: nn.Module = ms_fans.MsFansScorer(network)
    blank = zeros(1, 3, 128, 128, 3, dtype=uint8)
    cost = cost_of(scorer, blank)
    stated = Published(None, 0.768e9 if deep else 0.075e9)
    return ModelRow(
        name,
        f"MS-FANS, {'CNN_D' if deep else 'CNN_S'}",
        "Luo et al. 2018",
        "RGB",
        "128 px at 1.1, 1.2, 1.3",
        cost.parameters,
        cost.multiply_adds,
        stated.parameters,
        stated.flops,
        cost.ms_fans_flops,
        "2 per multiply-add in convolutions, 1 in fully connected layers",
        time_network(scorer, blank, ROUNDS) if timed else None,
        ("ms-fans/3", "ms-fans/4", "ms-fans/5"),
    )
