"""Many simulated providers in one process, one for each fault: `python fault_providers.py SETTINGS FAULT …`.

`SETTINGS` is the JSON of how they answer. It writes one address a line, in the order of the faults, and ends when its
standard input does. A fault that stays in force needs nobody to steer it, so that all cells of a matrix run together.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

import uvloop

from seawall.sandbox import Sandbox, Settings


async def run(settings: Settings, faults: list[str]) -> None:
    """Serve until the standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    async with AsyncExitStack() as stack:
        for fault in faults:
            sandbox = await stack.enter_async_context(Sandbox(settings))
            if fault:
                sandbox.set_fault(fault)
            sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        loop.add_reader(sys.stdin, ended.set)
        await ended.wait()


if __name__ == "__main__":
    uvloop.run(run(Settings(**json.loads(sys.argv[1])), sys.argv[2:]))
