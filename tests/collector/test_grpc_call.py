import asyncio
import gzip
import zlib

import grpc
import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.http2 import HEAD, RawHTTP2, framed, running_server
from tollspan.collector import grpc_call
from tollspan.collector.grpc_call import Call, Limits, Reply, build_refusal
from tollspan.collector.grpc_head import CallHead
from tollspan.errors import LimitError, RetryableError, WireError


def call_with(*pieces, compression="identity", bytes_max=1000, ended=True):
    call = Call(CallHead("/", {}, compression, None), Limits(bytes_max), lambda size: None)
    for piece in pieces:
        call.receive(piece, last=False)
    if ended:
        call.receive(b"", last=True)
    return call


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=4))
def test_a_message_is_read_however_it_comes(message, places):
    data, begin, pieces = framed(message), 0, []
    for end in [*sorted(places), len(data)]:
        pieces.append(data[begin:end])
        begin = max(begin, end)
    assert asyncio.run(call_with(*pieces).read_message(1)) == message


async def test_a_message_in_many_tiny_pieces_is_read():
    message = bytes(range(250)) * 4
    assert await call_with(*(bytes((byte,)) for byte in framed(message))).read_message(1) == message


@pytest.mark.parametrize(("compression", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("inline_max", [0, 1000])
async def test_a_compressed_message_is_decompressed(compression, compress, inline_max, monkeypatch):
    monkeypatch.setattr(grpc_call, "INLINE_BYTES_MAX", inline_max)
    call = call_with(framed(compress(b"hello"), compressed=1), compression=compression)
    assert await call.read_message(1) == b"hello"


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"\0\0",),
        (framed(b"hello")[:-1],),
        (framed(b"hello") + framed(b"again"),),
        (framed(b"hello", compressed=1),),
        (framed(b"hello", compressed=7),),
    ],
)
async def test_what_is_no_single_message_is_malformed(pieces):
    with pytest.raises(WireError):
        await call_with(*pieces).read_message(1)


@pytest.mark.parametrize(
    "pieces", [(b"\0\0\0\x03\xe9",), (b"\0\0\0\0\x01" + b"x" * 1001,), (b"\0" * 5, b"x" * 1001)]
)
async def test_a_message_is_too_large_as_soon_as_it_says_so_or_is(pieces):
    with pytest.raises(LimitError):
        await call_with(*pieces, ended=False).read_message(30)


async def test_a_message_that_grows_too_large_when_decompressed_is_refused():
    bomb = framed(gzip.compress(bytes(100_000)), compressed=1)
    with pytest.raises(LimitError):
        await call_with(bomb, compression="gzip").read_message(1)


async def test_a_message_that_does_not_come_is_to_be_sent_again():
    with pytest.raises(RetryableError, match="too slowly"):
        await call_with(b"\0\0", ended=False).read_message(0.01)


async def test_whoever_counts_what_comes_may_refuse_the_rest():
    taken = []

    def take(size):
        if sum(taken) + size > 700:
            raise RetryableError("no room")
        taken.append(size)

    call = call_with(framed(bytes(900))[:300], ended=False)
    reading = asyncio.create_task(call.read_message(20, take))
    await asyncio.sleep(0)
    call.receive(bytes(400), last=False)
    assert taken == [300, 400]
    call.receive(bytes(1), last=False)
    with pytest.raises(RetryableError, match="no room"):
        await reading


async def test_reading_is_told_with_what_has_come():
    told = []
    call = Call(CallHead("/", {}, "identity", None), Limits(1000), told.append)
    call.receive(framed(b"abc"), last=True)
    await call.read_message(1)
    assert told == [8]


def test_an_exporter_can_tell_that_smaller_messages_may_pass():
    refusal = build_refusal(LimitError("spans", 5))
    assert (refusal.code, "larger than max" in refusal.message) == (8, True)


@pytest.mark.parametrize("message", ["100 % größer\nals 2 \u2028", "", "x" * 999])
async def test_a_refusal_reaches_a_client_word_for_word(message):
    async def refuse(call):
        return Reply(code=9, message=message, trailers={"a-bin": b"\xff\x00", "b": b"plain"})

    async with running_server(refuse) as server, grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/test.Echo/Say")(b"")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, message)
    assert dict(caught.value.trailing_metadata()) == {"a-bin": b"\xff\x00", "b": "plain"}


async def test_a_compression_that_is_not_known_is_answered_with_those_that_are():
    async with running_server() as server, RawHTTP2(server.address) as client:
        await client.send(client.head(1, [*HEAD, ("grpc-encoding", "snappy")]))
        *_, headers = await client.frame()
    assert (headers["grpc-status"], headers["grpc-accept-encoding"]) == ("12", "identity,gzip,deflate")
