"""One running gateway for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.gateway import Gateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running
