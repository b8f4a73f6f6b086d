import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.core.key import is_key
from seawall.stores.sqlite.keys import SqliteKeyStore

Run = Callable[..., Result]
GRANT = ("--team", "support", "--project", "desk", "--user", "mara", "--feature", "drafts", "--route", "/ai/chat")


def create(run: Run, *arguments: str) -> dict[str, str]:
    result = run("keys", "create", "--json", *arguments)
    assert result.exit_code == 0, result.output
    made: dict[str, str] = json.loads(result.output)
    return made


def listed(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("keys", "list", "--json").output.splitlines()]


def test_a_new_key_is_shown_once_and_says_so(run: Run) -> None:
    result = run("keys", "create", "--team", "support")

    key, _, sentence = result.output.splitlines()
    assert is_key(key)
    assert "cannot be shown again" in sentence
    for output in (run("keys", "list").output, run("keys", "list", "--json").output):
        assert key not in output
        assert key[7:-4] not in output
        assert f"{key[:7]}…{key[-4:]}" in output


def test_a_key_is_granted_what_was_asked_for(run: Run) -> None:
    made = create(run, *GRANT, "--route", "/ai/draft", "--default-route", "/ai/chat", "--expires", "90d", "--note", "n")

    (entry,) = listed(run)
    assert made.pop("key")
    assert entry == made
    assert (entry["team"], entry["project"], entry["user"], entry["feature"]) == ("support", "desk", "mara", "drafts")
    assert (entry["routes"], entry["default_route"], entry["note"]) == (["/ai/chat", "/ai/draft"], "/ai/chat", "n")
    assert (entry["state"], entry["revoked_at"], entry["rotated_to"]) == ("active", None, None)


def test_a_key_can_end_on_a_date(run: Run) -> None:
    assert create(run, "--expires", "2199-01-01")["expires_at"] == "2199-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            ("--expires", "soon"), "--expires: 'soon' is neither a length such as 90d nor a date", id="no moment"
        ),
        pytest.param(("--expires", "2001-01-01"), "expected a moment to come", id="a past date"),
        pytest.param(("--expires", "0d"), "expected a moment to come", id="no length"),
        pytest.param(("--route", "chat"), "expected a path such as /ai/chat", id="no path"),
        pytest.param(("--route", "/a", "--default-route", "/b"), "not among the allowed", id="default not allowed"),
        pytest.param(("--team", "a\x1bb"), "printable characters", id="escape sequence"),
    ],
)
def test_a_grant_that_makes_no_sense_is_wrong_use(run: Run, arguments: tuple[str, ...], complaint: str) -> None:
    result = run("keys", "create", *arguments)

    assert result.exit_code == 2
    assert complaint in result.output
    assert listed(run) == []


@pytest.mark.parametrize("name", ["id", "key"])
def test_a_key_is_revoked_by_its_id_or_its_text(run: Run, name: str) -> None:
    made, other = create(run), create(run)

    result = run("keys", "revoke", made[name])

    assert result.exit_code == 0
    assert f"{made['id']} ({made['hint']}) is revoked" in result.output
    assert {entry["id"]: entry["state"] for entry in listed(run)} == {made["id"]: "revoked", other["id"]: "active"}


def test_a_key_can_be_given_where_no_shell_remembers_it(run: Run) -> None:
    made = create(run)

    result = run("keys", "revoke", "-", "--json", given=made["key"] + "\n")

    assert json.loads(result.output)["state"] == "revoked"


def test_an_unknown_key_is_wrong_use(run: Run) -> None:
    create(run)

    for act in ("revoke", "rotate"):
        result = run("keys", act, "key_nobody")
        assert result.exit_code == 2
        assert "no key 'key_nobody'" in result.output


def test_a_rotated_key_ends_now_and_its_successor_may_do_the_same(run: Run) -> None:
    made = create(run, *GRANT)

    result = run("keys", "rotate", made["id"])

    assert is_key(result.output.splitlines()[0])
    assert "The old key is revoked." in result.output
    old, new = listed(run)
    assert (old["state"], new["state"]) == ("revoked", "active")
    assert old["rotated_to"] == new["id"]
    assert (new["team"], new["routes"]) == ("support", ["/ai/chat"])


def test_an_overlap_lets_the_old_key_live_on(run: Run) -> None:
    made = create(run)

    result = run("keys", "rotate", made["id"], "--overlap", "24h")

    assert "The old key lives for another 24h." in result.output
    old, _ = listed(run)
    assert old["state"] == "active"
    assert old["expires_at"] is not None


def test_an_overlap_that_is_none_is_wrong_use(run: Run) -> None:
    result = run("keys", "rotate", create(run)["id"], "--overlap", "long")

    assert result.exit_code == 2
    assert "'long' names no length" in result.output


def test_the_table_is_aligned_and_says_what_a_key_may_do(run: Run) -> None:
    create(run, "--team", "a", "--default-route", "/ai/chat")
    create(run, "--route", "/ai/x", "--route", "/ai/chat", "--default-route", "/ai/chat", "--expires", "2199-01-01")
    create(run, "--user", "mara")

    head, *rows = run("keys", "list").output.splitlines()

    routes = slice(head.index("ROUTES"), head.index("CREATED"))
    assert [row[routes].strip() for row in rows] == ["all, /ai/chat (default)", "/ai/x, /ai/chat (default)", "all"]
    expires = head.index("EXPIRES")
    assert [row[expires:].split("  ")[0] for row in rows] == ["never", "2199-01-01 00:00", "never"]


def test_the_state_directory_comes_from_the_environment(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["keys", "create"], env={"SEAWALL_STATE_DIR": str(tmp_path / "from env")})

    assert result.exit_code == 0
    store = SqliteKeyStore(tmp_path / "from env" / "keys.db")
    assert len(store.entries()) == 1
    store.close()


def test_what_is_made_is_its_owners_alone(run: Run, state_dir: Path) -> None:
    create(run)

    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((state_dir / "keys.db").stat().st_mode) == 0o600


def test_a_broken_store_is_one_clear_sentence(run: Run, state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "keys.db").write_bytes(b"no database" * 500)

    result = run("keys", "list")

    assert result.exit_code == 2
    assert result.output.startswith("seawall: cannot open the key store")


def test_where_there_is_no_key_that_is_said(run: Run, state_dir: Path) -> None:
    result = run("keys", "list")

    assert result.exit_code == 0
    assert result.output == f"There is no key in {state_dir / 'keys.db'}; `seawall keys create` makes one.\n"
