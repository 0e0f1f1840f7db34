"""What the recorder records: a traced turn with a tool, a streamed one, one that fails, and an attachment."""

import contextlib
import json
import os
import platform
import sys

import openai
from langsmith import Client, traceable
from langsmith.schemas import Attachment
from langsmith.wrappers import wrap_openai

os.environ["LANGSMITH_REVISION_ID"] = os.environ["LANGCHAIN_REVISION_ID"] = "0000000"
platform.platform = lambda *args, **kwargs: "Linux-6.1.0-x86_64-with-glibc2.36"
options = json.loads(sys.argv[1])
client = Client(api_url=options["endpoint"], api_key=options["key"], info=options.get("info"))
model = wrap_openai(
    openai.OpenAI(base_url=options["model_url"], api_key="none", max_retries=0), tracing_extra={"client": client}
)
THREAD = {"session_id": "recorded-thread"}


def flush() -> None:
    client.tracing_queue.join()
    client.flush()


@traceable(run_type="tool", tags=["recorded"])
def look_up(name: str) -> dict[str, str]:
    return {"name": name, "greeting": "Grüße, 你好, مرحبا"}


@traceable(name="turn", client=client)
def turn(question: str, stream: bool = False) -> str:
    look_up("Ada")
    messages = [{"role": "user", "content": question}]
    if not stream:
        return model.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
    pieces = model.chat.completions.create(
        model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


@traceable(name="with attachment", client=client, dangerously_allow_filesystem=False)
def attach(picture: Attachment) -> str:
    return picture.mime_type


extra = {"project_name": "recorded", "metadata": THREAD}
turn("My name is Ada.", langsmith_extra=extra)
turn("What is my name?", stream=True, langsmith_extra={**extra, "tags": ["streamed"]})
with contextlib.suppress(openai.BadRequestError):
    turn("Please fail.", langsmith_extra=extra)
flush()
attach(Attachment(mime_type="image/png", data=b"\x89PNG\r\n\x1a\n--not a boundary\r\n"), langsmith_extra=extra)
flush()
os._exit(0)
