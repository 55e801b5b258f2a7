"""Syntax trees to functions of the message at hand, for one context; all names are resolved here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from tollspan.collector.config.compatibility import foreign_keys
from tollspan.collector.ottl import syntax
from tollspan.collector.ottl.accessors import Accessor, Getter, indexed, within
from tollspan.collector.ottl.converters import CHANGING
from tollspan.collector.ottl.editors import EDITORS, Target
from tollspan.collector.ottl.functions import OF_CONTEXT, Function, Parameter, call, converters, function
from tollspan.collector.ottl.paths import ABOVE, ALIASES, CACHE, FIELDS, ancestor
from tollspan.collector.ottl.syntax import OTTLError
from tollspan.collector.ottl.values import (
    COMPARISONS,
    EvaluationError,
    arithmetic,
    compare,
    expect,
    regex,
    signed,
)
from tollspan.otlp._message import Message

Condition = Callable[[Message], bool]
"""Whether something holds for the record at hand; raises EvaluationError when that has no answer."""

Statement = Callable[[Message], None]
"""Edits the record at hand; raises EvaluationError when it cannot."""

_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

ENUMS: Mapping[str, int] = MappingProxyType({
    **{f"SPAN_KIND_{name}": number for number, name in enumerate(
        ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))},
    **{f"STATUS_CODE_{name}": number for number, name in enumerate(("UNSET", "OK", "ERROR"))},
    "SEVERITY_NUMBER_UNSPECIFIED": 0,
    **{f"SEVERITY_NUMBER_{name}{step if step > 1 else ''}": 4 * row + step
       for row, name in enumerate(_SEVERITIES) for step in range(1, 5)},
    **{f"METRIC_DATA_TYPE_{name}": number for number, name in enumerate(
        ("NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"))},
    **{f"AGGREGATION_TEMPORALITY_{name}": number for number, name in enumerate(
        ("UNSPECIFIED", "DELTA", "CUMULATIVE"))},
    "FLAG_NONE": 0,
    "FLAG_NO_RECORDED_VALUE": 1,
})  # fmt: skip
"""The bare upper-case names."""


def compile_condition(text: str, context: str, *, bare_paths: bool = True) -> Condition:
    """The condition as a function of a message of `context`.

    With `bare_paths`, a path may leave out the name of the context itself. Raises OTTLError.
    """
    return _Compiler(text, context, bare_paths).condition(syntax.parse_condition(text))


def compile_statement(text: str, context: str, *, bare_paths: bool = True) -> Statement:
    """The statement in the same way."""
    return _Compiler(text, context, bare_paths).statement(syntax.parse_statement(text))


class _Compiler:
    def __init__(self, text: str, context: str, bare_paths: bool) -> None:
        self._text = text
        self._context = context
        self._bare_paths = bare_paths
        self._converters = converters(context)

    def statement(self, tree: syntax.Statement) -> Statement:
        name = tree.editor.name
        if name not in EDITORS:
            hint = (
                "a statement begins with an editor" if name in self._converters else _suggest(name, EDITORS)
            )
            raise self._error(tree.editor.at, f"no editor is called {name}: {hint}")
        edit = self._call(tree.editor, function(EDITORS[name]))
        if tree.condition is None:
            return edit
        holds = self.condition(tree.condition)

        def edit_where(message: Message) -> None:
            if holds(message):
                edit(message)

        return edit_where

    def condition(self, node: syntax.Node) -> Condition:
        match node:
            case syntax.Binary(operator="and"):
                left, right = self.condition(node.left), self.condition(node.right)
                return lambda message: left(message) and right(message)
            case syntax.Binary(operator="or"):
                left, right = self.condition(node.left), self.condition(node.right)
                return lambda message: left(message) or right(message)
            case syntax.Unary(operator="not"):
                operand = self.condition(node.operand)
                return lambda message: not operand(message)
            case syntax.Binary() if node.operator in COMPARISONS:
                return self._comparison(node)
            case syntax.Literal(value=bool() as value):
                return lambda message: value
            case syntax.Call():
                result = self.value(node)
                return lambda message: expect(bool, result(message))
        raise self._error(node.at, "not a condition: compare it with something")

    def _comparison(self, node: syntax.Binary) -> Condition:
        left, right = self.value(node.left), self.value(node.right)
        for one, other in ((left, node.right), (right, node.left)):
            # Nothing but a string or nil equals one in Python too, so the kinds need no look.
            constant = other.value if isinstance(other, syntax.Literal) else ...
            if isinstance(constant, str | None) and node.operator in ("==", "!="):
                return _comparison_with(one, constant, node.operator)
        by_kind = compare(node.operator)
        return lambda message: by_kind(left(message), right(message))

    def value(self, node: syntax.Node) -> Getter:
        get = self._value(node)
        if not _is_constant(node) or isinstance(node, syntax.Literal):
            return get
        try:
            value = get(Message(b""))
        except EvaluationError as error:
            raise self._error(node.at, str(error)) from None
        return lambda message: value

    def _value(self, node: syntax.Node) -> Getter:  # noqa: PLR0911 - one case for each kind of node
        match node:
            case syntax.Literal():
                value = node.value
                return lambda message: value
            case syntax.Enum():
                return self._enum(node)
            case syntax.Path():
                return self._path(node).get
            case syntax.Call():
                return self._converter(node)
            case syntax.ListOf():
                items = [self.value(item) for item in node.items]
                return lambda message: [item(message) for item in items]
            case syntax.MapOf():
                pairs = [(key, self.value(value)) for key, value in node.pairs]
                return lambda message: {key: value(message) for key, value in pairs}
            case syntax.Unary(operator="-" | "+") | syntax.Binary(operator="+" | "-" | "*" | "/"):
                return self._arithmetic(node)
        raise self._error(node.at, "a condition is not a value")

    def _enum(self, node: syntax.Enum) -> Getter:
        if node.name not in ENUMS:
            raise self._error(node.at, f"nothing is called {node.name}: {_suggest(node.name, ENUMS)}")
        number = ENUMS[node.name]
        return lambda message: number

    def _arithmetic(self, node: syntax.Unary | syntax.Binary) -> Getter:
        sign = node.operator
        if isinstance(node, syntax.Unary):
            operand = self.value(node.operand)
            return lambda message: signed(sign, operand(message))
        left, right = self.value(node.left), self.value(node.right)
        return lambda message: arithmetic(sign, left(message), right(message))

    def _converter(self, node: syntax.Call) -> Getter:
        if node.name not in self._converters:
            raise self._error(node.at, self._no_converter(node.name))
        get = self._call(node, function(self._converters[node.name]))
        for key in node.keys:
            get = indexed(Accessor(get), self.value(key)).get
        return get

    def _no_converter(self, name: str) -> str:
        for context, functions in OF_CONTEXT.items():
            if name in functions:
                return f"{name} is only for the context {context}"
        if name in EDITORS:
            return f"{name} is an editor: it stands only at the beginning of a statement"
        foreign = foreign_keys().get(f"ottl::{name}")
        hint = foreign.reason if foreign else _suggest(name, self._converters)
        return f"no converter is called {name}: {hint}"

    def _call(self, node: syntax.Call, of: Function) -> Getter:
        given = dict(zip((p.name for p in of.parameters), node.arguments, strict=False))
        named = dict(node.named_arguments)
        wrong = set(named) - {p.name for p in of.parameters[len(node.arguments) :]}
        missing = [p.name for p in of.parameters if p.required and p.name not in given | named]
        if len(node.arguments) > len(of.parameters) or wrong or missing:
            takes = ", ".join(p.name if p.required else f"[{p.name}]" for p in of.parameters)
            raise self._error(node.at, f"wrong arguments: {node.name}({takes})")
        given |= named
        taken = (p for p in of.parameters if p.name in given)
        return call(of, {p.name: self._argument(p, given[p.name]) for p in taken})

    def _argument(self, parameter: Parameter, node: syntax.Node) -> Getter:
        if parameter.kind is Target:
            target = Target(self._settable(node))
            return lambda message: target
        if (
            parameter.name.endswith("pattern")
            and isinstance(node, syntax.Literal)
            and isinstance(node.value, str)
        ):
            try:
                regex(node.value)
            except ValueError as error:
                raise self._error(node.at, str(error)) from None
        return self.value(node)

    def _settable(self, node: syntax.Node) -> Accessor:
        if not isinstance(node, syntax.Path):
            raise self._error(node.at, "must be a path, to be changed")
        accessor = self._path(node)
        if accessor.set is None:
            raise self._error(node.at, f"{node} can only be read")
        return accessor

    def _path(self, node: syntax.Path) -> Accessor:
        context, names = self._context_of(node)
        if context == self._context and names == ("cache",):
            accessor = CACHE
        else:
            accessor = self._field(node, context, ".".join(names))
        for key in node.keys:
            known = key.value if isinstance(key, syntax.Literal) else None
            if accessor.item is not None and isinstance(known, str):
                accessor = accessor.item(known)
            else:
                accessor = indexed(accessor, self.value(key))
        return accessor

    def _field(self, node: syntax.Path, context: str, name: str) -> Accessor:
        fields = FIELDS[context]
        if name not in fields:
            first = node.names[0]
            if first in FIELDS and first != context:
                raise self._error(node.at, f"{self._context} does not reach the context {first}")
            hint = _suggest(
                name, {*fields, "cache"}, [f"{other}.{name.partition('.')[2]}" for other in FIELDS]
            )
            raise self._error(node.at, f"{context} has no path {name!r}: {hint}")
        levels = 0 if context == self._context else ABOVE[self._context][context]
        return within(ancestor(levels), fields[name]) if levels else fields[name]

    def _context_of(self, node: syntax.Path) -> tuple[str, tuple[str, ...]]:
        first = ALIASES.get(node.names[0], node.names[0])
        if first == self._context or first in ABOVE[self._context]:
            return first, node.names[1:]
        if self._bare_paths:
            return self._context, node.names
        reachable = [self._context, *ABOVE[self._context]]
        raise self._error(node.at, f"{node} needs the name of its context: {_suggest(first, reachable)}")

    def _error(self, at: int, problem: str) -> OTTLError:
        return OTTLError(self._text, at, problem)


def _comparison_with(get: Getter, constant: str | None, comparator: str) -> Condition:
    if comparator == "==":
        return lambda message: get(message) == constant
    return lambda message: get(message) != constant


def _is_constant(node: syntax.Node) -> bool:
    """Whether its value is the same for every message."""
    match node:
        case syntax.Literal() | syntax.Enum():
            return True
        case syntax.ListOf():
            return all(map(_is_constant, node.items))
        case syntax.Call():
            parts = (*node.arguments, *(value for _, value in node.named_arguments), *node.keys)
            is_bound = any(node.name in functions for functions in OF_CONTEXT.values())
            return node.name not in CHANGING and not is_bound and all(map(_is_constant, parts))
        case syntax.Unary():
            return _is_constant(node.operand)
        case syntax.Binary():
            return _is_constant(node.left) and _is_constant(node.right)
    return False


def _suggest(word: str, known: Iterable[str], others: Iterable[str] = ()) -> str:
    """The nearest of the `known` words and of `others`, or all that are known."""
    names = sorted(known)
    near = difflib.get_close_matches(word, [*names, *others], 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
