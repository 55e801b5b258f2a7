from __future__ import annotations

import tollspan
from tollspan.sdk.recording import record


def test_a_recording_has_what_happened_in_it_alone():
    with tollspan.span("before"):
        tollspan.metric("recorded", 1, kind="counter")
        tollspan.metric("level", 1)
    with record() as recording, tollspan.span("within"):
        tollspan.log("info", "hello")
        tollspan.metric("recorded", 2, kind="counter")
    with tollspan.span("after"):
        tollspan.log("info", "bye")

    assert [span.name for span in recording.spans] == ["within"]
    assert [log.log_record.body for log in recording.logs] == ["hello"]
    assert [(measured.name, measured.value) for measured in recording.measured()] == [("recorded", 2)]


def test_recordings_may_be_within_each_other():
    with record() as outer, tollspan.span("one"), record() as inner, tollspan.span("two"):
        pass

    assert [span.name for span in outer.spans] == ["two", "one"]
    assert [span.name for span in inner.spans] == ["two", "one"][:1]


def test_the_unit_is_on_the_spans():
    with record() as recording, tollspan.unit("acme", parent="enterprise"), tollspan.span("work"):
        pass

    assert recording.spans[0].attributes == {"tollspan.unit": "acme", "tollspan.parent_unit": "enterprise"}
