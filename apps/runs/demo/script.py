"""What the sample conversations say: the shape of content/*.toml, which play.py turns into runs."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

CONTENT = Path(__file__).parent / "content"


class Tool(msgspec.Struct, forbid_unknown_fields=True):
    """A call and what came back. Tools of one round run side by side, and the model is asked again after each round."""

    name: str
    args: dict[str, Any]
    result: Any = None
    error: str | None = None
    ms: int = 180
    round: int = 1


class Document(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    source: str
    text: str
    score: float = 0.8


class Agent(msgspec.Struct, forbid_unknown_fields=True):
    """A member of a team, with the task it is handed."""

    name: str
    task: str
    reply: str
    model: str = ""
    tool: list[Tool] = []


class Turn(msgspec.Struct, forbid_unknown_fields=True):
    user: str
    reply: str = ""
    think: str = ""
    image: bool = False
    pending: bool = False
    error: str | None = None
    error_in: Literal["model", "retriever"] = "model"
    documents: list[Document] | None = None
    tool: list[Tool] = []
    agent: list[Agent] = []


class Conversation(msgspec.Struct, forbid_unknown_fields=True):
    """`ago` is minutes from the end of the last turn to now, `gap` the seconds that the user thinks between turns."""

    id: str
    project: str
    app: Literal["bare", "chat", "tools", "rag", "graph", "team"]
    provider: Literal["openai", "anthropic", "ollama", "google"]
    model: str
    ago: float
    turn: list[Turn]
    system: str = ""
    key: Literal["session_id", "conversation_id", "thread_id"] = "session_id"
    carry: Literal["all", "root"] = "all"
    gap: int = 75
    stream: bool = False
    client_cost: bool = False
    cached: bool = False
    tags: list[str] = []
    metadata: dict[str, Any] = {}


class Script(msgspec.Struct, forbid_unknown_fields=True):
    system: dict[str, str]
    conversation: list[Conversation]


def conversations() -> list[Conversation]:
    """All of content/, in the order of the files' names. A system that names a shared prompt is replaced by it."""
    found = []
    for file in sorted(CONTENT.glob("*.toml")):
        script = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Script)
        for conversation in script.conversation:
            conversation.system = script.system.get(conversation.system, conversation.system)
            found.append(conversation)
    return found
