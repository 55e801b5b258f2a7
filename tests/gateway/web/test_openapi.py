"""Every route, asked whatever its description allows and forbids (schemathesis): it answers as described."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from helpers.logs import log_batch, log_record
from helpers.metrics import metric_batch, one_of_each_kind
from helpers.spans import batch, span
from helpers.web import LIMITED, OWNER, READER, WRITER
from tollspan.gateway.web.app import build_app

pytestmark = pytest.mark.xdist_group("telemetry")

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
STORED = {
    "trace_id": "ab" * 16,
    "span_id": "cd" * 8,
    "name": "a.gauge",
    "key": "service.name",
}
"""Parameters that name something stored."""


@pytest.fixture
def api(parts):
    """The description of an application with something stored."""
    with asyncio.Runner() as runner:
        runner.run(parts.store.open())
        ids = {name: bytes.fromhex(STORED[name]) for name in ("trace_id", "span_id")}
        for sent in (batch(span(**ids)), log_batch(log_record()), metric_batch(*one_of_each_kind())):
            runner.run(parts.store.write(sent))
        yield schemathesis.openapi.from_asgi("/api/openapi.json", build_app(parts)).exclude(
            # Answers without end are tested in test_sse.
            path_regex="^/api/v1/live"
        )
        runner.run(parts.store.close())


def operations(api):
    found = [each.ok() for each in api.get_all_operations()]
    assert len(found) > 20
    return found


def test_each_route_answers_as_it_is_described_whoever_asks(api):
    for operation in operations(api):

        @given(
            case=operation.as_strategy(),
            headers=st.sampled_from([READER, OWNER, WRITER, LIMITED, {}]),
            names=st.sampled_from([STORED, {}]),
        )
        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
        def answers(case, headers, names):
            case.path_parameters |= {key: names[key] for key in case.path_parameters if key in names}
            case.call_and_validate(headers=headers, checks=CHECKS)

        answers()


def test_each_question_about_what_is_stored_has_the_answer_that_is_described(api):
    for operation in operations(api):
        if operation.method == "get":
            case = operation.Case(
                path_parameters={own.name: STORED[own.name] for own in operation.path_parameters},
            )
            assert case.call_and_validate(headers=OWNER, checks=CHECKS).status_code == 200, operation.path


def test_what_one_route_answers_the_others_take(api):
    taken = set()

    class Client(api.as_state_machine()):
        def get_call_kwargs(self, _case):
            return {"headers": OWNER}

        def validate_response(self, response, case, **_options):
            case.validate_response(response, checks=CHECKS)
            if response.status_code < 300:
                taken.add(case.operation.path)

    Client.run(
        settings=settings(
            max_examples=10, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
        )
    )
    assert len(taken) > 2
