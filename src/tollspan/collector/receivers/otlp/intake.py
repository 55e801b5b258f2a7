"""The way in that every transport shares: whose the data is, who takes it, what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect

from tollspan.collector.component import TAKEN, Authenticator, Consumer, Host, Receipt
from tollspan.collector.events import UNKNOWN_SENDER, ReceiverEvents, Refusal, Sender
from tollspan.collector.receivers.otlp.config import AuthConfig
from tollspan.errors import (
    AuthError,
    InsufficientScopeError,
    LimitError,
    PermanentError,
    RetryableError,
    StoreError,
    TokenRequestError,
    WireError,
)
from tollspan.oauth2.principal import Principal
from tollspan.otlp.batch import Batch
from tollspan.otlp.http_exchange import HTTPProblem
from tollspan.otlp.signals import Signal

DATASET_HEADERS = ("x-tollspan-dataset", "x-unomiq-app-id", "x-axiom-dataset", "x-axiom-metrics-dataset")
"""The first of these that a request has names its dataset."""

DATASET_DEFAULT = "default"

RETRY_AFTER_S = 5.0
"""What a client is told to wait after a defect, or while the service stops."""

_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Payload:
    """A request's message in protobuf: `items` are in it, `rejected` more were not fit to be."""

    wire: bytes
    items: int
    rejected: int = 0
    reason: str = ""


class Intake:
    """What one protocol of one receiver knows about those who send and those who take."""

    def __init__(
        self, consumers: Mapping[Signal, Consumer], auth: AuthConfig | None, host: Host, transport: str
    ) -> None:
        self._events = ReceiverEvents(host.counters, host.component_id, transport)
        self._ledger = host.counters.ledger
        self._consumers = consumers
        self._authenticator = _authenticator(auth, host)

    def require_pipeline(self, signal: Signal) -> None:
        """Return when a pipeline takes that signal; HTTPProblem 404 when none does."""
        if signal not in self._consumers:
            raise HTTPProblem(404, f"no pipeline takes {signal.value} here")

    async def identify(self, signal: Signal, headers: Mapping[str, str]) -> Sender:
        """The tenant and dataset that the request writes to; both empty where nobody asks for credentials.

        AuthError when the caller may not write this signal; else as `choose_dataset`.
        """
        if self._authenticator is None:
            return UNKNOWN_SENDER
        principal = await self._authenticator.authenticate(headers)
        principal.require(signal.write_permission)
        return principal.tenant, choose_dataset(principal, headers)

    async def deliver(self, signal: Signal, payload: Payload, sender: Sender) -> Receipt:
        """The pipelines have the payload, unless it is empty; the receipt tells what was rejected in all."""
        receipt = TAKEN
        if payload.items:
            batch = Batch(signal, payload.wire, payload.items, *sender)
            receipt = await self._consumers[signal].consume(batch)
        if payload.rejected or payload.reason:
            account = self._ledger.account((signal, *sender))
            account.received += payload.rejected
            account.refused[Refusal.REJECTED.value] += payload.rejected
            reason = "; ".join(filter(None, (payload.reason, receipt.reason)))
            receipt = Receipt(payload.rejected + receipt.rejected, reason)
        self._events.accepted(signal, payload.items + payload.rejected, receipt.rejected, receipt.reason)
        return receipt

    def refuse(self, signal: Signal, error: Exception, items: int, sender: Sender) -> Exception:
        """The error to answer with; the refusal is logged and counted.

        It is `error`, unless that is a defect of ours: data must not be lost to our own
        mistakes, so the client is asked to send it again.
        """
        reason = classify(error)
        defect = error if reason is Refusal.DEFECT else None
        self._events.refused(signal, reason, str(error), items, sender=sender, defect=defect)
        return error if defect is None else RetryableError("internal error", RETRY_AFTER_S)

    def refuse_cut_short(self, signal: Signal, items: int, sender: Sender) -> Exception:
        """As `refuse`, for a request that was cancelled: the service stops, or its client gave up."""
        return self.refuse(signal, RetryableError("the request was cut short", RETRY_AFTER_S), items, sender)


def choose_dataset(principal: Principal, headers: Mapping[str, str]) -> str:
    """The dataset that a header names, else the caller's only one, else the default one.

    WireError when the header holds no dataset's name, HTTPProblem 403 when the caller may
    not use that dataset.
    """
    named = [headers[header] for header in DATASET_HEADERS if header in headers]
    only = list(principal.datasets) if len(principal.datasets) == 1 else []
    dataset = (named + only + [DATASET_DEFAULT])[0]
    if not _DATASET.fullmatch(dataset):
        raise WireError("the header that names the dataset holds no dataset's name")
    if not principal.may_use(dataset):
        raise HTTPProblem(403, f"this credential may not write to the dataset {dataset}")
    return dataset


def classify(error: Exception) -> Refusal:
    """Why a request that ended in `error` was refused; DEFECT for what nobody raises on purpose."""
    if isinstance(error, HTTPProblem):
        return _PROBLEMS.get(error.status, Refusal.UNSUPPORTED)
    if isinstance(error, StoreError):
        return Refusal.UNAVAILABLE if error.retryable else Refusal.PERMANENT
    return next((_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS), Refusal.DEFECT)


_PROBLEMS = {
    401: Refusal.UNAUTHENTICATED,
    403: Refusal.FORBIDDEN,
    408: Refusal.TOO_SLOW,
    429: Refusal.UNAVAILABLE,
}

_REFUSALS: dict[type, Refusal] = {
    AuthError: Refusal.UNAUTHENTICATED,
    InsufficientScopeError: Refusal.FORBIDDEN,
    TokenRequestError: Refusal.UNAVAILABLE,
    WireError: Refusal.MALFORMED,
    LimitError: Refusal.TOO_LARGE,
    ClientDisconnect: Refusal.DISCONNECTED,
    RetryableError: Refusal.UNAVAILABLE,
    PermanentError: Refusal.PERMANENT,
}


def _authenticator(auth: AuthConfig | None, host: Host) -> Authenticator | None:
    if auth is None:
        return None
    extension = host.extension(auth.authenticator)
    assert isinstance(extension, Authenticator), "the graph has checked the reference"
    return extension
