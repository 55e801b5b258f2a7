import pytest

from tollspan.gateway.web.app import build_app


@pytest.fixture
def openapi(parts):
    return build_app(parts).openapi()


def operations(openapi):
    return [operation for each in openapi["paths"].values() for operation in each.values()]


def test_every_operation_and_each_of_its_parameters_is_described_with_an_example(openapi):
    assert all(operation["description"] for operation in operations(openapi))
    parameters = [own for operation in operations(openapi) for own in operation.get("parameters", ())]
    assert len(parameters) > 50
    assert [own["name"] for own in parameters if "description" not in own or "example" not in own] == []


def test_every_shape_of_an_answer_is_described(openapi):
    undescribed = [name for name, own in openapi["components"]["schemas"].items() if "description" not in own]
    assert undescribed == []
