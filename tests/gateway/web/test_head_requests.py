"""Load balancers and monitors ask by HEAD."""

import pytest

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.mark.parametrize("path", ["/healthz", "/api/openapi.json", "/api/v1/services", "/traces", "/nothing"])
async def test_head_has_the_status_and_headers_of_get(http, path):
    head, got = await http.head(path), await http.get(path)

    assert (head.status_code, head.headers) == (got.status_code, got.headers)
