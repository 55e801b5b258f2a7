"""What the OpenTelemetry Collector knows and we do not: `compat.yaml`, looked up by path.

What we support needs no list, since a component's configuration struct is one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, get_args, get_origin

import msgspec

from tollspan.collector.component import Factory, Kind, Registry
from tollspan.collector.config import yaml_text
from tollspan.collector.config.annotations import is_struct, split_marks
from tollspan.collector.config.expand import join


@dataclass(frozen=True, slots=True)
class Foreign:
    """A key or component of the Collector that is `ignored` here, or else refused, and why."""

    ignored: bool
    reason: str


@functools.cache
def foreign_keys() -> dict[str, Foreign]:
    """Everything in compat.yaml by `section::type::key`, with `section::type` for a whole component."""
    text = (files("tollspan.collector") / "compat.yaml").read_text(encoding="utf-8")
    document = yaml_text.parse(text, "compat.yaml")
    return dict(_foreign(document))


def find_foreign(path: str, registry: Registry) -> Foreign | None:
    """What compat.yaml says about the setting or component at `path`, whatever its name."""
    section, _, rest = path.partition("::")
    component_id, _, key = rest.partition("::")
    type_ = component_id.partition("/")[0]
    if section in {kind.value for kind in Kind} and type_ in registry[Kind(section)]:
        type_ = registry[Kind(section)][type_].type
    named = "::".join(part for part in key.split("::") if not part.isdigit())  # rows of lists have no names
    return foreign_keys().get(join(join(section, type_), named))


def known_keys(factory: Factory) -> Iterator[str]:
    """Every key that the component's configuration has, nested ones as `outer::inner`."""
    yield from struct_keys(factory.config)


def struct_keys(
    struct: type[msgspec.Struct], path: str = "", outer: tuple[type[msgspec.Struct], ...] = ()
) -> Iterator[str]:
    """Every key of a configuration struct under `path`, those of lists too, without what is in itself."""
    for field in msgspec.structs.fields(struct):
        key = join(path, field.encode_name)
        yield key
        bare, _ = split_marks(field.type)
        inner = split_marks(get_args(bare)[0])[0] if get_origin(bare) is list else bare
        if is_struct(inner) and inner not in outer:
            yield from struct_keys(inner, key, (*outer, struct))


def _foreign(document: dict[str, Any]) -> Iterator[tuple[str, Foreign]]:
    for section, entries in document.items():
        if isinstance(entries, str):
            yield section, Foreign(False, entries)
            continue
        for name, body in entries.items():
            if isinstance(body, str):
                yield f"{section}::{name}", Foreign(False, body)
                continue
            for fate in ("ignored", "refused"):
                for key, reason in body.get(fate, {}).items():
                    yield f"{section}::{name}::{key}", Foreign(fate == "ignored", reason)
