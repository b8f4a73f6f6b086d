"""What a call counts against, as budgets and limits name it."""

from collections.abc import Callable

from seawall.core.holder import NOBODY, Said, Subject
from seawall.core.principal import ANONYMOUS
from seawall.core.target import Target
from seawall.pipeline.exchange import Exchange


def subject_of(exchange: Exchange, target: Target | None, hash_person: Callable[[str], str]) -> Subject:
    """Say who asks, where, and of which target; users and conversations go by their keyed hash.

    A user or feature is the key's word where the key is bound to one, and the caller's own otherwise.
    """
    principal, labels = exchange.principal or ANONYMOUS, exchange.labels
    user, feature, conversation = labels.user, labels.feature, labels.conversation
    return Subject(
        route=exchange.route,
        key=principal.key_id,
        team=principal.team,
        project=principal.project,
        provider="" if target is None else target.provider.name,
        model="" if target is None else target.name,
        user=Said(user, hash_person(user), bool(principal.user)) if user else NOBODY,
        feature=Said(feature, feature, bool(principal.feature)) if feature else NOBODY,
        conversation=Said(conversation, hash_person(conversation), is_bound=False) if conversation else NOBODY,
    )
