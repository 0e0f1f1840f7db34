"""What the scripts of checks share: each check_… is one behaviour, and one line {check: null or its traceback} says how all went."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

options = json.loads(sys.argv[1])


def raises(error: type[BaseException], call: Callable[[], Any]) -> str:
    """What the error said."""
    try:
        call()
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__} was raised")


def report(names: Mapping[str, Any], warned: list[str] | None = None) -> None:
    """warned collects what the SDK warns of, which fails a check too."""
    found: dict[str, str | None] = {}
    for name, check in [(name, value) for name, value in names.items() if name.startswith("check_")]:
        if warned:
            warned.clear()
        try:
            check()
            assert not warned, warned
        except BaseException:
            found[name] = traceback.format_exc()
        else:
            found[name] = None
    print(json.dumps(found))
