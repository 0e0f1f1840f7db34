"""A span's attributes, read by taking. What no convention takes stays the user's own."""

from typing import Any

from apps.runs.ingest.decode import NotJson, parse

MAX_STEPS = 12
_INDEX_DIGITS = 9


class Attributes:
    def __init__(self, values: dict[str, Any]) -> None:
        self._left = dict(values)

    def peek(self, *keys: str) -> Any:
        """The first that says something."""
        return next((found for key in keys if (found := self._left.get(key)) not in (None, "", [], {})), None)

    def take(self, *keys: str) -> Any:
        """As peek; all of them are gone afterwards."""
        found = self.peek(*keys)
        for key in keys:
            self._left.pop(key, None)
        return found

    def text(self, *keys: str) -> str:
        found = self.take(*keys)
        return found if isinstance(found, str) else "" if found is None else str(found)

    def json(self, *keys: str) -> Any:
        return decoded(self.take(*keys))

    def under(self, prefix: str) -> dict[str, Any]:
        """All attributes whose names begin so, by the rest of their names."""
        names = [name for name in self._left if name.startswith(prefix)]
        return {name[len(prefix) :]: self._left.pop(name) for name in names}

    def listed(self, prefix: str) -> list[Any]:
        """prefix.0.role, prefix.0.content, prefix.1.role … to [{role, content}, …]; or the list that the prefix itself holds."""
        whole = decoded(self._left.get(prefix))
        if isinstance(whole, list):
            del self._left[prefix]
            return whole
        names = [
            name for name in self._left if name.startswith(f"{prefix}.") and name[len(prefix) + 1 :][:1].isdecimal()
        ]
        root: dict[str, Any] = {}
        for name in names:
            _put(root, name[len(prefix) + 1 :].split(".", MAX_STEPS), self._left.pop(name))
        found = _with_lists(root)
        return found if isinstance(found, list) else []

    def left(self) -> dict[str, Any]:
        return self._left


def _put(node: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        inner = node.get(step)
        if not isinstance(inner, dict):
            inner = node[step] = {}
        node = inner
    node.setdefault(steps[-1], value)


def _with_lists(node: Any) -> Any:
    """Objects whose keys are all numbers become lists, in the order of the numbers and without gaps."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() and len(key) <= _INDEX_DIGITS for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}


def decoded(value: Any) -> Any:
    """Attributes hold no objects, so instrumentations send JSON text. What does not parse stays the text it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return parse(value.encode("utf-8", "replace"))[0]
    except NotJson:
        return value
