"""Components for tests of the collector: an exporter that remembers, an authenticator with fixed callers."""

import asyncio
from collections.abc import Mapping

import msgspec

from tollspan.collector.component import Factory, Kind, Receipt
from tollspan.errors import InvalidTokenError, MissingTokenError
from tollspan.oauth2.principal import Principal


class NoConfig(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Recorder:
    """A consumer that keeps every batch; `answer` is what it says or raises, `gate` holds it up."""

    def __init__(self, answer=None):
        self.batches = []
        self.answer = answer if answer is not None else Receipt()
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def start(self, host):
        self.host = host

    async def shutdown(self):
        pass

    async def consume(self, batch):
        self.entered.set()
        await self.gate.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        self.batches.append(batch)
        return self.answer


def exporter_factory(exporter, type_="recorder"):
    """A factory that always gives this exporter."""
    return Factory(kind=Kind.EXPORTER, type=type_, config=NoConfig, build=lambda config: exporter)


class FixedCallers:
    """An authenticator that knows its callers by their access token."""

    def __init__(self, principals: Mapping[str, Principal]):
        self._principals = principals
        self.error = None

    async def start(self, host):
        pass

    async def shutdown(self):
        pass

    async def authenticate(self, headers):
        if self.error is not None:
            raise self.error
        authorization = headers.get("authorization")
        if authorization is None:
            raise MissingTokenError("send an access token")
        try:
            return self._principals[authorization.removeprefix("Bearer ")]
        except KeyError:
            raise InvalidTokenError("the access token is not valid") from None


def authenticator_factory(authenticator, type_="callers"):
    return Factory(kind=Kind.EXTENSION, type=type_, config=NoConfig, build=lambda config: authenticator)
