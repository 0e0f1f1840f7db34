import urllib.request

from tests.server import LiveServer


def test_readyz_is_200_once_up_has_started(live: LiveServer) -> None:
    with urllib.request.urlopen(f"{live.origin}/readyz", timeout=10) as answer:
        assert answer.status == 200
