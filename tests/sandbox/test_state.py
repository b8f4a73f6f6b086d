from seawall.core.secret import Secret
from seawall.sandbox.fault import Incident
from seawall.sandbox.setting import Settings
from seawall.sandbox.state import State


def _state(expected_key: Secret | None = None) -> State:
    return State(Settings(), Settings(), expected_key)


def test_keys_are_numbered_in_order_of_appearance_and_not_kept() -> None:
    state = _state()

    assert [state.number(key) for key in ("secret-a", "secret-b", "secret-a", "")] == [1, 2, 1, 0]
    assert "secret-a" not in repr(state)


def test_very_many_keys_share_a_number() -> None:
    state = _state()
    for number in range(10_000):
        state.number(f"key-{number}")

    assert state.number("one more") == state.number("and another") == 10_001
    assert state.number("key-9999") == 10_000


def test_any_key_is_good_unless_one_is_expected() -> None:
    assert _state().accepts("anything")
    assert _state(Secret("this-one")).accepts("this-one")
    assert not _state(Secret("this-one")).accepts("this-on\xe9")


def test_a_reset_goes_back_to_the_start() -> None:
    state = _state()
    state.settings = Settings(output_tokens=1)
    state.incidents.add(Incident("stall"))
    state.limits.count(1, 5, 5, 0)

    state.reset()

    assert state.settings == Settings()
    assert state.incidents.all() == []
    assert state.limits.standing(1, state.settings, 0).requests.remaining == state.settings.requests_per_minute
