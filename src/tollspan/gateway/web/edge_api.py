"""`GET /api/v1/services/edges`: asked of `query.service_edges`, in the conventions of `answers`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from tollspan.gateway.query import service_edges
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.parameters import TimeParameters


class ServiceEdge(BaseModel):
    """How often one service called another, or a database, which is then named by its `db.system.name`."""

    caller: str
    callee: str
    to_database: bool
    calls: int
    errors: int


class ServiceEdges(BaseModel):
    """The calls in the asked time, widened to whole five minutes, by caller and callee."""

    data: list[ServiceEdge]


async def find_service_edges(view: CallersView, asked: Annotated[TimeParameters, Query()]) -> ServiceEdges:
    """List which service called which, and how often that failed."""
    found = await service_edges.find_service_edges(view, asked.time_range())
    return ServiceEdges(data=[ServiceEdge(**asdict(edge)) for edge in found])
