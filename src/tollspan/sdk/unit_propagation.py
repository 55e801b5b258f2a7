"""The unit across services: as W3C baggage to hosts that are named, and from callers that are trusted.

Whoever receives it learns who our customers are, and whoever sends it decides whom we charge:
both are off unless set.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, create_key, get_current, get_value, set_value
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from tollspan.sdk.unit import PARENT_UNIT, UNIT, Unit

HOST_ATTRIBUTES = ("server.address", "net.peer.name", "http.host")
URL_ATTRIBUTES = ("url.full", "http.url")
"""Where client spans say whom they call, in newer and older semantic conventions."""

_CALLER_UNIT = create_key("tollspan-caller-unit")
_BAGGAGE = W3CBaggagePropagator()


class UnitPropagator(TextMapPropagator):
    """Works beside the global propagator: see `install`."""

    def __init__(self) -> None:
        self._hosts: tuple[str, ...] = ()
        self._trusts_callers = False
        self._installed = False
        self._beside_baggage = False

    def use(self, hosts: Iterable[str], *, trusts_callers: bool) -> None:
        """From now on units go to `hosts`, which may be `*.example.com`, and perhaps come from callers."""
        self._hosts = tuple(host.lower() for host in hosts)
        self._trusts_callers = trusts_callers
        if (self._hosts or trusts_callers) and not self._installed:
            self._installed = True
            present = propagate.get_global_textmap()
            parts = getattr(present, "_propagators", [present])
            self._beside_baggage = any(isinstance(part, W3CBaggagePropagator) for part in parts)
            propagate.set_global_textmap(CompositePropagator([present, self]))

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """The carrier has the unit of the current span, if that span says that it calls a host we named."""
        attributes = span_attributes(context)
        unit_id, host = attributes.get(UNIT), _host(attributes)
        if unit_id is None or not any(fnmatch.fnmatchcase(host, pattern) for pattern in self._hosts):
            return
        # The header is written anew, so with all that may be in it.
        entries = (context or get_current()) if self._beside_baggage else Context()
        entries = baggage.set_baggage(UNIT, unit_id, entries)
        if PARENT_UNIT in attributes:
            entries = baggage.set_baggage(PARENT_UNIT, attributes[PARENT_UNIT], entries)
        _BAGGAGE.inject(carrier, entries, setter)

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """The context knows the caller's unit, if callers are trusted; as baggage it would go everywhere."""
        context = get_current() if context is None else context
        found = _BAGGAGE.extract(carrier, Context(), getter)
        for key in (UNIT, PARENT_UNIT):
            context = baggage.remove_baggage(key, context)
        unit_id, parent_id = baggage.get_baggage(UNIT, found), baggage.get_baggage(PARENT_UNIT, found)
        if not self._trusts_callers or not isinstance(unit_id, str):
            return context
        unit = Unit(unit_id, parent_id if isinstance(parent_id, str) else None)
        return set_value(_CALLER_UNIT, unit, context)

    @property
    def fields(self) -> set[str]:
        """The headers that `inject` may set."""
        return _BAGGAGE.fields


def caller_unit(context: Context | None) -> Unit | None:
    """The unit that a trusted caller named."""
    unit = get_value(_CALLER_UNIT, context)
    return unit if isinstance(unit, Unit) else None


def span_attributes(context: Context | None) -> Any:
    """Those of the current span, empty where it records none."""
    return plain_dict(getattr(trace.get_current_span(context), "_attributes", None))


def plain_dict(attributes: Any) -> Any:
    """The dict inside the SDK's `attributes`, without the checks that are made for values from outside."""
    return {} if attributes is None else getattr(attributes, "_dict", attributes)


def _host(attributes: Any) -> str:
    for name in HOST_ATTRIBUTES:
        if isinstance(host := attributes.get(name), str):
            return host.lower().partition(":")[0]
    for name in URL_ATTRIBUTES:
        if isinstance(url := attributes.get(name), str):
            return urlsplit(url).hostname or ""
    return ""
