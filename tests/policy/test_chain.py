from seawall.policy.chain import chain_of
from seawall.policy.document import PolicyDocument
from seawall.policy.effective import effective


def test_a_chain_is_the_model_its_fallbacks_and_the_cheaper_model() -> None:
    document = PolicyDocument.model_validate(
        {
            "profiles": {"p": {"degraded": {"model": "d"}}},
            "routes": {"/a": {"profile": "p", "model": "m", "fallback": ["f", {"model": "g", "retries": 0}]}},
        }
    )

    chain = chain_of(document, "/a", effective(document, "/a"))

    assert [(link.role, link.model, link.path) for link in chain] == [
        ("model", "m", ("routes", "/a", "model")),
        ("fallback", "f", ("routes", "/a", "fallback", 0)),
        ("fallback", "g", ("routes", "/a", "fallback", 1)),
        ("degraded", "d", ("profiles", "p", "degraded", "model")),
    ]
    assert [link.said.retries for link in chain] == [None, None, 0, None]


def test_a_route_that_names_no_model_has_no_chain() -> None:
    document = PolicyDocument.model_validate({"routes": {"/a": {}}})

    assert chain_of(document, "/a", effective(document, "/a")) == ()
