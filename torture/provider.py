"""The simulated provider in a process of its own, steered over its control endpoint."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, Self

from torture.scenario import Scenario

PATIENCE_S: Final = 15.0
_LOOK_S: Final = 0.1


class Provider:
    """`seawall sandbox`, whose meter is what every cap is compared with."""

    def __init__(self, folder: Path) -> None:
        self._output = (folder / "provider.log").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "seawall", "sandbox", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        self.url = self._address(folder / "provider.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._output.close()

    def prepare(self, scenario: Scenario) -> None:
        """Forget what was, and go wrong from now on as the scenario says."""
        faults = [
            {"fault": fault, "probability": share, "seed": scenario.seed + number}
            for number, (fault, share) in enumerate(scenario.faults)
        ]
        settings: dict[str, object] = {"first_token_ms": 30, "tokens_per_second": 0}
        if scenario.output_tokens is not None:
            settings["output_tokens"] = scenario.output_tokens
        self._ask("DELETE", "control")
        self._ask("PUT", "control", {"settings": settings, "faults": faults})
        self._ask("DELETE", "meter")

    def meter(self) -> dict[str, Any]:
        """Give the meter once it stands still."""
        before = self._ask("GET", "meter")
        for _ in range(int(PATIENCE_S / _LOOK_S)):
            time.sleep(_LOOK_S)
            now = self._ask("GET", "meter")
            if now == before:
                return now
            before = now
        raise TimeoutError("the provider is still being asked, long after the gateway's end")

    def _ask(self, method: str, what: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  # our own process on loopback
            f"{self.url}/sandbox/{what}", method=method, data=None if body is None else json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # the same
            return dict(json.loads(answer.read() or b"{}"))

    def _address(self, log: Path) -> str:
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            for word in log.read_text("utf-8").split():
                if word.startswith("http://127.0.0.1:"):
                    return word.rstrip("/.,")
            if self._process.poll() is not None:
                break
            time.sleep(_LOOK_S / 4)
        raise TimeoutError(f"the provider did not start: {log.read_text('utf-8')}")
