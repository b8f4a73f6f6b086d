import orjson
from click.testing import CliRunner

from seawall.cli.main import main
from seawall.policy.schema import policy_schema


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(main, ["config", "schema"])

    assert result.exit_code == 0
    assert orjson.loads(result.output) == orjson.loads(orjson.dumps(policy_schema()))


def test_the_schema_is_indented_for_people() -> None:
    assert CliRunner().invoke(main, ["config", "schema"]).output.startswith('{\n  "$schema": ')
