"""What the annotation of a configuration field says."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec


def without_none(annotation: Any) -> Any:
    """`X` for `X | None`, every other annotation as it is."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not types.NoneType]
        if len(kinds) == 1:
            return kinds[0]
    return annotation


def split_marks(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type, without null, and the marks that Annotated gives it."""
    kind = without_none(annotation)
    if get_origin(kind) is Annotated:
        return kind.__origin__, kind.__metadata__
    return kind, ()


def is_struct(kind: Any) -> bool:
    """Whether `kind` is a configuration struct, a section of its own."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
