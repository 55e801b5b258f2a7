"""Credentials over HTTP: what the command does, for one tenant, and never more than the caller has."""

import pytest
from joserfc.jwk import ECKey

from helpers.web import PRINCIPALS
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.web.access import MANAGE_CREDENTIALS
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

PATH = "/api/v1/credentials"
OWNER = {"Authorization": "Bearer owner"}
LIMITED = {"Authorization": "Bearer limited-manager"}
RIVAL = {"Authorization": "Bearer rival"}
MANAGED = frozenset({MANAGE_CREDENTIALS, "read:traces"})


@pytest.fixture(autouse=True)
def managers(monkeypatch):
    for name, principal in {
        "owner": Principal("owner", "acme", frozenset(PERMISSIONS)),
        "limited-manager": Principal("limited-manager", "acme", MANAGED, frozenset({"shop"})),
        "rival": Principal("rival", "rival", frozenset(PERMISSIONS)),
    }.items():
        monkeypatch.setitem(PRINCIPALS, name, principal)


async def create(http, headers=OWNER, **more):
    return await http.post(PATH, json={"name": "n", "permissions": ["read:traces"]} | more, headers=headers)


async def test_a_credential_is_made_for_the_callers_tenant_and_works(http, parts):
    response = await create(http, datasets=["shop"], expires_in_s=60, refreshable=True)
    made = response.json()

    assert response.status_code == 201
    assert (made["tenant"], made["datasets"], made["refreshable"]) == ("acme", ["shop"], True)
    found = parts.identity.credentials.authenticate_client(made["client_id"], Secret(made["client_secret"]))
    assert found.permissions == ("read:traces",)
    assert found.expires_s == pytest.approx(found.created_s + 60)


async def test_an_api_key_is_shown_once(http, parts):
    made = (await create(http, kind="api_key")).json()
    listed = (await http.get(PATH, headers=OWNER)).text

    assert parts.identity.credentials.authenticate_api_key(Secret(made["api_key"]))
    assert made["id"] in listed
    assert made["api_key"] not in listed


async def test_a_client_that_signs_has_no_secret(http):
    pem = ECKey.generate_key("P-256").as_pem(private=False).decode()
    made = (await create(http, public_key=pem)).json()

    assert made["client_id"] == made["id"]
    assert "client_secret" not in made


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["read:all"]}, "permissions"),
        ({"kind": "password"}, "kind"),
        ({"datasets": ["a b"]}, "datasets"),
        ({"expires_in_s": -1}, "expires_in"),
        ({"public_key": "x"}, "public_key"),
        ({"tenant": "rival"}, "tenant"),
    ],
    ids=str,
)
async def test_a_mistake_is_named(http, wish, field):
    response = await create(http, **wish)

    assert (response.status_code, response.json()["error"]["field"]) == (400, field)


async def test_nobody_gives_what_they_do_not_have(http, parts):
    beyond = await create(http, LIMITED, permissions=["write:traces"])
    elsewhere = await create(http, LIMITED, datasets=["bank"])
    same = await create(http, LIMITED)
    owned = (await create(http, permissions=["write:traces"])).json()["id"]
    unlimited = (await create(http)).json()["id"]
    taken = [await http.post(f"{PATH}/{id_}/rotate", json={}, headers=LIMITED) for id_ in (owned, unlimited)]

    assert [answer.status_code for answer in (beyond, elsewhere, same, *taken)] == [403, 403, 201, 403, 403]
    assert same.json()["datasets"] == ["shop"]
    assert parts.identity.credentials.find(owned).live_secrets == 1


async def test_nobody_ends_what_reaches_beyond_their_datasets(http, parts):
    everywhere, elsewhere = (await create(http)).json(), (await create(http, datasets=["bank"])).json()
    own = (await create(http, datasets=["shop"])).json()
    answers = [
        await http.delete(f"{PATH}/{made['id']}", headers=LIMITED) for made in (everywhere, elsewhere, own)
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert [one.state(0) for one in parts.identity.credentials.find_all()] == ["live", "live", "revoked"]


async def test_a_rotation_adds_a_secret_and_can_end_the_one_before(http, parts):
    made = (await create(http)).json()
    rotated = await http.post(f"{PATH}/{made['id']}/rotate", json={"overlap_s": 3600}, headers=OWNER)
    newest = await http.post(f"{PATH}/{made['id']}/rotate", json={"overlap_s": 0}, headers=OWNER)
    store = parts.identity.credentials

    assert (rotated.status_code, rotated.json()["live_secrets"]) == (201, 2)
    assert newest.json()["live_secrets"] == 1
    good = [
        store.authenticate_client(made["id"], Secret(one["client_secret"])) is not None
        for one in (made, rotated.json(), newest.json())
    ]
    assert good == [False, False, True]


async def test_the_list_tells_of_each_secret_and_can_be_narrowed(http):
    made = (await create(http)).json()
    await http.post(f"{PATH}/{made['id']}/rotate", json={"overlap_s": 3600}, headers=OWNER)
    revoked = (await create(http)).json()
    await http.delete(f"{PATH}/{revoked['id']}", headers=OWNER)

    async def ids(**parameters):
        answer = await http.get(PATH, params=parameters, headers=OWNER)
        return [credential["id"] for credential in answer.json()["data"]]

    [shown, _] = (await http.get(PATH, headers=OWNER)).json()["data"]
    assert shown["created_by"] == "owner"
    assert [secret["expires_s"] is None for secret in shown["secrets"]] == [True, False]
    assert (await ids(state="live"), await ids(state="revoked")) == ([made["id"]], [revoked["id"]])
    assert await ids(unused_for_s=3600) == []
    assert (await http.get(PATH, params={"state": "lost"}, headers=OWNER)).status_code == 400


async def test_a_revoked_credential_is_worthless_and_stays_listed(http, parts):
    made = (await create(http)).json()
    revoked = await http.delete(f"{PATH}/{made['id']}", headers=OWNER)

    assert revoked.json()["revoked_s"] is not None
    assert parts.identity.credentials.find_live(made["id"]) is None
    [listed] = (await http.get(PATH, headers=OWNER)).json()["data"]
    assert listed["revoked_s"] == revoked.json()["revoked_s"]


async def test_another_tenants_credential_is_not_there(http, parts):
    made = (await create(http)).json()
    path = f"{PATH}/{made['id']}"
    answers = [
        await http.post(f"{path}/rotate", json={}, headers=RIVAL),
        await http.delete(path, headers=RIVAL),
        await http.delete(f"{PATH}/unknown", headers=OWNER),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await http.get(PATH, headers=RIVAL)).json() == {"data": []}
    assert parts.identity.credentials.find_live(made["id"])


async def test_the_audit_log_tells_who_did_it_in_the_callers_tenant(http):
    made = (await create(http)).json()
    await http.delete(f"{PATH}/{made['id']}", headers=OWNER)
    entries = (await http.get("/api/v1/audit", params={"limit": 2}, headers=OWNER)).json()["data"]

    assert [(entry["actor"], entry["action"]) for entry in entries] == [
        ("owner", "credential_revoked"),
        ("owner", "credential_created"),
    ]
    assert (await http.get("/api/v1/audit", headers=RIVAL)).json() == {"data": []}
