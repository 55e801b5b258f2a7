import pytest

from tollspan.collector.secret_file import WatchedSecret, read_secret
from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret


def test_a_file_goes_before_the_text_in_the_configuration(tmp_path):
    path = tmp_path / "secret"
    path.write_text("  from-file \n")
    assert read_secret("key_file", str(path), Secret("inline")) == Secret("from-file")
    assert read_secret("key_file", "", Secret("inline")) == Secret("inline")


@pytest.mark.parametrize("content", [None, b" \n", b"\xff"])
def test_a_file_without_a_text_is_an_error_at_its_key(tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^key_file: "):
        read_secret("key_file", str(path), Secret(""))


def test_a_watched_file_is_read_again_when_it_changes_and_missed_when_it_goes(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    watched = WatchedSecret("key_file", str(path), Secret(""))
    assert watched.get() is watched.get()
    path.write_text("newer")
    assert watched.get() == Secret("newer")
    path.unlink()
    with pytest.raises(ConfigError, match=r"^key_file: cannot be read"):
        watched.get()
