"""What the SDK does with metrics: collects them every so often, and delivers what it collected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from opentelemetry.metrics import Synchronous
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)

from tollspan.otlp.encoding import encode_metrics
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.delivery import ItemType
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter

POINT_BYTES = 1200
"""About what CPython needs for a data point with its attributes."""

DELTAS: Mapping[str, tuple[type, ...]] = {
    "cumulative": (),
    "delta": (Counter, ObservableCounter, Histogram),
    "lowmemory": (Counter, Histogram),
}
"""Which instruments are reported as changes; the rest as totals (OTLP metrics exporter specification)."""

HISTOGRAMS: Mapping[str, type[Aggregation]] = {
    "explicit_bucket_histogram": ExplicitBucketHistogramAggregation,
    "base2_exponential_bucket_histogram": ExponentialBucketHistogramAggregation,
}
"""What a histogram becomes unless a view says otherwise, by its name in the same specification."""


KINDS: Mapping[type, str] = {
    Counter: "counter",
    ObservableCounter: "counter",
    UpDownCounter: "up_down",
    ObservableUpDownCounter: "up_down",
    Histogram: "histogram",
    ObservableGauge: "gauge",
}
"""What instruments are, in the words of `tollspan.metric`; a synchronous gauge is none of these classes."""


class InstrumentFacts(NamedTuple):
    """An instrument that was used."""

    name: str
    kind: str
    unit: str


class MetricPipeline(MetricReader):
    """Collects every `interval_s`, and when asked, in a thread of its own. Never raises.

    What is collected goes to `exporter`, which may be exchanged; without one nothing is
    collected, so that no change is lost between totals.
    """

    def __init__(self, temporality: str, histograms: str, attribution: Attribution, events: Events) -> None:
        super().__init__(
            dict.fromkeys(DELTAS[temporality], AggregationTemporality.DELTA),
            {Histogram: HISTOGRAMS[histograms]()},
        )
        self.exporter: Exporter[MetricsData] | None = None
        self.interval_s = 60.0
        self.shutdown_timeout_s = 2.0
        self._attribution = attribution
        self._events = events
        self._thread: threading.Thread | None = None
        self._begin()

    def start(self) -> None:
        """The thread runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tollspan-metrics", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                self._thread = None  # There can be no more threads at present; the next start tries again.

    def stop(self) -> None:
        """The thread ends, once it has done what it does."""
        with self._work:
            self._thread = None
            self._work.notify_all()

    def collect_now(self, timeout_s: float) -> None:
        """What was measured by now waits for delivery, if it can be collected in `timeout_s`.

        The thread does it: callbacks are the application's code and take their time.
        """
        if self._thread is None or self._thread is threading.current_thread():
            return
        with self._work:
            self._asked += 1
            asked = self._asked
            self._work.notify_all()
            self._work.wait_for(lambda: self._done >= asked, timeout_s)

    def after_fork(self) -> None:
        """What was measured before the fork is the parent's: totals start at nothing, and now.

        An inherited total would be reported by both processes, and a backend that adds
        them up would count it twice.
        """
        started = self._thread is not None
        self._begin()
        if (consumer := self._consumer()) is not None:
            consumer._lock = threading.Lock()  # noqa: SLF001 - the parent's thread may have held it
            storage = consumer._reader_storages[self]  # noqa: SLF001
            storage._lock = threading.RLock()  # noqa: SLF001
            storage._instrument_view_instrument_matches = {}  # noqa: SLF001 - made anew by the next measurement
        if started:
            self.start()

    def instruments(self) -> list[InstrumentFacts]:
        """Those that measured something in this process."""
        if (consumer := self._consumer()) is None:
            return []
        used = list(consumer._reader_storages[self]._instrument_view_instrument_matches)  # noqa: SLF001
        return [InstrumentFacts(each.name, _kind(each), each.unit) for each in used]

    def measure_units(self, wanted: bool) -> None:
        """From now on what is measured has the unit as an attribute, or not; other readers never see it."""
        if (consumer := self._consumer()) is not None:
            storage = consumer._reader_storages[self]  # noqa: SLF001
            plain = partial(type(storage).consume_measurement, storage)
            storage.consume_measurement = self._with_unit(plain) if wanted else plain

    def _with_unit(self, consume: Callable[..., None]) -> Callable[..., None]:
        def consume_with_unit(measurement: Measurement, *args: Any) -> None:
            # Callbacks are asked in a thread that works for nobody.
            synchronous = isinstance(measurement.instrument, Synchronous)
            if synchronous and (units := self._attribution.attributes(measurement.context)):
                measurement = replace(measurement, attributes={**units, **(measurement.attributes or {})})
            consume(measurement, *args)

        return consume_with_unit

    def _consumer(self) -> Any:
        """What the provider collects with, as long as it has this reader."""
        consumer = getattr(self._collect, "__self__", None)
        return consumer if self in getattr(consumer, "_reader_storages", ()) else None

    def shutdown(self, timeout_millis: float = 30000, **kwargs: Any) -> None:
        """Everything measured is delivered or dropped; the meter provider calls this."""
        if self.exporter is not None:
            timeout_s = min(timeout_millis / 1000, self.shutdown_timeout_s)
            self.collect_now(timeout_s)
            self.stop()
            self.exporter.shutdown(timeout_s)

    def force_flush(self, timeout_millis: float = 10000) -> bool:
        """Whether everything measured was delivered in time."""
        if self.exporter is None:
            return True
        self.collect_now(timeout_millis / 1000)
        return self.exporter.flush(timeout_millis / 1000).ok

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10000, **kwargs: Any
    ) -> None:
        if self.exporter is not None:
            self.exporter.put(metrics_data)

    def _begin(self) -> None:
        self._thread = None
        self._work = threading.Condition()
        self._asked = 0
        self._done = 0

    def _run(self) -> None:
        this = threading.current_thread()
        while True:
            with self._work:
                self._work.wait_for(
                    lambda: self._asked > self._done or self._thread is not this, self.interval_s
                )
                if self._thread is not this:
                    return
                asked = self._asked
            try:
                if self.exporter is not None and not self.exporter.closed:
                    self.collect()
            except Exception as error:
                self._events.collection_failed(error)
            with self._work:
                self._done = asked
                self._work.notify_all()


def _kind(instrument: object) -> str:
    return next((kind for made_by, kind in KINDS.items() if isinstance(instrument, made_by)), "gauge")


def point_count(metrics_data: MetricsData) -> int:
    """How many data points it has."""
    return sum(
        len(metric.data.data_points)
        for resource in metrics_data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def metrics_bytes(metrics_data: MetricsData) -> int:
    """About how much memory it takes, until it is packed, which is at once."""
    return POINT_BYTES * point_count(metrics_data)


METRICS = ItemType(Signal.METRICS, encode_metrics, metrics_bytes, point_count)
