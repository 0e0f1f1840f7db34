"""Annotation queues by the SDKs."""

from tests.sdk.behaviours import Behaviour, Told

SCRIPT = "queues"


def test_the_sdk_works_with_queues(behaviour: Behaviour, told: Told) -> None:
    problem = told(behaviour)
    assert problem is None, problem
