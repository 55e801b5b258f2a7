"""Has this program recorded all signals by now, and its metrics in units that backends know?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tollspan.sdk.client_metrics import metric_problem
from tollspan.sdk.doctor.finding import Finding, ok, warning
from tollspan.sdk.metrics import InstrumentFacts
from tollspan.sdk.status import SignalStatus, Status

CURES = {
    "traces": "do some work first; is it in a span, or in a library whose instrumentation is on?",
    "metrics": "do some work first; tollspan.metric() measures",
    "logs": "do some work first; logging at that level, or TOLLSPAN_LOG_LEVEL=INFO",
}


def check_recorded(status: Status, instruments: Iterable[InstrumentFacts]) -> Iterator[Finding]:
    """A finding for each signal that goes somewhere, and for each instrument that is questionable."""
    instruments = list(instruments)
    for name, signal in status.signals.items():
        items = _recorded(signal)
        if items or (name == "metrics" and instruments):
            yield ok(f"recorded {name}", f"{items} by now")
        else:
            yield warning(f"recorded {name}", "none by now", CURES[name])
    for instrument in instruments:
        if (fault := metric_problem(*instrument)) is not None:
            yield warning(f"metric {instrument.name}", fault, "change it where the instrument is created")


def _recorded(signal: SignalStatus) -> int:
    settled = signal.sent + signal.rejected + sum(signal.dropped.values()) + signal.spooled
    return settled + signal.queued - signal.recovered
