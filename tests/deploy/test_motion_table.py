"""Each of the ten columns of the paper's tables is one call."""

from dataclasses import replace

import numpy as np
import pytest
from lightning.fabric import Fabric

from bonafide.datasets.sample_table import write_sample_table
from bonafide.deploy.motion_table import COLUMNS, TableSettings, train_column
from bonafide.evaluation.record import read_record
from bonafide.evaluation.score_file import read_test
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.run import Reporter
from bonafide.training.texture_run import TextureSettings
from bonafide.types import Label, Presentation, Split

SILENT = Reporter(lambda _split, _count: lambda: None, lambda _progress, _loss: None)


@pytest.fixture(scope="module")
def table(tmp_path_factory, astronaut, write_clip):
    folder = tmp_path_factory.mktemp("clips")
    head = np.ascontiguousarray(astronaut[0:224, 110:334])
    rows = []
    for number, split in enumerate([Split.TRAIN] * 2 + [Split.DEVELOPMENT] * 2 + [Split.TEST] * 2):
        for label, species in ((Label.BONA_FIDE, "bona_fide"), (Label.ATTACK, "print")):
            rgb = head if label is Label.BONA_FIDE else head // 2 + 60
            path = folder / f"{number}_{label.value}.mp4"
            write_clip(path, [np.roll(rgb, number + i % 3, axis=0) for i in range(26)])
            row = Presentation(path.stem, str(path), label, species, f"p{number}", split, "made up")
            rows.append(row)
    write_sample_table(folder / "samples.csv", rows)
    return folder / "samples.csv"


def test_the_columns_are_those_of_the_paper():
    assert len(COLUMNS) == 10
    for name, column in COLUMNS.items():
        assert column.magnified == ("M" in name.partition("^")[2])
        assert bool(column.cue) == name.startswith("LBP")
        assert (column.variant == "cnn-lstm-a") == ("^A" in name)


@pytest.mark.slow
@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_is_trained_and_scored_by_one_call(column, table, tmp_path):
    settings = TableSettings(
        MotionSettings(cnn="small", hidden=4, frames=4, window_s=2.5, steps=2, batch=2),
        TextureSettings(window_s=2.5, rows_per_clip=5),
        "face-motion",
        {},
    )
    fabric = Fabric(accelerator="cpu", devices=1)
    point = train_column(
        column,
        table,
        tmp_path / "run",
        settings,
        fabric,
        caches=table.parent / "caches",
        workers=1,
        report=SILENT,
    )
    assert point is not None
    assert read_test(tmp_path / "run" / "scores_test.csv").answered.all()
    told = read_record(tmp_path / "run" / "run.toml")
    assert ("magnified" in told.name) == COLUMNS[column].magnified
    again = train_column(
        column,
        table,
        tmp_path / "run",
        replace(settings, preset="face-motion"),
        fabric,
        caches=table.parent / "caches",
        workers=1,
        report=SILENT,
    )
    assert again == point
