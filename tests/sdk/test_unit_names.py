from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from helpers.ended_spans import ended_spans
from tollspan.sdk.destinations import DESTINATIONS
from tollspan.sdk.logs import LOGS
from tollspan.sdk.spans import SPANS
from tollspan.sdk.unit_names import naming_units
from tollspan.sdk.unit_propagation import plain_dict


def encoded_attributes(destination: str, **attributes: str) -> dict[str, str]:
    (span,) = ended_spans(["a"])
    plain_dict(span._attributes).update({name.replace("__", "."): text for name, text in attributes.items()})
    body = naming_units(SPANS, DESTINATIONS[destination]).encode([span]).body
    (wire,) = TracesData.FromString(body).resource_spans[0].scope_spans[0].spans
    return {pair.key: pair.value.string_value for pair in wire.attributes if "unit" in pair.key}


def test_unomiq_gets_the_unit_by_its_names_too() -> None:
    assert encoded_attributes("unomiq", tollspan__unit="acme", tollspan__parent_unit="emea") == {
        "tollspan.unit": "acme",
        "tollspan.parent_unit": "emea",
        "unomiq.unit": "acme",
        "unomiq.parent_unit": "emea",
    }


def test_what_the_application_wrote_itself_stays() -> None:
    written = encoded_attributes("unomiq", tollspan__unit="acme", unomiq__unit="theirs")
    assert written["unomiq.unit"] == "theirs"
    assert encoded_attributes("unomiq") == {}


def test_others_get_our_names_alone() -> None:
    assert encoded_attributes("tollspan", tollspan__unit="acme") == {"tollspan.unit": "acme"}
    assert naming_units(SPANS, DESTINATIONS["axiom"]) is SPANS
    assert naming_units(LOGS, DESTINATIONS["unomiq"]) is LOGS
