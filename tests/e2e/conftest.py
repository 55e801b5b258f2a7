"""One running gateway for the tests of a module."""

import pytest

from helpers.gateway import Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running
