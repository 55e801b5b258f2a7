import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from helpers.http import Chunks
from tollspan.collector import http_body
from tollspan.collector.http_body import ASGIBody, read_body
from tollspan.errors import LimitError
from tollspan.otlp.http_exchange import HTTPProblem


@given(st.lists(st.binary(min_size=1)), st.booleans())
def test_a_body_is_its_chunks_in_order(chunks, announced):
    whole = b"".join(chunks)
    length = len(whole) if announced else None
    body = asyncio.run(read_body(Chunks(*chunks), length, bytes_max=len(whole), timeout_s=5))
    assert body == whole


@given(st.binary(), st.integers(0, 20))
def test_a_body_that_has_come_already_is_taken_or_too_large(whole, bytes_max):
    body = Chunks(whole, whole=True)
    if len(whole) > bytes_max:
        with pytest.raises(LimitError):
            asyncio.run(read_body(body, None, bytes_max=bytes_max, timeout_s=5))
    else:
        assert asyncio.run(read_body(body, None, bytes_max=bytes_max, timeout_s=5)) == whole


async def test_a_too_large_content_length_is_refused_before_anything_is_read():
    chunks = Chunks(b"abc")
    with pytest.raises(LimitError) as caught:
        await read_body(chunks, 11, bytes_max=10, timeout_s=5)
    assert (caught.value.limit, caught.value.actual, chunks.left) == (10, 11, [b"abc"])


async def test_a_chunked_body_is_counted_and_not_read_further_than_its_limit():
    chunks = Chunks(b"x" * 6, b"x" * 5, b"more")
    with pytest.raises(LimitError) as caught:
        await read_body(chunks, None, bytes_max=10, timeout_s=5)
    assert (caught.value.limit, chunks.left) == (10, [b"more"])


async def test_a_body_that_stops_coming_is_a_408_that_closes():
    with pytest.raises(HTTPProblem) as caught:
        await read_body(Chunks(b"abc", endless=True), 10, bytes_max=10, timeout_s=0.05)
    assert (caught.value.status, caught.value.headers) == (408, {"Connection": "close"})
    assert "3 bytes" in caught.value.message


async def test_bytes_that_come_fast_enough_buy_time(monkeypatch):
    monkeypatch.setattr(http_body, "GRACE_S", 0.0)
    monkeypatch.setattr(http_body, "BYTES_PER_S_MIN", 1)
    asked_again, released = asyncio.Event(), asyncio.Event()

    class Held(Chunks):
        async def next_chunk(self):
            if len(self.left) == 1:
                asked_again.set()
                await released.wait()
            return await super().next_chunk()

    body = Held(b"x" * 1000, b"y")
    reading = asyncio.create_task(read_body(body, None, bytes_max=2000, timeout_s=1000))
    await asked_again.wait()
    released.set()
    assert len(await reading) == 1001


async def test_a_trickle_is_a_408_long_before_the_timeout(monkeypatch):
    monkeypatch.setattr(http_body, "GRACE_S", 0.05)
    with pytest.raises(HTTPProblem) as caught:
        await read_body(Chunks(b"x", endless=True), None, bytes_max=10, timeout_s=1000)
    assert caught.value.status == 408


def receive_from(*messages):
    left = list(messages)

    async def receive():
        return left.pop(0)

    return receive


async def test_an_asgi_body_skips_empty_messages_and_ends():
    body = ASGIBody(
        receive_from(
            {"type": "http.request", "body": b"", "more_body": True},
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "more_body": True},
            {"type": "http.request", "body": b"c"},
        )
    )
    assert [
        await body.next_chunk(),
        await body.next_chunk(),
        await body.next_chunk(),
        await body.next_chunk(),
    ] == [b"ab", b"c", b"", b""]


async def test_a_client_that_goes_away_is_no_end_of_a_body():
    body = ASGIBody(
        receive_from({"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"})
    )
    assert await body.next_chunk() == b"ab"
    with pytest.raises(ClientDisconnect):
        await body.next_chunk()
