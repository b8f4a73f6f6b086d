"""The order of the guards, outermost first; the one list that says what runs.

`fallback` divides it: what stands before it runs once a call, what stands after it once for every target that is tried,
from `retry` on once for every attempt.

A room that is not built yet has its place here as a comment, so that the order is settled before the room is.
"""

from typing import Final

ORDER: Final = (
    "journal",  # outermost: refusals are recorded too
    "access",  # everything below knows who is asking
    "deadline",  # everything below shares one total, reading the body included
    "intake",  # nobody's body is read before they may call
    "degraded",  # the answer that is served in spite of anything below; it has to know whether a stream was asked for
    "killswitch",  # the cheapest no comes first of all that is below, so that an operator's word is above everything
    "admission",  # what cannot be carried is sent away before any work is done on it
    "idempotency",  # a repeat costs neither a token nor money
    "hangup",  # below what decides whether the call is made at all: it lets what is made go on to its end
    "calls",  # a repeat is no new call
    "limits",  # before any work is done on the text
    # "prescan": sees what the user wrote, before anything is added
    # "pii": masks on the way in, restores on the way out
    # "retrieval": only for calls that may go on
    # "prompt": puts what was retrieved into its slots
    "route",  # tier and class: names the target
    # "cache": its key needs the finished prompt and the model
    # "validation": above every attempt: its one retry is a new attempt
    # "prefix": marks what is sent, not what is cached here
    "fallback",  # next target, with its own settings and its own retries
    "translation",  # what follows sees the request as the target will
    "tokens",  # the ceiling and its field depend on the target
    "sampling",  # what a model refuses is known once the model is
    "retry",  # same target again
    "breaker",  # inside retry: counts every attempt
    "concurrency",  # inside the breaker: a closed target holds no place
    "budget",  # inside retry and fallback: each attempt has its own hold and receipt
    "lastlook",  # the kill switch once more, after all that waits: nothing is dispatched after it was thrown
    "meter",  # next to upstream: what was really used
)
