"""A part of the SDK that has a bug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollspan.sdk.attribution import Attribution
from tollspan.sdk.exporter import Exporter


class Broken(Attribution, Exporter[Any]):
    """Raises whatever is asked of it."""

    def __init__(self) -> None:
        pass

    def attributes(self, context: object = None) -> Mapping[str, str]:
        raise RuntimeError("the text of a record")

    def put(self, item: object) -> None:
        raise RuntimeError("the text of a record")
