import pytest

from helpers.web import READER


@pytest.mark.parametrize(("headers", "status"), [(READER, 200), ({}, 401)], ids=["good", "none"])
async def test_an_sdk_learns_whether_its_key_is_good(http, headers, status):
    told = {"sdk": "obtrace-sdk-python", "sdk_version": "2.0.1", "service_name": "checkout"}
    assert (await http.post("/v1/init", json=told, headers=headers)).status_code == status
