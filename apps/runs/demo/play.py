"""Plays a conversation: each turn becomes a trace, with the model and tool calls that such an application makes."""

import json
import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby

from apps.runs.demo import shapes
from apps.runs.demo.picture import PICTURE
from apps.runs.demo.script import Conversation, Tool, Turn
from apps.runs.demo.shapes import Message
from apps.runs.demo.wire import Clock, Json, Span, Trace

BETWEEN_CALLS = 0.0006  # seconds from one tool of a round to the next: they run side by side
HISTORY = 24  # messages that the applications keep in the prompt
MODEL_NAMES = {
    "openai": "ChatOpenAI",
    "anthropic": "ChatAnthropic",
    "google": "ChatGoogleGenerativeAI",
    "ollama": "ChatOllama",
}
ROOT_NAMES = {
    "chat": "answer",
    "tools": "support_agent",
    "rag": "handbook_chain",
    "graph": "LangGraph",
    "team": "coding_team",
}


def play(conversation: Conversation, seed: uuid.UUID) -> tuple[list[Trace], float]:
    """The traces of a conversation and its length in seconds. The same seed gives the same ids and delays."""
    clock = Clock(seed)
    history: list[Message] = []
    traces = []
    for number, turn in enumerate(conversation.turn):
        if number:
            clock.wait(0.4 * conversation.gap, 1.6 * conversation.gap)
        thread: Json = {conversation.key: conversation.id}
        trace = Trace(uuid.uuid5(seed, str(number)), clock, conversation.project, thread, conversation.metadata)
        trace.carried_by_all = conversation.carry == "all"
        trace.tags = conversation.tags
        Player(conversation, turn, trace, history[-HISTORY:]).play()
        history += [question(turn), Message("assistant", turn.reply)]
        traces.append(trace)
    return traces, clock.now


def question(turn: Turn) -> Message:
    return Message("user", turn.user, image=PICTURE if turn.image else None)


def every_tool(turn: Turn) -> list[Tool]:
    return [*turn.tool, *(tool for agent in turn.agent for tool in agent.tool)]


class Player:
    def __init__(self, conversation: Conversation, turn: Turn, trace: Trace, history: list[Message]) -> None:
        self.conversation, self.turn, self.trace, self.clock = conversation, turn, trace, trace.clock
        system = [Message("system", conversation.system)] if conversation.system else []
        self.messages = [*system, *history, question(turn)]
        self.offered = shapes.functions([tool for turn in conversation.turn for tool in every_tool(turn)])

    def play(self) -> None:
        if self.conversation.app == "bare":
            self.model(None, self.messages, Message("assistant", self.turn.reply), self.turn.think)
            return
        root = Span(self.trace, None, ROOT_NAMES[self.conversation.app], "chain", self.root_inputs())
        self.clock.wait(0.002, 0.02)
        if self.conversation.app == "rag" and not self.retrieve(root):
            root.end(error=self.turn.error)
            return
        if self.turn.agent:
            self.delegate(root)
        self.reason(root, self.messages, self.turn.tool, self.turn.reply, self.turn.think)
        if not self.turn.pending:
            self.clock.wait(0.001, 0.01)
            root.end(None if self.turn.error else self.root_outputs(), self.turn.error)

    def root_inputs(self) -> Json:
        match self.conversation.app:
            case "graph":
                return {"messages": [{"role": "user", "content": self.turn.user}]}
            case "tools" if self.turn.image:
                return {"messages": [shapes.openai_message(question(self.turn))]}
            case "tools":
                return {"input": self.turn.user}
            case "team":
                return {"input": self.turn.user}
            case _:
                return {"question": self.turn.user}

    def root_outputs(self) -> Json:
        match self.conversation.app:
            case "graph":
                said = [question(self.turn), Message("assistant", self.turn.reply)]
                return {"messages": [shapes.langchain_message(message) for message in said]}
            case "rag":
                return {
                    "answer": self.turn.reply,
                    "sources": [document.source for document in self.turn.documents or []],
                }
            case _:
                return {"output": self.turn.reply}

    def retrieve(self, root: Span) -> bool:
        """False when the retriever failed."""
        retriever = root.child("VectorStoreRetriever", "retriever", {"query": self.turn.user})
        retriever.metadata["ls_retriever_name"] = "vectorstore"
        self.embed(retriever)
        self.clock.wait(0.02, 0.12)
        if self.turn.error and self.turn.error_in == "retriever":
            self.clock.wait(4.9, 5.1)
            retriever.end(error=self.turn.error)
            return False
        documents = self.turn.documents or []
        retriever.end(shapes.documents_wire(documents))
        context = "\n\n".join(f"[{document.source}] {document.text}" for document in documents) or "Nothing was found."
        self.messages.insert(-1, Message("system", f"Answer from these passages only.\n\n{context}"))
        return True

    def embed(self, retriever: Span) -> None:
        embedding = retriever.child("text-embedding-3-small", "embedding", {"input": [self.turn.user]})
        embedding.metadata |= {"ls_provider": "openai", "ls_model_name": "text-embedding-3-small"}
        self.clock.wait(0.06, 0.2)
        embedding.end({"dimensions": 1536, "usage": {"total_tokens": shapes.tokens(self.turn.user)}})

    def delegate(self, root: Span) -> None:
        for agent in self.turn.agent:
            span = root.child(agent.name, "chain", {"task": agent.task})
            span.metadata["ls_agent_type"] = "subagent"
            self.clock.wait(0.002, 0.01)
            brief = [Message("system", f"You are the {agent.name} of a team."), Message("user", agent.task)]
            self.reason(span, brief, agent.tool, agent.reply, "", agent.model, final=False)
            span.end({"output": agent.reply})
            self.messages.append(Message("assistant", f"{agent.name} reports: {agent.reply}"))

    def reason(
        self,
        root: Span,
        messages: list[Message],
        tools: list[Tool],
        reply: str,
        think: str,
        model: str = "",
        final: bool = True,
    ) -> None:
        """Asks the model, runs the tools it asks for, and asks again, round by round; the last answer is the reply."""
        messages = list(messages)
        for number, round_ in groupby(tools, key=lambda tool: tool.round):
            batch = list(round_)
            calls = [(self.call_id(number, at), tool.name, tool.args) for at, tool in enumerate(batch)]
            asking = Message("assistant", "", calls=calls)
            with self.node(root, "agent", number) as node:
                self.model(node, messages, asking, "", model)
            with self.node(root, "tools", number) as node:
                results = self.run_tools(node, batch)
            messages += [asking]
            messages += [Message("tool", text, answers=call) for (call, _, _), text in zip(calls, results, strict=True)]
        with self.node(root, "agent", len(messages)) as node:
            self.model(node, messages, Message("assistant", reply), think, model, final=final)

    def call_id(self, number: int, at: int) -> str:
        return f"call_{uuid.uuid5(self.trace.id, f'{number}.{at}.{len(self.trace.spans)}').hex[:24]}"

    def node(self, root: Span, name: str, step: int) -> "Node":
        return Node(root, name, step, wrap=self.conversation.app == "graph", pending=self.turn.pending)

    def run_tools(self, parent: Span, tools: Iterable[Tool]) -> list[str]:
        results, began = [], self.clock.now
        for number, tool in enumerate(tools):
            span = parent.child(tool.name, "tool", tool.args)
            span.start = began + number * BETWEEN_CALLS
            span.finish = span.start + tool.ms / 1000
            span.error = tool.error
            if tool.error is None:
                span.outputs = tool.result if isinstance(tool.result, dict) else {"output": tool.result}
            self.clock.now = max(self.clock.now, span.finish)
            failed = f"Error: {(tool.error or '').strip().splitlines()[-1]}" if tool.error else ""
            results.append(failed or json.dumps(tool.result, ensure_ascii=False))
        return results

    def model(
        self,
        parent: Span | None,
        messages: list[Message],
        reply: Message,
        think: str,
        model: str = "",
        final: bool = True,
    ) -> None:
        """One model call. Only the last call of a turn is the one that fails or never ends."""
        model = model or self.conversation.model
        inputs = self.model_inputs(model, messages)
        span = Span(self.trace, parent, MODEL_NAMES[self.conversation.provider], "llm", inputs)
        span.metadata |= {"ls_provider": self.conversation.provider, "ls_model_type": "chat", "ls_model_name": model}
        final = final and not reply.calls
        if self.conversation.app == "bare":
            span.metadata["ls_method"] = "wrapper"
        if self.conversation.app == "graph":
            span.extra["invocation_params"] = {"model": model, "_type": "openai-chat", "tools": self.offered}
        if final and self.turn.pending:
            return
        if final and self.turn.error and self.turn.error_in == "model":
            self.clock.wait(0.3, 2.5)
            span.end(error=self.turn.error)
            return
        counts = self.spend(span, messages, reply, think, model)
        span.end(self.model_outputs(model, reply, counts, think))

    def spend(self, span: Span, messages: list[Message], reply: Message, think: str, model: str) -> Json:
        counts = shapes.usage(messages, reply, self.offered, thinking=think, cached=self.conversation.cached)
        if self.conversation.client_cost:
            counts |= shapes.costs(model, counts)
        self.clock.wait(0.35, 0.9)
        self.clock.now += shapes.tokens(think) / 90
        if self.conversation.stream:
            span.tokens_at = list(self.ticks(counts["output_tokens"]))
        else:
            self.clock.now += counts["output_tokens"] / 85
        return counts

    def ticks(self, count: int) -> Iterator[float]:
        """When the tokens of a streamed answer arrive; at most 40 moments, for a page of them tells no more."""
        moments = max(1, min(count, 40))
        for _ in range(moments):
            yield self.clock.now
            self.clock.now += count / moments / 75

    def model_inputs(self, model: str, messages: list[Message]) -> Json:
        if self.conversation.app == "graph":
            return {"messages": [[shapes.langchain_message(message) for message in messages]]}
        if self.conversation.provider == "anthropic":
            return self.anthropic_inputs(model, messages)
        tools = {"tools": [{"type": "function", "function": f} for f in self.offered]} if self.offered else {}
        streamed = {"stream": True, "stream_options": {"include_usage": True}} if self.conversation.stream else {}
        said = [shapes.openai_message(message) for message in messages]
        return {"model": model, "messages": said, "temperature": 0.3, **tools, **streamed}

    def anthropic_inputs(self, model: str, messages: list[Message]) -> Json:
        said = [shapes.anthropic_message(message) for message in messages if message.role != "system"]
        system: list[Json] = [{"type": "text", "text": m.text} for m in messages if m.role == "system"]
        if self.conversation.cached and system:
            system[0]["cache_control"] = {"type": "ephemeral"}
        inputs: Json = {"model": model, "max_tokens": 4096, "system": system, "messages": said}
        if self.offered:
            inputs["tools"] = [
                {"name": f["name"], "description": f["description"], "input_schema": f["parameters"]}
                for f in self.offered
            ]
        return inputs

    def model_outputs(self, model: str, reply: Message, counts: Json, think: str) -> Json:
        if self.conversation.app == "graph":
            return shapes.langchain_outputs(model, reply, counts)
        if self.conversation.provider == "anthropic":
            return shapes.anthropic_outputs(model, reply, counts, think)
        if self.conversation.provider == "google":
            return {"role": "assistant", "content": reply.text, "finish_reason": "STOP", "usage_metadata": counts}
        return shapes.openai_outputs(model, reply, counts)


class Node:
    """A step of a LangGraph graph is a run of its own; elsewhere the step hangs under the root directly."""

    def __init__(self, root: Span, name: str, step: int, *, wrap: bool, pending: bool) -> None:
        self.root, self.name, self.step, self.wrap, self.pending = root, name, step, wrap, pending

    def __enter__(self) -> Span:
        if not self.wrap:
            return self.root
        self.span = self.root.child(self.name, "chain", {})
        self.span.metadata |= {"langgraph_node": self.name, "langgraph_step": self.step}
        return self.span

    def __exit__(self, *exc: object) -> None:
        if self.wrap and not self.pending:
            last = self.span.trace.spans[-1]
            self.span.end(last.outputs, last.error)
