"""The list of models as the Messages dialect tells it."""

from typing import Final

import orjson

from seawall.sandbox.anthropic.check import refuse
from seawall.sandbox.anthropic.endpoint import check_version
from seawall.sandbox.anthropic.model import CLAUDE, Claude, find
from seawall.sandbox.call import Call
from seawall.sandbox.problem import Json, Problem
from seawall.sandbox.reply import Reply, whole

_NOT_FOUND: Final = 404
_DEFAULT_PAGE: Final = 20
_LONGEST_PAGE: Final = 1_000
_YES: Final = {"supported": True}


def models(call: Call) -> Reply:
    """Answer `GET /v1/models`.

    Raises:
        Problem: 400, the version or the page asked for is not good.
    """
    check_version(call)
    limit = call.query.get("limit", str(_DEFAULT_PAGE))
    if not limit.isdecimal() or not 1 <= int(limit[:5]) <= _LONGEST_PAGE:
        raise refuse(f"limit: Input should be from 1 to {_LONGEST_PAGE}")
    names = list(CLAUDE)
    wanted = call.query.get("lifecycle") or call.query.get("lifecycle[]")
    if wanted is not None:
        names = [name for name in names if _lifecycle(CLAUDE[name]) == wanted]
    start, end = 0, len(names)
    if call.query.get("after_id") in names:
        start = names.index(call.query["after_id"]) + 1
    if call.query.get("before_id") in names:
        end = names.index(call.query["before_id"])
        start = max(start, end - int(limit))
    page = names[start : min(end, start + int(limit))]
    answer = {
        "data": [_told(CLAUDE[name]) for name in page],
        "has_more": start + len(page) < end,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
    return whole(200, orjson.dumps(answer))


def model(call: Call) -> Reply:
    """Answer `GET /v1/models/{id}`.

    Raises:
        Problem: 404, there is no such model.
    """
    check_version(call)
    found = find(call.name)
    if found is None:
        raise Problem(_NOT_FOUND, f"model: {call.name}")
    return whole(200, orjson.dumps(_told(found)))


def _lifecycle(model: Claude) -> str:
    return "deprecated" if model.retires else "active"


def _told(model: Claude) -> Json:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": f"{model.created}T00:00:00Z",
        "lifecycle": _lifecycle(model),
        "deprecated_at": f"{model.created}T00:00:00Z" if model.retires else None,
        "retires_at": f"{model.retires}T00:00:00Z" if model.retires else None,
        "line": model.line,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: Claude) -> Json:
    types = {
        "adaptive": True,
        "between_tools": model.can_think_between_tools,
        "disabled": model.can_disable,
        "enabled": model.can_budget,
    }
    return {
        "batch": _YES,
        "citations": _YES,
        "code_execution": _YES,
        "context_management": {"supported": False},
        "effort": {"supported": True, **dict.fromkeys(("low", "medium", "high", "xhigh", "max"), _YES)},
        "image_input": _YES,
        "pdf_input": _YES,
        "server_tools": {
            "supported": False,
            "code_execution": {"supported": False},
            "web_search": {"supported": False},
        },
        "structured_outputs": _YES,
        "thinking": {"supported": True, "types": {name: {"supported": can} for name, can in types.items()}},
    }
