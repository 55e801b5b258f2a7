"""What the routes work with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request

from tollspan.collector.events import Counters
from tollspan.collector.sparse_log import SparseLog
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.oidc_sign_in import OidcSignIn
from tollspan.gateway.authserver.throttle import SignInLimits
from tollspan.gateway.authserver.token_endpoint import REFUSALS_INTERVAL_S
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.storage.store import Store
from tollspan.gateway.web.interface import Interface
from tollspan.oauth2.principal import Principal

LIVE_STREAMS_MAX = 200
"""Every live stream decodes what its tenant sends, so their number is bounded."""


class PageAuthenticator(Protocol):
    """Says who a request comes from; to authenticate takes lower-case names and raises AuthError."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The caller, by an access token or an API key."""
        ...

    async def authenticate_page(self, headers: Mapping[str, str]) -> Principal:
        """The caller, by those or by the dashboard's session cookie."""
        ...

    async def check(self) -> dict[str, str]:
        """What is wrong with each thing that it needs; an empty text where nothing is."""
        ...

    def is_behind_tls(self) -> bool:
        """Whether the gateway's clients come by https, be it that a proxy ends the TLS."""
        ...

    def oidc_sign_in(self) -> OidcSignIn | None:
        """How people sign in at an identity provider, if they can."""
        ...


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What has been received: as it is stored, and as it comes."""

    store: Store
    hub: Hub


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of a gateway. `stopping` is set when its listener begins to stop.

    A process that only issues tokens has no `telemetry`, and no route that uses it.
    """

    telemetry: Telemetry | None
    authenticator: PageAuthenticator
    identity: Identity
    counters: Counters
    stopping: asyncio.Event
    sign_in_limits: SignInLimits = field(default_factory=SignInLimits)
    sparse_log: SparseLog = field(default_factory=lambda: SparseLog(REFUSALS_INTERVAL_S))
    interface: Interface = field(default_factory=Interface)
    live_places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LIVE_STREAMS_MAX))

    @property
    def store(self) -> Store:
        """The store, for routes that are only where there is one."""
        assert self.telemetry is not None
        return self.telemetry.store

    @property
    def hub(self) -> Hub:
        """The live hub, for routes that are only where there is one."""
        assert self.telemetry is not None
        return self.telemetry.hub


def parts_of(request: Request) -> Parts:
    """The parts that the application of this request was built with."""
    parts: Parts = request.app.state.parts
    return parts
