import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.errors import QueryError
from tollspan.gateway.query.newest_first import Place, find_page, next_cursor, read_cursor
from tollspan.gateway.query.time_range import ALWAYS, NANO_MAX

MOMENTS = st.lists(st.sampled_from([0, 1, 2, 10**18, 10**18 + 1, NANO_MAX - 1]), max_size=30)


def asking(items):
    """A statement over items `(moment, number)`, as `find_page` asks it."""

    async def ask(*, limit, offset, start, end, **_):
        wanted = [item for item in sorted(items, reverse=True) if start <= item[0] < end]
        return wanted[offset : offset + limit]

    return ask


@given(moments=MOMENTS, limit=st.integers(1, 7))
async def test_pages_hold_every_item_once_in_the_order_of_the_list(moments, limit):
    items = [(moment, number) for number, moment in enumerate(moments)]
    found, cursor = [], None
    while True:
        after = read_cursor(cursor)
        page = await find_page(asking(items), ALWAYS, after=after, limit=limit)
        found += page
        cursor = next_cursor([moment for moment, _ in page], after=after, limit=limit)
        if cursor is None:
            break
    assert found == sorted(items, reverse=True)


def test_without_a_cursor_the_list_begins_at_its_newest():
    assert read_cursor(None) == Place(NANO_MAX, 0)


@pytest.mark.parametrize("cursor", ["yesterday", "1", "1.", "-1.1", f"{'9' * 20}.1", "1.1 "])
def test_a_cursor_that_was_not_given_out_is_refused(cursor):
    with pytest.raises(QueryError, match="next_cursor"):
        read_cursor(cursor)
