import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.config.values import parse_duration, parse_endpoint, parse_size, split_endpoint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("200ms", 0.2),
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1h2m3.5s", 3723.5),
        (".5s", 0.5),
        ("0s", 0.0),
        ("0", 0.0),
        (0, 0.0),
        ("5us", 5e-6),
        ("5µs", 5e-6),
    ],
)
def test_a_duration_is_in_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["", "5", 5, 5.0, "5 s", "-1s", "1d", "s", "1s!", "x1s", None, True, [], "\u0663s"]
)
def test_a_duration_needs_its_unit(value):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_the_parts_of_a_duration_add_up(hours, minutes, milliseconds):
    text = f"{hours}h{minutes}m{milliseconds}ms"
    assert parse_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 64 << 20),
        (1024, 1024),
        ("1024", 1024),
        ("0", 0),
        ("1.5 GB", 1_500_000_000),
        ("1B", 1),
        ("2KB", 2000),
    ],
)
def test_a_size_is_in_bytes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("value", ["", "MiB", "64 mib", "1.5", -1, "-1", 1.5, None, True, "64MiBx", "1e3"])
def test_other_values_are_not_sizes(value):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [
        ("localhost:4318", "localhost", 4318),
        (":4318", "", 4318),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:65535", "::1", 65535),
        ("collector.example.com:443", "collector.example.com", 443),
    ],
)
def test_an_endpoint_has_a_host_and_a_port(endpoint, host, port):
    assert parse_endpoint(endpoint) == endpoint
    assert split_endpoint(endpoint) == (host, port)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "localhost",
        "localhost:",
        "::1:4318",
        "http://x:1",
        "x:70000",
        "x:1/",
        4318,
        None,
        "a b:1",
        "x:\u0661",
    ],
)
def test_other_values_are_not_endpoints(value):
    with pytest.raises(ValueError, match="is not host:port"):
        parse_endpoint(value)
