"""Join a run of skin colour and runs of the recapture network into one model of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bonafide.capture.sources import expand_sources
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.run_scores import SCORED, score_run
from bonafide.evaluation.record import read_record
from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.training import recapture_task, skin_colour_task
from bonafide.training.checkpoint import save_tensors
from bonafide.training.crop_cache import CropCache, CropSettings, crop_cache
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST, compact
from bonafide.training.recapture_fusion import FAMILY, FusionSettings, parts_of
from bonafide.training.run import RECORD, Reporter, family_of, read_splits, write_run_record
from bonafide.training.toml import Value
from bonafide.types import BONA_FIDE_SPECIES, BonafideError, Label, Presentation, Split

LEAST_PHOTOS = 20
"""Photos with a usable face, of which a mean and a deviation say something."""


@dataclass(frozen=True)
class Parts:
    """What is joined.

    Attributes:
        colour: a finished run of `train skin-colour`.
        networks: finished runs of `train recapture`, such as several seeds.
    """

    colour: Path
    networks: Sequence[Path]

    def check(self, training: Sequence[Presentation]) -> None:
        """Refuse runs of other families, or of people outside a table's training split.

        Nobody may be scored below whom a part was trained on, and the record names all of them.

        Raises:
            BonafideError: as said; it names the run.
        """
        people = {row.capture_subject for row in training}
        families = [skin_colour_task.FAMILY, *[recapture_task.FAMILY] * len(self.networks)]
        for run, family in zip((self.colour, *self.networks), families, strict=True):
            if family_of(run) != family:
                raise BonafideError(
                    f"is a run of family {family_of(run)}, not {family}.",
                    where=str(run),
                    remedy="Name a run of `train skin-colour`, then those of `train recapture`.",
                )
            strangers = sorted((read_record(run / RECORD).training_subjects or set()) - people)
            if strangers:
                raise BonafideError(
                    f"was trained on people outside the table's training split: "
                    f"{', '.join(strangers[:5])}.",
                    where=str(run),
                    remedy="Name the table that the runs were trained on.",
                )

    def load(self) -> tuple[RecaptureFusion, FusionSettings]:
        """The parts as one model, not standardised yet, and what it is made of.

        Raises:
            BonafideError: a folder holds no finished run, or their crops differ.
        """
        colour, first = skin_colour_task.load_network(self.colour)
        loaded = [recapture_task.load_network(run) for run in self.networks]
        second = loaded[0][1]
        for run, (_, other) in zip(self.networks, loaded, strict=True):
            if other.crops() != second.crops() or other.crop_px != first.crop_px:
                raise BonafideError(
                    f"sees crops of {other.crop_px} px at scale {other.scale}, unlike the others.",
                    where=str(run),
                    remedy="Fuse runs of one crop_px, the networks of one scale, too.",
                )
        seeds = tuple(settings.seed for _, settings in loaded)
        scales = (first.scale, second.scale)
        made_of = FusionSettings(scales, first.crop_px, second.frames_per_clip, len(seeds), seeds)
        return RecaptureFusion(colour, [network for network, _ in loaded]).eval(), made_of


@dataclass(frozen=True)
class FusionData:
    """What a fusion is standardised, scored and given its threshold on.

    Attributes:
        table: its development split chooses the operating point; all people that the parts were
            trained on stand in its training split.
        photos: a folder of bona fide photos and clips of people that no part was trained on.
        crops: folder of the crop caches.
        workers: processes that cut crops.
    """

    table: Path
    photos: Path
    crops: Path
    workers: int

    def cut(
        self, name: str, rows: Sequence[Presentation], what: CropSettings, report: Reporter
    ) -> CropCache:
        """The crops of a split or of the photos."""
        told = report.preparing(name, len(rows))
        return crop_cache(rows, self.crops / name, what, workers=self.workers, on_sample=told)


def fuse_runs(
    parts: Parts, data: FusionData, run: Path, *, target: str, report: Reporter
) -> OperatingPoint:
    """Join runs, standardise them on bona fide photos, and score the table's held-out splits.

    Args:
        parts: what to join.
        data: as said.
        run: the run folder to make.
        target: see `decision.criteria.choose`.
        report: of the progress.

    Raises:
        BonafideError: the folder holds a run, the parts do not fit each other or the table, or
            fewer than `LEAST_PHOTOS` pictures show one usable face.
    """
    if (run / RECORD).exists():
        raise BonafideError(
            "holds a run already.", where=str(run), remedy="Name another folder with -o."
        )
    splits = read_splits(data.table)
    parts.check(splits[Split.TRAIN])
    fusion, made_of = parts.load()
    what = made_of.crops()
    photos = data.cut("photos", bona_fide_rows(data.photos), what, report)
    used = _standardise(fusion, photos, data.photos)
    held_out = [split for split in SCORED if splits[split]]
    cut = {split: data.cut(split.value, splits[split], what, report) for split in held_out}
    caches = Caches(splits, cut)
    run.mkdir(parents=True, exist_ok=True)
    save_tensors(run / BEST, compact(fusion), {})
    who = (FAMILY, "recapture fusion", made_of.seeds[0])
    result: dict[str, Value] = {"photos": data.photos.name, "photos_used": used}
    write_run_record(run, who, made_of, caches.run_data(), result)
    return score_run(run, caches, target)


def _standardise(fusion: RecaptureFusion, photos: CropCache, folder: Path) -> int:
    """Standardise on photos; how many pictures those were, of clips several."""
    used = len(photos.crops)
    if used < LEAST_PHOTOS:
        raise BonafideError(
            f"only {used} pictures show one usable face.",
            where=str(folder),
            remedy=f"Take at least {LEAST_PHOTOS}, of different people.",
        )
    fusion.standardise_by(parts_of(fusion, photos.crops))
    return used


def bona_fide_rows(folder: Path) -> list[Presentation]:
    """A folder of bona fide photos and clips as rows of a sample table, one person a file.

    Raises:
        BonafideError: it is not a folder, or a file in it cannot be read.
    """
    if not folder.is_dir():
        raise BonafideError(
            "is not a folder.", where=str(folder), remedy="Name a folder of live photos."
        )
    rows = []
    for source in expand_sources([str(folder)]):
        if source.error is not None:
            raise source.error
        name = source.path.relative_to(folder).as_posix()
        rows.append(
            Presentation(
                presentation=name,
                path=str(source.path),
                label=Label.BONA_FIDE,
                pai_species=BONA_FIDE_SPECIES,
                capture_subject=name,
                split=Split.DEVELOPMENT,
                dataset=folder.name,
            )
        )
    return rows
