"""The file itself: against the oracle, and among processes."""

import random
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable, Refused
from seawall.ports.books import Books
from seawall.ports.ledger import Grant, Ledger, Move, Unsettled, Want
from seawall.stores.files.owners import FileOwners
from seawall.stores.memory.ledger import MemoryLedger
from seawall.stores.sqlite.ledger import SqliteLedger
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_file import LedgerFile
from seawall.testing.ledger import differences

ACCOUNTS = (
    Account("all@2026-11-21/UTC", Unit.NUSD, 3000),
    Account("team:a@2026-11-21/UTC", Unit.NUSD, 1000),
    Account("user:u#tokens@lifetime", Unit.TOKENS, 400),
    Account("user:u#calls@2026-11-21/UTC", Unit.CALLS, 20),
)
WORKERS = ("w1", "w2", "w3")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


class _Step:
    """One random step, that any ledger can be asked to do."""

    def __init__(self, draw: random.Random, number: int) -> None:
        self.owner = draw.choice(WORKERS) if draw.random() < 0.95 else f"short-lived {number}"
        self.what = draw.choices(("lease", "report", "bury", "squeezed", "reconcile"), (40, 40, 2, 10, 8))[0]
        self.number = number - draw.choice((0, 0, 0, 5))
        self.at_s = float(number * 2)
        self.asked = [[_want(draw) for _ in range(draw.randrange(5))] for _ in range(draw.randrange(4))]
        self.moves = [
            Move(draw.choice(ACCOUNTS).name, draw.choice((0, 5, 60)), draw.choice((0, 0, 3, 90)))
            for _ in range(draw.randrange(4))
        ]
        self.unsettled = [
            Unsettled(f"a{number - draw.choice((0, 7))}", self.at_s, "unknown", "x/y", ((move.account, move.settle),))
            for move in self.moves[:2]
        ]
        self.portion = draw.random()

    async def take(self, ledger: Ledger, books: Books) -> object:
        """Do it, and give all that can be seen of it."""
        try:
            match self.what:
                case "lease":
                    return list(await ledger.lease(self.owner, self.asked, self.at_s))
                case "report":
                    await ledger.report(self.owner, self.number, self.moves, self.unsettled, self.at_s)
                    return None
                case "bury":
                    return await ledger.bury(self.owner, self.at_s)
                case "squeezed":
                    return list(await ledger.squeezed(self.owner))
            for row in books.unsettled_rows()[:1]:
                actual = {name: int(amount * self.portion) for name, amount in row.unsettled.charges}
                books.reconcile(row.unsettled.id, actual, "ann", "because", self.at_s)
        except (LedgerUnavailable, Refused) as error:
            return str(error)
        return None


def _want(draw: random.Random) -> Want:
    account = draw.choice(ACCOUNTS)
    least = draw.choice((0, 1, 7, account.cap // 3))
    cap = account.cap // 2 if draw.random() < 0.03 else account.cap
    return Want(account._replace(cap=cap), least, least + draw.choice((0, 1, account.cap)))


def _seen(books: Books) -> Sequence[object]:
    rows = books.unsettled_rows(), books.unsettled_rows(decided=True)
    return books.balances(), books.leases(), rows, list(books.history())


@pytest.mark.parametrize("seed", range(20))
async def test_the_file_does_what_the_oracle_does(path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # a case, no secret
    oracle, books = MemoryLedger(), SqliteBooks(path)
    ledgers = [SqliteLedger(path), SqliteLedger(path)]

    for number in range(1, 120):
        step = _Step(draw, number)
        expected = await step.take(oracle, oracle)
        assert await step.take(ledgers[number % 2], books) == expected, f"step {number}: {step.what}"
        assert books.balances() == oracle.balances(), f"step {number}: {step.what}"

    assert _seen(books) == _seen(oracle)
    # Steps at random doubt what was never charged; of all else nothing differs.
    assert [found for found in differences(books) if "more unsettled than settled" not in found] == []
    for ledger in ledgers:
        ledger.close()
    books.close()


_HAMMER = """
import sys
from pathlib import Path
from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Grant, Move, Want
from seawall.stores.files.owners import FileOwners
from seawall.stores.sqlite.ledger_file import LedgerFile

def sure(step, *words):  # a busy machine lets the others have the file for longer than one step waits
    for _ in range(10):
        try:
            return step(*words)
        except LedgerUnavailable as error:
            if "locked" not in str(error):
                raise
    return step(*words)

state, cap = Path(sys.argv[1]), int(sys.argv[2])
team, total = Account("team:a@lifetime", Unit.NUSD, cap), Account("all@lifetime", Unit.NUSD, cap * 2)
owner, ledger, number, spent = FileOwners(state, 0).owner, LedgerFile(state / "ledger.db"), 0, 0
print(owner, flush=True)
sys.stdin.readline()
while isinstance(given := sure(ledger.lease, owner, [[Want(team, 1, 40), Want(total, 1, 40)]], 1.0)[0], Grant):
    one, other = given.amounts
    if number == 10:
        print("ten", flush=True)
    number += 1
    moves = [Move(team.name, one - one // 3, one // 3), Move(total.name, other // 2, other - other // 2)]
    sure(ledger.report, owner, number, moves, [], 1.0)
    spent += one - one // 3
print(spent, flush=True)
"""


@pytest.mark.parametrize("is_killed", [False, True])
def test_four_processes_grant_a_cap_to_the_last_unit_and_never_more(tmp_path: Path, is_killed: bool) -> None:
    cap = 5000
    LedgerFile(tmp_path / "ledger.db").close()
    command = [sys.executable, "-c", _HAMMER, str(tmp_path), str(cap)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    owners = [process.stdout.readline().strip() for process in processes if process.stdout]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    victims: set[str] = set()
    if is_killed:
        # Whoever comes to ten first: a busy machine may starve any one of them until nothing is left.
        ready, _, _ = select.select([process.stdout for process in processes if process.stdout], [], [])
        victim = next(process for process in processes if process.stdout in ready)
        victims.add(owners[processes.index(victim)])
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ten\n"
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    told = [process.communicate()[0].split() for process in processes]

    looker, file, books = (
        FileOwners(tmp_path, 9),
        LedgerFile(tmp_path / "ledger.db"),
        SqliteBooks(tmp_path / "ledger.db"),
    )
    assert {looker.is_alive(owner) for owner in owners} == {False}
    left = books.leases()
    buried = {owner: file.bury(owner, 2.0) for owner in file.owners()}
    rest = file.lease("last", [[Want(Account("team:a@lifetime", Unit.NUSD, cap), 0, cap)]], 3.0)
    team = books.balances("team:a")[0]

    assert set(buried) <= victims
    assert team.settled + team.leased <= cap
    assert team.unsettled == sum(lease.amount for lease in left if lease.account == team.name)
    if not is_killed:
        assert rest == [Grant((0,))]
        assert (team.settled, team.leased) == (cap, 0)
        assert sum(int(lines[-1]) for lines in told) == cap
    assert differences(books) == []
    for each in (looker, file, books):
        each.close()
