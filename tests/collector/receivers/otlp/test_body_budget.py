import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.receivers.otlp.body_budget import BodyBudget, CountedBody
from tollspan.errors import RetryableError
from tollspan.otlp.http_exchange import HTTPProblem


class Chunks:
    """A body that comes in chunks of these sizes."""

    def __init__(self, *sizes):
        self._remaining = iter([*sizes, 0])

    def whole(self):
        return None

    async def next_chunk(self):
        return bytes(next(self._remaining))


async def read(budget, tenant, *sizes):
    with budget.holding(tenant) as take:
        counted = CountedBody(Chunks(*sizes), take)
        while await counted.next_chunk():
            pass


async def test_a_body_as_large_as_its_share_is_read_and_one_byte_more_is_too_many_requests():
    budget = BodyBudget(100, 50)
    await read(budget, "acme", 20, 30)
    with pytest.raises(HTTPProblem) as refusal:
        await read(budget, "acme", 20, 31)
    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "1"})


async def test_the_bodies_of_one_tenant_do_not_keep_out_those_of_another():
    budget = BodyBudget(100, 50)
    with budget.holding("acme") as take:
        take(50)
        await read(budget, "rival", 50)
        with pytest.raises(HTTPProblem):
            await read(budget, "acme", 1)


async def test_all_together_have_a_bound_too_and_so_have_callers_without_a_tenant():
    budget = BodyBudget(100, 50)
    await read(budget, "", 100)
    with pytest.raises(RetryableError) as refusal:
        await read(budget, "", 60, 41)
    assert refusal.value.after_s == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(1, 60), max_size=4)), max_size=8))
async def test_whatever_became_of_the_bodies_nothing_is_held_in_the_end(bodies):
    budget = BodyBudget(100, 50)
    await asyncio.gather(*(read(budget, tenant, *sizes) for tenant, sizes in bodies), return_exceptions=True)
    assert not budget._held
