"""What the body of a request must look like, whichever model it is for.

The top level is closed, as the provider's is; blocks are open, since new fields appear in them all the time. Where a
value is named only by its kind here, its inside travels on unread.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Role: TypeAlias = Literal["user", "assistant", "system"]
_Open: TypeAlias = dict[str, Any]  # an object whose inside is nobody's business here


def _tag(value: Any) -> str | None:
    """Tell a text from a list, so that a message names the place and not every possibility."""
    return "string" if isinstance(value, str) else "list" if isinstance(value, list) else None


_BY_KIND = Discriminator(_tag, custom_error_type="kind", custom_error_message="Input should be a string or a list")


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class CacheControl(_Part):
    """A breakpoint of the prompt cache."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class _Block(_Part):
    cache_control: CacheControl | None = None


class _Text(_Block):
    type: Literal["text"]
    text: str
    citations: list[_Open] | None = None


class _Bytes(_Part):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class _Address(_Part):
    type: Literal["url"]
    url: str


class _File(_Part):
    type: Literal["file"]
    file_id: str


class _Image(_Block):
    type: Literal["image"]
    source: Annotated[_Bytes | _Address | _File, Field(discriminator="type")]


class _PdfBytes(_Part):
    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: str


class _PlainText(_Part):
    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class _Content(_Part):
    type: Literal["content"]
    content: str | list[_Text | _Image]


class _Document(_Block):
    type: Literal["document"]
    source: Annotated[_PdfBytes | _PlainText | _Content | _Address | _File, Field(discriminator="type")]
    title: str | None = None
    context: str | None = None
    citations: _Open | None = None


class _SearchResult(_Block):
    type: Literal["search_result"]
    source: str
    title: str
    content: list[_Text]


class _ToolUse(_Block):
    type: Literal["tool_use"]
    id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
    name: str
    input: _Open


_Texts: TypeAlias = Annotated[Annotated[str, Tag("string")] | Annotated[list[_Text], Tag("list")], _BY_KIND]


class _ToolResult(_Block):
    type: Literal["tool_result"]
    tool_use_id: str
    content: Annotated[Annotated[str, Tag("string")] | Annotated[list["ResultBlock"], Tag("list")], _BY_KIND] = ""
    is_error: bool | None = None


class _Thinking(_Part):
    type: Literal["thinking"]
    thinking: str
    signature: str


class _Redacted(_Part):
    type: Literal["redacted_thinking"]
    data: str


class _OfServer(_Block):
    """A block that the provider itself made in an earlier answer, or that only its own tools read."""

    type: Literal[
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "tool_reference",
        "browser_state",
        "container_upload",
        "compaction",
        "fallback",
    ]


ResultBlock: TypeAlias = Annotated[
    _Text | _Image | _Document | _SearchResult | _OfServer,
    Field(discriminator="type"),
]
Block: TypeAlias = Annotated[
    _Text | _Image | _Document | _SearchResult | _ToolUse | _ToolResult | _Thinking | _Redacted | _OfServer,
    Field(discriminator="type"),
]


class _Message(_Part):
    role: Role
    content: Annotated[Annotated[str, Tag("string")] | Annotated[list[Block], Tag("list")], _BY_KIND]


class _CustomTool(_Block):
    type: Literal["custom"] | None = None
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    input_schema: _Open


class _ServerTool(_Block):
    type: Annotated[str, Field(pattern=r"^[a-z_]+_[0-9]{8}$")]


def _tool_tag(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return "custom" if kind is None or kind == "custom" else "server"  # whatever the client sent, a list too


class _ToolChoice(_Part):
    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: bool | None = None


class _NamedTool(_Part):
    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: bool | None = None


class _Adaptive(_Part):
    type: Literal["adaptive"]
    display: Literal["summarized", "omitted"] | None = None


class _Budget(_Part):
    type: Literal["enabled"]
    budget_tokens: Annotated[int, Field(ge=1024)]
    display: Literal["summarized", "omitted"] | None = None


class _Off(_Part):
    type: Literal["disabled", "between_tools"]


class _Format(_Part):
    type: Literal["json_schema"]
    schema_: Annotated[_Open, Field(alias="schema")]


class _OutputConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _Format | None = None


class CountBody(BaseModel):
    """The body of `POST /v1/messages/count_tokens`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[_Message], Field(min_length=1, max_length=100_000)]
    system: _Texts | None = None
    tools: list[
        Annotated[
            Annotated[_CustomTool, Tag("custom")] | Annotated[_ServerTool, Tag("server")], Discriminator(_tool_tag)
        ]
    ] = Field(default=[], max_length=10_000)
    tool_choice: Annotated[_ToolChoice | _NamedTool, Field(discriminator="type")] | None = None
    thinking: Annotated[_Adaptive | _Budget | _Off, Field(discriminator="type")] | None = None
    output_config: _OutputConfig | None = None
    cache_control: CacheControl | None = None
    speed: Literal["standard", "fast"] | None = None


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    user_id: Annotated[str, Field(max_length=256)] | None = None


class MessageBody(CountBody):
    """The body of `POST /v1/messages`; sampling settings belong to the older API version only."""

    max_tokens: Annotated[int, Field(ge=0)]
    stream: bool = False
    stop_sequences: list[str] | None = None
    metadata: _Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: Literal["us", "global"] | None = None
    container: str | _Open | None = None
    diagnostics: _Open | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None


SAMPLING = ("temperature", "top_p", "top_k")
BETA_FIELDS = frozenset(
    {"mcp_servers", "context_management", "compaction", "fallbacks", "fallback_credit_token", "billing_policy",
     "thread", "betas", "output_format"}
)  # fmt: skip  # a list of names
