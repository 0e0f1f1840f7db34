import re
import uuid

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.accounts.services import record
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.threads.access import thread_or_404
from apps.threads.export_formats import FORMATS
from apps.threads.hide import Hide


@require_safe
@member()
def export(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?thread=<id>: the choice of formats; with &format=<one of them> the file. &hide=system and &hide=tools leave these out, and
    &hide=mask masks addresses and long numbers."""
    project = project_or_404(request.workspace, project_id)
    thread = thread_or_404(project, request.GET.get("thread", ""))
    key = request.GET.get("format", "")
    if key not in FORMATS:
        return page(request, "threads/export.html", {"project": project, "thread": thread, "formats": FORMATS})
    hidden = request.GET.getlist("hide")
    pieces = FORMATS[key].write(thread, Hide("system" in hidden, "tools" in hidden, "mask" in hidden))
    record(request.workspace, request.user, f"exported thread as {FORMATS[key].name}", thread.thread_id)
    response = StreamingHttpResponse(pieces, content_type=FORMATS[key].content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{file_name(thread.thread_id)}.{key}")
    response.headers["Cache-Control"] = "no-store"
    return response  # type: ignore[return-value]


def file_name(thread_id: str) -> str:
    """Fit for any disk."""
    return re.sub(r"[^\w.-]+", "-", thread_id).strip(".-")[:80] or "thread"
