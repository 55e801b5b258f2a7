from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.trace import Link

import tollspan
from helpers.ended_spans import ended_spans
from helpers.otlp_peer import OTLPPeer
from helpers.scripts import run_script
from tollspan.otlp.encoding import encode_metrics
from tollspan.sdk.recording import Recording, record
from tollspan.sdk.scrubbing import CACHE_MAX, HINTS, REDACTED, TEXTS, Scrubber

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJl"

SECRETS = {
    f"Authorization: Bearer {JWT}": "Authorization: Bearer [REDACTED]",
    f"the token was {JWT}, sorry": "the token was [REDACTED], sorry",
    "Basic c2hvcDpzZWNyZXQx": "Basic [REDACTED]",
    "postgres://shop:hunter2@db/shop": "postgres://shop:[REDACTED]@db/shop",
    "/cb?state=7&access_token=abc123&x=1": "/cb?state=7&access_token=[REDACTED]&x=1",
    "https://s3/x?X-Amz-Signature=abcdef&a=b": "https://s3/x?X-Amz-Signature=[REDACTED]&a=b",
    '{"password": "hunter22", "user": "ann"}': '{"password": "[REDACTED]", "user": "ann"}',
    "Server=db;Pwd=hunter22;Database=shop": "Server=db;Pwd=[REDACTED];Database=shop",
    "client_secret: s3cr3t": "client_secret: [REDACTED]",
    "using AKIAIOSFODNN7EXAMPLE now": "using [REDACTED] now",
    "ghp_" + "a1B2" * 9: "[REDACTED]",
    "key sk-proj-" + "a1B2" * 9: "key [REDACTED]",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END": "[REDACTED]-----END",
}

HARMLESS = [
    "the token is fine",
    "basic understanding",
    "select * from tokens where name = $1",
    "https://shop.example.com/items/7?page=2",
    "12:30",
    "risk-assessment",
    "0af7651916cd43dd8448eb211c80319c",
]

SECRET_NAMES = [
    *("password", "db.password", "http.request.header.authorization", "http.request.header.cookie"),
    *(
        "api_key",
        "x-api-key",
        "aws.secret_access_key",
        "user.accessToken",
        "session_token",
        "token",
        "csrf-token",
    ),
]

HARMLESS_NAMES = [
    "gen_ai.usage.input_tokens",
    "gen_ai.token.type",
    "session.id",
    "http.route",
    "tokenizer",
    "monkey",
]


def scrub(**attributes: object) -> dict[str, object]:
    spans = ended_spans(["work"], **attributes)
    Scrubber().scrub_spans(spans)
    return dict(spans[0].attributes or {})


@pytest.fixture
def recording() -> Iterator[Recording]:
    with record() as recording:
        yield recording


@pytest.mark.parametrize(("text", "clean"), SECRETS.items())
def test_a_secret_in_a_text_is_taken_out_and_the_rest_stays(text: str, clean: str):
    assert scrub(note=text) == {"note": clean}


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_secrets_stays(text: str):
    assert scrub(note=text) == {"note": text}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_an_attribute_with_a_telling_name_is_secret(name: str):
    assert scrub(**{name: "whatever"}) == {name: REDACTED}


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_an_attribute_with_another_name_is_not(name: str):
    assert scrub(**{name: "whatever"}) == {name: "whatever"}


@pytest.mark.parametrize("text", SECRETS)
def test_every_secret_has_a_hint(text: str):
    assert any(hint in text.lower() for hint in HINTS) or text.startswith("AKIA")


@given(
    st.lists(st.sampled_from([*SECRETS, *HARMLESS, " ", "eyJ", "token=", "bearer ", "://u:p@h"])).map(
        " ".join
    )
)
def test_what_is_clean_stays_as_it_is(text: str):
    scrubber = Scrubber()
    once = scrubber._text(text)

    assert scrubber._text(once) == once
    assert JWT not in once


@given(st.text())
def test_the_hints_leave_out_nothing_that_the_pattern_finds(text: str):
    for candidate in (text, f"token={text}", f"://{text}:{text}@", f"Bearer {text}1234567"):
        found = TEXTS.search(candidate) is not None
        assert not found or Scrubber()._text(candidate) != candidate or REDACTED in candidate


def test_lists_and_what_follows_a_seen_value_are_scrubbed_too():
    assert scrub(a="fine", b=["fine", "pwd=hunter22"], c="fine", n=7)["b"] == ["fine", "pwd=[REDACTED]"]


def test_events_links_and_the_status_are_scrubbed(recording: Recording):
    other = trace.SpanContext(1, 2, True)
    with pytest.raises(ValueError), tollspan.span("work", links=[Link(other, {"password": "x"})]):  # noqa: PT011
        raise ValueError("bad url postgres://shop:hunter2@db")
    (span,) = recording.spans

    Scrubber().scrub_spans([span])

    assert "hunter2" not in str(span.events[0].attributes) + str(span.status.description)
    assert dict(span.links[0].attributes or {}) == {"password": REDACTED}


def test_log_records_are_scrubbed_body_and_attributes(recording: Recording):
    tollspan.log("info", f"got {JWT}", {"password": "x", "user": "ann"})
    tollspan.log("info", "structured")
    first, second = (log.log_record for log in recording.logs)
    second.body = {"deep": [{"api_key": "x"}, "fine"], "n": 7}

    Scrubber().scrub_logs(recording.logs)

    assert (first.body, dict(first.attributes)) == ("got [REDACTED]", {"password": REDACTED, "user": "ann"})
    assert second.body == {"deep": [{"api_key": REDACTED}, "fine"], "n": 7}


def test_attributes_of_metrics_and_their_exemplars_are_scrubbed_and_the_callers_stay() -> None:
    reader = InMemoryMetricReader()
    views = [View(instrument_name="*", attribute_keys={"token", "user"})]
    provider = MeterProvider(
        [reader], views=views, exemplar_filter=AlwaysOnExemplarFilter(), shutdown_on_exit=False
    )
    given = {"token": "hunter22", "user": "ann", "url": "postgres://shop:hunter22@db/shop"}
    meter = provider.get_meter("tests")
    meter.create_counter("orders").add(1, given)
    meter.create_histogram("sizes").record(1, given)
    collected = reader.get_metrics_data()
    assert collected is not None
    Scrubber().scrub_metrics([collected])
    request = ExportMetricsServiceRequest.FromString(encode_metrics([collected]).body)
    assert b"hunter22" not in request.SerializeToString()
    points = [
        point
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
        for point in (*metric.sum.data_points, *metric.histogram.data_points)
    ]
    assert [{a.key: a.value.string_value for a in p.attributes} for p in points] == 2 * [
        {"token": REDACTED, "user": "ann"}
    ]
    assert {e.filtered_attributes[0].value.string_value for p in points for e in p.exemplars} == {
        f"postgres://shop:{REDACTED}@db/shop"
    }
    assert given["token"] == "hunter22"


def test_a_body_that_contains_itself_is_left_alone(recording: Recording):
    tollspan.log("info", "hello")
    body: dict[str, object] = {"password": "x"}
    body["self"] = body
    recording.logs[0].log_record.body = body

    Scrubber().scrub_logs(recording.logs)

    assert recording.logs[0].log_record.body["password"] == REDACTED


def test_more_names_can_be_secret():
    scrubber = Scrubber()
    spans = ended_spans(["work"], **{"shop.iban": "DE12", "shop.name": "Toys"})
    scrubber.scrub_spans(spans)
    scrubber.use(True, ["iban"])
    scrubber.scrub_spans(spans)

    assert dict(spans[0].attributes or {}) == {"shop.iban": REDACTED, "shop.name": "Toys"}


def test_what_it_remembers_is_bounded():
    scrubber = Scrubber()
    scrubber.scrub_spans(ended_spans(["work"], **{f"name{n}": f"value {n}" for n in range(100)}))
    for number in range(2 * CACHE_MAX):
        scrubber._text(f"text {number}")

    assert len(scrubber._clean_texts) <= CACHE_MAX


@pytest.mark.parametrize(("scrub", "sent"), [("true", REDACTED), ("false", "hunter22")])
def test_what_is_sent_is_scrubbed_unless_that_is_off(peer: OTLPPeer, scrub: str, sent: str):
    run_script(
        peer,
        """
        import tollspan
        tollspan.init(instrument=False)
        with tollspan.span("work", {"password": "hunter22"}):
            pass
        """,
        TOLLSPAN_SCRUB=scrub,
    )

    (span,) = [span for export in peer.exports for span in export.spans]
    assert [(a.key, a.value.string_value) for a in span.attributes] == [("password", sent)]
