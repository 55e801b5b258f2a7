"""Component ids as they stand in the YAML: `type` or `type/name`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TYPE = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}")


@dataclass(frozen=True, slots=True)
class ComponentID:
    """A component's id; `name` is empty when the type alone identifies it."""

    type: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.type}/{self.name}" if self.name else self.type


def parse_id(text: str) -> ComponentID:
    """The id in `text`, blanks around its parts removed; ValueError says what is wrong with it."""
    type_, slash, name = (part.strip() for part in text.partition("/"))
    if not _TYPE.fullmatch(type_):
        raise ValueError(
            f"{type_!r} is not a component type: a letter, then at most 62 letters, digits or underscores"
        )
    if slash and not 1 <= len(name) <= 1024:
        raise ValueError(f"the name after the slash in {text!r} must have 1 to 1024 characters")
    if any(char.isspace() or not char.isprintable() for char in name):
        raise ValueError(f"the name in {text!r} must have no blanks and no control characters")
    return ComponentID(type_, name)
