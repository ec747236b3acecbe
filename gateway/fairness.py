"""A page that checks a scratch card's draw in the browser, offline: it asks nothing of anybody.

`/verify-card` works as a file, too: saved with its script, it needs no server.
Its policy allows the one script and the one style of this origin, and no
connection at all.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

SCRIPT = Path(__file__).with_name("verify_card.js")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check a card</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="verify-card/style.css">
</head>
<body>
<main>
<h1>Was my card drawn fairly?</h1>
<p>This page computes the draw again from what was published. It runs in your browser and sends nothing.</p>
<label for="proof">The card's proof: what <code>GET /v1/scratch-cards/{card}/proof</code> answers,
or the file of <code>laurels export-card</code>.</label>
<input type="file" id="proof-file" accept=".json,application/json" aria-label="A file with the proof">
<textarea id="proof" rows="10" spellcheck="false"></textarea>
<label for="published">What you kept of the pool before: what <code>GET /v1/scratch-pools/{pool}</code> answered.
Without it the page shows that the proof agrees with itself, not that it is of the pool that you were shown.</label>
<input type="file" id="published-file" accept=".json,application/json" aria-label="A file with the pool">
<textarea id="published" rows="4" spellcheck="false"></textarea>
<button type="button" id="check">Check</button>
<p id="verdict" role="status"></p>
<ol id="checks"></ol>
</main>
<script src="verify-card/check.js"></script>
</body>
</html>
"""
_STYLE = b"""body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 48rem; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
textarea { box-sizing: border-box; font-family: monospace; width: 100%; }
button { font: inherit; margin-top: 1rem; padding: 0.25rem 1.5rem; }
#verdict { font-weight: bold; }
[data-holds="true"], [data-verdict="holds"] { color: #15622b; }
[data-holds="false"], [data-verdict="broken"], [data-verdict="impossible"] { color: #a11313; }
[data-holds="pending"], [data-verdict="pending"] { color: #7a5200; }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e8e8e8; }
  [data-holds="true"], [data-verdict="holds"] { color: #6fd58a; }
  [data-holds="false"], [data-verdict="broken"], [data-verdict="impossible"] { color: #ff8d8d; }
  [data-holds="pending"], [data-verdict="pending"] { color: #f0c060; }
}
"""


def routes() -> list[Route]:
    """The routes of the page."""
    return [
        Route("/verify-card", _page),
        Route("/verify-card/check.js", _script),
        Route("/verify-card/style.css", _style),
    ]


async def _page(_: Request) -> Response:
    return Response(_PAGE, headers={"content-security-policy": _POLICY}, media_type="text/html")


async def _script(_: Request) -> Response:
    return FileResponse(SCRIPT, media_type="text/javascript")


async def _style(_: Request) -> Response:
    return Response(_STYLE, media_type="text/css")
