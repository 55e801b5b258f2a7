from __future__ import annotations

from opentelemetry import trace

import tollspan
from tollspan.sdk.integrations.request import RequestRecord
from tollspan.testing import Captured


def test_spans_in_a_request_are_its_children_and_those_after_are_not(captel: Captured):
    record = RequestRecord("GET", "/", {})
    with tollspan.span("inner"):
        pass
    record.finish(200)

    assert captel.span("inner").parent.span_id == captel.span("GET").context.span_id
    assert trace.get_current_span() is trace.INVALID_SPAN
