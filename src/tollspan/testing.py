"""The pytest fixture `captel`: what the code under test recorded, spans, log records and measurements.

    def test_an_order_is_traced(captel):
        place_order()

        assert captel.span("place order").attributes["tollspan.unit"] == "acme"
        assert captel.log("order placed").severity_text == "INFO"
        assert captel.metric("orders").value == 1

Pytest finds it by itself. It adds to the providers that are set, or sets some, and they
stay; what a test recorded is its own nevertheless.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from tollspan.sdk.recording import Measured, Recording

T = TypeVar("T")


class Captured:
    """The telemetry of one test, from its start until now."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in that order."""
        return list(self._recording.spans)

    @property
    def logs(self) -> list[ReadableLogRecord]:
        """As emitted."""
        return list(self._recording.logs)

    @property
    def metrics(self) -> list[Measured]:
        """One entry for each name and set of attributes."""
        return self._recording.measured()

    def span(self, name: str) -> ReadableSpan:
        """The only span of that name; fails, and says what there is, if there is not exactly one."""
        return _only(name, [(span.name, span) for span in self.spans])

    def log(self, body: str) -> Any:
        """The only log record with that body, likewise."""
        return _only(body, [(str(log.log_record.body), log.log_record) for log in self.logs])

    def metric(self, name: str, **attributes: object) -> Measured:
        """The only measurement of that name whose attributes include these, likewise."""
        return _only(
            name,
            [
                (measured.name, measured)
                for measured in self.metrics
                if attributes.items() <= measured.attributes.items()
            ],
        )


@pytest.fixture
def captel() -> Iterator[Captured]:
    """What this test records."""
    # Whoever does not use it does not pay for it.
    from tollspan.sdk.recording import record  # noqa: PLC0415

    with record() as recording:
        yield Captured(recording)


def _only(name: str, found: list[tuple[str, T]]) -> T:
    matching = [thing for its_name, thing in found if its_name == name]
    names = ", ".join(sorted(its_name for its_name, _ in found)) or "nothing"
    assert len(matching) == 1, f"{len(matching)} times {name!r} among: {names}"
    return matching[0]
