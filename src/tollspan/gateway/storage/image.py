"""An image of the embedded database: its folder as it was at one moment, of links that take no space.

The engine never changes a file of a part, so a link to it is a copy. What a link keeps from being
deleted takes space until the image is dropped.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tollspan.errors import StoreError
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.integrity import TABLES
from tollspan.gateway.storage.statements import statement

SHADOW = "shadow"
"""Where the engine puts links, in its folder."""

IMAGE = f"{SHADOW}/image"
"""Where an image is, in the folder it is an image of; it can be opened as one itself."""


def take(engine: Engine, folder: Path) -> None:
    """IMAGE has everything that was stored before the call, and of what is being stored whole inserts.

    Nothing may be erased meanwhile.
    """
    # Items come before what surrounds them: that is written first, so no image has one without the other.
    for table in (*TABLES, "schema_migrations"):
        engine.rows(statement("freeze_table"), {"table": table})
    try:
        _copy_schema(folder, folder / IMAGE)
    except OSError as error:
        raise StoreError(f"{folder / IMAGE} cannot be made: {error}") from error


def _copy_schema(folder: Path, image: Path) -> None:
    """What is beside the parts, which is small."""
    shutil.copytree(folder / "metadata", image / "metadata", symlinks=True)
    for file in (folder / "store").glob("*/*/*"):
        if file.is_file():
            copy = image / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)


def drop(folder: Path) -> None:
    """There is no image, nor what is left of one."""
    shutil.rmtree(folder / SHADOW, ignore_errors=True)
