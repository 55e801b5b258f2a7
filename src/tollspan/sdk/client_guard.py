"""What the helpers share: an error in one costs what it was called for, and never the caller."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from tollspan.sdk.events import Events

F = TypeVar("F", bound=Callable[..., Any])

events = Events()
"""What the helpers have to say; apart from the handle's, as they work without `init` too."""


def guarded(function: F) -> F:
    """`function`, which returns None where it would have raised; that is counted, and logged."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            events.helper_failed(function.__name__.lstrip("_"), error)
            return None

    return cast(F, call)
