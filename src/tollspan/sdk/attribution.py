"""Whom a span is for that starts here and now: the current unit, or what the application is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

from tollspan.sdk.events import Events
from tollspan.sdk.setting_values import UnitSource
from tollspan.sdk.unit import PARENT_UNIT, UNIT, Unit, current_unit

SLOW_S = 0.01
"""Resolvers that hold up one span for longer are reported."""

NOBODY: Mapping[str, str] = {}

_resolving: ContextVar[bool] = ContextVar("tollspan_resolving", default=False)


class Attribution:
    """Which attributes a span gets: what the code says (`unit`, `set_unit`), else what the settings say.

    Each of the two settings fills its own gap. A function is asked for each span, as only
    the application knows when its answer changes. One that raises, or whose answer is no
    id, costs the attribute; spans that it starts itself get no answer from it.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self.use(None, None)

    def use(self, unit: UnitSource | None, parent_unit: UnitSource | None) -> None:
        """From now on these are the settings."""
        self._unit = unit
        self._parent_unit = parent_unit

    def attributes(self) -> Mapping[str, str]:
        """The two attributes, one, or none."""
        current = current_unit()
        known = NOBODY if current is None else current.attributes
        asks = self._unit is not None or self._parent_unit is not None
        if not asks or len(known) == 2 or _resolving.get():
            return known
        context_token = _resolving.set(True)
        started_s = time.perf_counter()
        try:
            return self._resolve(current)
        finally:
            _resolving.reset(context_token)
            spent_s = time.perf_counter() - started_s
            if spent_s > SLOW_S:
                self._events.resolver_slow(spent_s)

    def _resolve(self, current: Unit | None) -> Mapping[str, str]:
        unit_id = self._ask("unit", self._unit) if current is None else current.id
        parent_id = self._ask("parent unit", self._parent_unit)
        attributes = {}
        if unit_id is not None:
            attributes[UNIT] = unit_id
        if parent_id is not None:
            attributes[PARENT_UNIT] = parent_id
        return attributes

    def _ask(self, name: str, source: UnitSource | None) -> str | None:
        if source is None or isinstance(source, str):
            return source
        try:
            answer = source()
            if isinstance(answer, str | int | UUID):
                return str(answer) or None
            if answer is not None:
                raise TypeError("the answer is no id")
        except Exception as error:
            self._events.resolver_failed(name, error)
        return None
