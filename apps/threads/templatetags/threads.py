from django import template
from django.template.context import Context
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import address
from apps.runs.shapes import Json
from apps.runs.templatetags.runs import place, project_url
from apps.threads.export_formats import indented
from apps.threads.hide import masked
from apps.threads.turn_html import Page, draw

register = template.Library()

register.filter("masked", masked)


@register.simple_tag(takes_context=True)
def thread_url(context: Context) -> str:
    """Of the thread that is shown: a member's page, or the public one for whoever came by a shared link."""
    if shared := context.get("shared"):
        return str(shared.path)
    return address(
        "threads:detail", context["request"].workspace.pk, context["project"].pk, context["thread"].thread_id
    )


@register.simple_tag(takes_context=True)
def timeline_strip(context: Context) -> SafeString:
    view = "view=trace&" if context.get("view") == "trace" else ""
    strip: SafeString = context["timeline"].svg(f"{thread_url(context)}?{context['kept']}{view}")
    return strip


@register.simple_tag(takes_context=True)
def turns(context: Context) -> SafeString:
    """The turns of a window, with the marks of feedback where the page has these."""
    shared, window = context.get("shared"), context.get("window")
    newest_first = bool(window and window.newest_first)
    if shared:
        page = Page("" if shared.hide else f"{place(context)}/r/", shared=True, newest_first=newest_first)
    else:
        annotate = project_url(context, "feedback:annotate")
        page = Page(f"{place(context)}/r/", annotate, context.get("marks"), newest_first=newest_first)
    return draw(context["turns"], page)


@register.filter
def pretty(value: Json) -> str:
    """JSON with indents; a text as it is."""
    return value if isinstance(value, str) else indented(value)
