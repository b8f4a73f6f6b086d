"""Read the body and what it says of the call: model, stream, labels."""

from typing import Any

from seawall.core.error import BadRequest
from seawall.core.record import MAX_TEXT
from seawall.dialects.dialect import GENERATING
from seawall.dialects.json_object import JsonObject
from seawall.pipeline.exchange import NO_LABELS, CallNext, Exchange, Labels, Reply

CLASSES = ("interactive", "automation", "analysis")
MAX_MODEL = 256
_LABELS = frozenset({b"x-seawall-user", b"x-seawall-feature", b"x-seawall-conversation", b"x-seawall-class"})


class IntakeGuard:
    """Read and check the body, no more of it than the policy lets in; calls on once."""

    def __init__(self, body_limit: int, traffic_class: str) -> None:
        self._body_limit = body_limit
        self._traffic_class = traffic_class

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Take the request in, then go on.

        Raises:
            BadRequest: the body, or one of the fields or labels that decide about the call, is not what it should be.
        """
        exchange.traffic_class = self._traffic_class
        fields: dict[str, Any] = {}
        if exchange.endpoint.has_body:
            body = JsonObject.parse(await exchange.read_body(self._body_limit))
            exchange.body, fields = body, body.fields
            model = fields.get("model", "")
            if type(model) is not str or len(model) > MAX_MODEL:
                raise BadRequest(f"model: expected the id of a model, at most {MAX_MODEL} characters", param="model")
            exchange.model_asked = model
            exchange.wants_stream = _wants_stream(exchange, fields)
        exchange.labels = _labels(exchange, fields)
        if exchange.labels.traffic_class:
            exchange.traffic_class = exchange.labels.traffic_class
        return await call_next(exchange)


def _wants_stream(exchange: Exchange, fields: dict[str, Any]) -> bool:
    """Say whether the answer is to be a stream; where no endpoint streams, the field is the provider's to refuse."""
    stream = fields.get("stream")
    if stream is None or exchange.endpoint not in GENERATING:
        return False
    if type(stream) is not bool:
        raise BadRequest("stream: expected true or false", param="stream")
    return stream


def _labels(exchange: Exchange, fields: dict[str, Any]) -> Labels:
    """Collect the labels: what the key is bound to comes first, then the headers, then the dialect's own fields."""
    headers, principal = exchange.headers, exchange.principal
    if _LABELS.isdisjoint(headers) and (principal is None or not (principal.user or principal.feature)):
        user = _dialect_user(fields)
        return Labels(user) if user else NO_LABELS
    user = (principal.user if principal else "") or _header(headers.get(b"x-seawall-user"), "x-seawall-user")
    user = user or _dialect_user(fields)
    feature = (principal.feature if principal else "") or _header(
        headers.get(b"x-seawall-feature"), "x-seawall-feature"
    )
    conversation = _header(headers.get(b"x-seawall-conversation"), "x-seawall-conversation")
    traffic_class = _header(headers.get(b"x-seawall-class"), "x-seawall-class")
    if not (user or feature or conversation or traffic_class):
        return NO_LABELS
    if traffic_class and traffic_class not in CLASSES:
        raise BadRequest(f"x-seawall-class: found an unknown class; expected one of {', '.join(CLASSES)}")
    return Labels(user, feature, conversation, traffic_class)


def _header(value: bytes | None, name: str) -> str:
    if value is None:
        return ""
    text = value.decode("latin-1")
    if len(text) > MAX_TEXT or not text.isascii() or not text.isprintable():
        raise BadRequest(f"{name}: expected at most {MAX_TEXT} printable ASCII characters", param=name)
    return text


def _dialect_user(fields: dict[str, Any]) -> str:
    """Find the user where Anthropic (`metadata.user_id`) or OpenAI (`safety_identifier`, `user`) clients put one."""
    metadata = fields.get("metadata")
    user = metadata.get("user_id") if type(metadata) is dict else None
    user = user or fields.get("safety_identifier") or fields.get("user")
    return user[:512] if type(user) is str else ""
