"""What every section of the document has in common."""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from seawall.policy.reference import EXPECTED, parse_reference

ERROR_TYPE: Final = "policy_value"
NO_SECRET: Final = "none"  # noqa: S105 - says that there is none

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_MODEL: Final = r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}"
_NUSD: Final = 1e-9
EXPECTED_DAY: Final = "a date such as 2026-11-01"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Section(BaseModel):
    """A mapping of the document: no unknown keys, no silent conversions, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def wrong(expected: str, *, code: str = "value.invalid") -> PydanticCustomError:
    """Make a validation error that says what was expected; what was found is told by the reader of the document."""
    return PydanticCustomError(ERROR_TYPE, "expected {expected}", {"expected": expected, "code": code})


def matching(pattern: str, expected: str) -> Callable[[object], object]:
    """Make a validator for a text of this shape."""
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise wrong(expected)
        return value

    return check


def _check_date(value: object) -> date:
    if not isinstance(value, str) or not re.fullmatch(_DATE, value):
        raise wrong(EXPECTED_DAY)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise wrong("a date of the calendar, such as 2026-11-01") from error


def _check_reference(value: object) -> object:
    if not isinstance(value, str):
        raise wrong(EXPECTED)
    if value != NO_SECRET:
        try:
            parse_reference(value)
        except ValueError as error:
            raise wrong(EXPECTED, code="secret.literal") from error
    return value


def _check_cap(usd: float) -> float:
    if 0 < usd < _NUSD:
        raise wrong("0, or at least 0.000000001, which is the smallest amount that is counted")
    return usd


EXPECTED_MODEL: Final = "a model, such as claude-haiku-5-5 or openai/gpt-6-luna"
check_model: Final = matching(_MODEL, EXPECTED_MODEL)

Name: TypeAlias = Annotated[
    str,
    BeforeValidator(matching(_NAME, "a name of letters, digits, dots, dashes and underscores")),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]
ModelName: TypeAlias = Annotated[
    str,
    BeforeValidator(check_model),
    WithJsonSchema({"type": "string", "pattern": f"^{_MODEL}$"}),
]
Day: TypeAlias = Annotated[date, BeforeValidator(_check_date), WithJsonSchema({"type": "string", "format": "date"})]
SecretReference: TypeAlias = Annotated[
    str,
    BeforeValidator(_check_reference),
    WithJsonSchema({"type": "string", "pattern": "^(?:env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/.+|none)$"}),
]

Milliseconds: TypeAlias = Annotated[int, Field(ge=1, le=3_600_000)]
Tokens: TypeAlias = Annotated[int, Field(ge=1, le=10_000_000)]
UsdCap: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000_000), AfterValidator(_check_cap)]
UsdPerMtok: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000)]
