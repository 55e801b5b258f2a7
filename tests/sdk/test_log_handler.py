"""`logging` as an application uses it, to the destination."""

from __future__ import annotations

import io
import logging
import logging.config
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

import tollspan
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk.log_handler import LogHandler

log = logging.getLogger("shop.orders")


pytestmark = pytest.mark.usefixtures("fresh_process")


def _init(peer: OTLPPeer, **arguments: Any) -> tollspan.Tollspan:
    """With `logging` as it is in a new process, where pytest listens to nothing."""
    logging.root.handlers[:] = _handlers()
    return tollspan.init("shop", endpoint=peer.url, **arguments)


def _records(peer: OTLPPeer, handle: tollspan.Tollspan) -> list[LogRecord]:
    assert handle.flush().pending == 0
    return [record for export in peer.log_exports for record in export.log_records]


def _attributes(record: LogRecord) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in record.attributes}


def _handlers() -> list[LogHandler]:
    return [handler for handler in logging.root.handlers if isinstance(handler, LogHandler)]


def test_a_record_arrives_with_level_logger_extra_unit_and_trace(peer: OTLPPeer) -> None:
    handle = _init(peer)
    with tollspan.unit("acme"), trace.get_tracer("tests").start_as_current_span("work") as span:
        log.warning("order %d is late", 7, extra={"order.id": 7, "tags": ("a", "b")})
    (record,) = _records(peer, handle)
    assert (record.body.string_value, record.severity_text, record.severity_number) == (
        "order 7 is late",
        "WARN",
        13,
    )
    assert record.trace_id == span.get_span_context().trace_id.to_bytes(16, "big")
    assert record.span_id == span.get_span_context().span_id.to_bytes(8, "big")
    attributes = _attributes(record)
    assert (attributes["order.id"], attributes["tollspan.unit"]) == (7, "acme")
    assert [value.string_value for value in attributes["tags"].values] == ["a", "b"]
    (scope,) = peer.log_exports[0].request.resource_logs[0].scope_logs
    assert scope.scope.name == "shop.orders"


def test_an_exception_becomes_attributes(peer: OTLPPeer) -> None:
    class OrderLostError(Exception):
        pass

    handle = _init(peer)
    try:
        raise OrderLostError("number 7")
    except OrderLostError:
        log.exception("cannot deliver")
    (record,) = _records(peer, handle)
    attributes = _attributes(record)
    assert attributes["exception.type"].endswith(
        "test_an_exception_becomes_attributes.<locals>.OrderLostError"
    )
    assert attributes["exception.message"] == "number 7"
    assert 'raise OrderLostError("number 7")' in attributes["exception.stacktrace"]


class Sulky:
    def __str__(self) -> str:
        raise RuntimeError("not now")


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("message", "args", "extra", "body"),
    [
        ("x %d", ("a",), {}, "x %d"),
        ("x %s %s", (1,), {}, "x %s %s"),
        ("%s", (Sulky(),), {}, "%s"),
        (Sulky(), (), {}, "<Sulky>"),
        ("fine", (), {"bad": Sulky(), "cycle": CYCLE, "big": 2**80}, "fine"),
        ("broken \ud800 text", (), {"a": "\ud800"}, "broken ? text"),
        (None, (), {}, "None"),
    ],
    ids=["format", "arguments", "str", "message", "extra", "surrogate", "none"],
)
def test_whatever_is_logged_arrives_and_the_application_never_hears_of_it(
    peer: OTLPPeer, message: Any, args: Any, extra: Any, body: str
) -> None:
    handle = _init(peer)
    log.error(message, *args, extra=extra)
    (record,) = _records(peer, handle)
    assert record.body.string_value == body


def test_a_bad_format_is_explained(peer: OTLPPeer) -> None:
    handle = _init(peer)
    log.error("x %d", "a")
    (record,) = _records(peer, handle)
    assert _attributes(record)["log.arguments"] == "('a',)"
    assert "a real number is required" in _attributes(record)["log.format_error"]


def test_a_map_as_message_is_a_map_and_the_event_of_structlog_is_the_body(peer: OTLPPeer) -> None:
    handle = _init(peer)
    log.error({"order": 7})
    log.error({"event": "paid", "order": 7}, extra={"_logger": log, "_name": "error"})
    first, second = _records(peer, handle)
    assert first.body.kvlist_value.values[0].key == "order"
    assert (second.body.string_value, _attributes(second)) == ("paid", {"order": 7})


def test_levels_are_respected_and_lowered_only_on_request(peer: OTLPPeer) -> None:
    handle = _init(peer)
    log.info("unseen")
    tollspan.init("shop", endpoint=peer.url, log_level="INFO")
    log.debug("unseen")
    log.info("seen")
    assert [record.body.string_value for record in _records(peer, handle)] == ["seen"]
    assert logging.root.level == logging.INFO


def test_filters_of_the_handler_are_asked(peer: OTLPPeer) -> None:
    handle = _init(peer)
    _handlers()[0].addFilter(lambda record: "secret" not in record.getMessage())
    log.error("a secret")
    log.error("no such thing")
    assert [record.body.string_value for record in _records(peer, handle)] == ["no such thing"]


def test_there_is_one_handler_however_often_init_is_called(peer: OTLPPeer) -> None:
    for _ in range(3):
        handle = _init(peer)
    assert len(_handlers()) == 1
    log.error("once")
    assert len(_records(peer, handle)) == 1


@pytest.mark.parametrize(
    "configure",
    [
        lambda: logging.basicConfig(level="INFO", stream=io.StringIO()),
        lambda: logging.basicConfig(level="INFO", stream=io.StringIO(), force=True),
        # By default it disables all loggers that exist, also those of other tests.
        lambda: logging.config.dictConfig(
            {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO", "handlers": []}}
        ),
    ],
    ids=["basicConfig", "force", "dictConfig"],
)
def test_configuring_logging_afterwards_works_and_keeps_the_handler(peer: OTLPPeer, configure: Any) -> None:
    handle = _init(peer)
    before = len(logging.root.handlers)
    configure()
    log.info("seen")
    assert len(_handlers()) == 1
    assert len(logging.root.handlers) >= before
    assert [record.body.string_value for record in _records(peer, handle)] == ["seen"]


def test_without_other_handlers_warnings_are_still_shown(
    peer: OTLPPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = _init(peer)
    log.warning("shown by logging itself")
    log.info("not shown")
    own = logging.getLogger("shop.own")
    own.addHandler(logging.NullHandler())
    own.warning("handled elsewhere")
    assert capsys.readouterr().err == "shown by logging itself\n"
    assert len(_records(peer, handle)) == 2


def test_what_is_said_about_telemetry_is_no_telemetry(peer: OTLPPeer) -> None:
    peer.answers.extend([Answer(503), Answer(401)])
    handle = _init(peer, log_level="DEBUG")
    for name in ("tollspan", "tollspan.sdk", "opentelemetry.sdk"):
        logging.getLogger(name).warning("about telemetry")
    logging.getLogger("tollspan_shop").warning("a namesake")
    handle.flush(0.5)
    handle.flush()
    assert peer.logged == {"a namesake": 1}


def test_logging_may_be_left_alone(peer: OTLPPeer) -> None:
    _init(peer, disable=("logging",))
    assert _handlers() == []


def test_a_bug_in_the_handler_does_not_reach_the_application(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the text of a record")

    handle = _init(peer)
    monkeypatch.setattr("tollspan.sdk.log_handler.emit", broken)
    log.error("hello")
    assert handle.status().last_error == "a bug of the SDK in the log handler: RuntimeError"
