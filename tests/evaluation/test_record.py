import pytest

from bonafide.evaluation.record import read_record
from bonafide.types import BonafideError


def test_everything_is_shown_and_four_keys_are_understood(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        'name = "ms_fans"\nseed = 3\nsteps = [1,2,3,4,5,6,7,8,9]\n'
        '[training]\nspecies = ["print"]\nsubjects = ["a", "b"]\n[training.optimizer]\nlr = 2e-4\n'
    )
    record = read_record(path)
    assert (record.name, record.seed) == ("ms_fans", "3")
    assert record.training_species == {"print"}
    assert record.training_subjects == {"a", "b"}
    assert record.entries["training.optimizer.lr"] == "0.0002"
    assert record.entries["steps"].endswith("(9 in all)")


def test_json_too_and_silence_is_not_an_empty_list(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"name": "x", "training": {"species": []}}')
    record = read_record(path)
    assert record.training_species == frozenset()
    assert record.training_subjects is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.toml", "name = ", "not a model record"),
        ("run.json", "[1]", "not a table"),
        ("run.toml", '[training]\nspecies = "print"', "training.species"),
        ("none.toml", None, "cannot be read"),
    ],
)
def test_other_files_are_refused(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BonafideError, match=message):
        read_record(tmp_path / name)
