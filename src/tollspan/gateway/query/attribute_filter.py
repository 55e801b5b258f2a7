"""Asking for items by attributes: by their own, and by those of the resource that sent them."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan.errors import QueryError
from tollspan.gateway.storage.attribute_conditions import (
    OF_RESOURCES,
    AttributeCondition,
    Promoted,
    Where,
    all_of,
    where,
)
from tollspan.gateway.storage.store import View

RESOURCES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """Items that have all `attributes`, of resources that have all `resource_attributes`."""

    attributes: tuple[AttributeCondition, ...] = ()
    resource_attributes: tuple[AttributeCondition, ...] = ()

    async def narrow(self, view: View, promoted: Promoted) -> View:
        """The view of such items alone. QueryError when they come from more than RESOURCES_MAX resources."""
        own = where(self.attributes, promoted)
        if not self.resource_attributes:
            return view.narrowed(own)
        return view.narrowed(all_of(own, await self._from_resources(view)))

    async def _from_resources(self, view: View) -> Where:
        resources = view.narrowed(where(self.resource_attributes, OF_RESOURCES))
        rows = await resources.rows("find_resource_ids", limit=RESOURCES_MAX + 1)
        if len(rows) > RESOURCES_MAX:
            raise QueryError(
                "resource_attribute", f"more than {RESOURCES_MAX} resources have it; ask for more"
            )
        return Where(
            "resource_id IN {resource_ids:Array(UInt64)}", {"resource_ids": [row["id"] for row in rows]}
        )


ANY = AttributeFilter()
