import csv
import json
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from bonafide.cli import app
from bonafide.simulator import recapture_set
from bonafide.simulator.recapture_set import devices_of, split_of, write_recapture_set
from bonafide.types import SAMPLE_COLUMNS, BonafideError, Split


@pytest.fixture(scope="module")
def folder(tmp_path_factory, people):
    root = tmp_path_factory.mktemp("photos")
    for i, photo in enumerate(people[:6]):
        cv2.imwrite(str(root / f"p{i:02d}.png"), photo[..., ::-1])
    return root


@pytest.fixture(scope="module")
def couple(folder, tmp_path_factory):
    """Two of them."""
    root = tmp_path_factory.mktemp("couple")
    for photo in sorted(folder.iterdir())[:2]:
        shutil.copy(photo, root)
    return root


@pytest.fixture(scope="module")
def written(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("set")
    return write_recapture_set(folder, out, seed=3, per_subject=1).parent


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def tree(out):
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_the_number_of_workers_changes_no_byte(folder, written, tmp_path):
    write_recapture_set(folder, tmp_path, seed=3, per_subject=1, workers=2)
    assert tree(tmp_path) == tree(written)


def test_another_seed_changes_the_pictures(couple, written, tmp_path):
    write_recapture_set(couple, tmp_path, seed=4, per_subject=1)
    first = {row["sha256"] for row in read(written / "candidates.csv")}
    assert not first & {row["sha256"] for row in read(tmp_path / "candidates.csv")}


def test_tables_have_the_columns_and_every_candidate_is_on_disk(written):
    rows = read(written / "candidates.csv")
    assert tuple(rows[0]) == SAMPLE_COLUMNS
    assert len(rows) == 18
    assert Counter(row["pai_species"] for row in rows) == {
        "bona_fide": 6,
        "print": 6,
        "replay": 6,
    }
    for row in rows:
        assert (row["label"] == "bona_fide") == (row["pai_species"] == "bona_fide")
        assert row["dataset"] == "recapture (simulated)"
        assert row["capture_subject"].startswith("portraits/p")
        assert (written / row["path"]).is_file()
        assert row["path"].startswith(f"{row['split']}/{row['label']}/")
    kept = {row["presentation"] for row in read(written / "samples.csv")}
    assert kept <= {row["presentation"] for row in rows}


def test_people_never_cross_splits(written):
    splits = {}
    for row in read(written / "candidates.csv"):
        splits.setdefault(row["capture_subject"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_a_split_depends_on_the_person_and_the_seed_alone():
    assert split_of("020106", 0) is split_of("020106", 0)
    shares = Counter(split_of(f"person {i}", 7) for i in range(6000))
    assert shares[Split.TRAIN] / 6000 == pytest.approx(0.6, abs=0.02)
    assert shares[Split.DEVELOPMENT] / 6000 == pytest.approx(0.2, abs=0.02)
    assert [split_of(f"{i}", 1) for i in range(40)] != [split_of(f"{i}", 2) for i in range(40)]


def test_splits_have_devices_of_their_own():
    train, test = devices_of(Split.TRAIN, 0), devices_of(Split.TEST, 0)
    assert not set(train.printers) & set(test.printers)
    assert not set(train.displays) & set(test.displays)
    assert not {c.lens_sigma_px for c in train.cameras} & {c.lens_sigma_px for c in test.cameras}
    assert devices_of(Split.TEST, 0) == test


def test_provenance_names_seed_and_every_parameter(written):
    provenance = json.loads((written / "provenance.json").read_text())
    assert provenance["seed"] == 3
    assert "simulated" in provenance["dataset"]
    assert len(provenance["samples"]) == 18
    sample = next(s for s in provenance["samples"] if s["pai_species"] == "replay")
    assert sample["parameters"]["simulated"] is True
    assert {"framing", "camera", "shot", "light", "display", "showing"} <= set(sample["parameters"])


def test_an_interrupted_run_goes_on_and_a_damaged_file_is_made_again(
    folder, written, tmp_path, monkeypatch
):
    write_recapture_set(folder, tmp_path, seed=3, per_subject=1)
    damaged = tmp_path / read(tmp_path / "candidates.csv")[0]["path"]
    damaged.write_bytes(b"cut off")
    made = []
    original = recapture_set.recapture

    def counting(*args, **kwargs):
        made.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(recapture_set, "recapture", counting)
    write_recapture_set(folder, tmp_path, seed=3, per_subject=1)
    assert len(made) == 3  # one person's three samples; the other five people were kept
    assert tree(tmp_path) == tree(written)


def test_progress_counts_people(couple, tmp_path):
    seen = []
    write_recapture_set(
        couple, tmp_path, 0, 1, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]


def test_wrong_numbers_are_refused(folder, tmp_path):
    with pytest.raises(BonafideError, match="1 or more"):
        write_recapture_set(folder, tmp_path, 0, 0)


def test_commands(couple, tmp_path):
    run = CliRunner().invoke(
        app, ["simulate", "recapture", str(couple), str(tmp_path / "set"), "--per-subject", "1"]
    )
    assert run.exit_code == 0, run.output
    assert (tmp_path / "set" / "samples.csv").is_file()
    picture = tmp_path / "sheet.png"
    run = CliRunner().invoke(app, ["simulate", "sheet", str(couple), str(picture), "--people", "2"])
    assert run.exit_code == 0, run.output
    assert np.array(cv2.imread(str(picture))).shape == (3 * 224, 2 * 224, 3)
