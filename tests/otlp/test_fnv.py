import pytest

from tollspan.otlp._fnv import fnv1a_32, fnv1a_64


@pytest.mark.parametrize(
    ("data", "hash_32", "hash_64"),
    [
        (b"", 0x811C9DC5, 0xCBF29CE484222325),
        (b"a", 0xE40C292C, 0xAF63DC4C8601EC8C),
        (b"foobar", 0xBF9CF968, 0x85944171F73967E8),
    ],
)
def test_the_hashes_are_those_of_the_draft(data, hash_32, hash_64):
    assert (fnv1a_32(data), fnv1a_64(data)) == (hash_32, hash_64)
