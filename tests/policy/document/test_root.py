import pytest
from pydantic import ValidationError

from seawall.policy.document import JournalDocument, PolicyDocument


def test_a_policy_has_at_least_one_route() -> None:
    for nothing in ("{}", '{"routes": {}}'):
        with pytest.raises(ValidationError, match="expected at least one route"):
            PolicyDocument.model_validate_json(nothing)


def test_what_is_left_out_has_a_default() -> None:
    policy = PolicyDocument.model_validate({"routes": {"/a": {}}})

    assert (policy.version, policy.max_body_mb) == (1, 32)
    assert (policy.journal.keep_metadata_days, policy.journal.keep_bodies_days) == (90, 0)


def test_texts_age_out_before_what_happened() -> None:
    assert JournalDocument.model_validate({"keep_metadata_days": 5, "keep_bodies_days": 5}).keep_bodies_days == 5
    with pytest.raises(ValidationError, match="texts age out first"):
        JournalDocument.model_validate({"keep_metadata_days": 5, "keep_bodies_days": 6})
