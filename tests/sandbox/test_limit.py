from seawall.sandbox.limit import Limits, Share
from seawall.sandbox.setting import Settings

SETTINGS = Settings(requests_per_minute=3, tokens_per_minute=1_000)


def test_a_window_counts_down_and_begins_again_after_a_minute() -> None:
    limits = Limits()
    limits.count(1, 300, 50, now_s=10)

    standing = limits.standing(1, SETTINGS, now_s=40)

    assert standing.requests == Share(3, 2)
    assert standing.input_tokens == Share(1_000, 700)
    assert standing.output_tokens == Share(200, 150)
    assert standing.reset_s == 30
    assert limits.standing(1, SETTINGS, now_s=70).requests == Share(3, 3)


def test_keys_do_not_share_limits() -> None:
    limits = Limits()
    limits.count(1, 300, 50, now_s=0)

    assert limits.standing(2, SETTINGS, now_s=0).input_tokens == Share(1_000, 1_000)


def test_a_limit_is_used_up_when_nothing_of_it_remains() -> None:
    limits = Limits()
    limits.count(1, 999, 0, now_s=0)
    assert not limits.standing(1, SETTINGS, now_s=0).is_used_up

    limits.count(1, 999, 0, now_s=0)

    assert limits.standing(1, SETTINGS, now_s=0).is_used_up
    assert limits.standing(1, SETTINGS, now_s=0).input_tokens == Share(1_000, 0)


def test_many_keys_need_bounded_memory() -> None:
    limits = Limits()
    for key in range(10_001):
        limits.count(key, 1, 1, now_s=0)

    assert limits.standing(10_000, SETTINGS, now_s=0).requests.remaining == 2
    assert limits.standing(0, SETTINGS, now_s=0).requests.remaining == 3
