"""Records of both formats are read, and nothing else is taken for one."""

import json

import pytest

from bonafide.deploy.record import parse_record
from bonafide.types import BonafideError


def test_what_is_written_is_read_again(record):
    assert parse_record(record.to_json(), where="here") == record


def test_a_record_of_the_first_format_is_still_read(record):
    old = json.loads(record.to_json()) | {"format": 1, "scales": [1.0, 1.2], "crop_px": 128}
    del old["preprocessing"]
    read = parse_record(json.dumps(old), where="here")
    assert read == record
    assert read.scales == (1.0, 1.2)
    assert read.crop_px == 128


@pytest.mark.parametrize("change", [{"format": 3}, {"format": 1}, {"surprise": 1}])
def test_another_format_or_field_is_an_error(record, change):
    text = json.dumps(json.loads(record.to_json()) | change)
    with pytest.raises(BonafideError, match="its record cannot be read"):
        parse_record(text, where="here")
