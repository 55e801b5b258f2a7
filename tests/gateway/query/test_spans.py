import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.otlp_strategies import requests
from helpers.spans import NOW, batch_of, exact, expected_spans
from tollspan.gateway.query import spans
from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.storage.span_block import PROMOTED
from tollspan.gateway.storage.span_writer import SpanWriter
from tollspan.gateway.storage.store import Store
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

SPECIAL_KEYS = ["service.name", *(key for keys in PROMOTED.values() for key in keys)]


@st.composite
def storable_requests(draw):
    """Requests of any shape whose spans are distinct and not of the future, with keys that have columns."""
    made = draw(requests(Signal.TRACES))
    number = 0
    for resource_spans in made.resource_spans:
        _rename_keys(draw, resource_spans.resource.attributes)
        for sent in (sent for scope_spans in resource_spans.scope_spans for sent in scope_spans.spans):
            number += 1
            sent.span_id = number.to_bytes(8, "big")
            sent.start_time_unix_nano %= NOW
            _rename_keys(draw, sent.attributes)
    return made


def _rename_keys(draw, attributes):
    names = draw(st.lists(st.sampled_from(SPECIAL_KEYS), max_size=len(attributes), unique=True))
    for attribute, name in zip(attributes, names, strict=False):
        attribute.key = name


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def lasting_store(runner, tmp_path_factory):
    made = Store(tmp_path_factory.mktemp("telemetry"))
    runner.run(made.open())
    yield made
    runner.run(made.close())


@given(made=storable_requests())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_span_is_read_back_as_it_was_sent(runner, lasting_store, made):
    tenant = str(uuid.uuid4())
    # Around the group commit, which makes a lone writer wait.
    [receipt] = SpanWriter(lasting_store._engine).write([batch_of(made, tenant)])
    page = runner.run(spans.live_spans(lasting_store.view(tenant), TimeRange(), page=1, limit=1000))
    assert receipt.rejected == 0
    assert exact({read.span_id: read for read in page.spans}) == exact(expected_spans(made))
    assert page.total == len(page.spans)
