"""OTTL text to a syntax tree.

Every node has `at`, the offset in the text where it begins, for messages about it. The tree says
nothing about what names mean: that is `compilation`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError


class OTTLError(ValueError):
    """`text` is not OTTL, or means nothing, at offset `at`."""

    def __init__(self, text: str, at: int, problem: str) -> None:
        super().__init__(text, at, problem)
        self.text = text
        self.at = at
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem}, at column {self.at + 1} of: {self.text}"


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that stands at an offset in the text."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """nil, a string, bytes, number or boolean."""

    value: Any


@dataclass(frozen=True, slots=True)
class Enum(Node):
    """A bare upper-case name such as `SPAN_KIND_SERVER`."""

    name: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`span.attributes["a"][0]`: names, then keys."""

    names: tuple[str, ...]
    keys: tuple[Node, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An editor (lower case) or converter (upper case); the result may be indexed by `keys`."""

    name: str
    arguments: tuple[Node, ...]
    named_arguments: tuple[tuple[str, Node], ...]
    keys: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """`{"k": v}`."""

    pairs: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`not x` or `-x`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two operands of `or`, `and`, a comparison or arithmetic."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Statement:
    """An editor, called where the condition holds."""

    editor: Call
    condition: Node | None


_GRAMMAR = r"""
    statement: call ["where" _expression]
    condition: _expression

    _expression: disjunction
    ?disjunction: conjunction | disjunction OR conjunction -> binary
    ?conjunction: negation | conjunction AND negation      -> binary
    ?negation: comparison | NOT negation                   -> unary
    ?comparison: sum | sum COMPARATOR sum                  -> binary
    ?sum: product | sum SIGN product                       -> binary
    ?product: signed | product FACTOR signed               -> binary
    ?signed: primary | SIGN signed                         -> unary
    ?primary: "(" disjunction ")" | path | call | literal | list | map

    path: LOWER ("." LOWER)* keys
    call: (UPPER | LOWER) "(" [argument ("," argument)*] ")" keys
    argument: [LOWER "="] disjunction
    keys: ("[" disjunction "]")*
    list: LIST_BEGIN [disjunction ("," disjunction)*] "]"
    map: MAP_BEGIN [pair ("," pair)*] "}"
    pair: STRING ":" disjunction
    literal: STRING | BYTES | FLOAT | INT | TRUE | FALSE | NIL | UPPER

    OR: "or"
    AND: "and"
    NOT: "not"
    TRUE: "true"
    FALSE: "false"
    NIL: "nil"
    COMPARATOR: "==" | "!=" | "<=" | ">=" | "<" | ">"
    SIGN: "+" | "-"
    FACTOR: "*" | "/"
    LIST_BEGIN: "["
    MAP_BEGIN: "{"
    LOWER: /[a-z_][a-zA-Z0-9_]*/
    UPPER: /[A-Z][a-zA-Z0-9_]*/
    STRING: /"(?:[^"\\]|\\.)*"/
    BYTES: /0x[0-9a-fA-F]*/
    FLOAT: /[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/
    INT: /[0-9]+/
    %ignore /\s+/
"""
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def parse_condition(text: str) -> Node:
    """The tree of a condition; OTTLError where it is none."""
    condition: Node = _parse(text, "condition")
    return condition


def parse_statement(text: str) -> Statement:
    """The tree of a statement; OTTLError where it is none."""
    statement: Statement = _parse(text, "statement")
    return statement


def _parse(text: str, start: str) -> Any:
    try:
        return _TREE.transform(_LARK.parse(text, start=start))
    except UnexpectedToken as error:
        what = "more expected" if error.token.type == "$END" else f"unexpected {str(error.token)!r}"
        raise OTTLError(text, len(text) if error.token.type == "$END" else _offset(error), what) from None
    except UnexpectedInput as error:
        raise OTTLError(text, _offset(error), f"unexpected {text[_offset(error)]!r}") from None
    except VisitError as error:
        if isinstance(error.orig_exc, _EscapeError):
            raise OTTLError(text, error.orig_exc.at, str(error.orig_exc)) from None
        raise


def _offset(error: UnexpectedInput) -> int:
    assert error.pos_in_stream is not None, "the end of the text is told apart before"
    return error.pos_in_stream


class _EscapeError(ValueError):
    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.at = at


def _unquote(token: Token) -> str:
    def character(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits:
            return chr(int(digits, 16))
        if match[4] not in _ESCAPES:
            problem = f"unknown escape {match[0]} in a string; a backslash is written \\\\"
            raise _EscapeError(problem, (token.start_pos or 0) + 1 + match.start())
        return _ESCAPES[match[4]]

    return _ESCAPE.sub(character, token[1:-1])


_LITERALS: Mapping[str, Callable[[Token], Any]] = MappingProxyType({
    "STRING": _unquote,
    "BYTES": lambda token: bytes.fromhex(token[2:]),
    "FLOAT": float,
    "INT": int,
    "TRUE": lambda token: True,
    "FALSE": lambda token: False,
    "NIL": lambda token: None,
})  # fmt: skip


@v_args(inline=True)
class _ToTree(Transformer[Token, Any]):
    """One method for each rule of the grammar."""

    def statement(self, editor: Call, condition: Node | None = None) -> Statement:
        return Statement(editor, condition)

    def condition(self, expression: Node) -> Node:
        return expression

    def binary(self, left: Node, operator: Token, right: Node) -> Binary:
        return Binary(operator.start_pos or 0, str(operator), left, right)

    def unary(self, operator: Token, operand: Node) -> Unary:
        return Unary(operator.start_pos or 0, str(operator), operand)

    def path(self, *parts: Any) -> Path:
        return Path(parts[0].start_pos, tuple(map(str, parts[:-1])), parts[-1])

    def call(self, name: Token, *parts: Any) -> Call:
        arguments = [part for part in parts[:-1] if part is not None]
        positional = tuple(value for key, value in arguments if key is None)
        named = tuple((str(key), value) for key, value in arguments if key is not None)
        return Call(name.start_pos or 0, str(name), positional, named, parts[-1])

    def argument(self, name: Token | None, value: Node) -> tuple[Token | None, Node]:
        return name, value

    def keys(self, *keys: Node) -> tuple[Node, ...]:
        return keys

    def list(self, begin: Token, *items: Node | None) -> ListOf:
        return ListOf(begin.start_pos or 0, tuple(item for item in items if item is not None))

    def map(self, begin: Token, *pairs: tuple[str, Node] | None) -> MapOf:
        return MapOf(begin.start_pos or 0, tuple(pair for pair in pairs if pair is not None))

    def pair(self, key: Token, value: Node) -> tuple[str, Node]:
        return _unquote(key), value

    def literal(self, token: Token) -> Node:
        if token.type == "UPPER":
            return Enum(token.start_pos or 0, str(token))
        return Literal(token.start_pos or 0, _LITERALS[token.type](token))


_LARK = Lark(_GRAMMAR, parser="lalr", start=["statement", "condition"], maybe_placeholders=True)
_TREE = _ToTree()
