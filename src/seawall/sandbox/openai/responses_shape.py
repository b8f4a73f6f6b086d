"""What the body of a Responses request must look like, whichever model it is for.

The top level is closed, as the provider's is; items, parts and tools are open. What is named only by its kind here
travels on unread.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_Open: TypeAlias = dict[str, Any]  # an object whose inside is nobody's business here
_Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


def _kind(value: Any) -> str | None:
    """Tell a text from a list, so that a message names the place and not every possibility."""
    return "string" if isinstance(value, str) else "list" if isinstance(value, list) else None


_BY_KIND: Final = Discriminator(_kind, custom_error_type="kind", custom_error_message="expected a string or an array")


class _Breakpoint(_Part):
    mode: Literal["explicit"]
    ttl: Literal["30m", "12h"] = "30m"


class _Marked(_Part):
    prompt_cache_breakpoint: _Breakpoint | None = None


class _Text(_Marked):
    type: Literal["input_text", "output_text"]
    text: str


class _Refusal(_Part):
    type: Literal["refusal"]
    refusal: str


class _Image(_Marked):
    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class _File(_Marked):
    type: Literal["input_file"]
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None


_Piece: TypeAlias = Annotated[_Text | _Refusal | _Image | _File, Field(discriminator="type")]
_Content: TypeAlias = Annotated[Annotated[str, Tag("string")] | Annotated[list[_Piece], Tag("list")], _BY_KIND]


class _Message(_Part):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: _Content


class _Call(_Part):
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class _Output(_Part):
    type: Literal["function_call_output"]
    call_id: str
    output: _Content


class _Reasoning(_Part):
    type: Literal["reasoning"]
    id: str
    summary: list[_Open]
    encrypted_content: str | None = None


class _Other(_Part):
    type: str


def _item(value: Any) -> str:
    """Tell the kind of an item; a message may leave it out."""
    kind = value.get("type", "message") if isinstance(value, dict) else "message"
    return kind if kind in {"message", "function_call", "function_call_output", "reasoning"} else "other"


_Item: TypeAlias = Annotated[
    Annotated[_Message, Tag("message")]
    | Annotated[_Call, Tag("function_call")]
    | Annotated[_Output, Tag("function_call_output")]
    | Annotated[_Reasoning, Tag("reasoning")]
    | Annotated[_Other, Tag("other")],
    Discriminator(_item),
]
_Items: TypeAlias = Annotated[list[_Item], Field(min_length=1)]


class _Function(_Part):
    type: Literal["function"]
    name: _Name
    description: str | None = None
    parameters: _Open | None = None
    strict: bool | None = None


def _tool(value: Any) -> str:
    return "function" if isinstance(value, dict) and value.get("type") == "function" else "other"


_Tool: TypeAlias = Annotated[
    Annotated[_Function, Tag("function")] | Annotated[_Other, Tag("other")], Discriminator(_tool)
]


class _Choice(_Part):
    type: str
    name: str | None = None


def _choice(value: Any) -> str:
    return "word" if isinstance(value, str) else "object"


class _Plain(_Part):
    type: Literal["text", "json_object"]


class _Schema(_Part):
    type: Literal["json_schema"]
    name: _Name
    schema_: Annotated[_Open, Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


class _TextConfig(_Part):
    format: Annotated[_Plain | _Schema, Field(discriminator="type")] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class _ReasoningConfig(_Part):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    include_obfuscation: bool | None = None


class _CacheOptions(_Part):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m", "12h"] | None = None


_ToolChoice: TypeAlias = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")] | Annotated[_Choice, Tag("object")],
    Discriminator(_choice),
]
_Metadata: TypeAlias = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


class ResponsesBody(BaseModel):
    """The body of `POST /v1/responses`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: Annotated[Annotated[str, Tag("string")] | Annotated[_Items, Tag("list")], _BY_KIND]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    tools: Annotated[list[_Tool], Field(max_length=128)] | None = None
    tool_choice: _ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: _TextConfig | None = None
    reasoning: _ReasoningConfig | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    include: list[str] | None = None
    store: bool | None = None
    metadata: _Metadata | None = None
    user: str | None = None
    safety_identifier: Annotated[str, Field(max_length=128)] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: _CacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    background: bool | None = None
    context_management: list[_Open] | None = None
    conversation: str | _Open | None = None
    max_tool_calls: int | None = None
    moderation: _Open | None = None
    previous_response_id: str | None = None
    prompt: _Open | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None


NOT_SIMULATED: Final = (
    "background",
    "context_management",
    "conversation",
    "max_tool_calls",
    "moderation",
    "prompt",
    "top_logprobs",
)
