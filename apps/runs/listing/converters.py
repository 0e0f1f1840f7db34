from apps.runs.listing.scopes import KINDS


class KindConverter:
    """Which list a page about filters belongs to."""

    regex = "|".join(KINDS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
