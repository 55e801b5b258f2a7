"""The SQL of this package, read from its `sql` folder: one statement per file."""

from __future__ import annotations

import functools
from importlib import resources

_FOLDER = resources.files("tollspan.gateway.storage") / "sql"


@functools.cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text("utf-8")


def migrations() -> dict[str, str]:
    """The statements that build the schema, by name, in their order."""
    files = sorted((_FOLDER / "migrations").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files}
