"""A configuration as it may be shown: secrets are left out, by the type of their field.

What no field describes, a misspelt key for example, could be a secret and is left out too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from tollspan.collector.component import Kind, Registry
from tollspan.collector.config.annotations import is_struct, split_marks
from tollspan.collector.config.decode import plain_value
from tollspan.collector.config.validate import Document
from tollspan.collector.config.values import Opaque

REDACTED = "[REDACTED]"

_SECRET_MARK = split_marks(Opaque)[1][0]


def redact(document: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The merged document in plain values, every secret replaced."""
    shown = _show_struct(Document, document)
    for kind in Kind:
        if isinstance(document.get(kind.value), Mapping):
            components = document[kind.value].items()
            shown[kind.value] = {key: _show_component(kind, key, body, registry) for key, body in components}
    return shown


def _show_component(kind: Kind, key: str, body: Any, registry: Registry) -> Any:
    factory = registry[kind].get(key.partition("/")[0].strip())
    return _hide(body) if factory is None else _show(factory.config, body)


def _show_struct(struct: type[msgspec.Struct], body: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    return {key: _show(fields[key], item) if key in fields else _hide(item) for key, item in body.items()}


def _show(annotation: Any, value: Any) -> Any:
    bare, marks = split_marks(annotation)
    plain = plain_value(value)
    if plain is not None and _SECRET_MARK in marks:
        return REDACTED
    if isinstance(plain, Mapping | list):
        return _show_nested(bare, plain)
    if get_origin(bare) is list:
        return _show(get_args(bare)[0], value)  # one text, or several with commas between
    if is_struct(bare) or get_origin(bare) is dict:
        return _hide(plain)
    return str(value) if bare is str and isinstance(value, str) else plain


def _show_nested(bare: Any, value: Mapping[str, Any] | list[Any]) -> Any:
    if isinstance(value, Mapping) and is_struct(bare):
        return _show_struct(bare, value)
    if isinstance(value, Mapping) and get_origin(bare) is dict:
        return {key: _show(get_args(bare)[1], item) for key, item in value.items()}
    if isinstance(value, list) and get_origin(bare) is list:
        return [_show(get_args(bare)[0], item) for item in value]
    return value if bare is Any else _hide(value)


def _hide(value: Any) -> Any:
    """`value` with its structure, and nothing in it."""
    match plain_value(value):
        case None:
            return None
        case Mapping() as items:
            return {key: _hide(item) for key, item in items.items()}
        case list() as items:
            return [_hide(item) for item in items]
    return REDACTED
