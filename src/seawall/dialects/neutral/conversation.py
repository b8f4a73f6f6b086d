"""What is asked of a model."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Lifetime: TypeAlias = Literal["short", "long"]  # of a provider's prompt cache: 5 or 30 minutes, 1 or 12 hours


@dataclass(frozen=True, slots=True)
class Text:
    """Words. `cached` marks the end of a stable prefix and says for how long it is worth keeping."""

    text: str
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: `data` in base64 with its `media_type`, or else `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document: `data` in base64 (PDF) or plain `text` with its `media_type`, or else `url`."""

    media_type: str = ""
    data: str = ""
    text: str = ""
    url: str = ""
    title: str = ""
    context: str = ""
    cited: bool = False
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model made; `arguments` is the JSON text of an object."""

    id: str
    name: str
    arguments: str
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave back."""

    call_id: str
    parts: tuple["Text | Image | Document", ...]
    is_error: bool = False
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model's thoughts, which nobody but the model that had them can read again.

    `form` names the dialect whose block `raw` is; writers of other forms strip it, and never turn it into text.
    """

    form: str
    raw: Any  # the block or item as it came


@dataclass(frozen=True, slots=True)
class Refusal:
    """A model's words in place of an answer that it would not give."""

    text: str


Part: TypeAlias = Text | Image | Document | ToolCall | ToolResult | Thinking | Refusal
Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Tool results are parts of a user's turn and come first in it."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; `schema` is the whole JSON Schema of its arguments."""

    name: str
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    strict: bool | None = None
    cached: Lifetime | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which tools must or may be called: `named` means the one called `name`, and `allowed` narrows the others."""

    kind: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """How the answer is to be shaped; `schema` goes with `json_schema` only."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str = ""
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How hard to think. `effort` is one of none, minimal, low, medium, high, xhigh, max, or empty for "not said".

    `is_off` says that the client wants no thinking, `budget_tokens` that it wants at most so much.
    """

    effort: str = ""
    is_off: bool = False
    budget_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that is asked in one call; what is None or empty was not said.

    `system` are the instructions before the first turn, in order. `user` is an opaque id of the end user. `wants_usage`
    says whether a stream's client asked to be told its usage.
    """

    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    reasoning: Reasoning | None = None
    format: Format | None = None
    user: str = ""
    is_stream: bool = False
    wants_usage: bool = False
