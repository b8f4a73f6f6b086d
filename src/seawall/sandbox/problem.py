"""The one way in which an endpoint says no; its dialect decides what that looks like."""

from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]  # a JSON object from the wire: its values may be anything until they were checked

BAD_REQUEST: Final = 400


class Problem(Exception):
    """An error answer: `status` and the sentence; `kind`, `code` and `param` where the dialect's defaults do not do."""

    def __init__(
        self, status: int, message: str, *, kind: str | None = None, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
