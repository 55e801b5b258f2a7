"""Reading the claims of tokens that others issued, at paths that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import ClaimError

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.credential import check_name


def read_name(claims: Mapping[str, Any], path: str) -> str:
    """The name of a tenant at `path`. Raises ClaimError."""
    name = _find(claims, path)
    try:
        check_name(path, name if isinstance(name, str) else "")
    except ConfigError:
        raise ClaimError(path) from None
    return str(name)


def read_words(claims: Mapping[str, Any], path: str) -> list[str]:
    """The words at `path`, of a list or of a text with spaces; none without the claim. Raises ClaimError."""
    found = _find(claims, path)
    words = found.split() if isinstance(found, str) else found
    if words is None:
        return []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ClaimError(path)
    return words


def _find(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that very name, else the value at the dotted path."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
