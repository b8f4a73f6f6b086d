"""What the bodies of requests must look like, whichever model they are for.

The top level is closed, as the provider's is; messages and parts are open. What is named only by its kind here travels
on unread.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_Open: TypeAlias = dict[str, Any]  # an object whose inside is nobody's business here


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


def _tag(value: Any) -> str | None:
    """Tell a text from a list, so that a message names the place and not every possibility."""
    return "string" if isinstance(value, str) else "list" if isinstance(value, list) else None


_BY_KIND: Final = Discriminator(_tag, custom_error_type="kind", custom_error_message="expected a string or an array")


class _Breakpoint(_Part):
    mode: Literal["explicit"]
    ttl: Literal["30m", "12h"] = "30m"


class _Marked(_Part):
    prompt_cache_breakpoint: _Breakpoint | None = None


class _Text(_Marked):
    type: Literal["text"]
    text: str


class _RefusalPart(_Part):
    type: Literal["refusal"]
    refusal: str


class _ImageUrl(_Part):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class _Image(_Marked):
    type: Literal["image_url"]
    image_url: _ImageUrl


class _Audio(_Part):
    data: str
    format: Literal["wav", "mp3"]


class _InputAudio(_Marked):
    type: Literal["input_audio"]
    input_audio: _Audio


class _FileData(_Part):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _File(_Marked):
    type: Literal["file"]
    file: _FileData


_Texts: TypeAlias = Annotated[Annotated[str, Tag("string")] | Annotated[list[_Text], Tag("list")], _BY_KIND]
_UserPart: TypeAlias = Annotated[_Text | _Image | _InputAudio | _File, Field(discriminator="type")]
_AssistantPart: TypeAlias = Annotated[_Text | _RefusalPart, Field(discriminator="type")]
_AssistantContent: TypeAlias = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[_AssistantPart], Tag("list")], _BY_KIND
]


class _System(_Part):
    role: Literal["system", "developer"]
    content: _Texts


class _User(_Part):
    role: Literal["user"]
    content: Annotated[Annotated[str, Tag("string")] | Annotated[list[_UserPart], Tag("list")], _BY_KIND]


class _CalledFunction(_Part):
    name: str
    arguments: str


class _FunctionCall(_Part):
    id: str
    type: Literal["function"]
    function: _CalledFunction


class _CalledCustom(_Part):
    name: str
    input: str


class _CustomCall(_Part):
    id: str
    type: Literal["custom"]
    custom: _CalledCustom


class _Assistant(_Part):
    role: Literal["assistant"]
    content: _AssistantContent | None = None
    refusal: str | None = None
    tool_calls: list[Annotated[_FunctionCall | _CustomCall, Field(discriminator="type")]] | None = None


class _ToolMessage(_Part):
    role: Literal["tool"]
    tool_call_id: str
    content: _Texts


class _FunctionMessage(_Part):
    role: Literal["function"]
    name: str
    content: str | None


_Message: TypeAlias = Annotated[
    _System | _User | _Assistant | _ToolMessage | _FunctionMessage, Field(discriminator="role")
]


class _Function(_Part):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: _Open | None = None
    strict: bool | None = None


class _FunctionTool(_Part):
    type: Literal["function"]
    function: _Function


class _CustomTool(_Part):
    type: Literal["custom"]
    custom: _Open


class _NamedFunction(_Part):
    name: str


class _NamedTool(_Part):
    type: Literal["function"]
    function: _NamedFunction


class _OtherChoice(_Part):
    type: Literal["allowed_tools", "custom"]


def _choice_tag(value: Any) -> str:
    return "word" if isinstance(value, str) else "named"


class _JsonSchema(_Part):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    schema_: Annotated[_Open | None, Field(alias="schema")] = None
    strict: bool | None = None


class _PlainFormat(_Part):
    type: Literal["text", "json_object"]


class _SchemaFormat(_Part):
    type: Literal["json_schema"]
    json_schema: _JsonSchema


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class _CacheOptions(_Part):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m"] | None = None


_Tool: TypeAlias = Annotated[_FunctionTool | _CustomTool, Field(discriminator="type")]
_Choice: TypeAlias = Annotated[_NamedTool | _OtherChoice, Field(discriminator="type")]
_ToolChoice: TypeAlias = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")] | Annotated[_Choice, Tag("named")],
    Discriminator(_choice_tag),
]
_Stops: TypeAlias = Annotated[list[str], Field(max_length=4)]
_Stop: TypeAlias = Annotated[Annotated[str, Tag("string")] | Annotated[_Stops, Tag("list")], _BY_KIND]
_Name: TypeAlias = Annotated[str, Field(max_length=64)]
_Value: TypeAlias = Annotated[str, Field(max_length=512)]
_Metadata: TypeAlias = Annotated[dict[_Name, _Value], Field(max_length=16)]


class ChatBody(BaseModel):
    """The body of `POST /v1/chat/completions`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[_Message], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    tools: Annotated[list[_Tool], Field(max_length=128)] | None = None
    tool_choice: _ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[_PlainFormat | _SchemaFormat, Field(discriminator="type")] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    seed: int | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stop: _Stop | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: _Open | None = None
    prediction: _Open | None = None
    moderation: _Open | None = None
    web_search_options: _Open | None = None
    store: bool | None = None
    metadata: _Metadata | None = None
    user: str | None = None
    safety_identifier: Annotated[str, Field(max_length=128)] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: _CacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    functions: list[_Open] | None = None
    function_call: str | _Open | None = None


NOT_SIMULATED: Final = (
    "audio",
    "prediction",
    "moderation",
    "web_search_options",
    "functions",
    "function_call",
    "logprobs",
)


class EmbeddingBody(BaseModel):
    """The body of `POST /v1/embeddings`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: str | Annotated[list[str] | list[int] | list[list[int]], Field(min_length=1, max_length=2048)]
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
