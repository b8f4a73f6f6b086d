"""How a gateway process is started."""

import socket
from dataclasses import dataclass
from pathlib import Path

import msgspec


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The command line of `seawall serve`, as it also travels to the workers.

    `policy` None is the quick start without a file. `sandbox_url` is the address of the simulated provider that stands
    in for providers without a key, empty if there is none.
    """

    policy: Path | None
    state_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    admin_port: int = 8081
    workers: int = 1
    insecure_dev: bool = False
    sandbox_url: str = ""
    grace_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Ports:
    """The listening sockets of a gateway; of several workers only the one in slot 0 has the admin port."""

    data: socket.socket
    admin: socket.socket | None


@dataclass(frozen=True, slots=True)
class Seat:
    """A worker's place: its sockets, its slot number, and its supervisor's process id.

    The slot number names what is the worker's own: no two that live at once have the same, and there are at most twice
    as many as workers. Place n has the numbers n and n + workers, and a rolling restart takes turns between them.
    `parent` None is a worker in the gateway's own process.
    """

    ports: Ports
    slot: int = 0
    parent: int | None = None
