"""The dashboard in a real browser, over a real gateway."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip
PAYLOAD = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("dashboard") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def writer(gateway: Gateway) -> dict[str, str]:
    return gateway.authorization(gateway.create_credential(permissions="write:traces")) | OTLP


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """A page that fails its test when a script breaks, a dialog opens, or the content policy is hit."""
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda m: troubles.append(m.text) if "Content Security Policy" in m.text else None)
        yield page
        browser.close()
    assert troubles == []


def send(gateway: Gateway, writer: dict[str, str], **options: object) -> TraceRequest:
    request = TraceRequest(**options)
    answer = httpx.post(f"{gateway.url}/v1/traces", content=request.wire, headers=writer)
    assert answer.status_code == 200, answer.text
    return request


def test_the_printed_link_signs_in_and_leaves_no_key_in_the_address(gateway, page):
    page.goto(gateway.ui)

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "key" not in page.url


def test_without_the_link_the_dashboard_asks_for_the_key(gateway, page):
    page.goto(f"{gateway.url}/ui/")

    expect(page.get_by_text("sign-in key", exact=False).first).to_be_visible()


def test_a_trace_that_arrives_while_one_looks_appears_by_itself(gateway, writer, page):
    page.goto(gateway.ui)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    send(gateway, writer, service="arrives-live")

    expect(page.get_by_text("arrives-live").first).to_be_visible(timeout=10_000)


def test_the_last_line_accounts_for_all_spans(gateway, writer, page):
    send(gateway, writer, service="counted")
    page.goto(gateway.ui)
    account = page.locator("footer.status-line")

    expect(account).to_contain_text("pending 0")
    expect(account.locator(".problem")).to_have_count(0)


def test_a_trace_opens_as_a_waterfall_with_all_of_its_spans(gateway, writer, page):
    request = send(gateway, writer, service="opens", spans=12)
    page.goto(gateway.ui)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.goto(f"{gateway.url}/ui/traces/{request.trace_id.hex()}")

    expect(page.get_by_text("step 11").first).to_be_visible()
    page.get_by_text("step 7").first.click()
    expect(page.get_by_text(request.span_ids[7].hex()).first).to_be_visible()


def test_markup_in_telemetry_stays_text(gateway, writer, page):
    request = send(gateway, writer, service=PAYLOAD)
    page.goto(gateway.ui)
    expect(page.get_by_role("gridcell").get_by_text(PAYLOAD).first).to_be_visible()

    page.goto(f"{gateway.url}/ui/traces/{request.trace_id.hex()}")

    expect(page.get_by_text(PAYLOAD).first).to_be_visible()


def test_the_first_owner_makes_an_account_and_a_credential_that_works(tmp_path, page):
    with Gateway(tmp_path / "data") as gateway:
        page.goto(gateway.create_owner)
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Make the account").click()
        page.get_by_role("link", name="Credentials").click()
        page.get_by_label("Name").fill("exporter")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_text("It is shown this once.")).to_be_visible()
        names, values = (page.locator(f".issued {part}").all_inner_texts() for part in ("dt", "dd code"))
        issued = dict(zip(names, values, strict=True))
        answer = httpx.post(
            f"{gateway.url}/v1/traces",
            content=TraceRequest().wire,
            headers=gateway.authorization(issued) | OTLP,
        )
        assert answer.status_code == 200
        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("button", name="Revoke for good").click()
        expect(page.get_by_role("cell", name="revoked")).to_be_visible()
        assert gateway.request_token(issued).status_code == 401


def test_a_person_signs_in_with_a_password_and_a_wrong_one_is_refused(tmp_path, page):
    with Gateway(tmp_path / "data") as gateway:
        account = {"key": gateway.create_owner.partition("#owner=")[2], "email": "ada@example.com"}
        made = httpx.post(f"{gateway.url}/api/v1/owner", json=account | {"password": "correct horse battery"})
        assert made.status_code == 204
        page.goto(f"{gateway.url}/ui/")
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_label("Password").fill("a wrong password")
        page.get_by_role("button", name="Sign in with a password").click()
        expect(page.get_by_text("is wrong")).to_be_visible()
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Sign in with a password").click()
        expect(page.get_by_role("link", name="Traces", exact=True)).to_be_visible()
