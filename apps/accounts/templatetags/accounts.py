from django import template
from django.http import HttpRequest
from django.template.context import RequestContext

from apps.accounts.models import Membership

register = template.Library()


@register.simple_tag(takes_context=True)
def memberships(context: RequestContext) -> list[Membership]:
    """Of the signed-in user, for the workspace switcher."""
    request: HttpRequest | None = context.get("request")
    if request is None or not request.user.is_authenticated:
        return []
    return request.user.my_memberships


@register.filter
def may(membership: Membership, role: str) -> bool:
    return membership.may(role)
