from types import ModuleType

import seawall

PROMISED = tuple(vars(seawall).get("__all__", ()))


def test_the_front_door_is_exactly_what_is_promised() -> None:
    visible = {name for name, value in vars(seawall).items() if name[0] != "_" and not isinstance(value, ModuleType)}

    # A name that is imported on first use is promised too, but may not be visible yet.
    assert visible <= set(PROMISED)
    assert [name for name in PROMISED if getattr(seawall, name, None) is None] == []


def test_the_front_door_is_written_in_order() -> None:
    assert list(PROMISED) == sorted(PROMISED)
