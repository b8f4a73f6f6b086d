"""The admin port: a page that says how to call this gateway, and its state for whoever has the admin token."""

import contextlib
import hmac
import html
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

import seawall
from seawall.assembly.build import House
from seawall.assembly.clock import SystemClock
from seawall.assembly.live import Live
from seawall.gateway.admin_killswitch import BANNER_STYLE, KillSwitchDesk
from seawall.gateway.admin_targets import target_states, targets_table
from seawall.gateway.banner import snippet
from seawall.gateway.options import ServeOptions
from seawall.stores.files.switches import SwitchFile
from seawall.telemetry.journal.writer import Writer

TOKEN_FILE: Final = "admin_token"  # noqa: S105  # a file's name
_SHORTEST: Final = 16
_HOSTS: Final = ("127.0.0.1", "localhost")  # a page elsewhere whose name is made to lead here gets nothing
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; min-width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
"""


def admin_token(state_dir: Path) -> str:
    """Read the admin token of a state directory, and make one where there is none (mode 0600).

    The file appears whole or not at all. One that is too short to be a token is replaced: an empty one, left by a full
    disk, would let in whoever presents nothing.

    Raises:
        OSError: the directory cannot be read or written.
    """
    path = state_dir / TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        token = path.read_text("utf-8").strip()
        if len(token) >= _SHORTEST:
            return token
    fresh = path.with_name(f"{TOKEN_FILE}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(token := secrets.token_urlsafe(32))
    fresh.replace(path)
    return token


class AdminPort:
    """Serve the admin port; `/` and `/healthz` are open to whoever reaches it, all else wants the token.

    `switches` is the worker's own view of the kill switch, so that what is changed here counts in it at once; None
    opens another one. `house` is what the worker's pipelines share, for its targets and its load.
    """

    def __init__(
        self, options: ServeOptions, live: Live, writer: Writer, house: House, switches: SwitchFile | None = None
    ) -> None:
        self._clock = SystemClock()
        wall_s = self._clock.wall_s
        self._desk = KillSwitchDesk(switches or SwitchFile(options.state_dir, wall_s), wall_s, self._denial, _HEADERS)
        self._options = options
        self._live = live
        self._writer = writer
        self._house = house
        self._token = admin_token(options.state_dir)
        self._app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/healthz", self._health),
                Route("/admin/status", self._status),
                self._desk.route(),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False)],
        )

    async def serve(self, listening: socket.socket) -> None:
        """Serve until cancelled."""
        config = uvicorn.Config(
            self._app, loop="none", lifespan="off", access_log=False, log_config=None, server_header=False, ws="none"
        )
        server = _SignalFree(config)
        try:
            await server.serve(sockets=[listening])
        finally:
            server.close()

    async def _health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    def _denial(self, request: Request) -> Response | None:
        """Give the answer for whoever does not present the token, None for whoever does."""
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(presented.strip().encode(), self._token.encode()):
            return None
        return JSONResponse({"error": f"expected the token in {TOKEN_FILE}"}, 401, headers=_HEADERS)

    async def _status(self, request: Request) -> Response:
        """Tell what is in force, and how targets, this worker and its journal do; never a credential."""
        if denied := self._denial(request):
            return denied
        policy, journal = self._live.entry.policy, self._writer.state()
        admissions = self._house.admissions
        status: dict[str, Any] = {  # JSON
            "version": seawall.__version__,
            "policy": {"source": policy.source, "version": policy.version, "routes": sorted(policy.plans)},
            "workers": self._options.workers,
            "switches": self._desk.switches(),
            "targets": msgspec.to_builtins(target_states(self._house, self._clock.monotonic_s())),
            "load": {"in_flight": admissions.in_flight, "lag_s": round(admissions.lag.lag_s, 4)},
            "journal": {"queued": journal.queued, "dropped": journal.dropped, "unfit": journal.unfit},
        }
        return JSONResponse(status, headers=_HEADERS)

    async def _page(self, request: Request) -> Response:
        del request
        policy = self._live.entry.policy
        rows = "".join(
            f"<tr><td><code>{html.escape(route)}</code></td><td>{html.escape(_leads_to(plan.targets))}</td>"
            f"<td>{plan.tokens.max_tokens}</td><td>{plan.timeouts.total_s:g} s</td></tr>"
            for route, plan in sorted(policy.plans.items())
        )
        targets = targets_table(target_states(self._house, self._clock.monotonic_s()))
        page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Seawall</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}{BANNER_STYLE}</style></head><body>
<h1>Seawall {html.escape(seawall.__version__)}</h1>{self._desk.banner()}
<p>Policy <code>{html.escape(policy.source)}</code>, version <code>{html.escape(policy.version)}</code>.</p>
<h2>Call it</h2><pre>{html.escape(snippet(self._options, min(policy.plans)))}</pre>
<h2>Routes</h2><div class="wide"><table><thead><tr><th scope="col">Route</th><th scope="col">Model</th>
<th scope="col">Max tokens</th><th scope="col">Deadline</th></tr></thead><tbody>{rows}</tbody></table></div>
{targets}<h2>See what happened</h2><pre>seawall calls --since 1h
seawall spend --by route --since today</pre></body></html>"""
        return HTMLResponse(page, headers=_HEADERS)


def _leads_to(targets: tuple[Any, ...]) -> str:  # targets; their name is all that is wanted
    return ", then ".join(target.name for target in targets) or "the client's own model"


class _SignalFree(uvicorn.Server):
    """A server that leaves signals to the worker it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the worker's signal handlers alone."""
        yield

    def close(self) -> None:
        """Close what it opened; its own way to do so takes a tenth of a second, and a cancelled task has none."""
        for listener in getattr(self, "servers", ()):  # absent when it was cancelled before it listened
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
