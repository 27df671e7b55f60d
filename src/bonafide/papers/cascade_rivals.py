"""Trials of the other approaches in the cascade's tables: any model of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lightning.fabric import Fabric

from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.rival_run import Place, load_judge, run_machine, run_network, views_of
from bonafide.deploy.run_scores import score_rows
from bonafide.evaluation.score_writer import write_score_rows
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import Views, describe_ms
from bonafide.models.cost import Cost as NetworkCost
from bonafide.models.cost import cost_of, milliseconds
from bonafide.papers.cascade_trial import Preparing, development_measure, earlier_run
from bonafide.papers.data import PreparedData
from bonafide.papers.measure import OPERATING_POINT, scores_path
from bonafide.papers.plan import Cost, OnStep
from bonafide.papers.transfer import OneDataSet, Transfer
from bonafide.training.crop_cache import CropCache
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.run import RECORD, Reporter
from bonafide.training.settings import read_toml
from bonafide.training.view_set import open_views
from bonafide.types import Split

CROPS = "crops"


@dataclass(frozen=True)
class RivalTrial(OneDataSet):
    """Trains a rival and scores it on its own data. Implements `plan.Trial`.

    Attributes:
        dataset: trained and tested on.
        settings: of the network, or of the machine.
    """

    dataset: str
    settings: RivalSettings | MachineSettings

    @property
    def model(self) -> str:
        """Its name in the catalogue."""
        return self.settings.model

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """Of the run; a machine is fitted in one."""
        return self.settings.steps if isinstance(self.settings, RivalSettings) else 1

    @property
    def views(self) -> Views:
        """What it sees."""
        if isinstance(self.settings, RivalSettings):
            return views_of(self.settings.model, self.settings.side_px)
        return MACHINES[self.settings.model].views

    def prepare(self, data: PreparedData, workers: int, preparing: Preparing) -> None:
        """Cut what it sees, once for all models that see the same."""
        report = Reporter(preparing, lambda _progress, _loss: None)
        frames = self.settings.frames_per_clip
        open_views(data.table, data.folder / CROPS, self.views, frames, workers, report)

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """See `plan.Trial.run`. A machine has no development measure: one of 0."""
        shown = data[self.dataset]
        report = Reporter(lambda _split, _count: lambda: None, lambda p, _loss: on_step(p.step))
        place = Place(shown.table, folder, shown.folder / CROPS, 1)
        settings = self.settings
        if isinstance(settings, MachineSettings):
            run_machine(settings, place, resume=True, target="eer", report=report)
            return 0.0
        fabric = Fabric(accelerator=device, devices=1, precision=settings.precision)  # type: ignore[arg-type]
        run_network(settings, place, fabric, resume=True, target="eer", report=report)
        return float(read_toml(folder / RECORD)["result"]["best_development_loss"])

    def cost(self) -> Cost:
        """Counted and timed on an untrained network; of a machine the time of its descriptors."""
        if isinstance(self.settings, MachineSettings):
            return Cost(None, None, describe_ms(MACHINES[self.settings.model]))
        network = NETWORKS[self.settings.model].build(self.settings.side_px).eval()
        views = self.views.blank()
        counted = cost_of(network, views)
        flops = self._flops(counted) / 1e9
        return Cost(flops, counted.parameters, milliseconds(network, views))

    def _flops(self, counted: NetworkCost) -> int:
        return counted.multiply_adds


class RivalTransfer(Transfer[RivalTrial]):
    """Tests a trained rival on other data. Implements `plan.Trial`."""

    def prepare(self, data: PreparedData, workers: int, preparing: Preparing) -> None:
        """Cut what it sees."""
        self.trained.prepare(data, workers, preparing)

    def run(
        self,
        data: Mapping[str, PreparedData],
        folder: Path,
        device: str,  # noqa: ARG002 (nothing is trained)
        on_step: OnStep,
    ) -> float:
        """See `plan.Trial.run`; there is no development part to score."""
        shown = data[self.dataset]
        run = earlier_run(folder, self.trained.dataset, self.trained.model, self.seed)
        folder.mkdir(parents=True, exist_ok=True)
        report = Reporter(lambda _split, _count: lambda: None, lambda _p, _loss: None)
        frames = self.trained.settings.frames_per_clip
        crops = shown.folder / CROPS
        table = open_views(shown.table, crops, self.trained.views, frames, 1, report)
        test = table.sets[Split.TEST]
        cache = CropCache(test.crops, test.samples, test.missed)
        rows = score_rows(table.rows[Split.TEST], cache, load_judge(run).of_set(test))
        write_score_rows(scores_path(folder, Split.TEST), rows)
        load_operating_point(run / OPERATING_POINT).save(folder / OPERATING_POINT)
        on_step(1)
        return development_measure(run)
