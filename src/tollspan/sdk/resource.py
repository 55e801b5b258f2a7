"""What all telemetry of this process is about: one OpenTelemetry Resource for its three signals."""

from __future__ import annotations

import os
import uuid

from opentelemetry.sdk.environment_variables import OTEL_RESOURCE_ATTRIBUTES
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, Resource

from tollspan.sdk.settings import Settings


def build_resource(settings: Settings) -> Resource:
    """Named attributes win over `resource_attributes`, and all of them over OTEL_RESOURCE_ATTRIBUTES."""
    named = {
        "service.name": settings.service_name,
        "service.version": settings.service_version,
        "deployment.environment.name": settings.environment,
        "telemetry.distro.name": "tollspan",
    }
    given = {key: value for key, value in named.items() if value is not None}
    return Resource.create({**settings.resource_attributes, **given})


def renew_resource(resource: Resource, settings: Settings) -> Resource:
    """`resource` for a forked child: another instance of the service, unless the user named the instance."""
    named = SERVICE_INSTANCE_ID in settings.resource_attributes
    named = named or SERVICE_INSTANCE_ID in os.environ.get(OTEL_RESOURCE_ATTRIBUTES, "")
    if named or SERVICE_INSTANCE_ID not in resource.attributes:
        return resource
    return resource.merge(Resource({SERVICE_INSTANCE_ID: str(uuid.uuid4())}))
