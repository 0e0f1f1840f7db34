"""What README shows works as it stands there."""

import os
import re
import subprocess
import sys

from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import BASE_DIR, LiveServer

ONCE_MORE = '\nlangsmith.flush()\nprint(ask("What is my name?", langsmith_extra=THREAD))\n'


def test_the_program_of_the_readme_reads_its_conversation_back(live: LiveServer, model: OpenAIStandIn) -> None:
    block = re.search(r"```python\n(.+?)```", (BASE_DIR / "README.md").read_text(), re.DOTALL)
    assert block
    environment = {
        **os.environ,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"{live.origin}/api/v1",
        "LANGSMITH_API_KEY": live.api_key,
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": "none",
    }
    program = [sys.executable, "-W", "ignore", "-c", block[1] + ONCE_MORE]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "Your name is Sally. You have asked 3 times.\n", done.stderr
