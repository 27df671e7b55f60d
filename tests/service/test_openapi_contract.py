"""schemathesis sends what the description allows and forbids, and reads the answers by it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.service.conftest import running
from tests.service.models import (
    write_capture_rival,
    write_cascade,
    write_clip_machine,
    write_clip_rival,
    write_motion,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)

MODELS = {
    "cascade": write_cascade,
    "motion": write_motion,
    "clip rival": write_clip_rival,
    "clip machine": write_clip_machine,
    "capture rival": write_capture_rival,
}


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["faces", *MODELS])
def test_answers_are_as_described(sort, make_settings, record, tmp_path):
    changes = {"model": MODELS[sort](tmp_path / "x.onnx", record)} if sort in MODELS else {}
    with running(make_settings(workers=2, **changes)) as one:
        schema = schemathesis.openapi.from_url(f"{one.url}/openapi.json")
        seen = 0
        for operation in schema.get_all_operations():
            seen += exercise(operation.ok())
        assert seen >= 10 * 20
        assert one.http.get("/ready").status_code == 200


def exercise(operation):
    count = 0

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @schemathesis_given(operation)
    def send(case):
        nonlocal count
        count += 1
        case.call_and_validate(checks=CHECKS, timeout=20)

    send()
    return count


def schemathesis_given(operation):
    from hypothesis import given

    return given(case=operation.as_strategy())
