"""`tollspan.span`: a span around a block or a function, or of something that happened before.

Works with any tracer provider of OpenTelemetry's SDK. Given ids need a hand in its id
generator, which is exchanged for our own tracer alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from tollspan.sdk.client_guard import events

F = TypeVar("F", bound=Callable[..., Any])

KINDS = {kind.name.lower(): kind for kind in SpanKind}
STATUSES: Mapping[object, StatusCode] = {
    **{code: code for code in StatusCode},
    **{code.name.lower(): code for code in StatusCode},
    **{code.value: code for code in StatusCode},
}


@dataclass(eq=False, slots=True)
class SpanBlock:
    """A span around a `with` block, which gets the span, or around each call of the decorated function.

    `kind`: internal, server, client, producer or consumer. `status`: unset, ok or error (0,
    1 or 2), with `status_message`; an exception is recorded, is an error and goes on.
    `trace_id`, `span_id` and `parent_span_id`: hexadecimal text or a number; in another
    trace than the current one the span is a root, unless it has a `parent_span_id`.
    `start_unix_nano`, `end_unix_nano`: when it happened, else now. `links`: to other spans.
    `context`: what `extract` returned, to continue a trace from elsewhere.

    An id that is none is ignored, with a line in the log. The span of a generator function
    lasts until the generator ends and is not the current one while its consumer runs.
    """

    name: str
    attributes: Mapping[str, Any] | None = None
    _: KW_ONLY
    kind: str = "internal"
    status: str | int | StatusCode | None = None
    status_message: str | None = None
    trace_id: str | int | None = None
    span_id: str | int | None = None
    parent_span_id: str | int | None = None
    start_unix_nano: int | None = None
    end_unix_nano: int | None = None
    links: Sequence[Link] = ()
    context: Context | None = None
    _entered: list[AbstractContextManager[Span]] = field(default_factory=list, init=False, repr=False)

    def __enter__(self) -> Span:
        block = _recorded(self)
        entered = block.__enter__()
        self._entered.append(block)
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._entered.pop().__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        """`function`, each call of which is a span."""
        wrap: Callable[[Callable[..., Any], SpanBlock], Callable[..., Any]] = _wrap_function
        if inspect.isasyncgenfunction(function):
            wrap = _wrap_async_generator
        elif inspect.isgeneratorfunction(function):
            wrap = _wrap_generator
        elif inspect.iscoroutinefunction(function):
            wrap = _wrap_coroutine
        return cast(F, functools.wraps(function)(wrap(function, self)))


span = SpanBlock


def span_context(trace_id: int, span_id: int) -> Context:
    """The current context, with that span of somebody else's as the current one."""
    flags = TraceFlags(TraceFlags.SAMPLED)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, True, flags)))


def read_id(name: str, value: str | int | None, bits: int) -> int | None:
    """The id as a number; None if there is none, or none of that many bits."""
    if value is None:
        return None
    try:
        number = int(value, 16) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        number = 0
    if 0 < number < 1 << bits:
        return number
    events.notice(
        "bad_id", f"the {name} that was given is no number of {bits} bits above 0, so it is ignored"
    )
    return None


class _Ids(NamedTuple):
    trace_id: int | None
    span_id: int | None


_NO_IDS = _Ids(None, None)

_given: ContextVar[_Ids] = ContextVar("tollspan_given_ids", default=_NO_IDS)


class _GivenIds(IdGenerator):
    """The ids that were given for this span, else those of the generator that it stands in for."""

    def __init__(self, generator: IdGenerator) -> None:
        self._generator = generator

    def generate_trace_id(self) -> int:
        return _given.get().trace_id or self._generator.generate_trace_id()

    def generate_span_id(self) -> int:
        return _given.get().span_id or self._generator.generate_span_id()

    def is_trace_id_random(self) -> bool:
        # OpenTelemetry has the method since 1.42.
        random: Callable[[], bool] = getattr(self._generator, "is_trace_id_random", bool)
        return _given.get().trace_id is None and random()


_tracers: WeakKeyDictionary[trace.TracerProvider, trace.Tracer] = WeakKeyDictionary()


def _tracer() -> trace.Tracer:
    provider = trace.get_tracer_provider()
    tracer = _tracers.get(provider)
    if tracer is None:
        tracer = _tracers[provider] = provider.get_tracer("tollspan")
        if isinstance(tracer, Tracer):
            tracer.id_generator = _GivenIds(tracer.id_generator)
    return tracer


def start_span(block: SpanBlock) -> Span:
    trace_id = read_id("trace_id", block.trace_id, 128)
    span_id = read_id("span_id", block.span_id, 64)
    parent_id = read_id("parent_span_id", block.parent_span_id, 64)
    context = block.context
    if trace_id is not None and parent_id is not None:
        context = span_context(trace_id, parent_id)
    elif trace_id not in (None, trace.get_current_span(context).get_span_context().trace_id):
        context = trace.set_span_in_context(trace.INVALID_SPAN, context)
    ids = _given.set(_Ids(trace_id, span_id))
    try:
        return _tracer().start_span(
            str(block.name),
            context,
            KINDS.get(block.kind, SpanKind.INTERNAL),
            block.attributes,
            block.links,
            block.start_unix_nano,
        )
    finally:
        _given.reset(ids)


@contextmanager
def _recorded(block: SpanBlock, *, current: bool = True) -> Iterator[Span]:
    recorded = start_span(block)
    try:
        with _current(recorded) if current else _watched(recorded):
            yield recorded
            if block.status is not None:
                recorded.set_status(STATUSES.get(block.status, StatusCode.UNSET), block.status_message)
    finally:
        recorded.end(block.end_unix_nano)


def _current(recorded: Span) -> AbstractContextManager[Span]:
    return trace.use_span(recorded, record_exception=True, set_status_on_exception=True)


@contextmanager
def _watched(recorded: Span) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        recorded.record_exception(error)
        recorded.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        raise


def _wrap_function(function: Callable[..., Any], block: SpanBlock) -> Callable[..., Any]:
    def in_span(*args: Any, **kwargs: Any) -> Any:
        with _recorded(block):
            return function(*args, **kwargs)

    return in_span


def _wrap_coroutine(function: Callable[..., Any], block: SpanBlock) -> Callable[..., Any]:
    async def in_span(*args: Any, **kwargs: Any) -> Any:
        with _recorded(block):
            return await function(*args, **kwargs)

    return in_span


def _wrap_generator(function: Callable[..., Any], block: SpanBlock) -> Callable[..., Any]:
    def in_span(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _recorded(block, current=False):
            return (yield from function(*args, **kwargs))

    return in_span


def _wrap_async_generator(function: Callable[..., Any], block: SpanBlock) -> Callable[..., Any]:
    async def in_span(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _recorded(block, current=False):
            async for item in function(*args, **kwargs):
                yield item

    return in_span
