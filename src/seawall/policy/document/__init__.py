"""The policy as the operator writes it: frozen models whose types hold the limits and whose names hold the units."""

from seawall.policy.document.account import BudgetDocument, LimitDocument
from seawall.policy.document.price import PriceDocument, RatesDocument
from seawall.policy.document.provider import ProviderDocument
from seawall.policy.document.root import JournalDocument, PolicyDocument
from seawall.policy.document.route import ProfileDocument, RouteDocument, SharedSettings

__all__ = [
    "BudgetDocument",
    "JournalDocument",
    "LimitDocument",
    "PolicyDocument",
    "PriceDocument",
    "ProfileDocument",
    "ProviderDocument",
    "RatesDocument",
    "RouteDocument",
    "SharedSettings",
]
