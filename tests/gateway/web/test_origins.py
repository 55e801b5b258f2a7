from tollspan.gateway.query import origins
from tollspan.gateway.web.origins import show_instrumentation_scope, show_resource


def test_every_field_of_a_resource_is_shown():
    resource = origins.Resource({"big": 2**60}, "https://example.com/1", 3)
    assert show_resource(resource).model_dump() == {
        "attributes": {"big": str(2**60)},
        "schema_url": "https://example.com/1",
        "dropped_attributes": 3,
    }


def test_every_field_of_an_instrumentation_scope_is_shown():
    scope = origins.InstrumentationScope("library", "2", {"raw": b"\0"}, "https://example.com/2", 4)
    assert show_instrumentation_scope(scope).model_dump() == {
        "name": "library",
        "version": "2",
        "attributes": {"raw": {"bytes": "AA=="}},
        "schema_url": "https://example.com/2",
        "dropped_attributes": 4,
    }
