"""What TCP knows about bytes that we sent."""

import socket
import struct
from typing import Final, Protocol

# Offsets in Linux' struct tcp_info (include/uapi/linux/tcp.h); fields are only ever appended to it.
_BYTES_ACKED: Final = 120
_NOTSENT_BYTES: Final = 144
_BYTES_SENT: Final = 200
_BYTES_RETRANS: Final = 208
_ENOUGH: Final = 216
_TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)


class HasSocketOptions(Protocol):
    """A socket, or what an event loop shows of one."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """Read one option."""


def surely_incomplete(sock: HasSocketOptions | None) -> bool:
    """Say, at the peer's end of file, whether its kernel certainly never had all that was sent over this connection.

    A server that closes an idle connection while our request is under way never acknowledges it. Its FIN carries the
    acknowledgement of all that it had, so bytes which are unacknowledged then prove that no server read the whole
    request, while an acknowledged request may have been read, worked on and billed. A reset carries no such word: ask
    only at an end of file. False means "not proved", and always so where the system does not tell (only Linux does).
    TLS makes no difference: the last bytes on the wire are those of the last record.
    """
    if sock is None or _TCP_INFO is None:
        return False
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ENOUGH)
    except (OSError, TypeError):  # closed already, or no TCP socket
        return False
    if len(info) < _ENOUGH:  # a kernel before 4.19
        return False
    (acked,) = struct.unpack_from("=Q", info, _BYTES_ACKED)
    (notsent,) = struct.unpack_from("=I", info, _NOTSENT_BYTES)
    sent, resent = struct.unpack_from("=QQ", info, _BYTES_SENT)
    # The kernel counts the SYN as one acknowledged byte, so a single missing byte may hide; that errs to "not proved".
    return bool(notsent or sent - resent > acked)
