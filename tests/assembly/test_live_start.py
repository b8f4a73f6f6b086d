import asyncio
from pathlib import Path

from seawall.assembly.live import WATCH_S, Live, file_stamp
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import Home, plan, policy

OLD = policy(plan("/ai/chat"), version="old")
NEW = policy(plan("/ai/chat"), version="new")


def test_a_change_between_the_first_reading_and_the_watch_is_not_missed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("old")

    async def main() -> str:
        before = file_stamp(file)
        live = Live(lambda: NEW, Home().entry, OLD)
        file.write_text("newer")
        watch = asyncio.ensure_future(live.watch(file, LoopClock(), before))
        await asyncio.sleep(3 * WATCH_S)
        watch.cancel()
        return live.entry.policy.version

    assert run_virtual(main()) == "new"
