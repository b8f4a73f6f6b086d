"""Put a gateway's caps through runs of everything that can go wrong, and print the provider's own meter.

    python -m torture.run                     five runs of Seawall
    python -m torture.run --exact             one without faults, in which exactly the cap is to be spent
    python -m torture.run --peer litellm      the same for LiteLLM
    python -m torture.run --url http://127.0.0.1:4000 --provider-port 8090 --wait

Exit codes: 0 every cap held, 1 one did not or the books were wrong, 2 wrong use or something is not installed,
130 Ctrl-C.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.machine import machine_line
from torture.judge import complaints, judge
from torture.outcome import Outcome
from torture.peer import Peer, PeerUnavailable
from torture.peers.litellm import LiteLlm
from torture.peers.plain import Plain
from torture.peers.seawall import Seawall
from torture.provider import Provider
from torture.report import USD, markdown, publish, summary, told
from torture.scenario import CALLERS, MODELS, Scenario, exact, scenario
from torture.traffic import traffic

PAGE: Final = Path(__file__).parents[1] / "docs" / "torture.md"
PEERS: Final[Mapping[str, Callable[[], Peer]]] = {"seawall": Seawall, "litellm": LiteLlm}


def torment(peer: Peer, provider: Provider, run: Scenario, folder: Path) -> Outcome:
    """Carry one run out, from a gateway's start to its end."""
    began_s = time.monotonic()
    provider.prepare(run)
    try:
        peer.start(run, provider.url, folder)
        provider.forget()  # what a gateway asks while it starts is not of the run
        answers = asyncio.run(_all_at_once(peer, run))  # the process's own door
    finally:
        peer.stop()
    meter = provider.meter()
    lines = judge(run, meter, peer.caps)
    found = [*complaints(run, lines), *peer.complaints(lines[0].billed_nusd)]
    return Outcome(run, lines, found, answers, peer.unsettled_nusd, time.monotonic() - began_s)


async def _all_at_once(peer: Peer, run: Scenario) -> Counter[str]:
    async def events() -> None:
        began_s = time.monotonic()
        for event in run.events:
            await asyncio.sleep(max(began_s + event.after_s - time.monotonic(), 0))
            await peer.befall(event)

    answers, _ = await asyncio.gather(traffic(run.asks, peer.door), events())
    return answers


def main(arguments: Sequence[str]) -> int:
    """Run the command, and leave nothing running."""
    asked = options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # leave through the context managers
    if shutil.which("cc") is None:
        print("no C compiler: clocks will not jump")
    try:
        with _folder(asked.keep) as folder, Provider(folder, asked.provider_port) as provider:
            outcomes = list(_runs(asked, provider, folder))
    except KeyboardInterrupt:
        print("\ninterrupted; everything is stopped")
        return 130
    except (PeerUnavailable, TimeoutError, EOFError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{summary(outcomes)}")
    if asked.publish:
        name = f"{asked.peer} {'exact' if asked.exact else 'seeded'}"
        publish(markdown(outcomes, facts(asked, PEERS[asked.peer]())), name, PAGE)
        print(f"wrote {PAGE}, the part `{name}`")
    return int(any(outcome.complaints for outcome in outcomes))


def _runs(asked: argparse.Namespace, provider: Provider, folder: Path) -> Iterator[Outcome]:
    make = exact if asked.exact else scenario
    for seed in range(asked.seed, asked.seed + asked.runs):
        peer: Peer = Plain(asked.url, asked.key) if asked.url else PEERS[asked.peer]()
        run = make(seed, asked.callers)
        if asked.url:
            print("\n".join(_instructions(run, provider.url)), flush=True)
        if asked.wait:
            input("Press Enter when it is ready. ")
        place = folder / f"run-{seed}"
        place.mkdir(exist_ok=True)
        outcome = torment(peer, provider, run, place)
        print("\n".join(told(outcome)), flush=True)
        yield outcome


def facts(asked: argparse.Namespace, peer: Peer) -> dict[str, str]:
    """Say what was run, on what, and when: without that the figures mean nothing."""
    last = asked.seed + asked.runs - 1
    return {
        "What": f"{peer.version()}, {asked.callers:,} callers a run, "
        + (f"seeds {asked.seed} to {last}" if asked.runs > 1 else f"seed {asked.seed}"),
        "Machine": machine_line(),
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _instructions(run: Scenario, url: str) -> Iterator[str]:
    yield f"The provider: {url} (Messages), {url}/v1 (Chat Completions); any API key will do."
    caps = run.caps
    yield (
        f"The caps: ${caps.all / USD:g} for everything, ${caps.provider / USD:g} a provider, ${caps.team / USD:g} a "
        f"team, ${caps.user / USD:g} an end user; what the gateway cannot cap will be reported as exceeded."
    )
    yield f"The models: {', '.join(sorted({ask.model for ask in run.asks} or MODELS))}."
    yield "Its count must be at zero before every run."


@contextmanager
def _folder(kept: str) -> Iterator[Path]:
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        yield Path(folder)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, metavar="N", help="how many runs (5; 1 with --exact or --url)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the first seed (0)")
    parser.add_argument("--callers", type=int, default=CALLERS, metavar="N", help=f"callers a run ({CALLERS})")
    parser.add_argument("--exact", action="store_true", help="no faults, and every call costs a cent")
    parser.add_argument("--peer", choices=sorted(PEERS), default="seawall", help="the gateway (seawall)")
    parser.add_argument("--url", default="", help="any other gateway, which runs already, at http://HOST:PORT/PREFIX")
    parser.add_argument("--key", default="", help="its client key")
    parser.add_argument("--provider-port", type=int, default=0, metavar="N", help="the simulated provider's port")
    parser.add_argument("--wait", action="store_true", help="wait for Enter before every run")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="keep logs and state of every run here")
    parser.add_argument("--publish", action="store_true", help="put the report into docs/torture.md")
    asked = parser.parse_args(arguments)
    asked.runs = asked.runs or (1 if asked.exact or asked.url else 5)
    if asked.runs < 1 or asked.callers < 1:
        parser.error("expected at least one run and one caller")
    if asked.url and not asked.url.startswith("http://"):
        parser.error(f"--url: found {asked.url}, expected it to begin with http://")
    if asked.url and not asked.wait and (asked.provider_port == 0 or asked.runs > 1):
        parser.error(
            "--url needs --provider-port, so that the gateway can be set to it, or --wait; --runs needs --wait"
        )
    if asked.url and asked.publish:
        parser.error("--publish is for the gateways that this test starts itself")
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
