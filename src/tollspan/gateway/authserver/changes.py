"""Noticing soon that the identity database has changed, whoever changed it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tollspan.gateway.authserver.database import Database

WATCH_INTERVAL_S = 0.5
"""How often the database is asked: a revocation takes effect within this."""


class ChangeWatch:
    """Tells who remembers something that it may have changed.

    Whoever awaits `look` before each decision never decides by what is older.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._forgetters: list[Callable[[], None]] = []
        self._number = -1
        self._looked_s = -WATCH_INTERVAL_S
        self._looking: asyncio.Future[None] | None = None

    def on_change(self, forget: Callable[[], None]) -> None:
        """`forget` will be called after every change, from any thread."""
        self._forgetters.append(forget)

    async def look(self) -> None:
        """Return when the last look is at most WATCH_INTERVAL_S old; StoreError when none can be had."""
        if time.monotonic() - self._looked_s < WATCH_INTERVAL_S:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        # One look serves all who wait for it, also when the first of them gives up.
        await asyncio.shield(self._looking)

    def look_here(self) -> None:
        """As `look`, on the caller's own thread."""
        if time.monotonic() - self._looked_s >= WATCH_INTERVAL_S:
            self._look()

    def _look(self) -> None:
        asked_s = time.monotonic()
        number = self._database.change_number()
        if number != self._number:
            for forget in self._forgetters:
                forget()
        self._number, self._looked_s = number, asked_s
