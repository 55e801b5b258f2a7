"""Whom a span is for that starts here and now: the current unit, or what others say about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

from opentelemetry.context import Context

from tollspan.sdk.events import Events
from tollspan.sdk.setting_values import UnitSource
from tollspan.sdk.unit import PARENT_UNIT, UNIT, Unit, current_unit
from tollspan.sdk.unit_propagation import caller_unit, span_attributes

ID_TYPES = (str, int, UUID)
"""As a tuple: to test against a union takes four times as long."""

SLOW_S = 0.01
"""Resolvers that hold up one span for longer are reported."""

_resolving: ContextVar[bool] = ContextVar("tollspan_resolving", default=False)


class Attribution:
    """Which attributes a span or log record gets.

    What the code says (`unit`, `set_unit`) goes first, then what a trusted caller said, then the
    settings, each of which fills its own gap. A function among those is asked once for a span
    and what happens in it: spans and log records below it have the same answer. One that raises,
    or whose answer is no id, costs the attribute, and is asked again; spans that it starts
    itself get no answer from it.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self.use(None, None)

    def use(
        self, unit: UnitSource | None, parent_unit: UnitSource | None, *, trusts_callers: bool = False
    ) -> None:
        """From now on these are the settings."""
        self._unit = unit
        self._parent_unit = parent_unit
        self._asks = callable(unit) or callable(parent_unit)
        fixed = {UNIT: unit, PARENT_UNIT: parent_unit}
        self._fixed = {key: value for key, value in fixed.items() if isinstance(value, str)}
        self._trusts_callers = trusts_callers

    def attributes(self, context: Context | None = None) -> Mapping[str, str]:
        """The two attributes, one, or none, in `context` or the current one."""
        current = current_unit()
        if current is None and self._trusts_callers:
            current = caller_unit(context)
        known = self._fixed if current is None else current.attributes
        if len(known) == 2 or _resolving.get():
            return known
        if not self._asks:
            return {**self._fixed, **known} if PARENT_UNIT in self._fixed else known
        context_token = _resolving.set(True)
        started_s = time.perf_counter()
        try:
            return self._resolve(current, span_attributes(context))
        finally:
            _resolving.reset(context_token)
            spent_s = time.perf_counter() - started_s
            if spent_s > SLOW_S:
                self._events.resolver_slow(spent_s)

    def _resolve(self, current: Unit | None, above: Mapping[str, str]) -> Mapping[str, str]:
        """`above` are the attributes of the span in which this happens."""
        unit_above = above.get(UNIT)
        unit_id = self._ask("unit", self._unit, unit_above) if current is None else current.id
        parent_above = above.get(PARENT_UNIT) if unit_id == unit_above else None
        parent_id = self._ask("parent unit", self._parent_unit, parent_above)
        attributes = {}
        if unit_id is not None:
            attributes[UNIT] = unit_id
        if parent_id is not None:
            attributes[PARENT_UNIT] = parent_id
        return attributes

    def _ask(self, name: str, source: UnitSource | None, above: str | None) -> str | None:
        if source is None or isinstance(source, str):
            return source
        if above is not None:
            return above
        try:
            answer = source()
            if isinstance(answer, ID_TYPES):
                return str(answer) or None
            if answer is not None:
                raise TypeError("the answer is no id")
        except Exception as error:
            self._events.resolver_failed(name, error)
        return None
