"""What a component is, and what it may rely on.

A pipeline is a chain of consumers: receiver → processors → exporters. Each hands a
batch on by awaiting the next one's `consume`, so back-pressure is the await itself.

The contract of `consume(batch)`:

* When it returns, responsibility for the batch has passed to the callee; the caller
  may forget it. The `Receipt` says how many items were refused for good and why.
* When it raises `RetryableError`, nothing was taken and the same batch may be offered
  again. `PermanentError`, `WireError` and `LimitError` mean that it will never be taken.
* Any other exception is a defect; the receiver answers as for `RetryableError`, because
  data must not be lost to our own mistakes.
* A batch is immutable and may be held as long as needed.

The life of a component: built with its configuration, started once, shut down once.
Exporters start first, receivers last; they stop in the opposite order, so a component
may consume until its own `shutdown` is called and must hand on what it still holds
before `shutdown` returns. A `start` that raises leaves nothing behind: `shutdown` is
then not called for that component, only for those that had started before it.
"""

from __future__ import annotations

import builtins
import enum
from collections.abc import Callable, Mapping
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


class Consumer(Protocol):
    """Takes batches; see the module's contract."""

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
    processor per id and pipeline.
    """

    kind: Kind
    type: str
    config: builtins.type[msgspec.Struct]
    build: Callable[..., Any]
    signals: frozenset[Signal] = frozenset(Signal)


Registry = Mapping[Kind, Mapping[str, Factory]]
"""Every known factory by kind and type."""
