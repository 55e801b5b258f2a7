"""What stored items came from: the resources and instrumentation scopes that their rows refer to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tollspan.gateway.query import attributes
from tollspan.gateway.query.attributes import Attributes
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.store import View


@dataclass(frozen=True, slots=True)
class Resource:
    """What sent the item."""

    attributes: Attributes
    schema_url: str
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class InstrumentationScope:
    """What made the item."""

    name: str
    version: str
    attributes: Attributes
    schema_url: str
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one item comes from."""

    resource: Resource
    instrumentation_scope: InstrumentationScope


async def find_origins(view: View, rows: Sequence[Row]) -> list[Origin]:
    """The origin of each of the rows, which name it by `resource_id` and `instrumentation_scope_id`."""
    resources, scopes = await asyncio.gather(
        _resources(view, {row["resource_id"] for row in rows}),
        _scopes(view, {row["instrumentation_scope_id"] for row in rows}),
    )
    return [Origin(resources[row["resource_id"]], scopes[row["instrumentation_scope_id"]]) for row in rows]


async def _resources(view: View, ids: set[int]) -> dict[int, Resource]:
    rows = await view.rows("find_resources", ids=list(ids))
    return {
        row["id"]: Resource(attributes.merge(row), row["schema_url"], row["dropped_attributes"])
        for row in rows
    }


async def _scopes(view: View, ids: set[int]) -> dict[int, InstrumentationScope]:
    rows = await view.rows("find_instrumentation_scopes", ids=list(ids))
    return {
        row["id"]: InstrumentationScope(
            row["name"], row["version"], attributes.merge(row), row["schema_url"], row["dropped_attributes"]
        )
        for row in rows
    }
