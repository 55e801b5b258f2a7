"""Care for what is stored: what is too old goes, what someone asks to have erased too. Blocking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tollspan.gateway.storage.engine import Engine, Parameter
from tollspan.gateway.storage.item_writer import LAYOUTS, REMEMBERED_S
from tollspan.gateway.storage.statements import statement
from tollspan.otlp.signals import Signal

DAY_S = 24 * 3600
MERGE_WAIT_S = 3600
ENVELOPE_TABLES = ("resources", "instrumentation_scopes")

Removed = Counter[Signal]
"""How many items were removed, by signal."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many whole days after its arrival something is kept; what has no number stays for good.

    `days` are those of a signal, `datasets` those of the datasets that differ.
    """

    days: Mapping[Signal, int] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[Signal, int]] = field(default_factory=dict)

    def exceptions(self, signal: Signal) -> dict[str, int]:
        """The days of each dataset with a number of its own for the signal."""
        return {name: days[signal] for name, days in self.datasets.items() if signal in days}


KEEP_ALL = Retention()


def expire(engine: Engine, retention: Retention, now_s: float) -> Removed:
    """Nothing is stored any more that is older than it may be. Days begin at 00:00 UTC.

    Where all datasets of a signal agree, days go as whole partitions, which costs nothing;
    what only some datasets may keep is taken out of the partitions of its day.
    """
    removed = Removed()
    for signal, layout in LAYOUTS.items():
        exceptions, days = retention.exceptions(signal), retention.days.get(signal)
        for dataset, own_days in exceptions.items():
            removed[signal] += _take_out(engine, layout.table, [dataset], 1, _day_start_s(now_s, own_days))
        if days is not None:
            removed[signal] += _drop_days(
                engine, layout.table, _day_start_s(now_s, max(days, *exceptions.values(), 0))
            )
            removed[signal] += _take_out(engine, layout.table, list(exceptions), 0, _day_start_s(now_s, days))
    if retention.days.keys() == set(Signal):
        longest = max(days for own in (retention.days, *retention.datasets.values()) for days in own.values())
        for table in ENVELOPE_TABLES:
            _drop_days(engine, table, _day_start_s(now_s, longest))
    return removed


def complete_projections(engine: Engine, now_s: float) -> None:
    """The parts of `spans` that no merge has given their projections for an hour are being given them.

    Merges make the projections, but only join parts that have the same ones: those of an earlier
    schema, and a single one between others, would stay without. Answers are the same either way.
    """
    [found] = engine.rows(statement("find_incomplete_parts"), {"before": int(now_s) - MERGE_WAIT_S})
    if found["parts"]:
        engine.execute(statement("materialize_projections"))


def erase_trace(engine: Engine, tenant: str, datasets: Sequence[str], trace_id: str, now_s: float) -> Removed:
    """No span and no log record of the trace is stored any more."""
    signals = (Signal.TRACES, Signal.LOGS)
    return _erase(engine, signals, _Condition(tenant, datasets, "trace_id", trace_id), now_s)


def erase_unit(engine: Engine, tenant: str, datasets: Sequence[str], unit: str, now_s: float) -> Removed:
    """No item of the unit is stored any more."""
    return _erase(engine, tuple(Signal), _Condition(tenant, datasets, "unit", unit.encode().hex()), now_s)


@dataclass(frozen=True, slots=True)
class _Condition:
    """The tenant's items that have `value`, in hexadecimal, in `column`."""

    tenant: str
    datasets: Sequence[str]
    column: str
    value: str

    def parameters(self, table: str) -> dict[str, Parameter]:
        own: dict[str, Parameter] = {"tenant": self.tenant, "datasets": self.datasets}
        return {"table": table, "column": self.column, "value": self.value, **own}


def _erase(engine: Engine, signals: Sequence[Signal], condition: _Condition, now_s: float) -> Removed:
    removed = Removed()
    for signal in signals:
        parameters = condition.parameters(LAYOUTS[signal].table)
        [counted] = engine.rows(statement("count_items"), parameters)
        if counted["items"]:
            since = {"since": int(now_s) - REMEMBERED_S}
            engine.rows(statement("keep_request_digests"), parameters | since)
            engine.rows(statement("erase_items"), parameters)
            removed[signal] = counted["items"]
    return removed


def _take_out(engine: Engine, table: str, datasets: list[str], named: int, before_s: int) -> int:
    """Items that came before that moment are gone, of these datasets or (`named` 0) of all others."""
    parameters: dict[str, Parameter] = {
        "table": table,
        "datasets": datasets,
        "named": named,
        "before": before_s,
    }
    [counted] = engine.rows(statement("count_expired"), parameters)
    if counted["items"]:
        engine.rows(statement("expire_items"), parameters)
    return int(counted["items"])


def _drop_days(engine: Engine, table: str, before_s: int) -> int:
    """The partitions of all days before that moment are gone."""
    dropped = 0
    day = datetime.fromtimestamp(before_s, UTC).date().isoformat()
    for row in engine.rows(statement("find_partitions"), {"table": table, "day": day}):
        engine.rows(statement("drop_partition"), {"table": table, "partition": row["partition"]})
        dropped += row["items"]
    return dropped


def _day_start_s(now_s: float, days: int) -> int:
    return max(0, int(now_s) // DAY_S - days) * DAY_S
