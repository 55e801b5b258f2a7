"""A text that must never be shown."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret text and shows it only to those who call `reveal`.

    Its repr, str and format are `[REDACTED]`, it can't be pickled, and comparing two takes
    the same time wherever they differ.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends or checks it."""
        return self._text

    def __repr__(self) -> str:
        return "[REDACTED]"

    def __format__(self, _spec: str) -> str:
        return "[REDACTED]"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes(), other._bytes())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere, so it cannot be pickled")

    def _bytes(self) -> bytes:
        # A secret from the environment may hold surrogates, which UTF-8 proper refuses.
        return self._text.encode("utf-8", "surrogatepass")
