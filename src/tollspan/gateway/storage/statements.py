"""The SQL of this package, read from its `sql` folder: one statement per file."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib import resources

_FOLDER = resources.files("tollspan.gateway.storage") / "sql"


@functools.cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text("utf-8")


def fill(name: str, parameters: Mapping[str, object]) -> str:
    """The text of `sql/<name>.sql` without the lines that end in `-- if x` where parameter `x` is empty or 0.

    The engine would find out for itself that such a condition always holds, but to read and to plan a
    condition takes it longer than to leave it out.
    """
    return "\n".join(line for line, parameter in _lines(name) if not parameter or parameters[parameter])


@functools.cache
def _lines(name: str) -> tuple[tuple[str, str], ...]:
    """Each line, and the name of the parameter that it needs, or none."""
    split = (line.partition(" -- if ") for line in statement(name).splitlines())
    return tuple((line, parameter) for line, _, parameter in split)


def migrations() -> dict[str, str]:
    """The statements that build the schema, by name, in their order."""
    files = sorted((_FOLDER / "migrations").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files}


def cluster_schema(cluster: str) -> str:
    """The statements that build the schema on every node of a ClickHouse `cluster`, with replicated tables.

    A gateway that is then pointed at a node finds its tables there and leaves them as they are.
    """
    statements = "".join(f"{sql.strip()};\n\n" for sql in migrations().values())
    on_cluster = re.sub(
        r"^(CREATE TABLE IF NOT EXISTS|ALTER TABLE) (\w+)",
        rf"\1 \2 ON CLUSTER '{cluster}'",
        statements,
        flags=re.MULTILINE,
    )
    return re.sub(r"^ENGINE = (\w*MergeTree)", r"ENGINE = Replicated\1", on_cluster, flags=re.MULTILINE)
