"""The sandbox's own endpoints, for whoever steers a test from outside; they answer to this machine only.

GET    /sandbox/control     settings and faults in force, and the names of all that there are
PUT    /sandbox/control     {"settings": {name: value, …}, "faults": ["status=529", {"fault": …, "count": 3}, …]}
DELETE /sandbox/control     back to how it started
GET    /sandbox/meter       what was asked and what would have been billed; ?entries=100 for single calls
DELETE /sandbox/meter       begin again at nothing
GET    /sandbox/requests    the last requests, byte for byte; ?last=10
DELETE /sandbox/requests    forget them
"""

from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_address
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seawall.sandbox.fault import FAULTS, Incident
from seawall.sandbox.problem import BAD_REQUEST, Problem
from seawall.sandbox.reply import Reply, whole
from seawall.sandbox.setting import SETTINGS, changed
from seawall.sandbox.state import State

PREFIX: Final = "/sandbox/"
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_DEFAULT_LAST: Final = 20


class _IncidentBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    fault: str
    count: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0
    model: str | None = None
    path: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:  # any JSON value
        return {"fault": value} if isinstance(value, str) else value


class _ControlBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    settings: dict[str, str | bool | int | float | None] = {}
    faults: list[_IncidentBody] | None = None


def control(state: State, method: str, path: str, query: Mapping[str, str], body: bytes) -> Reply:
    """Answer one of the sandbox's own endpoints.

    Raises:
        Problem: there is no such endpoint, or the body is not good; then nothing was changed.
    """
    match path.removeprefix(PREFIX), method:
        case "control", "GET":
            return _json(_told(state))
        case "control", "PUT":
            _put(state, body)
            return _json(_told(state))
        case "control", "DELETE":
            state.reset()
            return _json(_told(state))
        case "meter", "GET":
            return _json(state.meter.report(_count(query, "entries", 0)))
        case "meter", "DELETE":
            state.meter.clear()
            return _json({})
        case "requests", "GET":
            last = state.requests.last(_count(query, "last", _DEFAULT_LAST))
            return _json({"requests": [seen.report() for seen in last]})
        case "requests", "DELETE":
            state.requests.clear()
            return _json({})
        case (("control" | "meter" | "requests"), _):
            raise Problem(_NOT_ALLOWED, f"{method} is not allowed for {path}")
        case _:
            raise Problem(_NOT_FOUND, f"there is no {path}; there are control, meter and requests under {PREFIX}")


def check_peer(peer: str) -> None:
    """Refuse whoever is not on this machine, since the requests shown have API keys in them.

    Raises:
        Problem: 403.
    """
    address = ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if not mapped.is_loopback:
        raise Problem(_FORBIDDEN, "the sandbox's own endpoints answer to this machine only")


def problem_body(problem: Problem) -> bytes:
    """Write an error of these endpoints."""
    return orjson.dumps({"error": {"message": problem.message}})


def _json(value: Any) -> Reply:  # whatever orjson can write
    return whole(200, orjson.dumps(value))


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < len("1000000")):
        raise Problem(BAD_REQUEST, f"{name}: found {text[:20]!r}, expected a whole number")
    return int(text)


def _put(state: State, body: bytes) -> None:
    try:
        asked = _ControlBody.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Problem(BAD_REQUEST, f"the body is not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Problem(BAD_REQUEST, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    changes = {name: None if value is None else _text(value) for name, value in asked.settings.items()}
    settings = changed(state.settings, changes)
    if asked.faults is not None:
        state.incidents.replace(Incident(**part.model_dump()) for part in asked.faults)
    state.settings = settings


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(state: State) -> dict[str, Any]:
    return {
        "settings": asdict(state.settings),
        "faults": [asdict(incident) for incident in state.incidents.all()],
        "known_settings": {name: setting.meaning for name, setting in SETTINGS.items()},
        "known_faults": {name: fault.meaning for name, fault in FAULTS.items()},
    }
