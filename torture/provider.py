"""The simulated provider in a process of its own, steered over its control endpoint."""

import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, Self

from torture.process import Process
from torture.scenario import Scenario

PATIENCE_S: Final = 45.0
_LOOK_S: Final = 0.1


class Provider:
    """`seawall sandbox`, whose meter is what every cap is compared with."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        words = [sys.executable, "-m", "seawall", "sandbox", "--port", str(port)]
        self._process = Process(words, folder, "provider.log")
        printed = self._process.when_printed("http://127.0.0.1:", PATIENCE_S)
        self.url = next(word for word in printed.split() if word.startswith("http://127.0.0.1:")).rstrip("/.,")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(PATIENCE_S)

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
        self.forget()

    def forget(self) -> None:
        """Set the meter to zero."""
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
