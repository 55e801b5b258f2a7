import pytest

from tollspan.gateway.web.app import build_app
from tollspan.gateway.web.parameter_words import describe_parameters


@pytest.fixture
def openapi(parts):
    return build_app(parts).openapi()


def operations(openapi):
    return [operation for each in openapi["paths"].values() for operation in each.values()]


def test_every_operation_and_each_of_its_parameters_is_described_with_an_example(openapi):
    assert all(operation["description"] for operation in operations(openapi))
    parameters = [own for operation in operations(openapi) for own in operation.get("parameters", ())]
    assert len(parameters) > 50
    assert all(own["description"] and own["example"] is not None for own in parameters)


def test_every_shape_of_an_answer_is_described(openapi):
    undescribed = [name for name, own in openapi["components"]["schemas"].items() if "description" not in own]
    assert undescribed == []


def test_a_parameter_that_nobody_has_described_is_noticed():
    operation = {"parameters": [{"name": "colour"}]}
    with pytest.raises(KeyError, match="colour"):
        describe_parameters({"paths": {"/": {"get": operation}}})
