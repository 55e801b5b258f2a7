"""Filter expressions, built with the models of the client that sends them."""

import pytest
from unomiq import AndGroup, Condition, OrGroup, QueryOperator

from tollspan.errors import QueryError
from tollspan.gateway.web.engine_filter import read_filter


def equal(field, value):
    return Condition(field=field, op=QueryOperator.EQ, value=value)


def test_no_expression_asks_for_nothing():
    assert read_filter(None) == {}


def test_a_condition_names_the_value_of_its_field():
    assert read_filter(equal("unit", "acme").to_dict()) == {"unit": "acme"}


def test_conditions_are_joined_by_and_however_they_are_nested():
    inner = AndGroup(and_=[equal("parent_unit", "group"), equal("service_name", "shop")])
    outer = AndGroup(and_=[equal("unit", "acme"), inner, equal("unit", "acme")])

    expected = {"unit": "acme", "parent_unit": "group", "service_name": "shop"}
    assert read_filter(outer.to_dict()) == expected


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        (OrGroup(or_=[equal("unit", "acme")]).to_dict(), "filter"),
        (AndGroup(and_=[equal("unit", "acme"), equal("cost", "1")]).to_dict(), "filter.and.1"),
        (Condition(field="unit", op=QueryOperator.CONTAINS, value="a").to_dict(), "filter"),
        (AndGroup(and_=[equal("unit", "acme"), equal("unit", "other")]).to_dict(), "filter.and.0"),
        ({"field": "unit", "op": "eq", "value": 1}, "filter"),
        ({"field": "unit", "op": "eq", "value": "a", "and": []}, "filter"),
        ({"and": {}}, "filter"),
        ([], "filter"),
        ("unit", "filter"),
    ],
)
def test_an_expression_that_says_more_is_refused_where_it_does(expression, field):
    with pytest.raises(QueryError) as refused:
        read_filter(expression)

    assert refused.value.field == field


def test_nesting_costs_no_stack():
    expression = equal("unit", "acme").to_dict()
    for _ in range(5000):
        expression = {"and": [expression]}

    assert read_filter(expression) == {"unit": "acme"}
