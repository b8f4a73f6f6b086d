from seawall.sandbox.problem import Problem


def test_a_problem_carries_what_the_dialect_may_need() -> None:
    problem = Problem(404, "no such model", code="model_not_found")

    assert (problem.status, str(problem), problem.kind, problem.code) == (404, "no such model", None, "model_not_found")
