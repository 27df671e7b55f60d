"""Replay-Attack: the complete tree of names, every protocol's numbers, and its traps."""

from collections import Counter

import pytest
from miniature import (
    REPLAY_CLIENTS,
    replay_attack_names,
    replay_enrolment_names,
    touch,
    write_lists,
)

from bonafide.datasets.errors import (
    CountError,
    LayoutError,
    MissingFilesError,
    UnknownNameError,
)
from bonafide.datasets.protocol import count_rows
from bonafide.datasets.replay_attack import ATTACK_TOTALS, complete_names, replay_attack
from bonafide.types import Label, Split


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    root = touch(tmp_path_factory.mktemp("replay"), replay_attack_names())
    return touch(root, [*replay_enrolment_names(), "face-locations/train/real/a.face"])


def attacks(rows):
    return [row for row in rows if row.label is Label.ATTACK]


def test_the_loader_knows_the_1200_names():
    assert complete_names() == sorted(replay_attack_names())
    assert len(replay_attack_names()) == 1200


def test_grandtest_has_the_published_numbers_in_every_split(full):
    rows = replay_attack(full)
    assert count_rows(rows) == {
        Split.TRAIN: (60, 300),
        Split.DEVELOPMENT: (60, 300),
        Split.TEST: (80, 400),
    }
    assert len(replay_attack_names()) + len(replay_enrolment_names()) == 1300


@pytest.mark.parametrize(
    ("protocol", "total"),
    [
        ("grandtest", 1000),
        ("print", 200),
        ("mobile", 400),
        ("highdef", 400),
        ("photo", 600),
        ("video", 400),
        ("digitalphoto", 400),
    ],
)
def test_every_protocol_has_its_published_total_of_attacks(full, protocol, total):
    rows = replay_attack(full, protocol=protocol)
    assert len(attacks(rows)) == total
    assert len(rows) - total == 200


def test_light_and_support_filter_what_they_say(full):
    adverse = replay_attack(full, light="adverse")
    assert {row.light for row in adverse} == {"adverse"}
    assert count_rows(adverse)[Split.TEST] == (40, 200)
    hand = replay_attack(full, protocol="photo", light="controlled", support="hand")
    assert count_rows(hand)[Split.TRAIN] == (30, 45)
    assert all(row.pai_detail.endswith("photo_hand") for row in attacks(hand))


def test_people_are_the_published_ones(full):
    rows = replay_attack(full)
    for folder, split in (("train", "train"), ("devel", "development"), ("test", "test")):
        found = {row.capture_subject for row in rows if row.split == split}
        assert found == {f"replay_attack/client{n}" for n in REPLAY_CLIENTS[folder].split()}


def test_trap_fixed_and_hand_share_base_names_but_not_ids(full):
    rows = replay_attack(full)
    stems = Counter(row.path.rpartition("/")[2] for row in attacks(rows))
    assert set(stems.values()) == {2}
    assert len({row.presentation for row in rows}) == 1200


def test_trap_a_photo_on_a_screen_is_a_display_and_no_print(full):
    kinds = {
        row.pai_detail.rpartition("_")[0]: row.pai_species for row in attacks(replay_attack(full))
    }
    assert kinds == {
        "print_photo": "print",
        "mobile_photo": "display",
        "highdef_photo": "display",
        "mobile_video": "replay",
        "highdef_video": "replay",
    }


def test_all_missing_files_are_listed_unless_partial_is_said(tmp_path):
    names = replay_attack_names()
    touch(tmp_path, names[2:])
    with pytest.raises(MissingFilesError, match="2 file") as caught:
        replay_attack(tmp_path)
    assert all(name in str(caught.value) for name in names[:2])
    assert len(replay_attack(tmp_path, partial=True)) == 1198


def test_all_unknown_names_are_listed_even_if_partial(tmp_path):
    touch(tmp_path, replay_attack_names(1))
    strange = [
        "test/attack/hand/attack_mask_client009_session01_highdef_photo_adverse.mov",
        "test/attack/hand/attack_print_client009_session01_mobile_photo_adverse.mov",
        "test/real/client009_session01_webcam_authenticate_adverse_1.mp4",
        "somewhere.mov",
    ]
    touch(tmp_path, strange)
    with pytest.raises(UnknownNameError, match="4 file") as caught:
        replay_attack(tmp_path, partial=True)
    assert all(name in str(caught.value) for name in strange)


def test_a_client_in_another_split_than_published_is_refused(tmp_path):
    touch(tmp_path, replay_attack_names(1))
    moved = "train/real/client009_session01_webcam_authenticate_adverse_1.mov"
    touch(tmp_path, [moved])
    with pytest.raises(LayoutError, match=moved):
        replay_attack(tmp_path, partial=True)


def test_the_releases_own_lists_must_agree(tmp_path):
    touch(tmp_path, replay_attack_names())
    held = [n for n in replay_attack_names() if n.startswith("test/attack") and "print_" in n]
    path = "protocols/attack-print-allsupports-test.txt"
    write_lists(tmp_path, {path: held})
    replay_attack(tmp_path)
    write_lists(tmp_path, {path: held[1:]})
    with pytest.raises(UnknownNameError, match="allsupports-test") as caught:
        replay_attack(tmp_path)
    assert held[0].removesuffix(".mov") in str(caught.value)


def test_simulated_data_never_go_by_the_real_name(tmp_path):
    touch(tmp_path, replay_attack_names(2))
    (tmp_path / "provenance.json").write_text("{}")
    rows = replay_attack(tmp_path, partial=True)
    assert {row.dataset for row in rows} == {"replay_attack (simulated)"}
    assert all(row.capture_subject.startswith("replay_attack_simulated/") for row in rows)


@pytest.mark.parametrize(
    "wrong", [{"protocol": "smalltest"}, {"light": "dim"}, {"support": "tripod"}]
)
def test_words_that_are_not_defined_are_refused(full, wrong):
    with pytest.raises(LayoutError, match="not defined"):
        replay_attack(full, **wrong)


def test_numbers_are_asserted_after_the_names(full, monkeypatch):
    monkeypatch.setitem(ATTACK_TOTALS, "print", 400)
    with pytest.raises(CountError, match="60 bona fide and 60 attacks found, 60 and 120 published"):
        replay_attack(full, protocol="print")
