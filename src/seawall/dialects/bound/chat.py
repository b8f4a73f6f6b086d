"""The bound of a Chat Completions request."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound import openai
from seawall.dialects.bound.media import openai_image
from seawall.dialects.bound.tally import BLOCK, TOOL, TOOLS, Tally

_SEARCHES: Final = (
    "the model searches before it answers, as often as it likes; use another one with the Responses API and"
    " max_tool_calls, or call where no budget holds"
)
_CEILINGS: Final = ("max_completion_tokens", "max_tokens")
_AUDIO: Final = "audio has prices of its own, which nobody holds; leave it out, or send the call where no budget holds"
_MEDIA: Final = "nobody knows how many tokens a film or a sound becomes; leave it out, or call where no budget holds"
_CHOICES: Final = "n is no whole number, so that nobody knows how many answers there will be; send a number"
# What providers of other models have beside OpenAI's fields, and bill apart.
_OPEN: Final = {
    "models": "the provider may answer with another model (models), whose price is not held",
    "plugins": "plugins have fees of their own, which nobody holds",
    "search_parameters": "search_parameters let the model search, which nobody holds",
}
_SEARCHING: Final = "-search-"  # such models search before every answer, asked or not
_SEARCH: Final = (
    "web_search_options lets the model search as often as it likes; use the Responses API with max_tool_calls,"
    " or call where no budget holds"
)


def chat_bound(fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what a Chat Completions request can use."""
    tally = Tally(target, 0)
    tally.tokens = BLOCK  # the beginning of the answer
    tally.is_short = True  # prompts are cached without being asked
    for name, value in fields.items():
        if value is not None:
            count = _FIELDS.get(name, _other)
            if count is not None:
                count(tally, name, value)
    most = openai.ceiling(fields, _CEILINGS, target)
    if most is not None and fields.get("prediction") is not None:
        most += _predicted(target, fields["prediction"])
    choices = fields.get("n")
    if type(choices) is int:
        most = most and most * max(choices, 1)
    elif choices is not None:
        tally.refuse(_CHOICES)
    if _SEARCHING in tally.model:
        tally.refuse(_SEARCHES)
    return tally.bound(target, most, openai.mode(fields))


def _other(tally: Tally, name: str, value: Any) -> None:
    tally.field(name, value)


def _tools(tally: Tally, _: str, value: Any) -> None:
    tally.json(value)
    if value:
        tally.tokens += TOOLS + TOOL * (len(value) if type(value) is list else 1)


def _search(tally: Tally, _: str, __: Any) -> None:
    tally.refuse(_SEARCH)


def _audio(tally: Tally, name: str, value: Any) -> None:
    if name != "modalities" or value != ["text"]:
        tally.refuse(_AUDIO)


def _media(tally: Tally, _: str, __: Any) -> None:
    tally.refuse(_MEDIA)


def _open(tally: Tally, name: str, value: Any) -> None:
    if value:
        tally.refuse(f"{_OPEN[name]}; leave {name} out, or send the call where no budget holds")


def _predicted(target: Target, value: Any) -> int:
    """Count a predicted answer: what of it does not come true is billed as output beside the answer."""
    apart = Tally(target, 0)
    apart.json(value)
    return apart.tokens


def _messages(tally: Tally, _: str, messages: Any) -> None:
    tally.turns(messages, _turn)


def _turn(tally: Tally, name: str, value: Any) -> None:
    if name == "content":
        _content(tally, value)
    elif name == "audio" and value is not None:
        tally.refuse(_AUDIO)
    elif name == "tool_calls" and type(value) is list:
        tally.tokens += BLOCK * len(value)
        tally.json(value)
    else:
        tally.field(name, value)


def _content(tally: Tally, content: Any) -> None:
    if type(content) is not list:
        tally.text(content)
        return
    for part in content:
        tally.tokens += BLOCK
        if type(part) is not dict:
            tally.text(part)
            continue
        for name, value in part.items():
            count = _PARTS.get(name)
            if count is not None:
                count(tally, name, value)
            elif type(value) is str:
                tally.text(value)
            else:
                tally.field(name, value)


def _file(tally: Tally, _: str, value: Any) -> None:
    if type(value) is dict and type(value.get("file_data")) is str:
        openai.document(tally, value["file_data"], value.get("filename"))
    else:
        tally.store("a file that the provider keeps")


def _image(tally: Tally, _: str, image: Any) -> None:
    # Some servers take the address itself in place of an object.
    url, detail = (image.get("url"), image.get("detail")) if type(image) is dict else (image, None)
    tally.tokens += openai_image(url, detail, tally.model)


_Count: TypeAlias = Callable[[Tally, str, Any], None]

# What each part of a message's content adds, where that is not its text.
_PARTS: Final[dict[str, _Count]] = {
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
    **dict.fromkeys(("video_url", "input_video", "audio_url"), _media),
    "prompt_cache_breakpoint": openai.mark,
}
# What each field of the body adds; None steers the call and never stands in the prompt. Other fields count as text.
_FIELDS: Final[dict[str, _Count | None]] = {
    **dict.fromkeys(("model", "max_tokens", "max_completion_tokens", "stream", "stream_options", "stop", "n", "seed")),
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs")),
    **dict.fromkeys(("top_logprobs", "store", "metadata", "user", "safety_identifier", "prompt_cache_key")),
    **dict.fromkeys(("service_tier", "parallel_tool_calls", "moderation", "reasoning_effort", "verbosity")),
    "prediction": None,  # counts as output
    **dict.fromkeys(_OPEN, _open),
    "messages": _messages,
    "tools": _tools,
    "functions": _tools,
    "response_format": openai.form,
    "prompt_cache_options": openai.mark,
    "prompt_cache_retention": openai.mark,
    "web_search_options": _search,
    "audio": _audio,
    "modalities": _audio,
}
