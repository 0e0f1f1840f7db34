"""Feedback written and read with the SDKs, and by the judge that the documentation shows."""

import json
import subprocess
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.sdk.behaviours import Behaviour, Told
from tests.sdk.environments import OPENAI, PYTHON_VERSIONS, clean_environment, python_with
from tests.server import BASE_DIR, LiveServer

SCRIPT = "feedback"


def test_the_sdk_gives_and_reads_feedback(behaviour: Behaviour, told: Told) -> None:
    problem = told(behaviour)
    assert problem is None, problem


def test_the_judge_of_the_documentation_judges_an_idle_thread(
    live: LiveServer, sdk_cache: Path, tmp_path: Path
) -> None:
    text = (BASE_DIR / "docs" / "feedback.md").read_text().split("## A judge of your own")[1]
    script = tmp_path / "judge.py"
    script.write_text("\n".join(line[4:] for line in text.splitlines() if line.startswith("    ") or not line))
    began = datetime.now(UTC) - timedelta(hours=1)
    thread = f"judged {uuid.uuid4()}"
    times = {"start_time": began.isoformat(), "end_time": (began + timedelta(seconds=1)).isoformat()}
    metadata = {"metadata": {"thread_id": thread}}
    run = {
        "id": str(uuid.uuid4()),
        "name": "agent",
        "run_type": "chain",
        "outputs": {"text": "Stop!!!!"},
        "extra": metadata,
    }
    asked(live, "/api/v1/runs", run | times)
    version = PYTHON_VERSIONS[0]
    python = python_with([f"langsmith=={version}", OPENAI], sdk_cache / f"langsmith-py-{version}")
    env = {"LANGSMITH_ENDPOINT": f"{live.origin}/api/v1", "LANGSMITH_API_KEY": live.api_key}
    done = subprocess.run([python, script], env=clean_environment(**env), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (verdict,) = [one for one in asked(live, "/api/v1/feedback?key=politeness") if one["thread_id"] == thread]
    assert (verdict["score"], verdict["comment"]) == (0, "4 exclamation marks in 1 turns")
    assert (verdict["first_turn"], verdict["last_turn"], verdict["level"]) == (1, 1, "thread")


def asked(live: LiveServer, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(live.origin + path, data, {"x-api-key": live.api_key})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())
