import pytest

from helpers.processors import attributes_of, log_request, metric_request, problems, processed, trace_request
from tollspan.collector.processors.resource import FACTORY

UPSERT = {"attributes": [{"key": "deployment.environment", "value": "production", "action": "upsert"}]}


@pytest.mark.parametrize(
    ("request_", "entries"),
    [
        (trace_request({}), "resource_spans"),
        (log_request({}), "resource_logs"),
        (metric_request(m=[{}]), "resource_metrics"),
    ],
)
async def test_resources_of_every_signal_are_edited(request_, entries):
    (entry,) = getattr(await processed(FACTORY, UPSERT, request_), entries)
    assert attributes_of(entry.resource)["deployment.environment"] == "production"


def test_attributes_are_required():
    assert problems(FACTORY, None) == ['attributes: missing required field "attributes"']
