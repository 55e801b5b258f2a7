"""docs/reference.md shows the tables that the code works with.

`python tests/repo/test_reference.py` writes them anew.
"""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from tollspan.cli import COMMANDS
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.web.app import ENDPOINTS
from tollspan.sdk.destinations import DESTINATIONS
from tollspan.sdk.setting_values import SAMPLER
from tollspan.sdk.settings import ROWS, Settings, variable

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"


def settings_table() -> list[str]:
    defaults = {field.name: "" if field.default is MISSING else field.default for field in fields(Settings)}
    lines = ["| Argument | Variable | Standard variable | Default | Meaning |", "|---|---|---|---|---|"]
    for name, row in ROWS.items():
        default = "" if defaults[name] in (None, (), "") else f"`{defaults[name]}`"
        ours = "" if row.kind is SAMPLER else f"`{variable(name)}`"
        standard = f"`{row.otel.replace('{}', '')}`" if row.otel else ""
        lines.append(f"| `{name}` | {ours} | {standard} | {default} | {row.meaning} |")
    return lines


def destinations_table() -> list[str]:
    lines = [
        "| Name | Takes | Credentials | Dataset header | Defaults | Variables of its own |",
        "|---|---|---|---|---|---|",
    ]
    kinds = {"client_id": "OAuth2", "api_key": "API key"}
    for name, destination in DESTINATIONS.items():
        cells = (
            f"`{name}`",
            " ".join(f"`{path}`" for path in destination.paths.values()),
            " or ".join(kinds[kind] for kind in destination.credentials) or "none",
            " ".join(f"`{header}`" for header in dict.fromkeys(destination.dataset_headers.values())),
            "<br>".join(f"`{setting}={text}`" for setting, text in destination.defaults.items()),
            "<br>".join(
                f"`{variable}`"
                for variable in (
                    *(found for names in destination.variables.values() for found in names),
                    *destination.resource_variables.values(),
                )
            ),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def routes_table() -> list[str]:
    lines = ["| Route | Permission | What it does |", "|---|---|---|"]
    for endpoint in ENDPOINTS:
        what = (endpoint.function.__doc__ or "").splitlines()[0]
        lines.append(f"| `{endpoint.method} {endpoint.path}` | {endpoint.permission} | {what} |")
    return lines


def permissions_table() -> list[str]:
    return [f"`{permission}`" for permission in sorted(PERMISSIONS)]


TABLES = {
    "settings": settings_table,
    "destinations": destinations_table,
    "routes": routes_table,
    "permissions": permissions_table,
}


def with_tables(page: str) -> str:
    for name, table in TABLES.items():
        block = f"<!-- {name} -->\n" + "\n".join(table()) + "\n<!-- end -->"
        page = re.sub(rf"<!-- {name} -->.*?<!-- end -->", lambda _, block=block: block, page, flags=re.DOTALL)
    return page


def test_the_reference_shows_what_the_code_has():
    assert PAGE.read_text() == with_tables(PAGE.read_text())


def test_every_table_has_its_place():
    assert all(f"<!-- {name} -->" in PAGE.read_text() for name in TABLES)


def test_every_command_is_described():
    assert [c.name for c in COMMANDS if f"### `tollspan {c.name}" not in PAGE.read_text()] == []


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
