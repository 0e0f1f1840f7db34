"""A filter that cannot be read, with the place where reading stopped."""

from dataclasses import dataclass

from apps.runs.query.nodes import FilterError


@dataclass(frozen=True, slots=True)
class Marked:
    """A text that cannot be read, cut at the place where reading stopped."""

    label: str
    before: str
    at: str
    after: str
    message: str

    @classmethod
    def of(cls, label: str, text: str, error: FilterError) -> "Marked":
        place = min(error.position, len(text))
        return cls(
            label,
            text[:place],
            text[place : place + 1],
            text[place + 1 :],
            f"{error.message}{'' if error.message.endswith('?') else '.'}",
        )
