import uuid
from collections.abc import Sequence

from django import template
from django.template.context import Context
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import address
from apps.runs.messages import Content
from apps.runs.parts import Part
from apps.runs.payloads import Payload
from apps.runs.said import Look, said, said_parts
from apps.runs.show import Field, error_head
from apps.runs.tree import Row
from apps.runs.tree_html import draw

register = template.Library()

register.filter("error_head", error_head)


def place(context: Context) -> str:
    """What stands before /r/<run id>: the project, or the shared link that led here."""
    if shared := context.get("shared"):
        return str(shared.place)
    return project_url(context, "projects:detail")


@register.simple_tag(takes_context=True)
def project_url(context: Context, name: str) -> str:
    """Of a page that nothing but the project tells apart."""
    return address(name, context["request"].workspace.pk, context["project"].pk)


@register.simple_tag(takes_context=True)
def run_url(context: Context, run_id: uuid.UUID) -> str:
    return f"{place(context)}/r/{run_id}"


@register.simple_tag(takes_context=True)
def tree_rows(context: Context, rows: Sequence[Row]) -> SafeString:
    return draw(rows, context["tree"].selected, context.get("marks"))


@register.filter
def json_tree(field: Field, run_url: str) -> SafeString:
    return field.json(run_url)


@register.simple_tag(name="said")
def said_field(
    content: Content,
    payload: Payload,
    field: str,
    run_url: str,
    side: str = "",
    models: Sequence[str] = (),
    fold: bool = False,
) -> SafeString:
    """One field of a run: what apps.runs.said makes of it."""
    return said(content, payload, field, Look(run_url, fold), side, models)


@register.filter
def answered(parts: Sequence[Part], run_url: str) -> SafeString:
    """What a tool or a retriever returned."""
    return said_parts(parts, Look(run_url, plain=True))
