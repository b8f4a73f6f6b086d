"""The words that answers are made of: short, so that each is one token for every model."""

from typing import Final

from seawall.sandbox.draw import Draw

_TEXT: Final = """
a able also and area arm as back base bay best big blue boat both calm cape care case clay coal coat cold cool
cost crew dark dawn day deck deep dock down dry dusk each east ebb edge end even fair far fast few firm fish
flag flow foam fog for free full gale gate glow good grey gull half hand hard haul high hold home hour hull ice
in inch isle join just keel keep kelp knot lamp land last late lead left less let line list load log long loud
low main many map mark mast mild mile mist mole moon more most near neat neap next noon norm note now oak oar of
old on once one open over own pace pale pass path peak pier plan pole pool port pull quay rail rain rate reef
rest rise rock roof rope row safe sail salt sand sea seal set ship show side sign slow snow soft some spar spit
stay stem sun surf tall tar team tide till time to tow town trim true turn up vast view wait wake wall warm wash
wave way well west wet wide wind with work yard year
"""
WORDS: Final = tuple(_TEXT.split())
_SENTENCE: Final = (6, 12)


def phrase(draw: Draw, count: int) -> str:
    """Give so many words with a space between them."""
    return " ".join(WORDS[draw.below(len(WORDS))] for _ in range(count))


def prose(draw: Draw, tokens: int) -> list[str]:
    """Give sentences of exactly so many tokens, token by token: each word with its space, each full stop."""
    pieces: list[str] = []
    while len(pieces) < tokens:
        words = [" " + WORDS[draw.below(len(WORDS))] for _ in range(draw.between(*_SENTENCE))]
        words[0] = words[0].title()
        pieces += [*words, "."]
    pieces[:1] = [pieces[0].lstrip()] if pieces else []
    if tokens > 1:
        if pieces[tokens - 2] == ".":
            pieces[tokens - 2] = " " + WORDS[0]
        pieces[tokens - 1] = "."
    return pieces[:tokens]
