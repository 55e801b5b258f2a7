from __future__ import annotations

import pytest
from opentelemetry import metrics

import tollspan
from helpers.otlp_peer import OTLPPeer
from tollspan.sdk.doctor.finding import Verdict
from tollspan.sdk.doctor.recorded_check import check_recorded
from tollspan.sdk.metrics import InstrumentFacts
from tollspan.sdk.status import SignalStatus, Status

NOTHING = SignalStatus(True, 0, 0, 0, 0, {})


def status(**signals: SignalStatus) -> Status:
    return Status(signals, None, {}, None, {})


def test_a_signal_of_which_nothing_was_recorded_is_warned_of() -> None:
    spans = SignalStatus(True, 1, 100, 2, 3, {"refused": 4}, spooled=5, recovered=2)
    traces, logs = check_recorded(status(traces=spans, logs=NOTHING), [])
    assert (traces.verdict, traces.fact) == (Verdict.OK, "13 by now")
    assert (logs.verdict, logs.topic) == (Verdict.WARNING, "recorded logs")


def test_metrics_count_as_recorded_before_they_are_collected() -> None:
    (found,) = check_recorded(status(metrics=NOTHING), [InstrumentFacts("orders", "counter", "{order}")])
    assert found.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("instrument", "said"),
    [
        (
            InstrumentFacts("db.client.operation.duration", "histogram", "ms"),
            "histogram in s, not a histogram in ms",
        ),
        (InstrumentFacts("upload.size", "histogram", "bytes"), "bytes is no unit of UCUM: write s, ms, By"),
        (InstrumentFacts("orders_total", "counter", "1"), "Prometheus adds _total"),
    ],
)
def test_a_questionable_instrument_is_warned_of(instrument: InstrumentFacts, said: str) -> None:
    (found,) = check_recorded(status(), [instrument])
    assert (found.verdict, found.topic) == (Verdict.WARNING, f"metric {instrument.name}")
    assert said in found.fact


@pytest.mark.usefixtures("fresh_process")
def test_the_instruments_of_a_program_are_known_by_kind_and_unit(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    meter = metrics.get_meter("tests")
    meter.create_counter("a", "{order}").add(1)
    meter.create_up_down_counter("b").add(1)
    meter.create_histogram("c", "s").record(1)
    meter.create_gauge("d").set(1)
    meter.create_observable_gauge("e", [lambda _: [metrics.Observation(1)]], "By")
    assert handle.flush().ok
    assert handle._pipelines.metrics.instruments() == [
        ("a", "counter", "{order}"),
        ("b", "up_down", ""),
        ("c", "histogram", "s"),
        ("d", "gauge", ""),
        ("e", "gauge", "By"),
    ]
