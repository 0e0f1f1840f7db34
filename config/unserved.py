"""Routes of LangSmith for which Threadline has no feature: 404 that says which, instead of one that looks like a wrong address."""

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

_MOUNT: Final = r"^(?:api/v1/|api/v2/|api/|v1/|v2/)?"
# The paths below a mount -> what they ask for.
AREAS: Final = {
    r"(?:platform/|public/[^/]+/)?(?:datasets|examples)": "no datasets, examples and experiments",
    r"(?:platform/)?(?:repos|commits|likes|hub|prompt-webhooks|settings|workspaces)": "no prompts",
    r"(?:(?:platform/)?evaluators|runs/rules)": "no rules and no evaluators that run on the server",
    r"(?:agents|fleet|sandboxes)": "no agents and no sandboxes",
    r"(?:sessions/[^/]+/insights|platform/issues)": "no insights and no issues that it finds",
    r"feedback-formulas": "no feedback formulas",
    r"(?:ai-search|sql)": "no search by meaning and no SQL, but filters",
    r"platform/product-feedbacks": "no form for feedback about the product",
}


@csrf_exempt
def unserved(request: HttpRequest, *, lacking: str) -> HttpResponse:
    detail = f"Threadline has {lacking}. /api/docs lists what it serves: runs, threads, projects, feedback, annotation queues, sharing."
    return JsonResponse({"detail": detail}, status=404)


def routes() -> list[URLPattern]:
    return [re_path(f"{_MOUNT}{path}(?:/.*)?$", unserved, {"lacking": lacking}) for path, lacking in AREAS.items()]
