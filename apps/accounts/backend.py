"""Who a session belongs to."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from apps.accounts.models import Membership, User


class Backend(AuthenticationBackend):  # type: ignore[misc]
    def get_user(self, user_id: Any) -> User | None:
        """With their memberships, as every page asks for both."""
        user = Membership.objects.user_with_theirs(user_id)
        if user is None:  # of no workspace, or not there
            found: User | None = super().get_user(user_id)
            return found
        return user if self.user_can_authenticate(user) else None
