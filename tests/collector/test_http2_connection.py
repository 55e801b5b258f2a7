"""RFC 9113 as a hostile or careful client sees it, over real sockets."""

import asyncio
import contextlib

import h2.config
import h2.connection
import h2.events
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.http2 import HEAD, RawHTTP2, framed, running_server
from tollspan.collector import http2_connection
from tollspan.collector.grpc_call import Reply
from tollspan.collector.http2_frames import (
    END_HEADERS,
    END_STREAM,
    PREFACE,
    ErrorCode,
    FrameType,
    Setting,
    build_frame,
    build_settings,
)


@pytest.fixture
async def server():
    async with running_server() as server:
        yield server


class Held:
    """A method that waits until it is let go."""

    def __init__(self):
        self.entered, self.gate, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, call):
        self.entered.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Reply(b"held")


async def test_calls_on_one_connection_have_their_own_replies(server):
    async with RawHTTP2(server.address) as client:
        await client.send(client.call(1, b"one") + client.call(3, b"") + client.call(7, b"seven"))
        assert [await client.reply(number) for number in (1, 3, 7)] == [(0, b"one"), (0, b""), (0, b"seven")]


async def test_a_slow_call_does_not_hold_up_the_next(server):
    async with RawHTTP2(server.address) as client:
        await client.send(
            client.head(1) + client.data(1, framed(b"slow")[:3], flags=0) + client.call(3, b"fast")
        )
        assert await client.reply(3) == (0, b"fast")
        await client.send(client.data(1, framed(b"slow")[3:]))
        assert await client.reply(1) == (0, b"slow")


def converse(pieces, address):
    """What an independent client makes of the server's answers to calls that are sent in such pieces."""

    async def talk():
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, port)
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        client.initiate_connection()
        for number, message in ((1, b"x" * 40_000), (3, b""), (5, b"y")):
            client.send_headers(number, HEAD)
            data = framed(message)
            for begin in range(0, len(data), 16_000):
                last = begin + 16_000 >= len(data)
                client.send_data(number, data[begin : begin + 16_000], end_stream=last)
        wire, begin = client.data_to_send(), 0
        for size in [*pieces, len(wire)]:
            writer.write(wire[begin : begin + size])
            await writer.drain()
            await asyncio.sleep(0)
            begin += size
        ended, bodies, statuses = set(), {}, {}
        while len(ended) < 3:
            for event in client.receive_data(await reader.read(65_536)):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.TrailersReceived):
                    statuses[event.stream_id] = dict(event.headers)["grpc-status"]
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
        writer.close()
        await writer.wait_closed()
        return {number: (statuses[number], bodies[number][5:]) for number in ended}

    return talk()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30_000), max_size=8))
def test_the_replies_do_not_depend_on_how_the_bytes_come(pieces):
    async def play():
        async with running_server() as server:
            return await converse(pieces, server.address)

    assert asyncio.run(play()) == {1: ("0", b"x" * 40_000), 3: ("0", b""), 5: ("0", b"y")}


FRAME = st.builds(
    build_frame,
    st.sampled_from(FrameType),
    st.integers(0, 255),
    st.integers(0, 9),
    st.one_of(st.binary(max_size=30), st.just(framed(b"hello")), st.just(b"\x83\x86\x84"), st.just(bytes(4))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAME, max_size=12), st.booleans())
def test_whatever_frames_come_the_server_goes_on_serving_others(frames, greeted):
    async def play():
        defects = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: defects.append(context))
        async with running_server() as server:
            async with RawHTTP2(server.address, greet=greeted) as hostile:
                with contextlib.suppress(ConnectionError):
                    await hostile.send((b"" if greeted else PREFACE) + b"".join(frames))
                async with RawHTTP2(server.address) as client:
                    await client.send(client.call(1, b"still here"))
                    assert await client.reply(1) == (0, b"still here")
            listener = server._listener
        assert (listener.calls, defects) == (0, [])

    asyncio.run(play())


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (build_frame(FrameType.DATA, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.DATA, 0, 5, b"x"), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.HEADERS, END_HEADERS, 2, b"\x83"), ErrorCode.PROTOCOL_ERROR),
        (
            build_frame(FrameType.HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"),
            ErrorCode.COMPRESSION_ERROR,
        ),
        (build_frame(FrameType.HEADERS, 0, 1, b"\x83") * 2, ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.CONTINUATION, END_HEADERS, 1, b"\x83"), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.PUSH_PROMISE, END_HEADERS, 1, b"\x83"), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.RST_STREAM, 0, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.PING, 0, 0, b"short"), ErrorCode.FRAME_SIZE_ERROR),
        (build_frame(FrameType.PING, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.SETTINGS, 1, 0, bytes(6)), ErrorCode.FRAME_SIZE_ERROR),
        (build_frame(FrameType.WINDOW_UPDATE, 0, 0, bytes(4)), ErrorCode.PROTOCOL_ERROR),
        (build_frame(FrameType.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), ErrorCode.FLOW_CONTROL_ERROR),
        (b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", ErrorCode.FRAME_SIZE_ERROR),
    ],
)
async def test_a_broken_protocol_ends_the_connection_with_its_reason(frames, code, server):
    async with RawHTTP2(server.address) as client:
        await client.send(frames)
        assert await client.goaway() is code


async def test_the_first_frame_is_settings(server):
    async with RawHTTP2(server.address, greet=False) as client:
        await client.send(PREFACE + build_frame(FrameType.PING, 0, 0, bytes(8)))
        assert await client.goaway() is ErrorCode.PROTOCOL_ERROR


async def test_http_1_is_told_that_this_is_http_2(server):
    async with RawHTTP2(server.address, greet=False) as client:
        await client.send(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.goaway() is ErrorCode.PROTOCOL_ERROR


async def test_a_malformed_head_costs_its_stream_only(server):
    async with RawHTTP2(server.address) as client:
        await client.send(client.head(1, [*HEAD, ("connection", "close")]))
        assert await client.frame() == (FrameType.RST_STREAM, 0, 1, ErrorCode.PROTOCOL_ERROR.to_bytes(4))
        await client.send(client.data(1, b"more") + client.call(3, b"next"))
        assert await client.reply(3) == (0, b"next")


@pytest.mark.parametrize(
    ("flags", "second", "code"),
    [
        (END_HEADERS | END_STREAM, "head", ErrorCode.STREAM_CLOSED),
        (END_HEADERS | END_STREAM, "data", ErrorCode.STREAM_CLOSED),
        (END_HEADERS, "head", ErrorCode.PROTOCOL_ERROR),
    ],
)
async def test_what_does_not_belong_on_an_open_stream_resets_it(flags, second, code):
    async with running_server(Held()) as server, RawHTTP2(server.address) as client:
        first = client.head(1, flags=flags)
        await client.send(first + (client.head(1) if second == "head" else client.data(1, b"x")))
        assert await client.frame() == (FrameType.RST_STREAM, 0, 1, code.to_bytes(4))


async def test_a_call_may_end_with_a_head_of_its_own_and_a_head_may_come_in_pieces(server):
    async with RawHTTP2(server.address) as client:
        head = client.head(1)[9:]
        await client.send(
            build_frame(FrameType.HEADERS, 0, 1, head[:5])
            + build_frame(FrameType.CONTINUATION, END_HEADERS, 1, head[5:])
            + client.data(1, framed(b"hello"), flags=0)
            + client.head(1, [("x-checksum", "1")], flags=END_HEADERS | END_STREAM)
        )
        assert await client.reply(1) == (0, b"hello")


@pytest.mark.parametrize(("piece", "times"), [(b"", 1100), (b"\x83" * 10_000, 2)])
async def test_a_head_that_goes_on_and_on_ends_the_connection(piece, times, server):
    async with RawHTTP2(server.address) as client:
        await client.send(build_frame(FrameType.HEADERS, 0, 1, b"\x83"))
        with contextlib.suppress(ConnectionError):
            await client.send(build_frame(FrameType.CONTINUATION, 0, 1, piece) * times)
        assert await client.goaway() is ErrorCode.ENHANCE_YOUR_CALM


async def test_a_head_that_grows_too_large_when_decompressed_ends_the_connection(server):
    async with RawHTTP2(server.address) as client:
        await client.send(client.head(1, [*HEAD, ("a", "x" * 3000)]))
        await client.send(client.head(3, HEAD + [("a", "x" * 3000)] * 30))
        assert await client.goaway() is ErrorCode.COMPRESSION_ERROR


@pytest.mark.parametrize(
    "frame",
    [
        build_frame(FrameType.PING, 0, 0, bytes(8)),
        build_settings([]),
        build_frame(FrameType.WINDOW_UPDATE, 0, 0, b"\x00\x00\x00\x01"),
        build_frame(FrameType.PRIORITY, 0, 3, bytes(5)),
        build_frame(FrameType.GOAWAY, 0, 0, bytes(8)),
    ],
)
async def test_frames_that_lead_to_nothing_are_counted(frame, server):
    async with RawHTTP2(server.address) as client:
        with contextlib.suppress(ConnectionError):
            await client.send(frame * 1100)
        assert await client.goaway() is ErrorCode.ENHANCE_YOUR_CALM


async def test_calls_that_are_opened_and_reset_are_counted_and_cancelled():
    """CVE-2023-44487, "rapid reset"."""
    async with running_server() as server, RawHTTP2(server.address) as client:
        with contextlib.suppress(ConnectionError):
            for number in range(1, 1500, 2):
                reset = build_frame(FrameType.RST_STREAM, 0, number, ErrorCode.NO_ERROR.to_bytes(4))
                await client.send(client.head(number) + reset)
        assert await client.goaway() is ErrorCode.ENHANCE_YOUR_CALM
        assert server._listener.calls == 0


async def test_answers_make_up_for_what_leads_to_nothing(server):
    async with RawHTTP2(server.address) as client:
        for number in range(1, 401, 2):
            await client.send(build_frame(FrameType.WINDOW_UPDATE, 0, 0, b"\x00\x00\x00\x01") * 9)
            await client.send(client.call(number, b"x"))
            assert await client.reply(number) == (0, b"x")


async def test_a_client_that_takes_its_call_back_cancels_the_method():
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.call(1))
        await held.entered.wait()
        await client.send(build_frame(FrameType.RST_STREAM, 0, 1, bytes(4)))
        await held.cancelled.wait()
        await client.ping()


async def test_a_client_that_goes_away_cancels_the_method():
    held = Held()
    async with running_server(held) as server:
        async with RawHTTP2(server.address) as client:
            await client.send(client.call(1))
            await held.entered.wait()
        await held.cancelled.wait()
        assert server._listener.calls == 0


async def test_a_call_that_was_cut_short_does_not_harm_the_next():
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        for number in (1, 3, 5):
            held.entered.clear()
            held.cancelled.clear()
            await client.send(client.call(number))
            await held.entered.wait()
            await client.send(build_frame(FrameType.RST_STREAM, 0, number, bytes(4)))
            await held.cancelled.wait()
        held.gate.set()
        await client.send(client.head(7, [*HEAD, ("grpc-timeout", "1H")]))
        assert await client.reply(7) == (0, b"held")


async def test_a_connection_that_ends_leaves_no_task():
    before = asyncio.all_tasks()
    async with running_server() as server:
        async with RawHTTP2(server.address) as client:
            await client.send(b"".join(client.call(number, b"x") for number in range(1, 201, 2)))
            for number in range(1, 201, 2):
                await client.reply(number)
        (connection,) = server._listener.connections
        await connection.closed.wait()
    assert asyncio.all_tasks() == before


async def test_a_call_whose_time_is_over_says_so():
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.head(1, [*HEAD, ("grpc-timeout", "20m")]))
        assert await client.reply(1) == (4, b"")
        assert held.cancelled.is_set()


async def test_calls_over_the_cap_are_refused_and_the_others_served(monkeypatch):
    monkeypatch.setattr(http2_connection, "CALLS_MAX", 2)
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.call(1) + client.call(3) + client.call(5))
        assert await client.frame() == (FrameType.RST_STREAM, 0, 5, ErrorCode.REFUSED_STREAM.to_bytes(4))
        held.gate.set()
        assert [await client.reply(number) for number in (1, 3)] == [(0, b"held")] * 2


async def test_calls_over_the_listeners_cap_are_refused(monkeypatch):
    monkeypatch.setattr(http2_connection, "LISTENER_CALLS_MAX", 1)
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as a, RawHTTP2(server.address) as b:
        await a.send(a.call(1))
        await held.entered.wait()
        await b.send(b.call(1))
        assert await b.frame() == (FrameType.RST_STREAM, 0, 1, ErrorCode.REFUSED_STREAM.to_bytes(4))


async def test_connections_over_the_cap_are_cut(server, monkeypatch):
    monkeypatch.setattr(http2_connection, "CONNECTIONS_MAX", 1)
    async with RawHTTP2(server.address) as first:
        await first.ping()
        async with RawHTTP2(server.address, greet=False) as second:
            assert await second.frame() is None
        await first.send(first.call(1, b"x"))
        assert await first.reply(1) == (0, b"x")


async def test_a_connection_that_does_not_begin_is_closed(monkeypatch):
    monkeypatch.setattr(http2_connection, "IDLE_PREFACE_S", 0.05)
    async with running_server() as server, RawHTTP2(server.address, greet=False) as client:
        await client.send(PREFACE[:5])
        assert await client.goaway() is ErrorCode.NO_ERROR


async def test_a_connection_without_calls_is_closed_and_one_with_a_call_is_not(monkeypatch):
    monkeypatch.setattr(http2_connection, "IDLE_S", 0.0)
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.call(1))
        await held.entered.wait()
        (connection,) = server._listener.connections
        connection._on_idle()
        await client.ping()
        held.gate.set()
        assert await client.reply(1) == (0, b"held")
        connection._on_idle()
        assert await client.goaway() is ErrorCode.NO_ERROR


async def test_bytes_that_nobody_asked_for_are_bounded_by_the_window():
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.head(1))
        with contextlib.suppress(ConnectionError):
            for _ in range(65):
                await client.send(client.data(1, bytes(16_384), flags=0))
        assert await client.goaway() is ErrorCode.FLOW_CONTROL_ERROR


async def test_a_message_larger_than_the_window_comes_through(server):
    async with running_server(message_bytes_max=8 << 20) as large, RawHTTP2(large.address) as client:
        data = framed(b"z" * (4 << 20))
        await client.send(client.head(1) + build_settings([(Setting.INITIAL_WINDOW_SIZE, 2**31 - 1)]))
        await client.send(build_frame(FrameType.WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4)))
        room, begin = 1 << 20, 0
        while begin < len(data):
            size = min(16_384, room, len(data) - begin)
            if size == 0:
                frame_type, _, stream_id, payload = await client.frame()
                assert (frame_type, stream_id) == (FrameType.WINDOW_UPDATE, 1)
                room += int.from_bytes(payload)
                continue
            last = begin + size == len(data)
            await client.send(client.data(1, data[begin : begin + size], flags=END_STREAM if last else 0))
            begin, room = begin + size, room - size
        frame_type = FrameType.WINDOW_UPDATE
        while frame_type is FrameType.WINDOW_UPDATE:
            frame_type, *_ = await client.frame()
        assert (await client.reply(1))[1] == data[5:]


async def test_a_reply_waits_for_room_and_goes_on_when_there_is_some(server):
    async with RawHTTP2(server.address) as client:
        await client.send(build_settings([(Setting.INITIAL_WINDOW_SIZE, 4)]) + client.call(1, b"hello"))
        assert (await client.frame())[0] is FrameType.HEADERS
        assert await client.frame() == (FrameType.DATA, 0, 1, framed(b"hello")[:4])
        await client.send(build_frame(FrameType.WINDOW_UPDATE, 0, 1, (2).to_bytes(4)))
        assert await client.frame() == (FrameType.DATA, 0, 1, framed(b"hello")[4:6])
        await client.send(build_settings([(Setting.INITIAL_WINDOW_SIZE, 100)]))
        assert await client.frame() == (FrameType.DATA, 0, 1, framed(b"hello")[6:])
        assert (await client.frame())[1] & END_STREAM


async def test_a_drain_lets_open_calls_end_and_takes_no_more():
    held = Held()
    async with running_server(held) as server, RawHTTP2(server.address) as client:
        await client.send(client.call(1))
        await held.entered.wait()
        stopping = asyncio.create_task(server.stop(30))
        assert (await client.frame())[0] is FrameType.GOAWAY
        await client.send(client.call(3))
        assert (await client.frame())[:3] == (FrameType.RST_STREAM, 0, 3)
        held.gate.set()
        assert await client.reply(1) == (0, b"held")
        assert await client.frame() is None
        await stopping


async def test_a_defect_of_a_method_is_an_internal_error_without_details():
    async def broken(call):
        raise ZeroDivisionError("secret")

    async with running_server(broken) as server, RawHTTP2(server.address) as client:
        await client.send(client.call(1))
        assert await client.reply(1) == (13, b"")


async def test_what_is_no_grpc_call_is_unsupported_media(server):
    async with RawHTTP2(server.address) as client:
        await client.send(client.head(1, HEAD[:-1], flags=END_HEADERS | END_STREAM))
        assert (await client.frame())[3][":status"] == "415"


async def test_padding_is_given_back_to_both_windows(server):
    async with RawHTTP2(server.address) as client:
        padded = build_frame(FrameType.DATA, 0x8, 1, b"\xff" + bytes(255))
        await client.send(client.head(1) + padded * 9000 + client.data(1, framed(b"x")))
        while (frame := await client.frame())[0] is FrameType.WINDOW_UPDATE:
            pass
        assert frame[0] is FrameType.HEADERS
        assert await client.reply(1) == (0, b"x")
