"""The dashboard's files under /ui/."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(str(files("tollspan.gateway.web") / "static"))
"""Where `make ui` puts the dashboard; a wheel carries it."""

INDEX = "index.html"
ASSETS = "assets/"

_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tollspan</title>
<h1>The dashboard is not built</h1>
<p>This is a checkout without its pages. Run <code>make ui</code> there and reload.</p>
<p>Everything else works: the API is described at <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
"""


class Interface:
    """The built dashboard in `folder`. Any path that is no file is a page of it."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._index = folder / INDEX

    async def answer(self, path: str, asgi_scope: Scope) -> Response:
        """The file at `path`, else index.html, whose script then shows the page of that address."""
        if not self._index.is_file():
            return HTMLResponse(_NOT_BUILT, 503)
        try:
            response = await self._files.get_response(path or INDEX, asgi_scope)
        except HTTPException:
            if path.startswith(ASSETS):
                raise
            response = await self._files.get_response(INDEX, asgi_scope)
        # The build names assets after their content, so a name never means something else.
        lasting = path.startswith(ASSETS) and response.status_code in {200, 304}
        response.headers["Cache-Control"] = "max-age=31536000, immutable" if lasting else "no-cache"
        return response
