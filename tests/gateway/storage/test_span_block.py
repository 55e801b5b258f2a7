import itertools

import pytest

from helpers.spans import NOW, batch, span
from helpers.stores import new_writer, open_engine
from tollspan.gateway.query.attributes import merge_item
from tollspan.gateway.storage.span_block import PROMOTED, PROMOTED_INTS

pytestmark = pytest.mark.xdist_group("telemetry")


COLUMNS = ["attributes_string", "attributes_int", "attributes_double", "attributes_bool", *PROMOTED]


@pytest.fixture
def stored(tmp_path):
    """Writes spans with the given attributes and reads their rows."""
    with open_engine(tmp_path) as engine:

        def write_and_read(attribute_sets):
            sent = [span(start=NOW + number, attributes=own) for number, own in enumerate(attribute_sets)]
            new_writer(engine).write([batch(*sent)])
            sql = f"SELECT {', '.join(COLUMNS)}, map() AS attributes_other FROM spans ORDER BY start"
            return engine.rows(sql, {})

        yield write_and_read


def values_of(column):
    return (0, 7, "text") if column in PROMOTED_INTS else ("", "text", 7)


def test_no_way_to_name_a_promoted_attribute_loses_anything(stored):
    cases = []
    for column, keys in PROMOTED.items():
        for chosen in itertools.product((None, *values_of(column)), repeat=len(keys)):
            named = zip(keys, chosen, strict=True)
            cases.append({key: value for key, value in named if value is not None})
    assert [merge_item(row, PROMOTED) for row in stored(cases)] == cases


def test_the_first_key_leaves_the_maps(stored):
    [row] = stored([{"tollspan.unit": "acme", "http.response.status_code": 404, "other": "x"}])
    assert (row["unit"], row["http_response_status_code"]) == ("acme", 404)
    assert (row["attributes_string"], row["attributes_int"]) == ({"other": "x"}, {})


def test_another_name_is_copied(stored):
    [row] = stored([{"unomiq.unit": "acme", "http.status_code": 404}])
    assert (row["unit"], row["http_response_status_code"]) == ("acme", 404)
    assert (row["attributes_string"], row["attributes_int"]) == (
        {"unomiq.unit": "acme"},
        {"http.status_code": 404},
    )


def test_the_first_of_several_names_wins(stored):
    [row] = stored([{"unomiq_unit": "c", "unomiq.unit": "b", "tollspan.unit": "a"}])
    assert row["unit"] == "a"
