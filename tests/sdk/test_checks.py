"""What the SDKs write, read back with the SDKs."""

from tests.sdk.behaviours import Behaviour, Told

SCRIPT = "checks"


def test_the_sdk_reads_what_it_wrote(behaviour: Behaviour, told: Told) -> None:
    problem = told(behaviour)
    assert problem is None, problem
