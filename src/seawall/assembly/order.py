"""The order of the guards, outermost first; the one list that says what runs.

A room that is not built yet has its place here as a comment, so that the order is settled before the room is.
"""

from typing import Final

ORDER: Final = (
    "journal",  # outermost: refusals are recorded too
    # "killswitch": the cheapest no comes first
    "access",  # everything below knows who is asking
    "deadline",  # everything below shares one total, reading the body included
    "intake",  # nobody's body is read before they may call
    # "idempotency": a repeat costs neither a token nor money
    # "limits": before any work is done on the text
    # "prescan": sees what the user wrote, before anything is added
    # "pii": masks on the way in, restores on the way out
    # "retrieval": only for calls that may go on
    # "prompt": puts what was retrieved into its slots
    "route",  # tier and class: names the target
    "tokens",  # the ceiling depends on the target's dialect, and a cache's key on the ceiling
    "sampling",  # what a model refuses is known once the model is
    # "cache": its key needs the finished prompt and the model
    # "validation": above every attempt: its one retry is a new attempt
    # "prefix": marks what is sent, not what is cached here
    # "fallback": next target, with its own retries
    # "retry": same target again
    # "breaker": inside retry: counts every attempt
    # "budget": inside retry and fallback: each attempt has its own hold and receipt
    "meter",  # next to upstream: what was really used
)
