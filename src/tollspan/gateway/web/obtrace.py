"""`POST /v1/init`, by which obtrace's SDK asks whether its key is good before it sends."""

from __future__ import annotations

from pydantic import BaseModel


class Initialized(BaseModel):
    """The credential is good."""

    status: str = "ok"


async def initialize() -> Initialized:
    """Confirm that the credential is good; what the SDK tells of itself is not kept."""
    return Initialized()
