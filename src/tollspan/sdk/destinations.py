"""The kinds of backend that telemetry goes to, as data: what each asks for and what it calls things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tollspan.otlp.signals import Signal

STANDARD_PATHS: Mapping[Signal, str] = {signal: signal.path for signal in Signal}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What differs between kinds of backend.

    `paths` are those of the signals it takes. `defaults` are settings, written as a variable
    would give them; `grpc_endpoint` is the default one for that protocol. `variables` are
    names of its own documentation for our settings, and `resource_variables` for resource
    attributes. `dataset_headers` say in which part of it the data belongs, by signal.
    `credentials` are the kinds it knows: `client_id` is OAuth2. `unit_attributes` are its own
    names for a span's unit and parent unit.
    """

    paths: Mapping[Signal, str] = field(default_factory=lambda: STANDARD_PATHS)
    defaults: Mapping[str, str] = field(default_factory=dict)
    grpc_endpoint: str | None = None
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resource_variables: Mapping[str, str] = field(default_factory=dict)
    dataset_headers: Mapping[Signal, str] = field(default_factory=dict)
    dataset_needed: bool = False
    credentials: tuple[str, ...] = ("client_id", "api_key")
    credentials_needed: bool = False
    unit_attributes: tuple[str, str] | None = None


DESTINATIONS: Mapping[str, Destination] = {
    "tollspan": Destination(dataset_headers=dict.fromkeys(Signal, "x-tollspan-dataset")),
    "otlp": Destination(),
    # A sidecar or agent on this machine, which does the authentication.
    "collector": Destination(
        defaults={"endpoint": "http://localhost:4318"},
        grpc_endpoint="http://localhost:4317",
        credentials=(),
    ),
    # docs.unomiq.com/api-reference/gateway: traces alone, tokens of an audience.
    "unomiq": Destination(
        paths={Signal.TRACES: "/v1/traces"},
        defaults={
            "endpoint": "https://gateway-api.unomiq.com",
            "token_url": "https://oauth-api.unomiq.com/token",
            "audience": "https://gateway-api.unomiq.com",
            "scopes": "write:traces",
            "auth_method": "client_secret_post",
        },
        variables={
            "endpoint": ("UNOMIQ_OTLP_ENDPOINT",),
            "client_id": ("UNOMIQ_CLIENT_ID",),
            "client_secret": ("UNOMIQ_CLIENT_SECRET",),
            "token_url": ("UNOMIQ_TOKEN_URL",),
            "audience": ("UNOMIQ_AUDIENCE",),
        },
        credentials=("client_id",),
        credentials_needed=True,
        unit_attributes=("unomiq.unit", "unomiq.parent_unit"),
    ),
    # axiom.co/docs/send-data/opentelemetry: a dataset of its own for each signal, on the host of its region.
    "axiom": Destination(
        defaults={"endpoint": "https://us-east-1.aws.edge.axiom.co"},
        variables={
            "endpoint": ("AXIOM_URL",),
            "api_key": ("AXIOM_TOKEN",),
            "dataset": ("AXIOM_DATASET",),
        },
        dataset_headers={
            Signal.TRACES: "x-axiom-dataset",
            Signal.METRICS: "x-axiom-metrics-dataset",
            Signal.LOGS: "x-axiom-dataset",
        },
        dataset_needed=True,
        credentials=("api_key",),
        credentials_needed=True,
    ),
    # The documents of obtrace-sdk-python; its package reads none of the variables.
    "obtrace": Destination(
        paths={signal: f"/otlp{signal.path}" for signal in Signal},
        defaults={"endpoint": "https://ingest.obtrace.ai"},
        variables={
            "endpoint": ("OBTRACE_INGEST_BASE_URL",),
            "api_key": ("OBTRACE_API_KEY",),
            "service_name": ("OBTRACE_SERVICE_NAME",),
            "service_version": ("OBTRACE_SERVICE_VERSION",),
            "environment": ("OBTRACE_ENVIRONMENT", "OBTRACE_ENV"),
        },
        resource_variables={
            "obtrace.tenant_id": "OBTRACE_TENANT_ID",
            "obtrace.project_id": "OBTRACE_PROJECT_ID",
            "obtrace.app_id": "OBTRACE_APP_ID",
        },
        credentials=("api_key",),
        credentials_needed=True,
    ),
    # mlflow.org/docs/latest/genai/tracing/opentelemetry/ingest, behind Keycloak or open.
    "mlflow": Destination(
        paths={Signal.TRACES: "/v1/traces"},
        defaults={"endpoint": "http://localhost:5000", "dataset": "0", "scopes": "openid"},
        variables={
            "endpoint": ("MLFLOW_TRACKING_URI",),
            "dataset": ("MLFLOW_EXPERIMENT_ID",),
            "client_id": ("MLFLOW_CLIENT_ID",),
            "client_secret": ("MLFLOW_CLIENT_SECRET",),
            "token_url": ("KEYCLOAK_TOKEN_URL",),
            "api_key": ("MLFLOW_TRACKING_TOKEN",),
        },
        dataset_headers={Signal.TRACES: "x-mlflow-experiment-id"},
        dataset_needed=True,
    ),
}
