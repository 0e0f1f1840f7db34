"""JSON that clients send over several lines, in files of one line a run."""

import json

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.runs import payload
from apps.runs.models import Run
from apps.runs.table import exports
from tests.factories import ApiKeyFactory
from tests.runs.ingest.wire import wire_run


@pytest.mark.django_db
def test_a_run_is_one_line_however_its_json_was_laid_out(client: Client, workspace: Workspace) -> None:
    key = ApiKeyFactory(workspace=workspace)
    body = json.dumps({"post": [wire_run(inputs={"a": [1, {"b": "two\nlines\u2028"}]})]}, indent=2)
    answer = client.post("/runs/batch", body, content_type="application/json", headers={"x-api-key": key.secret})
    assert answer.status_code == 202
    stored = Run.objects.get()
    lines = b"".join(exports.json_lines(stored.project, Run.objects.all(), []))
    assert lines.count(b"\n") == 1
    assert json.loads(lines)["inputs"] == json.loads(payload.unpack(stored.inputs))
