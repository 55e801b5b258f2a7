from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, Resource

from tollspan.sdk.resource import build_resource, renew_resource
from tollspan.sdk.settings import Settings, read_settings


def _settings(**arguments: Any) -> Settings:
    return read_settings(arguments, {})[0]


def test_named_attributes_win_over_others_and_those_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=1,service.name=one")
    found = build_resource(
        _settings(service_name="three", resource_attributes={"b": "2", "service.name": "two"})
    )
    assert {key: found.attributes[key] for key in ("a", "b", "service.name")} == {
        "a": "1",
        "b": "2",
        "service.name": "three",
    }


def test_a_forked_child_is_another_instance_unless_the_user_named_the_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = Resource({SERVICE_INSTANCE_ID: "parent", "service.name": "shop"})
    renewed = renew_resource(resource, _settings())
    assert renewed.attributes[SERVICE_INSTANCE_ID] != "parent"
    assert renewed.attributes["service.name"] == "shop"
    assert (
        renew_resource(resource, _settings(resource_attributes={SERVICE_INSTANCE_ID: "parent"})) is resource
    )
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"{SERVICE_INSTANCE_ID}=parent")
    assert renew_resource(resource, _settings()) is resource
    nameless = Resource({"service.name": "shop"})
    assert renew_resource(nameless, _settings()) is nameless
