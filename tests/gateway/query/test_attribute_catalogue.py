import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from helpers.spans import NOW, SECOND, batch, span
from tollspan.gateway.query import attribute_catalogue
from tollspan.gateway.query.attribute_catalogue import (
    AttributeKey,
    find_attribute_keys,
    find_attribute_values,
)
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.span_block import PROMOTED, PROMOTED_INTS

pytestmark = pytest.mark.xdist_group("telemetry")

HOUR = 3600 * SECOND
START = NOW // HOUR * HOUR


@pytest.fixture
def view(store):
    return store.view("acme")


async def test_keys_are_listed_with_their_spans_and_bytes_the_dearest_first(store, view):
    made = span(attributes={"path": "/a/long/path", "size": 7})
    made.attributes.add(key="ratio").value.double_value = 0.5
    made.attributes.add(key="cached").value.bool_value = True
    made.attributes.add(key="tags").value.array_value.values.add().string_value = "x"
    await store.write(batch(made, span(attributes={"path": "/"}), span(attributes={"size": "big"})))
    found = await find_attribute_keys(view, ALWAYS)
    tags = AnyValue(array_value=made.attributes[-1].value.array_value).ByteSize()
    assert sorted(found, key=lambda own: (own.key, own.type)) == [
        AttributeKey("cached", "bool", 1, 1),
        AttributeKey("path", "string", 2, 13),
        AttributeKey("ratio", "double", 1, 8),
        AttributeKey("size", "int", 1, 8),
        AttributeKey("size", "string", 1, 3),
        AttributeKey("tags", "other", 1, tags),
    ]
    assert [own.bytes for own in found] == sorted((own.bytes for own in found), reverse=True)


@pytest.mark.parametrize("column", PROMOTED)
async def test_attributes_with_a_column_of_their_own_are_listed_as_they_were_sent(store, view, column):
    first, *others = PROMOTED[column]
    value, kind, size = (200, "int", 8) if column in PROMOTED_INTS else ("some", "string", 4)
    await store.write(batch(*(span(attributes={key: value}) for key in (first, *others)), span()))
    found = await find_attribute_keys(view, ALWAYS)
    assert found == [AttributeKey(key, kind, 1, size) for key in sorted((first, *others))]
    values = await find_attribute_values(view, first, ALWAYS)
    assert values.spans == {str(value): 1 + len(others)}


async def test_each_tenant_dataset_and_hour_is_counted_for_itself(store, view):
    await store.write(batch(span(attributes={"a": "1"}, start=START)))
    await store.write(batch(span(attributes={"b": "1"}, start=START + HOUR)))
    await store.write(batch(span(attributes={"c": "1"}), dataset="other"))
    await store.write(batch(span(attributes={"d": "1"}), tenant="rival"))
    asked = [
        (view, ALWAYS, "abc"),
        (view, TimeRange(START + 1, START + 2), "ac"),
        (store.view("acme", ["other"]), ALWAYS, "c"),
        (store.view("nobody"), ALWAYS, ""),
    ]
    for own, time_range, keys in asked:
        assert [found.key for found in await find_attribute_keys(own, time_range)] == list(keys)


async def test_what_was_erased_or_sent_again_does_not_count(store, view):
    sent = batch(span(attributes={"tollspan.unit": "gone", "a": "1"}), span(attributes={"b": "1"}))
    await store.write(sent)
    await store.write(sent)
    await store.erase_unit("acme", [], "gone")
    await store.write(sent)
    assert await find_attribute_keys(view, ALWAYS) == [AttributeKey("b", "string", 1, 1)]
    assert (await find_attribute_values(view, "a", ALWAYS)).spans == {}


async def test_the_most_frequent_values_are_given_and_the_others_counted(store, view):
    values = ["low"] * 3 + ["high"] * 2 + [str(number) for number in range(5)]
    await store.write(batch(*(span(attributes={"level": value}) for value in values)))
    found = await find_attribute_values(view, "level", ALWAYS, limit=2)
    assert (found.spans, found.distinct, found.sampled_spans) == ({"low": 3, "high": 2}, 7, 10)


async def test_values_are_those_of_a_bounded_number_of_spans_the_newest_first(store, view, monkeypatch):
    monkeypatch.setattr(attribute_catalogue, "SAMPLE", 4)
    for age_s in range(0, 10_000, 1000):
        await store.write(batch(span(attributes={"age": age_s}, start=NOW - age_s * SECOND)))
    found = await find_attribute_values(view, "age", TimeRange(NOW - HOUR, NOW + 1))
    assert found.spans.keys() <= {"0", "1000", "2000", "3000"}
    assert found.sampled_spans == 4
