"""Where items come from, as the API shows it."""

from __future__ import annotations

from tollspan.gateway.query import origins
from tollspan.gateway.web.answers import InstrumentationScope, Resource
from tollspan.gateway.web.json_value import attributes_to_json


def show_resource(resource: origins.Resource) -> Resource:
    """The resource with JSON values."""
    return Resource(
        attributes=attributes_to_json(resource.attributes),
        schema_url=resource.schema_url,
        dropped_attributes=resource.dropped_attributes,
    )


def show_instrumentation_scope(instrumentation_scope: origins.InstrumentationScope) -> InstrumentationScope:
    """The instrumentation scope with JSON values."""
    return InstrumentationScope(
        name=instrumentation_scope.name,
        version=instrumentation_scope.version,
        attributes=attributes_to_json(instrumentation_scope.attributes),
        schema_url=instrumentation_scope.schema_url,
        dropped_attributes=instrumentation_scope.dropped_attributes,
    )
