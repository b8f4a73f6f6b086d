"""Function tools as both of OpenAI's endpoints have them."""

import re
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.field import as_flag, as_name, as_object, as_text, wrong
from seawall.dialects.neutral.conversation import Tool, ToolChoice
from seawall.dialects.neutral.loss import refused

NO_ARGUMENTS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_name(name: str, path: str) -> str:
    """Let a function's name pass that the provider takes.

    Raises:
        Unsupported: it does not; to rename a function would hide from the client which one was called.
    """
    if not _NAME.fullmatch(name):
        raise refused(path, "expected at most 64 letters, digits, underscores and dashes; rename the function")
    return name


def read_function(function: dict[str, Any], path: str) -> Tool:
    """Read a function's definition.

    Raises:
        BadRequest: it is not what the provider takes.
    """
    description, schema = function.get("description"), function.get("parameters")
    return Tool(
        as_name(function.get("name"), f"{path}.name"),
        "" if description is None else as_text(description, f"{path}.description"),
        NO_ARGUMENTS if not schema and schema in (None, {}) else as_object(schema, f"{path}.parameters"),
        as_flag(function.get("strict"), f"{path}.strict"),
    )


def check_choice(choice: ToolChoice, tools: tuple[Tool, ...], path: str) -> ToolChoice:
    """Let a choice pass that the offered tools allow.

    Raises:
        BadRequest: a call is demanded where there is nothing to be called, or a tool is named that is not offered.
    """
    if choice.kind in {"required", "named"} and not tools:
        raise wrong(path, "tools to choose from")
    named = {choice.name} if choice.name else set(choice.allowed)
    if not named <= {tool.name for tool in tools}:
        raise wrong(path, "names of tools that the request defines")
    return choice


def check_forced(choice: ToolChoice | None, tools: tuple[Tool, ...], traits: Traits) -> None:
    """Let a choice pass that the model obeys.

    Raises:
        Unsupported: a call is demanded where there is nothing to be called, or of a model that cannot be made to call.
    """
    if choice is None or choice.kind not in {"required", "named"}:
        return
    if not tools:
        raise refused("tool_choice", "a call is demanded, and there is no tool to be called")
    if not traits.forces_tools:
        raise refused("tool_choice", "the model cannot be made to call a tool; ask with auto")
