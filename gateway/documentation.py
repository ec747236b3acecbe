"""The documentation is served from this installation and runs nothing that it does not carry.

`/openapi.json` is the committed document, `/docs` is Swagger UI from its wheel.
The page's policy allows scripts and styles of this origin only; the one inline
style that Swagger UI injects is allowed as a style, never as a script.
"""

import hashlib
from pathlib import Path

import swagger_ui_bundle
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.problems import NoSuchRoute

DOCUMENT = Path(__file__).with_name("openapi.json")
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Laurels API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="documentation"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  persistAuthorization: false,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""


def routes() -> list[Route]:
    """The routes of the documentation."""
    text = DOCUMENT.read_bytes()
    etag = f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'

    async def document(request: Request) -> Response:
        headers = {"etag": etag, "cache-control": "public, no-cache", "cross-origin-resource-policy": "cross-origin"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type="application/json")

    return [
        Route("/openapi.json", document),
        Route("/docs", _page),
        Route("/docs/", lambda _: RedirectResponse("/docs", 308)),
        Route("/docs/start.js", _start),
        Route("/docs/{asset}", _asset),
    ]


async def _page(_: Request) -> Response:
    return Response(_PAGE, headers={"content-security-policy": _POLICY}, media_type="text/html")


async def _start(_: Request) -> Response:
    return Response(_START, media_type="text/javascript")


async def _asset(request: Request) -> Response:
    name = request.path_params["asset"]
    if name not in _ASSETS:
        raise NoSuchRoute
    path = Path(str(swagger_ui_bundle.swagger_ui_path)) / name
    return FileResponse(path, media_type=_ASSETS[name], headers={"cache-control": "public, max-age=86400"})
