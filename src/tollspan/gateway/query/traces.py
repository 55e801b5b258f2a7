"""Traces: the list, and one in full."""

from __future__ import annotations

import asyncio
import operator
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tollspan.errors import QueryError
from tollspan.gateway.query.attribute_filter import ANY, AttributeFilter
from tollspan.gateway.query.time_range import ALWAYS, NANO_MAX, TimeRange
from tollspan.gateway.query.trace_slots import find_trace_slots
from tollspan.gateway.storage.attribute_conditions import OF_SPANS
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.native_blocks import Labels
from tollspan.gateway.storage.store import View

SPANS_MAX = 1_000_000
# A trace that is listed on one page is not listed again on the next ones, unless it has spans
# that were asked for further apart than this.
REACH_NANO = 3600 * 10**9

_CURSOR = re.compile(r"(\d{1,19})\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces to list: those with a span for which everything here holds.

    The span started in `time_range`, is of the service, has the name, unit and parent unit
    (empty: any), failed (`errors`), has no parent (`roots`), took at least `duration_min_nano`,
    has all `attributes`, and is of one of the traces with `trace_ids` (none: any).
    """

    time_range: TimeRange = ALWAYS
    service: str = ""
    name: str = ""
    unit: str = ""
    parent_unit: str = ""
    errors: bool = False
    roots: bool = False
    duration_min_nano: int = 0
    attributes: AttributeFilter = ANY
    trace_ids: tuple[str, ...] = ()

    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements about such spans."""
        return {
            "service": self.service,
            "name": self.name,
            "unit": self.unit,
            "parent_unit": self.parent_unit,
            "errors": int(self.errors),
            "roots": int(self.roots),
            "duration_min": self.duration_min_nano,
            "trace_ids": [bytes.fromhex(trace_id) for trace_id in self.trace_ids],
            **self.time_range.parameters(),
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount in billionths of the currency (ISO 4217)."""

    currency: str
    amount_nano: int


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A row of the trace list. The root is the earliest span without a parent, else the earliest span.

    `unit` is that of the earliest span that has one. `costs` are what its spans report
    (`tollspan.cost.amount_nano`), summed up by currency; none when they report none.
    """

    trace_id: str
    root_name: str
    root_service: str
    start_unix_nano: int
    duration_nano: int
    spans: int
    errors: int
    services: tuple[str, ...]
    unit: str | None
    parent_unit: str | None
    costs: tuple[Cost, ...]


@dataclass(frozen=True, slots=True)
class TracePage:
    """Some traces, newest first. `next_cursor` asks for those after them; None when there are none."""

    traces: list[TraceSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class NumberedTracePage:
    """Some traces, newest first; `total` counts those on all pages."""

    traces: list[TraceSummary]
    total: int


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """The spans of a trace by start, a place in every column for each.

    `span_id` has eight bytes a span. `parent` is a row, or -1. `service`, `name` and `unit` are
    places in the trace's lists, `unit` is -1 where a span has none.
    """

    span_id: bytes
    parent: array[int]
    service: array[int]
    name: array[int]
    kind: array[int]
    status: array[int]
    offset_nano: array[int]
    duration_nano: array[int]
    unit: array[int]
    events: array[int]


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace in columns. `orphans` are the rows whose parent is named but not here."""

    trace_id: str
    start_unix_nano: int
    duration_nano: int
    services: list[str]
    names: list[str]
    units: list[str]
    spans: SpanColumns
    orphans: list[int]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service and what it sent."""

    name: str
    spans: int
    errors: int


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A trace's place in the list, by the start of its latest span that was asked for."""

    latest: int
    trace_id: str


_NEWEST = _Place(NANO_MAX, "")


async def find_traces(view: View, query: TraceQuery, *, limit: int, cursor: str | None = None) -> TracePage:
    """The first `limit` traces, or those after `cursor`. QueryError for a cursor that was not given out."""
    after = _read_cursor(cursor) if cursor else _NEWEST
    places = await _newest_places(await query.attributes.narrow(view, OF_SPANS), query, after, limit)
    next_cursor = _build_cursor(places[-1]) if len(places) == limit else None
    return TracePage(await _summaries(view, places), next_cursor)


async def page_traces(view: View, query: TraceQuery, *, page: int, limit: int) -> NumberedTracePage:
    """Page number `page`, from 1, of the traces. It reads the whole time range; `find_traces` does not."""
    narrowed = await query.attributes.narrow(view, OF_SPANS)
    [counted] = await narrowed.rows("count_traces", **query.parameters())
    places = await _places(narrowed, query, _NEWEST, limit=limit, offset=(page - 1) * limit)
    return NumberedTracePage(await _summaries(view, places), counted["traces"])


async def get_trace(view: View, trace_id: str, *, time_range: TimeRange = ALWAYS) -> Trace | None:
    """The trace, its first SPANS_MAX spans; None when none of its spans is here."""
    slots = await find_trace_slots(view, [trace_id])
    if not slots:
        return None
    bounds = time_range.parameters()
    columns = await view.columns("get_trace", trace_id=trace_id, slots=slots, limit=SPANS_MAX, **bounds)
    return await asyncio.to_thread(_trace, trace_id, columns) if columns.get("span_id") else None


async def find_services(view: View, time_range: TimeRange) -> list[ServiceSummary]:
    """The services that sent spans in that time, by name."""
    rows = await view.rows("find_services", **time_range.parameters())
    return [ServiceSummary(row["service"], row["spans"], row["errors"]) for row in rows]


async def _newest_places(view: View, query: TraceQuery, after: _Place, limit: int) -> list[_Place]:
    """The first `limit` places after `after`, found without reading more time than that takes."""
    found: dict[str, _Place] = {}
    until = min(query.time_range.end_unix_nano, after.latest + 1)
    for part in replace(query.time_range, end_unix_nano=until).slices(lambda: len(found) / limit):
        position = after
        while len(found) < limit:
            places = await _places(view, replace(query, time_range=part), position, limit=limit)
            # A trace that has a later span as well has its place there.
            listed = await _listed(view, query, after, places)
            for place in places:
                if place.trace_id not in listed:
                    found.setdefault(place.trace_id, place)
            if len(places) < limit:
                break
            position = places[-1]
    return list(found.values())[:limit]


async def _places(
    view: View, query: TraceQuery, after: _Place, *, limit: int, offset: int = 0
) -> list[_Place]:
    rows = await view.rows(
        "find_trace_ids",
        paged=int(after != _NEWEST),
        after=after.latest,
        after_id=after.trace_id,
        limit=limit,
        offset=offset,
        **query.parameters(),
    )
    return [_Place(row["latest"], row["id"]) for row in rows]


async def _listed(view: View, query: TraceQuery, after: _Place, places: Sequence[_Place]) -> set[str]:
    """Those of the traces whose place is not after `after`: an earlier page has listed them."""
    if after == _NEWEST or not places:
        return set()
    later = TimeRange(after.latest, min(query.time_range.end_unix_nano, after.latest + REACH_NANO))
    trace_ids = tuple(place.trace_id for place in places)
    again = replace(query, time_range=later, trace_ids=trace_ids)
    latest = await _places(view, again, _NEWEST, limit=len(trace_ids))
    return {place.trace_id for place in latest if place >= after}


async def _summaries(view: View, places: Sequence[_Place]) -> list[TraceSummary]:
    if not places:
        return []
    slots = await find_trace_slots(view, [place.trace_id for place in places])
    trace_ids = [bytes.fromhex(place.trace_id) for place in places]
    rows = await view.rows("summarise_traces", trace_ids=trace_ids, slots=slots)
    return sorted(map(_summary, rows), key=lambda trace: trace.start_unix_nano, reverse=True)


def _summary(row: Row) -> TraceSummary:
    root_name, root_service = row["root"]
    unit, parent_unit = row["units"]
    return TraceSummary(
        trace_id=row["id"],
        root_name=root_name,
        root_service=root_service,
        start_unix_nano=row["first"],
        duration_nano=row["last"] - row["first"],
        spans=row["spans"],
        errors=row["errors"],
        services=tuple(sorted(row["services"])),
        unit=unit or None,
        parent_unit=parent_unit or None,
        costs=tuple(Cost(currency, amount) for currency, amount in sorted(row["costs"].items())),
    )


def _build_cursor(place: _Place) -> str:
    return f"{place.latest}.{place.trace_id}"


def _read_cursor(cursor: str) -> _Place:
    parts = _CURSOR.fullmatch(cursor)
    if not parts:
        raise QueryError("cursor", "must be the next_cursor of an earlier answer")
    return _Place(min(int(parts[1]), NANO_MAX - 1), parts[2])


def _trace(trace_id: str, columns: Mapping[str, Any]) -> Trace:
    start: array[int] = columns["start_unix_nano"]
    first = start[0]
    end = max(map(operator.add, start, columns["duration"]))
    parent, orphans = _parents(columns["span_id"], columns["parent_span_id"])
    units: Labels = columns["unit"]
    named = [unit for unit in units.values if unit]
    places = {unit: place for place, unit in enumerate(named)}
    place_of_unit = [places.get(unit, -1) for unit in units.values]
    spans = SpanColumns(
        span_id=bytes(columns["span_id"]),
        parent=parent,
        service=columns["service"].indices,
        name=columns["name"].indices,
        kind=columns["kind"],
        status=columns["status_code"],
        offset_nano=array("q", [moment - first for moment in start]),
        duration_nano=columns["duration"],
        unit=array("i", map(place_of_unit.__getitem__, units.indices)),
        events=columns["events"],
    )
    return Trace(
        trace_id=trace_id,
        start_unix_nano=first,
        duration_nano=end - first,
        services=columns["service"].values,
        names=columns["name"].values,
        units=named,
        spans=spans,
        orphans=orphans,
    )


def _parents(span_ids: bytes, parent_span_ids: bytes) -> tuple[array[int], list[int]]:
    """The row of each span's parent, -1 where there is none, and the rows whose parent is elsewhere."""
    ids, parent_ids = array("Q", span_ids), array("Q", parent_span_ids)
    row_of_id = {span_id: row for row, span_id in enumerate(ids)}
    parents = array("i", [row_of_id.get(parent_id, -1) for parent_id in parent_ids])
    orphans = [row for row, parent in enumerate(parents) if parent == -1 and parent_ids[row]]
    return parents, orphans
