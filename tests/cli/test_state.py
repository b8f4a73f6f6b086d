from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from seawall.cli.state import DEFAULT, VARIABLE, state_dir_option


@click.command()
@state_dir_option
def tell(state_dir: Path) -> None:
    click.echo(state_dir)


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        pytest.param([], {}, str(DEFAULT), id="default"),
        pytest.param([], {VARIABLE: "/from/environment"}, "/from/environment", id="environment"),
        pytest.param(["--state-dir", "/said"], {VARIABLE: "/from/environment"}, "/said", id="what is said wins"),
    ],
)
def test_the_state_directory_is_said_or_set_or_the_default(
    arguments: list[str], environment: dict[str, str | None], expected: str
) -> None:
    result = CliRunner(env={VARIABLE: None} | environment).invoke(tell, arguments)

    assert result.output == f"{expected}\n"


def test_a_file_is_no_state_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    result = CliRunner().invoke(tell, ["--state-dir", str(file)])

    assert result.exit_code == 2
