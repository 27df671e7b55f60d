"""The other approaches of paper 1's Tables IV and V: the catalogue's models, on the same people.

All see the frames that our rows see, but for the two that take whole clips. The recipe is one for
all networks and starts from random weights: the published ones belong to their owners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.cost import Cost as NetworkCost
from bonafide.papers.cascade_rivals import RivalTrial
from bonafide.papers.plan import Request
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings

RIVALS = {
    "†Fine-tuned VGG-Face": "vgg_face",
    "†DPCNN": "dpcnn",
    "†Yang et al.": "alex_net_svm",
    "†LSTM-CNN": "lstm_cnn",
    "Boulkenafet et al. [6]": "colour_texture",
    "Boulkenafet et al. [16]": "fisher_texture",
    "Siddiqui et al.": "videolet",
    "†Atoum et al.": "patch_depth_cnn",
}
"""How a printed name begins -> the catalogue's model."""

SMALL_SIDE_PX = 64
SMALL_STEPS, SMALL_BATCH = 300, 16
ONE_SEED = ("vgg_face", "dpcnn", "patch_depth_cnn")
"""At the small size these, whose layers cost minutes, run with the first seed alone."""

DEVIATIONS = {
    "vgg_face": "random weights for VGG-Face's",
    "dpcnn": "random weights for VGG-Face's; parts are places of the last maps",
    "alex_net_svm": "random weights for ImageNet's; one scale",
    "lstm_cnn": "widths not published: chosen to meet the published cost",
    "colour_texture": "a machine on single frames",
    "fisher_texture": "dense SIFT for SURF, which is patented; 16 components and 48 values for 256 "
    "and 300; a linear machine",
    "videolet": "one machine for both features; frames aligned one by one",
    "patch_depth_cnn": "the depth network's layers are ours; both networks trained together",
}
"""Model -> what differs from its paper at any size; more in docs/rivals.md."""


@dataclass(frozen=True)
class MsFansRival(RivalTrial):
    """A rival whose cost is counted as paper 1 counts. Implements `plan.Trial`."""

    def _flops(self, counted: NetworkCost) -> int:
        return counted.ms_fans_flops


def rivals_of(request: Request, dataset: str, model: str, frames: int) -> list[MsFansRival]:
    """The runs of a rival, one a seed.

    Args:
        request: of the table.
        dataset: trained and tested on.
        model: of the catalogue.
        frames: of a clip, for models that look at single frames.
    """
    few = request.size == "small" and model in ONE_SEED
    seeds = request.seeds[:1] if few else request.seeds
    return [MsFansRival(dataset, _settings(request, model, frames, seed)) for seed in seeds]


def _settings(
    request: Request, model: str, frames: int, seed: int
) -> RivalSettings | MachineSettings:
    if model in MACHINES:
        return MachineSettings(model, frames_per_clip=frames, seed=seed)
    chosen = RivalSettings(model, frames_per_clip=frames, seed=seed, precision=request.precision)
    if request.size == "small":
        side = max(SMALL_SIDE_PX, NETWORKS[model].small_px)
        chosen = replace(
            chosen, side_px=side, batch=SMALL_BATCH, steps=SMALL_STEPS, evaluate_every=60
        )
    if request.steps is not None:
        every = min(chosen.evaluate_every, request.steps)
        chosen = replace(chosen, steps=request.steps, evaluate_every=every)
    return chosen


def remark_of(trial: MsFansRival) -> str:
    """What a reader must know of a rival's row: how small it was run, and what else differs."""
    settings = trial.settings
    words = [DEVIATIONS[settings.model]]
    if isinstance(settings, RivalSettings):
        own = NETWORKS[settings.model].views.side_px
        less = "" if settings.side_px == own else f" of {settings.side_px} px for {own}"
        words.insert(0, f"{settings.steps} steps of {settings.batch}{less}")
    return "; ".join(words)


def note_of(trials: list[MsFansRival]) -> str:
    """How the rivals of a table were run, in a sentence."""
    seeds = sorted({t.model for t in trials if sum(o.model == t.model for o in trials) == 1})
    few = f" One seed, whose interval is over people alone: {', '.join(seeds)}." if seeds else ""
    return (
        "Rivals are trained on the same people with one recipe for all networks, from random "
        "weights; machines are fitted to the training people. FLOPs are counted as the paper does, "
        f"of the network at the side that was run.{few}"
    )
