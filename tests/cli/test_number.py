import click
import pytest
from click.testing import CliRunner

from seawall.cli.number import FiniteRange


@click.command()
@click.option("--wait", type=FiniteRange(0, 10))
def ask(wait: float) -> None:
    click.echo(f"{wait}")


@pytest.mark.parametrize("word", ["0", "2.5", "10"])
def test_a_number_within_the_bounds_is_taken(word: str) -> None:
    assert float(CliRunner().invoke(ask, ["--wait", word]).output) == float(word)


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "-1", "11", "many"])
def test_what_is_no_such_number_is_wrong_use(word: str) -> None:
    result = CliRunner().invoke(ask, ["--wait", word])

    assert result.exit_code == 2
    assert "Invalid value for '--wait'" in result.output
