"""The JSON Schema of configurations, for editors that complete and check YAML (draft 2020-12).

It comes from the same structs that decode a configuration. Every value may also be a
`${…}` reference and every section null; what concerns several keys is left to `validate`.
"""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

import msgspec

from tollspan.collector.component import Kind, Reference, Registry
from tollspan.collector.config.annotations import is_struct, split_marks, without_none
from tollspan.collector.config.validate import Document
from tollspan.collector.config.values import Parsed

REFERENCE = {"type": "string", "pattern": r"\$\{"}
SCALAR = {"type": ["string", "number", "boolean"]}


def build_schema(registry: Registry) -> dict[str, Any]:
    """The schema of a whole configuration with these components."""
    building = _Building()
    schema = building.define(Document)
    for kind in Kind:
        components = {
            f"^{re.escape(name)}(/.+)?$": building.struct(factory.config)
            for name, factory in sorted(registry[kind].items())
        }
        schema["properties"][kind.value] = {
            "type": ["object", "null"],
            "patternProperties": components,
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "$defs": building.definitions,
    }


class _Building:
    """Gathers a definition of each struct, by name: a struct may be in several places, or in itself."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def struct(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        """A reference to the struct's definition, which may also be null."""
        name = f"{struct.__module__}.{struct.__qualname__}".removeprefix("tollspan.")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] |= self.define(struct)
        return {"$ref": f"#/$defs/{name}"}

    def define(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        fields = msgspec.structs.fields(struct)
        schema = {
            "type": ["object", "null"],
            "description": (struct.__doc__ or "").strip(),
            "properties": {field.encode_name: self._field(field.type) for field in fields},
            "additionalProperties": False,
        }
        required = [field.encode_name for field in fields if field.required]
        return {**schema, "required": required} if required else schema

    def _field(self, annotation: Any) -> dict[str, Any]:
        bare, marks = split_marks(annotation)
        if is_struct(bare):
            return self.struct(bare)
        if bare is Any:
            return {}
        return {"anyOf": [self._value(annotation, bare, marks), REFERENCE, {"type": "null"}]}

    def _value(self, annotation: Any, bare: Any, marks: tuple[Any, ...]) -> dict[str, Any]:
        if any(isinstance(mark, Parsed) for mark in marks):
            return SCALAR
        if any(isinstance(mark, Reference) for mark in marks):
            return {"type": "string"}
        if get_origin(bare) is dict:
            return {"type": "object", "additionalProperties": self._field(get_args(bare)[1])}
        if get_origin(bare) is list:
            one_text = [{"type": "string"}] if get_args(bare)[0] is str else []
            return {"anyOf": [{"type": "array", "items": self._field(get_args(bare)[0])}, *one_text]}
        return msgspec.json.schema(without_none(annotation))
