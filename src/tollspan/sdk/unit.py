"""Whom code runs for: the current unit (a customer, a job) and the parent unit this belongs to.

Kept in a context variable: it follows `await` and asyncio tasks, not threads. Nothing of
it leaves the process by itself.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, cast

UNIT = "tollspan.unit"
PARENT_UNIT = "tollspan.parent_unit"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, the unit it belongs to if any, and the span attributes that say so."""

    id: str
    parent: str | None = None
    attributes: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parent = {} if self.parent is None else {PARENT_UNIT: self.parent}
        object.__setattr__(self, "attributes", {UNIT: self.id, **parent})


def current_unit() -> Unit | None:
    """The unit that this code runs for, as far as `unit` and `set_unit` know."""
    return _current.get().unit


def set_unit(unit_id: str | None, parent: str | None = None) -> None:
    """From here to the end of the enclosing `unit`, or of this context, all is for `unit_id`.

    None is nobody.
    """
    _current.set(_current.get()._replace(unit=_unit(unit_id, parent)))


def unit(unit_id: str | None, /, *, parent: str | None = None) -> UnitContext:
    """What runs inside is for `unit_id`, or for nobody if that is None.

    A context manager (`with unit("acme"):`) and a decorator of functions, coroutine
    functions and generator functions of both kinds. A decorated generator is in the unit
    whenever it runs, and its consumer never is; a `with` around a `yield` shows the
    consumer the unit, as Python has one context for both.
    """
    return UnitContext(_unit(unit_id, parent))


class _Entry(NamedTuple):
    """The current unit, the context manager that it ends with, and what applies after that."""

    unit: Unit | None = None
    owner: UnitContext | None = None
    outer: _Entry | None = None


_OUTERMOST = _Entry()

_current: ContextVar[_Entry] = ContextVar("tollspan_unit", default=_OUTERMOST)


class UnitContext:
    """What `unit` returns. Holds no state of its own, so threads and tasks may share one."""

    def __init__(self, unit: Unit | None) -> None:
        self.unit = unit

    def __enter__(self) -> Unit | None:
        _current.set(_Entry(self.unit, self, _current.get()))
        return self.unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        entry: _Entry | None = _current.get()
        while entry is not None and entry.owner is not self:
            entry = entry.outer
        # A generator that is abandoned half-way ends in some other context, which has no such entry.
        if entry is not None and entry.outer is not None:
            _current.set(entry.outer)

    def __call__(self, function: F) -> F:
        """`function`, which now runs in the unit."""
        if inspect.isasyncgenfunction(function):
            wrapped: Callable[..., Any] = _wrap_async_generator(function, self)
        elif inspect.isgeneratorfunction(function):
            wrapped = _wrap_generator(function, self)
        elif inspect.iscoroutinefunction(function):
            wrapped = _wrap_coroutine(function, self)
        else:
            wrapped = _wrap_function(function, self)
        return cast(F, functools.wraps(function)(wrapped))


def _unit(unit_id: object, parent: object) -> Unit | None:
    """Ids that are numbers or UUIDs are common, and an empty one is none."""
    if unit_id is None or unit_id == "":
        return None
    return Unit(str(unit_id), None if parent is None else str(parent))


def _wrap_function(function: Callable[..., Any], context: UnitContext) -> Callable[..., Any]:
    def in_unit(*args: Any, **kwargs: Any) -> Any:
        with context:
            return function(*args, **kwargs)

    return in_unit


def _wrap_coroutine(function: Callable[..., Any], context: UnitContext) -> Callable[..., Any]:
    async def in_unit(*args: Any, **kwargs: Any) -> Any:
        with context:
            return await function(*args, **kwargs)

    return in_unit


def _wrap_generator(function: Callable[..., Any], context: UnitContext) -> Callable[..., Any]:
    def in_unit(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step = functools.partial(generator.send, None)
        inside = _Entry(context.unit)
        while True:
            outside = _current.get()
            _current.set(inside)
            try:
                item = step()
            except StopIteration as stop:
                return stop.value
            finally:
                inside = _current.get()
                _current.set(outside)
            try:
                step = functools.partial(generator.send, (yield item))
            except BaseException as error:
                step = functools.partial(generator.throw, error)

    return in_unit


def _wrap_async_generator(function: Callable[..., Any], context: UnitContext) -> Callable[..., Any]:
    async def in_unit(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        step = functools.partial(generator.asend, None)
        inside = _Entry(context.unit)
        while True:
            outside = _current.get()
            _current.set(inside)
            try:
                item = await step()
            except StopAsyncIteration:
                return
            finally:
                inside = _current.get()
                _current.set(outside)
            try:
                step = functools.partial(generator.asend, (yield item))
            except BaseException as error:
                step = functools.partial(generator.athrow, error)

    return in_unit
