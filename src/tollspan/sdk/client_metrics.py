"""`tollspan.metric`: one measurement, by an instrument of the right kind.

An instrument is made with the first measurement of its name, and its name is checked then
against OpenTelemetry's semantic conventions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import metrics

from tollspan.sdk.client_guard import events, guarded
from tollspan.sdk.client_metric_names import METRICS

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}")
"""What an instrument may be called (OpenTelemetry metrics API, instrument name syntax)."""

Record = Callable[[float, Mapping[str, Any] | None], None]

_instruments: WeakKeyDictionary[metrics.MeterProvider, dict[tuple[str, str, str], Record]] = (
    WeakKeyDictionary()
)


@guarded
def metric(
    name: str,
    value: float,
    unit: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    *,
    kind: str | None = None,
) -> None:
    """`value` is measured: added to a `counter` or `up_down`, recorded in a `histogram`, or set on a `gauge`.

    Without `kind` or `unit` those of OpenTelemetry's semantic conventions hold for a name
    that is in there, else `gauge` and `1`. Units are UCUM's: `s`, `By`, `{order}`, or a
    currency's code. What is questionable about a name is said once.
    """
    usual_kind, usual_unit = METRICS.get(name, ("gauge", "1"))
    key = (name, kind or usual_kind, unit or usual_unit)
    provider = metrics.get_meter_provider()
    known = _instruments.setdefault(provider, {})
    record = known.get(key)
    if record is None:
        if (problem := metric_problem(*key)) is not None:
            events.notice("metric_name", f"metric {name}: {problem}")
        record = known[key] = _create(provider.get_meter("tollspan"), *key)
    record(value, attributes)


def metric_problem(name: str, kind: str, unit: str) -> str | None:
    """What is wrong with a metric of that name, kind and unit; None if nothing is."""
    problem = None
    if not NAME.fullmatch(name):
        problem = "it starts with a letter and has letters, digits and _ . / - only, 255 in all"
    elif name in METRICS:
        usual_kind, usual_unit = METRICS[name]
        if (kind, unit) != (usual_kind, usual_unit):
            problem = (
                f"by the semantic conventions it is a {usual_kind} in {usual_unit}, not a {kind} in {unit}"
            )
    elif name.endswith("_total"):
        problem = "Prometheus adds _total where it belongs; leave it out"
    elif re.search(r"[_.](ms|s|seconds|bytes|milliseconds)$", name):
        problem = "a unit does not belong into the name; pass it as unit"
    elif re.fullmatch(r"byte|[a-z]{5,}", unit):
        problem = f"{unit} is no unit of UCUM: write s, ms, By, % or {{{unit}}}"
    elif meant := difflib.get_close_matches(name, METRICS, 1, 0.9):
        problem = f"did you mean {meant[0]}, as the semantic conventions call it?"
    return problem


def _create(meter: metrics.Meter, name: str, kind: str, unit: str) -> Record:
    if kind == "counter":
        return meter.create_counter(name, unit).add
    if kind == "up_down":
        return meter.create_up_down_counter(name, unit).add
    if kind == "histogram":
        return meter.create_histogram(name, unit).record
    if kind == "gauge":
        return meter.create_gauge(name, unit).set
    raise ValueError
