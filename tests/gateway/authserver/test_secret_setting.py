import msgspec
import pytest

from tollspan.collector.config.decode import Decoding
from tollspan.gateway.authserver.secret_setting import SecretSetting
from tollspan.oauth2.secret import Secret


class Config(msgspec.Struct, frozen=True):
    password: SecretSetting = Secret("")


def test_a_text_becomes_a_secret_that_no_print_shows():
    config = Decoding().struct(Config, {"password": "s3cr3t"}, "")

    assert config.password.reveal() == "s3cr3t"
    assert "s3cr3t" not in repr(config)


@pytest.mark.parametrize("value", [5, ["s3cr3t"], {"a": "s3cr3t"}])
def test_anything_else_is_a_problem_that_does_not_quote_it(value):
    decoding = Decoding()
    decoding.struct(Config, {"password": value}, "")

    [problem] = decoding.problems
    assert problem.path == "password"
    assert "s3cr3t" not in str(problem)
