"""A conversation whose only memory is the server, as in the LangSmith documentation: each turn finds the thread's newest
model run, takes its messages as the history, and asks again. Prints what was answered, what went over the wire, and warnings."""

import json
import logging
import sys
from typing import Any
from urllib.parse import urlsplit

import openai
import requests
from langsmith import Client, get_current_run_tree, traceable
from langsmith.wrappers import wrap_openai

options = json.loads(sys.argv[1])
sent: list[str] = []
warned: list[str] = []


class Warned(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warned.append(record.getMessage())


def watch_the_wire() -> None:
    """Notes each ingest request as "METHOD /path encoding"."""
    plain = requests.Session.request

    def noted(self: requests.Session, method: str, url: str, **kwargs: Any) -> requests.Response:
        if "/runs" in url and method != "GET" and not url.endswith("/query"):
            path = "/runs" + urlsplit(url).path.split("/runs", 1)[1]
            sent.append(f"{method} {path} {(kwargs.get('headers') or {}).get('Content-Encoding', 'identity')}")
        return plain(self, method, url, **kwargs)

    requests.Session.request = noted


logging.getLogger("langsmith").addHandler(Warned(logging.WARNING))
watch_the_wire()
langsmith_client = Client(info=options.get("info"))
client = wrap_openai(
    openai.OpenAI(base_url=options["model_url"], api_key="none", max_retries=0),
    tracing_extra={"client": langsmith_client},
)


def flush() -> None:
    """Until the server has acknowledged everything. 0.4.31 leaves its queue out of flush() once it compresses."""
    langsmith_client.tracing_queue.join()
    langsmith_client.flush()


def get_thread_history(thread_id: str, project_name: str) -> list[dict[str, Any]]:
    keys = '["session_id","conversation_id","thread_id"]'
    filter_string = f'and(in(metadata_key, {keys}), eq(metadata_value, "{thread_id}"))'
    runs = langsmith_client.list_runs(project_name=project_name, filter=filter_string, run_type="llm")
    latest = sorted(runs, key=lambda run: run.start_time, reverse=True)[0]
    return [*latest.inputs["messages"], latest.outputs["choices"][0]["message"]]


@traceable(name="Chat Bot", client=langsmith_client)
def chat_pipeline(question: str, get_chat_history: bool = False, stream: bool = False) -> str:
    messages = [{"role": "user", "content": question}]
    if get_chat_history:
        run_tree = get_current_run_tree()
        messages = get_thread_history(run_tree.extra["metadata"]["session_id"], run_tree.session_name) + messages
    if not stream:
        return client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
    chunks = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


extra = {"project_name": options["project"], "metadata": {"session_id": options["thread"]}}
replies = [chat_pipeline("My name is Ada and I have 20 apples.", langsmith_extra=extra)]
flush()
replies.append(chat_pipeline("I got 22 more. What is my name?", True, True, langsmith_extra=extra))
flush()
replies.append(chat_pipeline("What is the sum?", True, langsmith_extra=extra))
flush()
print(json.dumps({"replies": replies, "sent": sorted(set(sent)), "warned": warned}))
