"""The ingest routes. 202: the runs are committed. 422 names the runs that were left out; the others are committed all the same."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.access import KeyError401, KeyError403, key_of
from apps.accounts.models import Scope, Workspace
from apps.projects import ports
from apps.runs.ingest.attach import Sent, attach
from apps.runs.ingest.decode import NotJson, Part, Refused, check_depth, multipart, parse, read_body
from apps.runs.ingest.deliver import Incoming, Outcome, accept
from apps.runs.ingest.schema import HEAVY, RunIn, exact_decoder, run_decoder
from apps.runs.ingest.split import batch_of, id_of
from apps.runs.ingest.store import Rejection

INFO = {
    "version": "0.18.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20 * 1024 * 1024,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
    },
    "instance_flags": {
        "zstd_compression_enabled": True,
        "gzip_body_enabled": True,
        "ch_query_enabled": True,
        "sdb_query_enabled": False,
    },
}
MAX_LISTED = 50


@require_GET
def info(request: HttpRequest) -> HttpResponse:
    """Answers whatever the key: the SDKs ask before they have proved it."""
    return JsonResponse(INFO)


def ingest(view: Callable[..., Outcome]) -> Callable[..., HttpResponse]:
    """Key in, outcome out, refusals as the SDKs read them."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            workspace = key_of(request, scope=Scope.INGEST).workspace
            return _answer(view(request, workspace, *args, **kwargs))
        except KeyError401 as error:
            return _error(401, str(error))
        except KeyError403 as error:
            return _error(403, str(error))
        except Refused as error:
            return _error(error.status, str(error))

    return answer


def _error(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)


def _answer(outcome: Outcome) -> HttpResponse:
    rejections = [*outcome.rejected, *outcome.left_out, *outcome.feedback_left_out]
    if not rejections:
        return JsonResponse({}, status=202)
    listed = [{"id": rejection.run_id, "reason": rejection.reason} for rejection in rejections[:MAX_LISTED]]
    told = []
    if refused := len(outcome.rejected):
        told.append(f"{refused} of {refused + outcome.accepted} runs were not stored, the others were.")
    if left_out := len(outcome.left_out):
        told.append(f"{left_out} attachment{'s' if left_out > 1 else ''} could not be stored.")
    if unheard := len(outcome.feedback_left_out):
        told.append(f"{unheard} feedback could not be stored.")
    detail = f"{' '.join(told)} First: {listed[0]['reason']}."
    return JsonResponse({"detail": detail, "errors": listed}, status=422)


@require_POST
@ingest
def runs_multipart(request: HttpRequest, workspace: Workspace) -> Outcome:
    body = read_body(request)
    runs, beside = _by_run(multipart(body, request.headers.get("content-type", "")))
    attachments = [Sent.from_part(part) for part in beside["attachment"]]
    feedback = [(part.name.partition(".")[2], part.body) for part in beside["feedback"]]
    outcome = accept(workspace, [Incoming(taken.run, taken.kind == "patch") for taken in runs if not taken.problem])
    left_out = attach(workspace, attachments)
    unheard = [Rejection(*refusal) for refusal in ports.feedback.receive(workspace, feedback)] if feedback else []
    bad = [Rejection(taken.run_id, taken.problem) for taken in runs if taken.problem]
    return Outcome(outcome.accepted, [*bad, *outcome.rejected], left_out, unheard)


def _by_run(parts: Iterable[Part]) -> tuple[list["_Taken"], dict[str, list[Part]]]:
    """The runs, and the other parts by the first word of their names."""
    runs: list[_Taken] = []
    beside: dict[str, list[Part]] = defaultdict(list)
    latest: dict[str, _Taken] = {}
    for part in parts:
        name, _, field = part.name.rpartition(".")
        if (taken := latest.get(name)) is not None:  # nearly always: a part of the run before
            if field in HEAVY:
                taken.add(field, part.body)
            continue
        kind, _, rest = part.name.partition(".")
        if kind not in ("post", "patch"):
            beside[kind].append(part)
            continue
        run_id, _, field = rest.partition(".")
        if field and field not in HEAVY:
            continue
        # A run that is changed twice has two main parts of one name.
        taken = latest[f"{kind}.{run_id}"] = _Taken(kind, run_id)
        runs.append(taken)
        taken.add(field, part.body)
    return runs, beside


class _Taken:
    """A run of a multipart body: its main part, and the parts of its fields that follow. problem is why it cannot be stored."""

    def __init__(self, kind: str, run_id: str) -> None:
        self.kind, self.run_id = kind, run_id
        self.run = RunIn(id=run_id)
        self.problem = ""

    def add(self, field: str, body: bytes) -> None:
        """An empty field is the main part."""
        if field:
            setattr(self.run, field, msgspec.Raw(body))
            return
        try:
            self.run = _decode_run(body)
            self.run.id = self.run.id or self.run_id
        except NotJson as error:
            self.problem = f"the run {error}"


def _decode_run(text: bytes) -> RunIn:
    check_depth(text)
    try:
        return exact_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(text)


def _decode_leniently(text: bytes) -> RunIn:
    """Whatever can be read: odd ids are told later, by the name of their field."""
    value, cleaned = parse(text)
    if not isinstance(value, dict):
        raise NotJson("is not a JSON object")
    return run_decoder.decode(cleaned)


@require_POST
@ingest
def runs_batch(request: HttpRequest, workspace: Workspace) -> Outcome:
    posts, patches = batch_of(read_body(request))
    incoming, bad = [], []
    for patch, texts in ((False, posts), (True, patches)):
        for text in texts:
            try:
                incoming.append(Incoming(_decode_run(text), patch))
            except NotJson as error:
                bad.append(Rejection(id_of(text), f"the run {error}"))
    outcome = accept(workspace, incoming)
    return Outcome(outcome.accepted, [*bad, *outcome.rejected])


@require_POST
@ingest
def create_run(request: HttpRequest, workspace: Workspace) -> Outcome:
    run = _one_run(request)
    run.id = run.id or str(uuid.uuid4())
    return _alone(accept(workspace, [Incoming(run, patch=False)]))


@ingest
def update_run(request: HttpRequest, workspace: Workspace, run_id: str) -> Outcome:
    run = _one_run(request)
    run.id = run_id
    return _alone(accept(workspace, [Incoming(run, patch=True)]))


def _alone(outcome: Outcome) -> Outcome:
    for rejection in outcome.rejected:
        raise Refused(rejection.status, f"The run was not stored: {rejection.reason}.")
    return outcome


def _one_run(request: HttpRequest) -> RunIn:
    try:
        return _decode_run(read_body(request))
    except NotJson as error:
        raise Refused(422, f"The run {error}.") from None
