"""Whose account or bucket a call counts against; pure."""

from typing import Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal[
    "all", "provider", "model", "project", "team", "route", "key", "feature", "user", "conversation"
]
# From the root to the leaf.
KINDS: Final[tuple[Kind, ...]] = (
    "all", "provider", "model", "project", "team", "route", "key", "feature", "user", "conversation",
)  # fmt: skip  # one list, not a column
EACH: Final = "*"


class Said(NamedTuple):
    """A name that a call goes by. `is_bound` says that its key vouches for it; else the caller chose it.

    `text` is what stands in holders' names: a keyed hash where the name is a person's.
    """

    name: str
    text: str
    is_bound: bool


NOBODY: Final = Said("", "", is_bound=False)


class Subject(NamedTuple):
    """Everything that a call counts against. Empty means that there is none.

    `provider` and `model` are those of the attempt; before there is one they are empty. `model` is `provider/model`.
    """

    route: str
    key: str
    team: str = ""
    project: str = ""
    provider: str = ""
    model: str = ""
    user: Said = NOBODY
    feature: Said = NOBODY
    conversation: Said = NOBODY


def holder_of(kind: Kind, name: str, subject: Subject) -> str | None:
    """Name the holder that a budget or limit for `kind` and `name` means in this call; None where it means nobody.

    A name that the caller chose lies under the caller's key, so that nobody spends what is another's: `user:k_1/ab12`.
    """
    if kind == "all":
        return kind
    said = getattr(subject, kind)
    if type(said) is str:
        return f"{kind}:{said}" if said and name in (EACH, said) else None
    if not said.name or name not in (EACH, said.name):
        return None
    # The marks of units and windows, or one who calls himself `x#tokens` would pay money into `x`'s account of tokens.
    text = said.text.replace("%", "%25").replace("#", "%23").replace("@", "%40")
    return f"{kind}:{text}" if said.is_bound or not subject.key else f"{kind}:{subject.key}/{text}"
