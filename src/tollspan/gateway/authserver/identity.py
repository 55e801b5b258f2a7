"""Everything that the identity database holds, opened together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tollspan.gateway.authserver.changes import ChangeWatch
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.database import Database, open_database
from tollspan.gateway.authserver.published_keys import PublishedKeys
from tollspan.gateway.authserver.refresh_tokens import RefreshTokens
from tollspan.gateway.authserver.sessions import Sessions
from tollspan.gateway.authserver.users import Users


@dataclass(frozen=True, slots=True)
class Identity:
    """The stores over one identity database."""

    database: Database
    credentials: CredentialStore
    refresh_tokens: RefreshTokens
    published_keys: PublishedKeys
    users: Users
    sessions: Sessions
    watch: ChangeWatch

    @classmethod
    def open(cls, where: Path | str, *, clock: Callable[[], float] = time.time) -> Self:
        """The stores over the database in a data folder, or at a URL; see `open_database`."""
        return cls.of(open_database(where), clock=clock)

    @classmethod
    def of(cls, database: Database, *, clock: Callable[[], float] = time.time) -> Self:
        """The stores over an open database."""
        published_keys, watch = PublishedKeys(database, clock=clock), ChangeWatch(database)
        watch.on_change(published_keys.forget)
        return cls(
            database=database,
            credentials=CredentialStore(database, clock=clock),
            refresh_tokens=RefreshTokens(database, clock=clock),
            published_keys=published_keys,
            users=Users(database, clock=clock),
            sessions=Sessions(database, clock=clock),
            watch=watch,
        )

    def close(self) -> None:
        """What was noted is written, and all connections are closed."""
        self.credentials.last_use.write()
        self.database.close()
