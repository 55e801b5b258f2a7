import pytest

from tollspan.oauth2.loopback import is_loopback


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8320", True),
        ("http://LOCALHOST/token", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9:1", True),
        ("http://[::1]:8320/token", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("http://gate.example", False),
        ("http:///token", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, loopback: bool):
    assert is_loopback(url) == loopback
