"""The policy as the operator writes it: frozen models whose types hold the limits and whose names hold the units."""

from seawall.policy.document.account import BudgetDocument, LimitDocument
from seawall.policy.document.capacity import (
    ConcurrencyDocument,
    IdempotencyDocument,
    KillDocument,
    OverloadDocument,
    SharesDocument,
)
from seawall.policy.document.failure import BreakerDocument, DegradedDocument, FallbackDocument
from seawall.policy.document.price import PriceDocument, RatesDocument
from seawall.policy.document.provider import ConsoleCapDocument, ProviderDocument
from seawall.policy.document.root import JournalDocument, PolicyDocument
from seawall.policy.document.route import ProfileDocument, RouteDocument, SharedSettings

__all__ = [
    "BreakerDocument",
    "BudgetDocument",
    "ConcurrencyDocument",
    "ConsoleCapDocument",
    "DegradedDocument",
    "FallbackDocument",
    "IdempotencyDocument",
    "JournalDocument",
    "KillDocument",
    "LimitDocument",
    "OverloadDocument",
    "PolicyDocument",
    "PriceDocument",
    "ProfileDocument",
    "ProviderDocument",
    "RatesDocument",
    "RouteDocument",
    "SharedSettings",
    "SharesDocument",
]
