"""The kill switch on the admin port: see what is off, throw a switch, revive one, and a banner while something is."""

import asyncio
import html
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seawall.core.error import NotFound, Unavailable
from seawall.core.switch import Switch, parse_level
from seawall.stores.files.switch_text import moment_text, switch_json
from seawall.stores.files.switches import SwitchFile
from seawall.telemetry.period import length_s

PATH: Final = "/admin/killswitch"
THROUGH: Final = "http"
MAX_BODY: Final = 16 * 1024
SOMEBODY: Final = "admin token"
BANNER_STYLE: Final = ".off { border: 2px solid #c00; border-radius: .5rem; padding: .5rem .75rem; margin: 1rem 0; }"


class Throwing(msgspec.Struct, forbid_unknown_fields=True, rename={"length": "for"}):
    """What a POST asks for: `for` is a length such as 30m; without one the switch stays until somebody revives it."""

    level: str
    why: str
    length: str = ""
    by: str = SOMEBODY


class Reviving(msgspec.Struct, forbid_unknown_fields=True):
    """What a DELETE asks for; `only` as in `seawall revive`."""

    level: str
    why: str = ""
    by: str = SOMEBODY
    only: bool = False


class KillSwitchDesk:
    """Answer `GET`, `POST` and `DELETE /admin/killswitch`, for whoever has the admin token.

    `deny` gives the answer for a request that may not ask, or None; `headers` go with every answer. Files are changed
    off the event loop; the worker of this port sees its own change before it answers.
    """

    def __init__(
        self,
        switches: SwitchFile,
        wall_s: Callable[[], float],
        deny: Callable[[Request], Response | None],
        headers: dict[str, str],
    ) -> None:
        self._switches = switches
        self._wall_s = wall_s
        self._deny = deny
        self._headers = headers

    def route(self) -> Route:
        """Give the place of this desk on the port."""
        return Route(PATH, self._answer, methods=["GET", "POST", "DELETE"])

    def switches(self) -> list[dict[str, Any]]:  # JSON
        """Say what is off by now."""
        self._switches.refresh()
        return [switch_json(switch) for switch in self._switches.in_force()]

    def banner(self) -> str:
        """Give the page's banner: nothing while nothing is off."""
        self._switches.refresh()
        off = self._switches.in_force()
        if not off:
            return ""
        rows = "".join(
            f"<li><code>{html.escape(switch.level.text)}</code>{html.escape(_told(switch))}</li>" for switch in off
        )
        return f'<div class="off" role="alert"><strong>Switched off by an operator</strong><ul>{rows}</ul></div>'

    async def _answer(self, request: Request) -> Response:
        denied = self._deny(request)
        if denied is not None:
            return denied
        try:
            if request.method == "POST":
                return self._json(await self._throw(await _body(request)), 201)
            if request.method == "DELETE":
                return self._json({"revived": await self._revive(await _body(request))})
        except (ValueError, msgspec.DecodeError) as error:
            return self._json({"error": str(error)}, 400)
        except (NotFound, Unavailable) as error:
            return self._json({"error": str(error)}, error.status)
        return self._json({"switches": self.switches()})

    async def _throw(self, body: bytes) -> dict[str, Any]:  # JSON
        asked = msgspec.json.decode(body, type=Throwing)
        if not asked.why.strip():
            raise ValueError("why: expected a reason; it is recorded, and told to whoever is refused")
        at_s, level = self._wall_s(), parse_level(asked.level)
        length = length_s(asked.length) if asked.length else None
        if length == 0:
            raise ValueError("for: expected longer than no time at all")
        until_s = None if length is None else at_s + length
        switch = Switch(level, until_s, asked.by or SOMEBODY, at_s, asked.why.strip())
        await asyncio.to_thread(self._switches.throw, switch, THROUGH)
        self._switches.refresh()
        return switch_json(switch)

    async def _revive(self, body: bytes) -> list[dict[str, Any]]:  # JSON
        asked = msgspec.json.decode(body, type=Reviving)
        level, by = parse_level(asked.level), asked.by or SOMEBODY
        gone = await asyncio.to_thread(self._switches.revive, level, by, asked.why, THROUGH, only=asked.only)
        self._switches.refresh()
        return [switch_json(switch) for switch in gone]

    def _json(self, value: Any, status: int = 200) -> Response:  # JSON
        return JSONResponse(value, status, headers=self._headers)


async def _body(request: Request) -> bytes:
    """Read a body.

    Raises:
        ValueError: it is longer than any that makes sense, or its sender has left.
    """
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise ValueError(f"the body is longer than {MAX_BODY} bytes")
    except ClientDisconnect:
        raise ValueError("the body never came whole") from None
    return body


def _told(switch: Switch) -> str:
    said = ""
    if switch.at_s is not None:
        said += f" since {moment_text(switch.at_s)}"
    if switch.until_s is not None:
        said += f" until {moment_text(switch.until_s)}"
    if switch.by:
        said += f" by {switch.by}"
    return said + (f": {switch.trouble or switch.why}" if switch.trouble or switch.why else "")
