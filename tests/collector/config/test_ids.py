import pytest

from tollspan.collector.config.ids import ComponentID, parse_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("otlp", ComponentID("otlp")),
        ("otlp/2", ComponentID("otlp", "2")),
        (" otlp / edge ", ComponentID("otlp", "edge")),
        ("otlp/a/b", ComponentID("otlp", "a/b")),
        ("otlp/" + "n" * 1024, ComponentID("otlp", "n" * 1024)),
    ],
)
def test_an_id_is_a_type_and_perhaps_a_name(text, expected):
    assert parse_id(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "/x", "9lives", "otlp/", "otlp/ ", "otlp/a b", "otlp/a\nb", "ot-lp", "o" * 64, "otlp/" + "n" * 1025],
)
def test_other_texts_are_not_ids(text):
    with pytest.raises(ValueError, match=r"must|is not a component type"):
        parse_id(text)


def test_an_id_reads_as_it_is_written():
    assert [str(parse_id(text)) for text in ("otlp", "otlp/2")] == ["otlp", "otlp/2"]
