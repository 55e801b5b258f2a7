"""structlog and loguru themselves, to the destination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import loguru
import pytest
import structlog

import tollspan
from helpers.otlp_peer import OTLPPeer


@pytest.fixture(autouse=True)
def plain_structlog(fresh_process: None) -> Iterator[None]:
    yield
    structlog.reset_defaults()


def _sent(peer: OTLPPeer, handle: tollspan.Tollspan) -> list[tuple[str, str, dict[str, str]]]:
    assert handle.flush().pending == 0
    records = [record for export in peer.log_exports for record in export.log_records]
    return [
        (r.severity_text, r.body.string_value, {p.key: p.value.string_value for p in r.attributes})
        for r in records
    ]


def test_structlog_records_arrive_with_their_keys(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    rendered: list[Any] = []
    structlog.configure(
        processors=[tollspan.structlog_processor, lambda *_: rendered.append(_[2]) or "line"],
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    log = structlog.get_logger().bind(order="7")
    log.warning("late", by="a day")
    try:
        raise KeyError("gone")
    except KeyError:
        log.exception("lost")
        log.error("lost again", exc_info=True)  # noqa: G201 - structlog's own way to say it
    first, second, third = _sent(peer, handle)
    assert first == ("WARN", "late", {"order": "7", "by": "a day"})
    assert rendered[0] == {"order": "7", "by": "a day", "event": "late"}
    for severity, _, attributes in (second, third):
        assert (severity, attributes["exception.type"]) == ("ERROR", "KeyError")


def test_structlog_through_the_standard_library_arrives_once_with_its_keys(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    structlog.get_logger("shop").warning("late", order="7")
    assert _sent(peer, handle) == [("WARN", "late", {"order": "7"})]


def test_loguru_messages_arrive_with_what_was_bound(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    sink = loguru.logger.add(tollspan.loguru_sink, level="INFO")
    try:
        loguru.logger.bind(order="7").success("paid {}", "twice")
        loguru.logger.debug("unseen")
        try:
            raise KeyError("gone")
        except KeyError:
            loguru.logger.exception("lost")
    finally:
        loguru.logger.remove(sink)
    first, second = _sent(peer, handle)
    assert first == ("SUCCESS", "paid twice", {"order": "7"})
    assert (second[1], second[2]["exception.type"]) == ("lost", "KeyError")
