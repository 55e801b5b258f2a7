"""Plain values to configuration structs; every problem is found in one pass.

A configuration is a frozen msgspec struct whose defaults stand in the class. Beyond the
types that msgspec checks, a field's type may be marked with Parsed (durations, sizes,
secrets) or Reference (the id of an extension). A struct may have a method
`problems(self) -> Iterable[ConfigError]` for what concerns several fields, with paths
relative to itself; it is asked only when each field alone is right.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from tollspan.collector.component import Reference
from tollspan.collector.config.annotations import is_struct, split_marks, without_none
from tollspan.collector.config.expand import Expanded, join
from tollspan.collector.config.ids import parse_id
from tollspan.collector.config.values import Parsed
from tollspan.errors import ConfigError

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class FieldReference:
    """The field at `path` names the extension `extension_id`, which must be a `protocol`."""

    path: str
    extension_id: str
    protocol: type


class Decoding:
    """One pass: gathers `problems` and the `references` to extensions."""

    def __init__(self) -> None:
        self.problems: list[ConfigError] = []
        self.references: list[FieldReference] = []

    def problem(self, path: str, problem: str, hint: str = "") -> None:
        """Note that the value at `path` is wrong."""
        self.problems.append(ConfigError(path, problem, hint))

    def unknown_key(self, path: str, hint: str) -> None:
        """Note that nothing is known at `path`."""
        self.problem(path, "unknown key", hint)

    def struct(self, kind: type[S], value: Any, path: str) -> S | None:
        """A `kind` from a mapping, null meaning all defaults.

        A wrong value leaves its field's default, so that whoever depends on the struct can
        be checked too; the result is None when a required field has no right value.
        """
        body = {} if value is None else _value(value)
        if not isinstance(body, Mapping):
            self.problem(path, f"must be a mapping of settings, not {_describe(body)}")
            return None
        before = len(self.problems)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for key in body:
            if key not in fields:
                self.unknown_key(join(path, key), suggest(key, fields))
        arguments: dict[str, Any] = {}
        complete = True
        for key, field in fields.items():
            item = self._decode(field.type, body[key], join(path, key)) if key in body else msgspec.UNSET
            if item is not msgspec.UNSET:
                arguments[field.name] = item
            elif field.required:
                complete = False
                if body.get(key) is None:
                    self.problem(join(path, key), "is required")
        if not complete:
            return None
        built = kind(**arguments)
        if len(self.problems) == before:
            check: Callable[[], Iterable[ConfigError]] = getattr(built, "problems", tuple)
            self.problems += [ConfigError(join(path, p.path), p.problem, p.hint) for p in check()]
        return built

    def _decode(self, annotation: Any, value: Any, path: str) -> Any:
        """The field's value; UNSET when it is wrong or null, so that the default holds."""
        kind = without_none(annotation)
        bare, marks = split_marks(annotation)
        if is_struct(bare):
            built = self.struct(bare, value, path)
            return msgspec.UNSET if built is None else built
        if value is None and bare is not Any:
            return msgspec.UNSET
        for mark in marks:
            if isinstance(mark, Parsed):
                return self._try(mark.parse, value, path)
            if isinstance(mark, Reference):
                return self._decode_reference(mark, value, path)
        return self._decode_unmarked(kind, bare, value, path)

    def _decode_unmarked(self, kind: Any, bare: Any, value: Any, path: str) -> Any:
        if get_origin(bare) is dict:
            return self._decode_dict(get_args(bare)[1], _value(value), path)
        if get_origin(bare) is list:
            return self._decode_list(get_args(bare)[0], value, path)
        plain = str(value) if bare is str and isinstance(value, str) else plain_value(value)
        return self._try(lambda item: msgspec.convert(item, kind), plain, path)

    def _decode_reference(self, reference: Reference, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            self.problem(path, f"must be the id of an extension, not {_describe(value)}")
            return msgspec.UNSET
        extension_id = self._try(lambda text: str(parse_id(text)), value, path)
        if extension_id is not msgspec.UNSET:
            self.references.append(FieldReference(path, extension_id, reference.protocol))
        return extension_id

    def _decode_dict(self, kind: Any, value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            self.problem(path, f"must be a mapping, not {_describe(value)}")
            return msgspec.UNSET
        items = {key: self._decode(kind, item, join(path, key)) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not msgspec.UNSET}

    def _decode_list(self, kind: Any, value: Any, path: str) -> Any:
        listed = _value(value)
        if isinstance(listed, str) and kind is str:
            listed = [part.strip() for part in listed.split(",")]
        if not isinstance(listed, list):
            self.problem(path, f"must be a list, not {_describe(listed)}")
            return msgspec.UNSET
        items = [self._decode(kind, item, join(path, str(row))) for row, item in enumerate(listed)]
        return [item for item in items if item is not msgspec.UNSET]

    def _try(self, convert: Callable[[Any], Any], value: Any, path: str) -> Any:
        try:
            return convert(value)
        except ValueError as error:  # msgspec's ValidationError is one
            text = str(error).replace("`", "")
            self.problem(path, text[:1].lower() + text[1:])
            return msgspec.UNSET


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint at what was meant by `word`: the nearest of the `known` words, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"


def _value(value: Any) -> Any:
    """What YAML reads in `value`, where that is the text of a reference."""
    return value.value if isinstance(value, Expanded) else value


def plain_value(value: Any) -> Any:
    """What YAML reads in `value`, texts of references at any depth included."""
    match _value(value):
        case Mapping() as value:
            return {key: plain_value(item) for key, item in value.items()}
        case list() as value:
            return [plain_value(item) for item in value]
        case plain:
            return plain


def _describe(value: Any) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "a mapping" if isinstance(value, Mapping) else "nothing")
