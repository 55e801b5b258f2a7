"""The web application on a shared listener.

    extensions:
      web:
        endpoint: 127.0.0.1:8320
        store: store
        auth: auth

Other components may be on the same listener.
"""

from __future__ import annotations

from typing import Annotated, Protocol, cast, runtime_checkable

import msgspec
from starlette.routing import Route

from tollspan.collector.component import Factory, Host, Kind, Reference
from tollspan.collector.config.values import Endpoint
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.live.hub import HubOwner
from tollspan.gateway.storage.store import StoreOwner
from tollspan.gateway.web.app import ENDPOINTS, build_app
from tollspan.gateway.web.parts import PageAuthenticator, Parts, Telemetry


@runtime_checkable
class TelemetryOwner(StoreOwner, HubOwner, Protocol):
    """An extension with the store and the live hub."""


@runtime_checkable
class DoorKeeper(PageAuthenticator, Protocol):
    """An extension that knows callers and signs browsers in."""

    def identity(self) -> Identity:
        """Whom it knows; only once it has started."""
        ...


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`store` and `auth` are the ids of the extensions that the pages ask.

    `roles` says what is served: the questions of the API, the dashboard with its sign-in, or both;
    how the process does is served always, and all there is without a `store`.
    """

    endpoint: Endpoint
    store: Annotated[str, Reference(TelemetryOwner)] | None = None
    auth: Annotated[str, Reference(DoorKeeper)]
    roles: list[str] = msgspec.field(default_factory=lambda: ["ingest", "query", "ui"])


class WebExtension:
    """Serves the API and the dashboard from `start` on; the service stops the listener."""

    def __init__(self, config: WebConfig) -> None:
        self._config = config

    async def start(self, host: Host) -> None:
        """The application's paths are on the listener of the configured endpoint."""
        door_keeper = cast(DoorKeeper, host.extension(self._config.auth))
        http_server = host.http_server(self._config.endpoint)
        self._identity, self._http_server = door_keeper.identity(), http_server
        endpoints = [endpoint for endpoint in ENDPOINTS if endpoint.is_served_by(self._config.roles)]
        app = build_app(
            Parts(
                telemetry=self._find_telemetry(host),
                authenticator=door_keeper,
                identity=self._identity,
                counters=host.counters,
                stopping=http_server.stopping,
            ),
            endpoints,
        )
        # Path by path: whatever else is on this listener must not be hidden behind the application.
        paths = dict.fromkeys(endpoint.path for endpoint in endpoints)
        http_server.add_routes([Route(path, app) for path in paths])

    def _find_telemetry(self, host: Host) -> Telemetry | None:
        if self._config.store is None:
            return None
        owner = cast(TelemetryOwner, host.extension(self._config.store))
        return Telemetry(owner.store, owner.hub)

    async def shutdown(self) -> None:
        """Nothing is left to do: requests in flight ended with the listener."""

    @property
    def url(self) -> str:
        """Where the application is served, once the listener has started."""
        return self._http_server.url

    @property
    def sign_in_url(self) -> str:
        """The dashboard's address with the sign-in key: a secret."""
        return f"{self.url}/ui/#key={self._identity.sessions.key.reveal()}"

    @property
    def create_owner_url(self) -> str | None:
        """Where the first person makes their account, a secret; None when someone has one."""
        if not self._identity.users.is_empty():
            return None
        return f"{self.url}/ui/#owner={self._identity.sessions.owner_key.reveal()}"


FACTORY = Factory(Kind.EXTENSION, "web", WebConfig, WebExtension)
