"""What LiteLLM's own environment loads beside its configuration: whose call it is, and what counts its cost.

LiteLLM keeps keys, teams and their spend in Postgres and takes this path where there is none. `custom_auth` names the
key's cap and each end user's on the call, as rows of the database would; `_ProxyDBLogger` is what LiteLLM itself puts
among its callbacks when it has a database, and settles in Redis what was reserved there.
"""

import json
from pathlib import Path
from typing import Final

from fastapi import Request
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.hooks.proxy_track_cost_callback import _ProxyDBLogger

CAPS: Final = json.loads(Path(__file__).with_name("caps.json").read_text("utf-8"))

spend = _ProxyDBLogger()


async def grant(request: Request, api_key: str) -> UserAPIKeyAuth:
    """Give every call the same key, whose budget is the cap of all, and its caller's own."""
    del request, api_key
    return UserAPIKeyAuth(api_key="sk-tortured", max_budget=CAPS["all"], end_user_max_budget=CAPS["user"])
