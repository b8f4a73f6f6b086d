import asyncio

from seawall.core.holder import NOBODY, Said, Subject
from seawall.core.principal import Principal
from seawall.core.target import Target
from seawall.dialects.dialect import MESSAGES
from seawall.pipeline.exchange import Labels
from seawall.pipeline.subject import subject_of
from seawall.pipeline.watchdog import Kennel
from seawall.testing.virtual_loop import run_virtual
from tests.scene import ROUTE, Call, target


def subject(principal: Principal | None, labels: Labels, asked: Target | None = None) -> Subject:
    async def scene() -> Subject:
        exchange = Call(MESSAGES, principal=principal).exchange(Kennel(asyncio.get_running_loop()))
        exchange.labels = labels
        return subject_of(exchange, asked, lambda name: f"#{name}")

    return run_virtual(scene())


def test_persons_and_conversations_go_by_their_hash_and_belong_to_the_caller() -> None:
    found = subject(Principal("k_1", "a", "p"), Labels("bob", "search", "c9"), target())

    assert found == Subject(
        route=ROUTE,
        key="k_1",
        team="a",
        project="p",
        provider=target().provider.name,
        model=target().name,
        user=Said("bob", "#bob", is_bound=False),
        feature=Said("search", "search", is_bound=False),
        conversation=Said("c9", "#c9", is_bound=False),
    )


def test_what_a_key_is_bound_to_is_its_word() -> None:
    found = subject(Principal("k_1", user="bob", feature="search"), Labels("bob", "search", "c9"))

    assert (found.user.is_bound, found.feature.is_bound, found.conversation.is_bound) == (True, True, False)
    assert (found.provider, found.model) == ("", "")


def test_nobody_is_somebody_too() -> None:
    assert subject(None, Labels()) == Subject(ROUTE, "", user=NOBODY, feature=NOBODY, conversation=NOBODY)
