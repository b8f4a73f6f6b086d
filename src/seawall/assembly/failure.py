"""What a client may read of a failure."""

from collections.abc import Callable

from seawall.core.error import NotAuthenticated, Refused, SeawallError, UpstreamError, UpstreamRefused


def presentable(error: SeawallError, scrub: Callable[[str], str]) -> SeawallError:
    """Clear an error of credentials: providers repeat the gateway's, and clients put theirs into the wrong place.

    The error of a missing key has no word of anybody else's, and says what a key looks like.
    """
    if isinstance(error, NotAuthenticated):
        return error
    error.args = (scrub(str(error)),)
    if isinstance(error, Refused | UpstreamRefused) and error.param:
        error.param = scrub(error.param)
    if isinstance(error, UpstreamRefused):
        error.kind, error.detail = scrub(error.kind), scrub(error.detail)
    if isinstance(error, UpstreamError) and error.headers:
        values = [(field, field[1].decode("latin-1")) for field in error.headers]
        error.headers = tuple(field for field, value in values if scrub(value) == value)
    return error
