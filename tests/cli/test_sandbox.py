import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import httpx2
import pytest
from click.testing import CliRunner

from seawall.cli.sandbox import command

BODY = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@contextmanager
def _running(*options: str, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the command on a free port and give its process and its address."""
    words = [sys.executable, "-m", "seawall", "sandbox", "--port", "0", *options]
    inherited = dict(os.environ)  # noqa: TID251 - tests stand outside the product
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=inherited | environment
    ) as process:
        try:
            yield process, _address(process.stdout)
        finally:
            process.kill()


def _address(stdout: IO[str] | None) -> str:
    assert stdout
    found = re.search(r"listens on (http://[\d.:]+)", stdout.readline())
    assert found
    return found[1]


def _rest(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for the end and give what was not read yet.

    `communicate` reads the descriptor itself, and would lose what the first `readline` had read ahead.
    """
    assert process.stdout
    assert process.stderr
    process.wait(timeout=20)
    return process.stdout.read(), process.stderr.read()


def _post(url: str, key: str) -> int:
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return httpx2.post(f"{url}/v1/messages", json=BODY, headers=headers, timeout=20).status_code


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_ends_quietly(number: signal.Signals) -> None:
    with _running() as (process, url):
        assert _post(url, "anything") == 200

        process.send_signal(number)
        out, err = _rest(process)

    assert process.returncode == 0
    assert err == ""
    assert f"curl {url}/v1/messages" in out


@pytest.mark.e2e
def test_the_key_that_it_expects_comes_from_the_environment() -> None:
    with _running("--key-env", "SANDBOX_KEY", SANDBOX_KEY="this-one") as (_, url):
        assert [_post(url, "this-one"), _post(url, "another")] == [200, 401]


@pytest.mark.e2e
def test_a_port_that_is_taken_is_said_clearly() -> None:
    with _running() as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "seawall", "sandbox", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    assert done.returncode == 2
    assert done.stderr.startswith(f"seawall: cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        pytest.param(["--key-env", "NOT_THERE"], {}, "NOT_THERE is not set", id="no such variable"),
        pytest.param(["--key-env", "EMPTY"], {"EMPTY": ""}, "EMPTY: empty secret", id="an empty key"),
        pytest.param(["--port", "70000"], {}, "70000 is not in the range", id="no port"),
    ],
)
def test_wrong_use_is_refused(options: Sequence[str], environment: dict[str, str], says: str) -> None:
    done = CliRunner().invoke(command, options, env=environment)

    assert done.exit_code == 2
    assert says in done.output
