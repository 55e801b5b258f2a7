"""Flask: `trace_requests(app)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollspan.sdk.integrations.request import RequestRecord

if TYPE_CHECKING:
    from flask import Flask, Response


def trace_requests(app: Flask) -> None:
    """Each request to `app` is recorded until it is answered; a body that is streamed comes after."""
    # The application has it already; the SDK itself does not need Flask.
    from flask import g, request  # noqa: PLC0415

    def start() -> None:
        g.tollspan_request = RequestRecord(request.method, request.path, dict(request.headers))
        g.tollspan_status = 500

    def note_status(response: Response) -> Response:
        g.tollspan_status = response.status_code
        return response

    def finish(error: BaseException | None) -> None:
        record: RequestRecord | None = g.pop("tollspan_request", None)
        if record is not None:
            record.finish(g.tollspan_status, request.url_rule.rule if request.url_rule else None, error)

    app.before_request(start)
    app.after_request(note_status)
    app.teardown_request(finish)
