"""Functions whose process is frozen as soon as they have answered: AWS Lambda, Cloud Run and their like."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from tollspan.sdk.configure import flush

F = TypeVar("F", bound=Callable[..., Any])

TIMEOUT_S = 2.0
"""How long an answer waits for telemetry at most."""

MARGIN_S = 0.2
"""What is left of an invocation's time for the answer itself."""


def serverless(handler: F) -> F:
    """`handler`, whose telemetry is delivered before it returns or raises.

    For functions, coroutine functions and ASGI applications. The delivery takes as long as
    `TIMEOUT_S` allows and a Lambda context, if there is one among the arguments, has left; what is
    not delivered by then waits for the next invocation.
    """
    function: Callable[..., Any] = handler
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            finally:
                await asyncio.to_thread(flush, _time_left_s(args))

        return cast(F, functools.wraps(function, updated=())(run_async))

    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            flush(_time_left_s(args))

    return cast(F, functools.wraps(function, updated=())(run))


def _time_left_s(arguments: tuple[Any, ...]) -> float:
    for argument in arguments:
        if (remaining_ms := getattr(argument, "get_remaining_time_in_millis", None)) is not None:
            return max(0.0, min(TIMEOUT_S, float(remaining_ms()) / 1000 - MARGIN_S))
    return TIMEOUT_S
