"""Identity stores for tests: in memory, where nothing but their behaviour counts."""

import time

from sqlalchemy import StaticPool, create_engine, insert

from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.schema import changes, metadata


def identity_in_memory(clock=time.time):
    """The stores over a database that is gone with them; for one thread at a time."""
    engine = create_engine(
        "sqlite://",
        isolation_level="AUTOCOMMIT",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
    )
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(changes).values(number=0))
    return Identity.of(Database(engine), clock=clock)
