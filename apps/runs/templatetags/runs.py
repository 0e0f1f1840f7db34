import uuid
from functools import lru_cache

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.runs.show import Field, error_head

register = template.Library()

register.filter("error_head", error_head)


@register.simple_tag(takes_context=True)
def run_place(context: Context) -> str:
    """What stands before /r/<run id>: the project, or the shared link that led here."""
    if shared := context.get("shared"):
        return str(shared.place)
    return _project_url(context["request"].workspace.pk, context["project"].pk)


@lru_cache(maxsize=256)
def _project_url(workspace_id: uuid.UUID, project_id: uuid.UUID) -> str:
    """Kept, because a page asks for it with every turn and step."""
    return reverse("projects:detail", args=[workspace_id, project_id])


@register.simple_tag(takes_context=True)
def run_url(context: Context, run_id: uuid.UUID) -> str:
    return f"{run_place(context)}/r/{run_id}"


@register.filter
def json_tree(field: Field, run_url: str) -> SafeString:
    return field.json(run_url)
