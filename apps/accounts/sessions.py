"""Where sessions are kept: in the database, as Django keeps them."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.common.sql import Written

_LIVE = Written(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now).values_list("session_data"),
    "key",
    timezone.now(),
)


class SessionStore(db.SessionStore):
    """Reads with each request of a browser. Of Django's name, by which the data is signed."""

    def load(self) -> dict[str, Any]:
        for (data,) in _LIVE.rows(self.session_key, timezone.now()):
            found: dict[str, Any] = self.decode(data)
            return found
        # Nobody chooses a key of their own.
        self._session_key = None
        return {}
