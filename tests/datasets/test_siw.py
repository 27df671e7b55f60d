"""SiW: labels by type number, three protocols, and its polarity trap."""

import pytest
from miniature import siw_names, touch, write_lists

from bonafide.datasets.errors import LayoutError, PolarityError, UnknownNameError
from bonafide.datasets.siw import siw
from bonafide.types import Label, Split


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return touch(tmp_path_factory.mktemp("siw"), [*siw_names(), "Train/live/001/001-1-1-1-1.face"])


def test_protocol_1_takes_all_and_holds_a_train_person_out(small):
    rows = siw(small, partial=True)
    assert len(rows) == 7 * 8
    people = {split: {r.capture_subject for r in rows if r.split is split} for split in Split}
    assert {split: len(names) for split, names in people.items()} == {
        Split.TRAIN: 3,
        Split.DEVELOPMENT: 1,
        Split.TEST: 3,
    }


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_protocol_2_leaves_one_replay_medium_out(small, fold):
    rows = [r for r in siw(small, protocol=2, fold=fold, partial=True) if r.label is Label.ATTACK]
    assert {r.pai_detail for r in rows if r.split is Split.TEST} == {f"replay_medium{fold}"}
    others = {f"replay_medium{n}" for n in range(1, 5)} - {f"replay_medium{fold}"}
    assert {r.pai_detail for r in rows if r.split is not Split.TEST} == others


@pytest.mark.parametrize(
    ("fold", "trained", "tested"), [(1, "print", "replay"), (2, "replay", "print")]
)
def test_protocol_3_crosses_print_and_replay(small, fold, trained, tested):
    rows = [r for r in siw(small, protocol=3, fold=fold, partial=True) if r.label is Label.ATTACK]
    assert {r.pai_species for r in rows if r.split is Split.TEST} == {tested}
    assert {r.pai_species for r in rows if r.split is not Split.TEST} == {trained}


def test_trap_lists_with_live_1_are_not_read_and_the_type_decides(tmp_path):
    touch(tmp_path, siw_names())
    write_lists(tmp_path, {"train.txt": ["Train/spoof/001/001-1-2-1-1.mov 1"]})
    rows = siw(tmp_path, partial=True)
    assert {row.label for row in rows if "/spoof/" in row.path} == {Label.ATTACK}


def test_trap_a_type_that_contradicts_its_folder_is_refused(tmp_path):
    touch(tmp_path, [*siw_names(), "Train/live/001/001-1-2-1-1.mov"])
    with pytest.raises(PolarityError, match="Train/live/001/001-1-2-1-1"):
        siw(tmp_path, partial=True)


def test_numbers_names_and_folds(small, tmp_path):
    with pytest.raises(LayoutError, match=r"56 clips of 4 \+ 3 people found, 4478 of 90 \+ 75"):
        siw(small)
    with pytest.raises(LayoutError, match="no protocol 2 with fold 0"):
        siw(small, protocol=2, partial=True)
    touch(tmp_path, [*siw_names(), "Train/live/001/002-1-1-1-1.mov"])
    with pytest.raises(UnknownNameError, match="002-1-1-1-1"):
        siw(tmp_path, partial=True)
