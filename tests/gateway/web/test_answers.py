"""The rules that hold for every answer of the API."""

import inspect

import pytest
from pydantic import BaseModel

from tollspan.gateway.web import answers

MODELS = [
    model
    for _, model in inspect.getmembers(answers, inspect.isclass)
    if issubclass(model, BaseModel) and model is not BaseModel
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_times_amounts_and_ids_are_text_and_durations_are_numbers(model):
    for name, field in model.model_fields.items():
        if name.endswith(("_unix_nano", "amount_nano")):
            assert field.annotation is str, name
        elif name.endswith("_nano"):
            assert field.annotation in {int, list[int]}, name
        elif name.endswith("_id"):
            assert field.annotation in {str, str | None, list[str]}, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_always_there(model):
    assert [name for name, field in model.model_fields.items() if not field.is_required()] == []
