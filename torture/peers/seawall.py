"""Seawall itself: `seawall serve` with four workers and nothing in its policy but the caps."""

import asyncio
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

import apsw

from seawall.core.key import KeyGrant
from seawall.stores.sqlite.keys import FILE_NAME as KEYS
from seawall.stores.sqlite.keys import SqliteKeyStore
from torture.process import Process, workers_of
from torture.scenario import FLAT, KINDS, SILENT_S, TEAMS, Ask, Caps, Event, Scenario
from torture.traffic import Door
from torture.wall_clock import JUMPS_S, WallClock

WORKERS: Final = 4
PATIENCE_S: Final = 45.0
_USD: Final = 1e9
_ROOM: Final = 8 * 1024  # bytes that may still be written when the disk is full
ROUTES: Final = {"claude-opus-5-5": "/chain", FLAT: "/flat"}
UNSETTLED: Final = """\
SELECT coalesce(sum(amount), 0) FROM charges JOIN unsettled ON unsettled.number = charges.unsettled
JOIN accounts ON accounts.id = charges.account WHERE decided_at_s IS NULL AND accounts.name = 'all@lifetime'
"""
POLICY: Final = """\
version: 1
providers:
  anthropic: {{base_url: '{url}', api_key: env:PROVIDER_KEY}}
  openai: {{base_url: '{url}/v1', api_key: env:PROVIDER_KEY}}
budgets:
  all: {{usd: {caps[all]}, per_day_usd: {caps[all]}}}
  "provider:*": {{usd: {caps[provider]}}}
  "team:*": {{usd: {caps[team]}, per_hour_usd: {caps[team]}}}
  "user:*": {{usd: {caps[user]}}}
prices:
  anthropic/{flat}: {{input_usd_per_mtok: 0, output_usd_per_mtok: 100}}
profiles:
  tortured:
    max_tokens: 4000
    retries: {retries}
    timeout_ms: 8000
    on_exhausted: {on_exhausted}
    on_hang_up: {on_hang_up}
    degraded: {degraded}
routes:
  /any: {{profile: tortured}}
  /flat: {{profile: tortured, model: anthropic/{flat}}}
  /chain: {{profile: tortured, model: claude-opus-5-5, fallback: [claude-haiku-4-5, gpt-5.4]}}
"""


class Seawall:
    """Implements `Peer` on the source that this is a part of."""

    name = "seawall"
    caps = KINDS

    def __init__(self) -> None:
        self._folder = Path()
        self._clock: WallClock | None = None
        self._process: Process | None = None
        self._port = 0
        self._keys: list[str] = []
        self.unsettled_nusd: int | None = None
        self._draw = random.Random(0)  # noqa: S311  # the same seed is the same run

    def version(self) -> str:
        """Name the version of the source."""
        return f"Seawall {metadata.version('seawall')}"

    def start(self, scenario: Scenario, provider_url: str, folder: Path) -> None:
        """Write the policy, issue a key a team, and serve."""
        self._folder, self._draw = folder, random.Random(scenario.seed)  # noqa: S311  # as above
        (folder / "policy.yaml").write_text(policy(scenario, provider_url), "utf-8")
        self._keys = _issue(folder / "state")
        environment = {**os.environ, "PROVIDER_KEY": "provider-key", "PYTHONUNBUFFERED": "1"}  # noqa: TID251  # as a shell
        self._clock = WallClock(folder)
        environment |= self._clock.environment
        words = ["serve", "--policy", "policy.yaml", "--port", "0", "--admin-port", "0", "--workers", str(WORKERS)]
        self._process = Process(
            [sys.executable, "-m", "seawall", *words, "--state-dir", "state", "--grace", "5"],
            folder,
            "gateway.log",
            environment=environment,
        )
        printed = self._process.when_printed("Try it:", PATIENCE_S)
        self._port = int(printed.split()[3].rpartition(":")[2])

    def door(self, ask: Ask) -> Door:
        """Send the dearest model's calls down a chain of fallbacks, and the others where they will."""
        return Door("127.0.0.1", self._port, ROUTES.get(ask.model, "/any"), {"x-api-key": self._keys[ask.team]})

    async def befall(self, event: Event) -> None:
        """Kill a worker, lock the ledger, fill the disk, or set the clock."""
        match event.act:
            case "kill":
                if workers := self._workers():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self._draw.choice(workers), signal.SIGKILL)
            case "lock":
                with self._locked():
                    await asyncio.sleep(SILENT_S * self._draw.random())
            case "full":
                self._limit_files(full=True)
                await asyncio.sleep(SILENT_S * self._draw.random())
                self._limit_files(full=False)
            case _:
                if self._clock is not None:
                    self._clock.set(JUMPS_S[event.act])

    def stop(self) -> None:
        """Ask for an orderly end; what does not end in time is killed, with all that it started."""
        if self._process is not None:
            self._process.stop(PATIENCE_S)

    def complaints(self, billed_nusd: int) -> Sequence[str]:
        """Have the ledger checked by the command for it, and compare it with the meter: it is never below."""
        check = self._command("spend", "check", "--state-dir", "state")
        found = [] if check.returncode == 0 else [f"spend check: {check.stdout}{check.stderr}"]
        with contextlib.closing(apsw.Connection(str(self._folder / "state/ledger.db"))) as db:
            row = db.execute("SELECT settled + leased FROM accounts WHERE name = 'all@lifetime'").fetchone()
            ((unsettled,),) = db.execute(UNSETTLED)
        charged = int(row[0]) if row else 0
        self.unsettled_nusd = int(unsettled)
        if charged < billed_nusd:
            found.append(f"the ledger has {charged} for all, the provider billed {billed_nusd}")
        return found

    def _command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "seawall", *words],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def _workers(self) -> list[int]:
        return [] if self._process is None else workers_of(self._process, whose=b"seawall.gateway.worker")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the ledger's write lock, as a backup or a stuck process would."""
        with contextlib.closing(apsw.Connection(str(self._folder / "state/ledger.db"))) as db:
            db.set_busy_timeout(500)
            try:
                db.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                yield
                return
            yield
            db.execute("ROLLBACK")

    def _limit_files(self, *, full: bool) -> None:
        """Let no worker's file grow beyond a few kilobytes more than the ledger has now, or as it likes."""
        sizes = [path.stat().st_size for path in (self._folder / "state").glob("ledger.db*")]
        for pid in self._workers():
            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                soft = min(sizes, default=0) + _ROOM if full else hard
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def _issue(state: Path) -> list[str]:
    """Issue a key for each team, as `seawall keys create` does."""
    with contextlib.closing(SqliteKeyStore(state / KEYS)) as store:
        issued = [store.create(KeyGrant(team=f"t{team}"), time.time()) for team in range(TEAMS)]  # noqa: TID251  # as a command
    return [each.key.reveal() for each in issued]


def policy(scenario: Scenario, provider_url: str) -> str:
    """Write what an operator would."""
    caps: Caps = scenario.caps
    return POLICY.format(
        url=provider_url,
        caps={name: getattr(caps, name) / _USD for name in Caps.__slots__},
        flat=FLAT,
        retries=scenario.retries,
        on_exhausted=scenario.on_exhausted,
        on_hang_up=scenario.on_hang_up,
        degraded='{message: "Nothing is left."}' if scenario.on_exhausted == "degrade" else "error",
    )
