"""What a component is, and what it may rely on.

A pipeline is a chain of consumers: receiver → processors → exporters. Each hands a
batch on by awaiting the next one's `consume`, so back-pressure is the await itself.

The contract of `consume(batch)`:

* When it returns, responsibility for the batch has passed to the callee; the caller
  may forget it. The `Receipt` says how many items were refused for good and why.
* When it raises `RetryableError`, nothing was taken and the same batch may be offered
  again; of several branches (`fan_out`), those that have it do not get it again.
  `PermanentError`, `WireError` and `LimitError` mean that it will never be taken.
* Any other exception is a defect; the receiver answers as for `RetryableError`, because
  data must not be lost to our own mistakes.
* A batch is immutable and may be held as long as needed.

The life of a component: built with its configuration, started once, shut down once.
Exporters start first, receivers last; they stop in the opposite order, so a component
may consume until its own `shutdown` is called and must hand on what it still holds
before `shutdown` returns. A `start` that raises leaves nothing behind: `shutdown` is
then not called for that component, only for those that had started before it.

A new configuration replaces components while the service runs. Exporters that it leaves as
they are go on, with the extensions they refer to (which must not serve on a listener: only
what starts again gets its routes again). Every other component is stopped and built anew.

An exporter that talks to a network is a `Destination`, which makes one attempt at a time,
inside a `sender.Sender`, which queues, gathers, retries and counts:

    class ShipConfig(SenderConfig, frozen=True, kw_only=True):
        endpoint: str

    FACTORY = Factory(
        Kind.EXPORTER, "ship", ShipConfig, build=lambda config: Sender(config, Ship(config))
    )
"""

from __future__ import annotations

import builtins
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tollspan.oauth2.principal import Principal
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

if TYPE_CHECKING:
    import msgspec

    from tollspan.collector.events import Counters
    from tollspan.collector.grpc_server import GRPCServer
    from tollspan.collector.http_server import HTTPServer


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch that was taken: `rejected` of its items never will be stored or sent."""

    rejected: int = 0
    reason: str = ""


TAKEN = Receipt()
"""All of it."""


class Consumer(Protocol):
    """Takes batches; see the module's contract.

    An exporter that keeps what it has taken beyond a kill of the process says so with the
    attribute `durable = True`. One that only looks on, and whose batches another exporter
    takes too, says so with `observer = True`: the ledger does not count them.
    """

    async def consume(self, batch: Batch) -> Receipt: ...


class Host(Protocol):
    """What the service offers to one component from `start` until `shutdown`."""

    @property
    def component_id(self) -> str:
        """The id under which the component is configured: `type` or `type/name`."""
        ...

    @property
    def counters(self) -> Counters:
        """Where components count what they did; one for the whole service."""
        ...

    @property
    def durable_downstream(self) -> bool:
        """Whether an exporter behind this processor keeps what it takes beyond a kill of the process."""
        ...

    def conditions(self) -> Mapping[str, Condition]:
        """How every component that is a Reporter is doing, by `kind::id`."""
        ...

    def http_server(self, endpoint: str) -> HTTPServer:
        """The listener at `endpoint` (`host:port`); components that name the same endpoint share it."""
        ...

    def grpc_server(self, endpoint: str) -> GRPCServer:
        """The gRPC listener at `endpoint`, shared in the same way."""
        ...

    def extension(self, component_id: str) -> Component:
        """The running extension with that id. The graph has checked that it exists."""
        ...

    def fail(self, error: BaseException) -> None:
        """Report an error that nobody awaits; the service then stops with it."""
        ...


@runtime_checkable
class Component(Protocol):
    """Anything with a life: extensions are only this."""

    async def start(self, host: Host) -> None: ...

    async def shutdown(self) -> None: ...


@runtime_checkable
class Authenticator(Component, Protocol):
    """An extension that says who a request comes from."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The caller; `headers` has lower-case names. Raises AuthError."""
        ...


@runtime_checkable
class ClientAuthenticator(Component, Protocol):
    """An extension that says to a destination who we are."""

    async def credentials(self) -> Mapping[str, str]:
        """The headers of one attempt, by lower-case name. AuthError when there are none now."""
        ...

    def refused(self, credentials: Mapping[str, str]) -> bool:
        """The destination answered 401 to these; whether others are worth one more attempt at once."""
        ...


@runtime_checkable
class Destination(Component, Protocol):
    """Where an exporter sends to, one attempt at a time; starts and stops with its Sender."""

    async def send(self, batch: Batch) -> Receipt:
        """The destination has the batch, less what the receipt calls rejected.

        RetryableError and AuthError mean that a later attempt may go through: after
        `after_s`, or when there is a good access token. LimitError means too large: the
        Sender sends it again in halves. PermanentError and WireError: never. Attempts run
        side by side, and are cancelled at the configured `timeout`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """How a component is doing.

    `failures` counts what went wrong since it last went right, `waiting_s` is the age of the
    oldest thing that waits to be done, `reason` tells the latest failure.
    """

    failures: int = 0
    reason: str = ""
    waiting_s: float = 0.0


@runtime_checkable
class Reporter(Protocol):
    """A component that knows whether it can do its work now; the health check asks it."""

    def condition(self) -> Condition:
        """Cheap, and true at this moment."""
        ...


@runtime_checkable
class Heir(Protocol):
    """An exporter whose queue can go to the one that replaces it while the service runs."""

    async def hand_over(self) -> list[Batch]:
        """It has shut down; gives what it had taken and not delivered, oldest first."""
        ...

    def inherit(self, batches: Sequence[Batch]) -> None:
        """Called before `start`, or never: the batches are delivered before others."""
        ...


class Kind(enum.Enum):
    """The four places a component can have in the YAML."""

    RECEIVER = "receivers"
    PROCESSOR = "processors"
    EXPORTER = "exporters"
    EXTENSION = "extensions"


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a configuration field that names an extension: `Annotated[str, Reference(Authenticator)]`.

    The graph resolves the id before anything starts and reports a dangling or mistyped
    one with the field's path. `protocol` is a runtime-checkable protocol or a class.
    """

    protocol: type


@dataclass(frozen=True, slots=True)
class Factory:
    """How one type of component is configured and built.

    `build` gets the validated configuration and, by kind: a receiver its next consumer
    per signal (`Mapping[Signal, Consumer]`), a processor its next consumer, an exporter or
    an extension nothing. One receiver, exporter or extension is built per id, one
    processor per id and pipeline. Configurations may also say one of the `old_names`.
    """

    kind: Kind
    type: str
    config: builtins.type[msgspec.Struct]
    build: Callable[..., Any]
    signals: frozenset[Signal] = frozenset(Signal)
    old_names: tuple[str, ...] = ()


Registry = Mapping[Kind, Mapping[str, Factory]]
"""Every known factory by kind and type."""
