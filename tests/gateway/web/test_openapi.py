"""Every route, asked whatever its description allows and forbids (schemathesis): it answers as described."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

from helpers.logs import log_batch, log_record
from helpers.metrics import metric_batch, one_of_each_kind
from helpers.spans import batch, span
from helpers.web import READER
from tollspan.gateway.web.app import build_app

pytestmark = pytest.mark.xdist_group("telemetry")

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture
def api(parts):
    """The description of an application with something stored."""
    with asyncio.Runner() as runner:
        runner.run(parts.store.open())
        for sent in (
            batch(span()),
            log_batch(log_record()),
            metric_batch(*one_of_each_kind()),
        ):
            runner.run(parts.store.write(sent))
        yield schemathesis.openapi.from_asgi("/api/openapi.json", build_app(parts)).exclude(
            # Answers without end are tested in test_sse.
            path_regex="^/api/v1/live"
        )
        runner.run(parts.store.close())


def test_each_route_answers_as_it_is_described(api):
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        def answers(case):
            case.call_and_validate(headers=READER, checks=CHECKS)

        answers()
