"""Settings are flat, checked, and survive the trip through a file."""

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.settings import format_settings, load_settings
from bonafide.training.toml import format_toml
from bonafide.types import BonafideError

PLAIN = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
VALUES = st.one_of(PLAIN, st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False))


def test_settings_round_trip(tmp_path):
    config = replace(MsFansSettings(), scales=(0.9, 1.5), seed=7, jitter=0.25)
    path = tmp_path / "run.toml"
    path.write_text(format_settings(config))
    assert load_settings(MsFansSettings, path) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz = 3", "unknown settings.*stepz"),
        ("steps = 0", "steps"),
        ("scales = []", "scales"),
        ('cnn = "resnet"', "cnn"),
        ('fusion = "vote"', "fusion"),
        ("crop_px = 100", "crop_px"),
        ("steps = ", "TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(BonafideError, match=message):
        load_settings(MsFansSettings, path)


@given(st.dictionaries(PLAIN, VALUES | st.lists(VALUES, max_size=3), max_size=4))
def test_toml_written_is_toml_read(table):
    assert tomllib.loads(format_toml({"t": table}))["t"] == table
