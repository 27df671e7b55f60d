"""--data NAME:ROOT: what is trained on is indexed, checked and recorded with the run."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from bonafide.cli.data_option import Wanted, table_of
from bonafide.datasets.errors import LayoutError, LeakError, UnknownNameError
from bonafide.datasets.sample_table import read_sample_table
from bonafide.training.run import read_splits
from bonafide.types import BonafideError, Split
from tests.cli.test_train import SETTINGS, run

PLAIN = Wanted(None, [], None, False)


def touch_photos(root, people=6, labels=("bona_fide", "print"), prefix=""):
    for label in labels:
        for person in range(people):
            folder = root / prefix / label / f"p{person}"
            folder.mkdir(parents=True)
            (folder / "1.jpg").touch()
    return root


def test_a_folder_of_photos_becomes_a_table_with_its_record(tmp_path):
    root = touch_photos(tmp_path / "photos")
    table = table_of(f"folder:{root}", PLAIN, tmp_path / "run")
    assert table == tmp_path / "run" / "samples.csv"
    splits = read_splits(table)
    people = {split: {row.capture_subject for row in rows} for split, rows in splits.items()}
    assert all(people.values())
    assert len(set.union(*people.values())) == sum(map(len, people.values())) == 6
    record = json.loads((tmp_path / "run" / "samples.index.json").read_text())
    assert record["settings"]["seed"] == 0
    assert set(record["capture_subjects"]["test"]) == people[Split.TEST]


def test_the_split_is_drawn_by_its_seed_and_kept_when_the_run_goes_on(tmp_path):
    root = touch_photos(tmp_path / "photos")
    first = table_of(f"folder:{root}", PLAIN, tmp_path / "a")
    before = first.stat().st_mtime_ns
    assert table_of(f"folder:{root}", PLAIN, tmp_path / "a").stat().st_mtime_ns == before
    other = table_of(f"folder:{root}", Wanted(None, [], 3, False), tmp_path / "b")
    splits = [
        {row.capture_subject: row.split for row in read_sample_table(table)}
        for table in (first, other)
    ]
    assert splits[0] != splits[1]
    with pytest.raises(BonafideError, match="begun on other data"):
        table_of(f"folder:{root}", Wanted(None, [], 3, False), tmp_path / "a")


def test_a_run_is_not_gone_on_with_after_a_picture_was_replaced(tmp_path):
    root = touch_photos(tmp_path / "photos")
    rows = read_sample_table(table_of(f"folder:{root}", PLAIN, tmp_path / "run"))
    assert {row.sha256 for row in rows} == {hashlib.sha256(b"").hexdigest()}
    (root / "print" / "p2" / "1.jpg").write_text("another picture of the same name")
    named = "begun on other data: presentations 0 new, 0 gone, 1 changed, such as .*print/p2/1.jpg"
    with pytest.raises(BonafideError, match=named):
        table_of(f"folder:{root}", PLAIN, tmp_path / "run")
    (root / "print" / "p2" / "2.jpg").touch()
    with pytest.raises(BonafideError, match="1 new, 0 gone, 1 changed"):
        table_of(f"folder:{root}", PLAIN, tmp_path / "run")


def test_names_of_ones_own_are_mapped_and_never_guessed(tmp_path):
    root = touch_photos(tmp_path / "photos", labels=("live", "paper"))
    with pytest.raises(UnknownNameError, match="live"):
        table_of(f"folder:{root}", PLAIN, tmp_path / "run")
    mapped = Wanted(None, ["live=bona_fide", "paper=print"], None, False)
    rows = read_sample_table(table_of(f"folder:{root}", mapped, tmp_path / "run"))
    assert {row.pai_species for row in rows} == {"bona_fide", "print"}


def test_an_empty_class_and_overlapping_people_are_refused(tmp_path):
    root = touch_photos(tmp_path / "live", labels=("bona_fide",))
    with pytest.raises(LayoutError, match="no attack presentation"):
        table_of(f"folder:{root}", PLAIN, tmp_path / "run")
    for prefix in ("train", "development", "test"):
        touch_photos(tmp_path / "split", prefix=prefix)
    with pytest.raises(LeakError, match="p0"):
        table_of(f"folder:{tmp_path / 'split'}", PLAIN, tmp_path / "run")


def test_options_of_indexing_do_not_go_with_a_table(tmp_path):
    assert table_of("samples.csv", PLAIN, tmp_path).name == "samples.csv"
    with pytest.raises(BonafideError, match="say how to index"):
        table_of("samples.csv", Wanted("grandtest", [], None, False), tmp_path)


def test_a_protocol_reaches_the_loader(tmp_path):
    (tmp_path / "train_release" / "1").mkdir(parents=True)
    with pytest.raises(LayoutError, match="no scenario of CASIA-FASD"):
        table_of(f"casia-fasd:{tmp_path}", Wanted("nothing", [], None, True), tmp_path / "run")


def test_train_on_a_folder_of_photos(tmp_path, astronaut):
    face = np.asarray(Image.fromarray(astronaut[:400, 20:420]).resize((200, 200)))
    for label in ("bona_fide", "replay"):
        for person in range(3):
            rgb = np.roll(face, 2 * person, axis=1).copy()
            if label == "replay":
                rgb[::5] = 200 - person
            folder = tmp_path / "photos" / label / f"p{person}"
            folder.mkdir(parents=True)
            Image.fromarray(rgb).save(folder / "photo.png")
    (tmp_path / "settings.toml").write_text(SETTINGS.replace("12", "4").replace("= 6", "= 4"))
    out = tmp_path / "run"
    told = run(
        "train", "ms-fans", "--data", f"folder:{tmp_path / 'photos'}", "-o", out,
        "--settings", tmp_path / "settings.toml", "--workers", 1, "--device", "cpu",
    ).output  # fmt: skip
    assert "operating point eer" in told
    assert (out / "model.safetensors").exists()
    assert (out / "samples.crops" / "train" / "crops.npy").exists()
    assert len((out / "scores_test.csv").read_text().splitlines()) == 3
