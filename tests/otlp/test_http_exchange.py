from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tollspan import errors
from tollspan.otlp.http_exchange import (
    RETRY_AFTER_MAX_S,
    Delivered,
    Encoding,
    HTTPProblem,
    Later,
    Outcome,
    Refused,
    RequestHead,
    TooLarge,
    Unauthorized,
    answer_encoding,
    build_headers,
    failure,
    read_head,
    read_response,
    success,
)
from tollspan.otlp.signals import Signal

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
RESPONSES = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
}


def judge(status: int, headers: dict[str, str], body: bytes = b"") -> Outcome:
    return read_response(Signal.TRACES, status, headers, body)


# Server


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/x-protobuf", Encoding.PROTOBUF),
        ("Application/X-Protobuf", Encoding.PROTOBUF),
        ("application/json; charset=utf-8", Encoding.JSON),
        (" application/json ;x=y", Encoding.JSON),
    ],
)
def test_the_media_type_is_read_without_case_and_parameters(content_type: str, encoding: Encoding) -> None:
    assert read_head("POST", {"content-type": content_type}) == RequestHead(encoding, "identity", None)
    assert answer_encoding({"content-type": content_type}) is encoding


def test_a_head_tells_compression_and_length() -> None:
    headers = {**PROTOBUF, "content-encoding": "GZIP", "content-length": "17"}
    assert read_head("POST", headers) == RequestHead(Encoding.PROTOBUF, "gzip", 17)


@pytest.mark.parametrize("method", ["GET", "PUT", "post", 'X"\r\n'])
def test_another_method_than_post_is_answered_405_with_allow(method: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        read_head(method, PROTOBUF)
    answer = failure(caught.value, Encoding.PROTOBUF)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/protobuf", "application/jsonx"])
def test_another_media_type_is_answered_415_in_json(content_type: str) -> None:
    headers = {"content-type": content_type}
    with pytest.raises(HTTPProblem) as caught:
        read_head("POST", headers)
    answer = failure(caught.value, answer_encoding(headers))
    assert answer.status == 415
    assert "application/x-protobuf" in json.loads(answer.body)["message"]


@pytest.mark.parametrize("compression", ["br", "gzip, gzip", "gzip,identity", "snappy"])
def test_an_unknown_or_stacked_content_encoding_is_answered_415(compression: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        read_head("POST", {**PROTOBUF, "content-encoding": compression})
    answer = failure(caught.value, Encoding.PROTOBUF)
    assert answer.status == 415
    assert "gzip" in answer.headers["Accept-Encoding"]


@pytest.mark.parametrize("length", ["-1", "1e3", "", "٣", "1_0", "9" * 5000])
def test_a_content_length_that_is_no_number_is_answered_400(length: str) -> None:
    with pytest.raises(HTTPProblem) as caught:
        read_head("POST", {**PROTOBUF, "content-length": length})
    assert caught.value.status == 400


@pytest.mark.parametrize("signal", Signal)
def test_full_success_is_an_empty_message(signal: Signal) -> None:
    answer = success(signal, Encoding.PROTOBUF)
    assert (answer.status, answer.headers, answer.body) == (
        200,
        {"Content-Type": Encoding.PROTOBUF.value},
        b"",
    )
    assert success(signal, Encoding.JSON).body == b"{}"


@given(
    signal=st.sampled_from(Signal),
    rejected=st.integers(0, 2**63 - 1),
    message=st.text(st.characters(categories=["L", "N", "P"]), max_size=50),
)
def test_partial_success_reads_back_in_both_encodings(signal: Signal, rejected: int, message: str) -> None:
    response_class, field, json_name = RESPONSES[signal]
    binary = success(signal, Encoding.PROTOBUF, rejected, message)
    partial = response_class.FromString(binary.body).partial_success
    assert (getattr(partial, field), partial.error_message) == (rejected, message)
    text = success(signal, Encoding.JSON, rejected, message)
    document = json.loads(text.body).get("partialSuccess", {})
    assert document.get(json_name, "0") == str(rejected)
    assert document.get("errorMessage", "") == message
    for answer, headers in ((binary, PROTOBUF), (text, JSON)):
        assert read_response(signal, 200, headers, answer.body) == Delivered(rejected, message)


FAILURES: list[tuple[Exception, int, int]] = [
    (errors.WireError("spans[3].name: not a string", 17), 400, 3),
    (errors.LimitError("bytes of body", 10, 11), 413, 8),
    (errors.MissingTokenError("no credentials"), 401, 16),
    (errors.InvalidTokenError("expired"), 401, 16),
    (errors.InsufficientScopeError("write:traces"), 403, 7),
    (errors.AuthError("two credentials"), 400, 3),
    (errors.TokenRequestError("idp down", "temporarily_unavailable"), 503, 14),
    (errors.RetryableError("queue full"), 503, 14),
    (errors.StoreError("disk full"), 503, 14),
    (errors.StoreError("schema", retryable=False), 500, 13),
    (errors.PermanentError("destination says no"), 400, 3),
    (HTTPProblem(404, "no such path"), 404, 12),
    (KeyError("a secret detail"), 500, 13),
]


@pytest.mark.parametrize(("error", "status", "code"), FAILURES)
def test_every_failure_is_a_status_message_in_the_encoding_of_the_request(
    error: Exception, status: int, code: int
) -> None:
    binary = failure(error, Encoding.PROTOBUF)
    parsed = Status.FromString(binary.body)
    text = failure(error, Encoding.JSON)
    assert binary.status == text.status == status
    assert binary.headers["Content-Type"] == "application/x-protobuf"
    assert text.headers["Content-Type"] == "application/json"
    assert json.loads(text.body) == {"code": code, "message": parsed.message}
    assert parsed.code == code
    assert parsed.message == (str(error) if isinstance(error, errors.TollspanError) else "internal error")
    assert ("Retry-After" in text.headers) == (status == 503)
    assert ("WWW-Authenticate" in text.headers) == isinstance(error, errors.AuthError) * (status != 503)


@pytest.mark.parametrize(("after_s", "header"), [(None, "1"), (0.0, "1"), (0.2, "1"), (2.1, "3"), (60, "60")])
def test_retry_after_is_whole_seconds_and_at_least_one(after_s: float | None, header: str) -> None:
    assert failure(errors.RetryableError("busy", after_s), Encoding.JSON).headers["Retry-After"] == header


def test_the_challenge_names_error_description_and_permission() -> None:
    def challenge(error: Exception) -> str:
        return failure(error, Encoding.JSON).headers["WWW-Authenticate"]

    assert challenge(errors.MissingTokenError("send a token")) == 'Bearer realm="tollspan"'
    assert challenge(errors.InvalidTokenError("it expired")) == (
        'Bearer realm="tollspan", error="invalid_token", error_description="it expired"'
    )
    assert challenge(errors.InsufficientScopeError("write:logs")) == (
        'Bearer realm="tollspan", error="insufficient_scope", '
        'error_description="this needs the permission write:logs", scope="write:logs"'
    )


@given(st.text())
def test_no_text_breaks_out_of_a_header_or_a_status(text: str) -> None:
    header = failure(errors.InvalidTokenError(text), Encoding.JSON).headers["WWW-Authenticate"]
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 6
    assert "\\" not in header
    assert Status.FromString(failure(errors.WireError(text), Encoding.PROTOBUF).body).message.isprintable()


# Client


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("compression", ["identity", "gzip"])
def test_what_a_client_announces_a_server_reads(encoding: Encoding, compression: str) -> None:
    headers = {name.lower(): value for name, value in build_headers(encoding, compression, "agent/1").items()}
    assert read_head("POST", headers) == RequestHead(encoding, compression, None)
    assert headers["user-agent"] == "agent/1"
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (PROTOBUF, b""),
        (PROTOBUF, b"\x0a\x00"),
        (PROTOBUF, b"\x12\x03abc"),
        (JSON, b"{}"),
        (JSON, b""),
        (JSON, b'{"partialSuccess":{}}'),
        (JSON, b'{"partialSuccess":null,"more":1}'),
        (JSON, b'{"partialSuccess":{"rejectedSpans":"0","errorMessage":null}}'),
        ({}, b""),
    ],
)
def test_an_export_response_is_delivered(headers: dict[str, str], body: bytes) -> None:
    assert judge(200, headers, body) == Delivered()


def test_an_answer_as_long_as_the_limit_is_no_success() -> None:
    endless = read_response(Signal.TRACES, 200, {"content-type": "application/x-protobuf"}, bytes(4 << 20))
    assert endless == Refused("HTTP 200 with an answer beyond 4194304 bytes", status=200)


def test_a_partial_success_is_counted_as_number_and_as_text() -> None:
    for count in (b"3", b'"3"'):
        body = b'{"partialSuccess":{"rejectedSpans":%s,"errorMessage":"too\\nold"}}' % count
        assert judge(200, JSON, body) == Delivered(3, "too old")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/html"}, b"<html>sign in</html>"),
        ({"content-type": "text/html; charset=utf-8"}, b""),
        ({"content-type": "text/plain"}, b"OK"),
        ({}, b"OK"),
        (PROTOBUF, b"<html>"),
        (JSON, b"<html>"),
        (JSON, b"[]"),
        (JSON, b'{"partialSuccess":3}'),
        (JSON, b'{"partialSuccess":{"rejectedSpans":"x"}}'),
        (JSON, b'{"partialSuccess":{"rejectedSpans":[1]}}'),
        (JSON, b"[" * 100_000),
        (JSON, b"\xff\xfe"),
        (JSON, b'{"partialSuccess":{"rejectedSpans":' + b"9" * 5000 + b"}}"),
    ],
)
def test_a_2xx_that_is_no_export_response_is_refused(headers: dict[str, str], body: bytes) -> None:
    outcome = judge(200, headers, body)
    assert isinstance(outcome, Refused)
    assert outcome.status == 200


def test_a_redirect_is_refused_and_names_where_it_leads_without_the_query() -> None:
    outcome = judge(302, {"location": "https://login.example/sign-in?state=secret"})
    assert isinstance(outcome, Refused)
    assert "https://login.example/sign-in," in outcome.reason
    assert "secret" not in outcome.reason


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_passing_failure_means_later(status: int) -> None:
    assert judge(status, {"retry-after": "7"}) == Later(7.0, f"HTTP {status}")
    assert judge(status, {}) == Later(None, f"HTTP {status}")


@pytest.mark.parametrize("status", [400, 404, 405, 415, 422, 500, 501])
def test_any_other_failure_is_final(status: int) -> None:
    body = Status(code=3, message="spans[0]: no").SerializeToString()
    assert judge(status, PROTOBUF, body) == Refused(f"HTTP {status}: spans[0]: no", status=status)
    assert judge(status, JSON, b'{"message":"no"}') == Refused(f"HTTP {status}: no", status=status)
    assert judge(status, {"content-type": "text/html"}, b"<h1>") == Refused(f"HTTP {status}", status=status)


def test_401_and_403_for_a_bad_token_ask_for_another_token_and_413_for_less() -> None:
    assert isinstance(judge(401, {}), Unauthorized)
    assert isinstance(judge(403, {"www-authenticate": 'Bearer error="invalid_token"'}), Unauthorized)
    assert isinstance(judge(403, {"www-authenticate": 'Bearer error="insufficient_scope"'}), Refused)
    assert isinstance(judge(413, {}), TooLarge)


def test_a_retry_date_counts_from_the_clock_of_the_server() -> None:
    now = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    later = now.replace(second=39)
    headers = {"retry-after": format_datetime(later, usegmt=True), "date": format_datetime(now, usegmt=True)}
    assert judge(503, headers) == Later(30.0, "HTTP 503")


def test_a_retry_date_without_a_server_clock_counts_from_ours() -> None:
    outcome = judge(503, {"retry-after": formatdate(time.time() + 600, usegmt=True)})
    assert isinstance(outcome, Later)
    assert outcome.after_s == pytest.approx(600, abs=60)


@pytest.mark.parametrize(
    ("value", "after_s"),
    [
        ("0", 0.0),
        ("999999999999", RETRY_AFTER_MAX_S),
        ("Wed, 01 Jan 1997 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", RETRY_AFTER_MAX_S),
        ("-5", None),
        ("nan", None),
        ("1e9", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Fri, 99 Dec 2026 99:99:99 GMT", None),
    ],
)
def test_a_strange_retry_after_is_bounded_or_ignored(value: str, after_s: float | None) -> None:
    assert judge(503, {"retry-after": value}) == Later(after_s, "HTTP 503")


@given(
    status=st.integers(100, 599),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "content-type": st.sampled_from(["application/json", "application/x-protobuf", "text/html"])
            | st.text(),
            "retry-after": st.text(),
            "location": st.text(),
            "date": st.text(),
            "www-authenticate": st.text(),
        },
    ),
    body=st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()),
)
def test_no_answer_makes_the_client_raise_or_report_an_unprintable_line(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    outcome: Any = judge(status, headers, body)
    text = outcome.message if isinstance(outcome, Delivered) else outcome.reason
    assert text.isprintable()
