"""Runs, threads and projects read by every call and parameter of the SDKs, and what they are refused."""

from tests.sdk.behaviours import Behaviour, Told

SCRIPT = "reads"


def test_the_sdk_reads_and_is_told(behaviour: Behaviour, told: Told) -> None:
    assert told(behaviour) is None
