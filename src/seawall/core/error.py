"""The one tree of errors.

    SeawallError
    ├── PolicyError              the document is wrong; nothing is served from it
    ├── Refused                  we said no; trying again unchanged cannot help
    │   ├── BadRequest           400  the request is not what the endpoint takes
    │   │   ├── BodyTooLarge     413
    │   │   ├── Unsupported      400  nothing here can carry this request
    │   │   └── Mismatch         422  the idempotency key stands for another request
    │   ├── NotAuthenticated     401  no key, or not a good one
    │   ├── NotAllowed           403  a good key, not for this
    │   ├── NotFound             404  no such path, route or model
    │   ├── MethodNotAllowed     405  the path is answered, but not for this method
    │   ├── Conflict             409  an idempotency key whose first call is not over, or ended nobody knows how
    │   ├── BudgetExhausted      402  the call does not fit under a cap
    │   └── RateLimited          429  more calls or tokens than the policy allows now
    ├── Unavailable              503  we cannot serve it now; later may help
    │   ├── TargetClosed         503  the target's breaker is open, or a switch holds it
    │   ├── Overloaded           503  more calls than can be carried; the least important are sent away first
    │   ├── Killed               503  an operator has switched it off
    │   ├── LedgerUnavailable    503  spending cannot be booked now, so nothing is spent
    │   └── Stopping             503  the process ends, and its grace time is over
    ├── DeadlineExceeded         504  our own deadline passed
    └── UpstreamError            they failed
        ├── UpstreamRefused      they answered with an error status, passed on in the client's dialect
        ├── UpstreamCredentials  502  they refused our credentials, which is no fault of the client
        ├── UpstreamTimeout      504  connecting, first token or next bytes took too long
        ├── UpstreamUnreachable  502  no connection: nothing was sent, so nothing can be billed
        └── UpstreamBroken       502  the connection or the answer broke; it may have been billed

`code` is stable and ends in records and metrics, `status` is the HTTP status, `str(error)` is for the person who reads
it: what was found, what was expected, where, how to mend it. A message never holds a credential or a prompt.
"""

from typing import ClassVar


class SeawallError(Exception):
    """Everything that Seawall raises on purpose."""

    code: str = "seawall.error"
    status: int = 500
    retry_after_s: float | None = None
    should_retry: bool | None = None  # None leaves the decision to the client


class PolicyError(SeawallError):
    """The policy document cannot be used; the message has one line for each fault."""

    code = "policy.invalid"


class Refused(SeawallError):
    """We said no; the caller must not simply try again."""

    code = "refused"
    status = 403
    should_retry: bool | None = False
    param: str | None = None

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.param = param


class BadRequest(Refused):
    """The request is not what the endpoint takes; `param` is the path of the bad field."""

    code = "request.invalid"
    status = 400


class BodyTooLarge(BadRequest):
    """The body is larger than the policy lets through."""

    code = "request.too_large"
    status = 413


class Unsupported(BadRequest):
    """Nothing that the policy names can carry this request."""

    code = "request.unsupported"


class Mismatch(BadRequest):
    """The idempotency key stands for another request."""

    code = "idempotency.mismatch"
    status = 422


class NotAuthenticated(Refused):
    """No key, an unknown one, a revoked one or an expired one: the answer is the same for all four."""

    code = "access.unauthenticated"
    status = 401


class NotAllowed(Refused):
    """The key is good, but not for this."""

    code = "access.denied"
    status = 403


class NotFound(Refused):
    """No such path, route or model."""

    code = "request.not_found"
    status = 404


class MethodNotAllowed(Refused):
    """The path is answered for other methods, which `allow` names as its header does."""

    code = "request.method"
    status = 405

    def __init__(self, message: str, *, allow: str = "") -> None:
        super().__init__(message)
        self.allow = allow


class Conflict(Refused):
    """The idempotency key is taken: its first call is not over, or ended so that nobody knows what it did."""

    code = "idempotency.conflict"
    status = 409


class BudgetExhausted(Refused):
    """The call's worst case does not fit under a cap. The message names the account, its cap and when it renews.

    `may_degrade` says that the route would rather have a cheaper answer than none.
    """

    code = "budget.exhausted"
    status = 402
    may_degrade: bool = False


class RateLimited(Refused):
    """More calls or tokens than the policy allows just now; `retry_after_s` is when this one would pass."""

    code = "limit.exceeded"
    status = 429
    should_retry: bool | None = None

    def __init__(self, message: str, *, retry_after_s: float, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(SeawallError):
    """We cannot serve it now; later may help."""

    code = "unavailable"
    status = 503
    retry_after_s: float | None = 1.0


class TargetClosed(Unavailable):
    """The target is not tried: its breaker is open, or an operator holds it. Another target may serve the call."""

    code = "breaker.open"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class Overloaded(Unavailable):
    """More calls than can be carried; nothing was dispatched."""

    code = "overload.shed"


class Killed(Unavailable):
    """An operator has switched off what the call asks for; it helps nobody to ask again soon."""

    code = "killswitch.on"
    should_retry = False
    retry_after_s = None


class LedgerUnavailable(Unavailable):
    """What is spent or counted cannot be booked now: nothing goes out without that."""

    code = "ledger.unavailable"


class Stopping(Unavailable):
    """The process ends, and the grace time of what still ran in it is over."""

    code = "gateway.stopping"


class DeadlineExceeded(SeawallError):
    """The route's total deadline passed."""

    code = "deadline.exceeded"
    status = 504
    should_retry = False


class UpstreamError(SeawallError):
    """The provider failed. `dispatched` says whether a byte of the request may have reached it.

    `headers` are those of the provider's answer that a client may see (`retry-after` and its like).
    """

    code = "upstream.error"
    status = 502
    dispatched: bool = True
    headers: tuple[tuple[bytes, bytes], ...] = ()


class UpstreamRefused(UpstreamError):
    """The provider answered with an error status.

    `kind` is the error's type in the provider's own words, `detail` its code, where it gave them.
    """

    code = "upstream.refused"

    def __init__(self, status: int, kind: str, message: str, *, detail: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.param = param


class UpstreamCredentials(UpstreamError):
    """The provider refused the gateway's own credentials."""

    code = "upstream.credentials"
    should_retry = False


class UpstreamTimeout(UpstreamError):
    """Connecting, the first token, the next bytes or a whole answer took longer than the route allows."""

    code = "upstream.timeout"
    status = 504
    PHASES: ClassVar[tuple[str, ...]] = ("connect", "first_token", "idle", "answer")

    def __init__(self, phase: str, after_s: float) -> None:
        super().__init__(f"the provider took longer than the route's {phase}_timeout_ms of {round(after_s * 1000)} ms")
        self.phase = phase
        self.code = f"upstream.timeout.{phase}"
        self.dispatched = phase != "connect"


class UpstreamUnreachable(UpstreamError):
    """No connection could be made; nothing was sent."""

    code = "upstream.unreachable"
    dispatched = False


class UpstreamBroken(UpstreamError):
    """The connection broke, or what came over it is not an answer of the provider's dialect."""

    code = "upstream.broken"
