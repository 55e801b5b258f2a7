import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from tollspan.otlp.grpc_exchange import read_status
from tollspan.otlp.http_exchange import Later, Refused, TooLarge, Unauthorized


def delay(seconds, nanos=0):
    """The trailer that carries a wait in the standard way."""
    detail = Any()
    detail.Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    return {"grpc-status-details-bin": Status(code=14, details=[detail]).SerializeToString()}


@pytest.mark.parametrize("code", [1, 4, 10, 11, 14, 15])
def test_what_may_pass_is_sent_later(code):
    assert read_status(code, "busy", {}) == Later(None, f"gRPC {code}: busy")


@pytest.mark.parametrize("code", [2, 3, 5, 6, 7, 8, 9, 12, 13])
def test_everything_else_is_refused(code):
    assert read_status(code, "no", {}) == Refused(f"gRPC {code}: no", status=code)


def test_an_exhausted_server_that_says_when_is_asked_again_then():
    assert read_status(8, "quota", delay(2, 500_000_000)) == Later(2.5, "gRPC 8: quota")


def test_the_trailer_of_the_opentelemetry_exporters_is_read_too():
    info = RetryInfo(retry_delay=Duration(seconds=3)).SerializeToString()
    assert read_status(14, "", {"google.rpc.retryinfo-bin": info}) == Later(3.0, "gRPC 14: ")


def test_a_wait_has_an_end():
    assert read_status(14, "", delay(10**9)) == Later(3600.0, "gRPC 14: ")


def test_a_refused_token_and_a_large_message_are_told_apart_from_the_rest():
    assert read_status(16, "who?", {}) == Unauthorized("gRPC 16: who?")
    message = "Received message larger than max (5 vs. 4)"
    assert read_status(8, message, {}) == TooLarge(f"gRPC 8: {message}")


@given(st.binary(max_size=60), st.sampled_from(["grpc-status-details-bin", "google.rpc.retryinfo-bin"]))
def test_no_trailer_breaks_it(garbage, name):
    assert isinstance(read_status(14, "x", {name: garbage}), Later)
