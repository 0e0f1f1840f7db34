"""Three turns of an application as LangChain's and LangGraph's own guides write one; tracing is switched on by the environment alone.

Prints the replies and the tokens that the model counted.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

QUESTIONS = ("My name is Ada and I like 40.", "And I like 2. What is my name?", "What is the sum of my numbers?")
options = json.loads(sys.argv[1])
THREAD = options["thread"]
counted = UsageMetadataCallbackHandler()
model = ChatOpenAI(
    model="gpt-4o-mini", base_url=options["model_url"], api_key="none", max_retries=0, stream_usage=True, use_responses_api=False
)  # fmt: skip
type Ask = Callable[[str], str]


@tool
def look_up(topic: str) -> str:
    """Look a topic up in the handbook."""
    return f"The handbook knows nothing about {topic}."


class Handbook(BaseRetriever):
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return [Document("Numbers are added one by one.", metadata={"page": 7, "query": query})]


def config() -> dict[str, Any]:
    return {"configurable": {"thread_id": THREAD}, "callbacks": [counted]}


def agent() -> Ask:
    """It looks up what the question asks it to; its memory is LangGraph's."""
    made = create_agent(model, tools=[look_up], system_prompt="Be brief.", checkpointer=InMemorySaver())

    def ask(question: str) -> str:
        told = made.invoke({"messages": [{"role": "user", "content": question}]}, config())
        return str(told["messages"][-1].content)

    return ask


def graph() -> Ask:
    """One node, its tokens streamed to the user."""
    builder = StateGraph(MessagesState)
    builder.add_node("chat", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_edge(START, "chat")
    builder.add_edge("chat", END)
    made = builder.compile(checkpointer=InMemorySaver())

    def ask(question: str) -> str:
        sent = {"messages": [{"role": "user", "content": question}]}
        pieces = made.stream(sent, config(), stream_mode="messages")
        return "".join(str(piece.content) for piece, _ in pieces if isinstance(piece, AIMessageChunk))

    return ask


def chain() -> Ask:
    """A retriever, a prompt and a model piped together; the application keeps the history itself."""
    prompt = ChatPromptTemplate(
        [("system", "Use this: {context}"), ("placeholder", "{history}"), ("user", "{question}")]
    )
    piped = (
        RunnablePassthrough.assign(context=lambda asked: asked["question"]) | _with_context() | prompt | model | StrOutputParser()
    )  # fmt: skip
    history: list[tuple[str, str]] = []

    def ask(question: str) -> str:
        asked = {"question": question, "history": list(history)}
        reply = piped.invoke(asked, config())
        history.extend([("user", question), ("assistant", reply)])
        return str(reply)

    return ask


def broken() -> Ask:
    """Its only node fails."""

    def burn(state: MessagesState) -> MessagesState:
        raise ValueError("the handbook has burnt")

    made = StateGraph(MessagesState).add_node("burn", burn).add_edge(START, "burn").compile()

    def ask(question: str) -> str:
        try:
            made.invoke({"messages": [{"role": "user", "content": question}]}, config())
        except ValueError as error:
            return str(error)
        return "nothing happened"

    return ask


def _with_context() -> Any:
    handbook = (lambda asked: asked["question"]) | Handbook()
    return RunnablePassthrough.assign(context=handbook)


if __name__ == "__main__":
    ask = {"agent": agent, "graph": graph, "chain": chain, "broken": broken}[options["app"]]()
    asked = options.get("questions") or QUESTIONS
    replies = [ask(question) for question in asked]
    wait_for_all_tracers()
    usage = counted.usage_metadata.values()
    totals = {name: sum(used[f"{name}_tokens"] for used in usage) for name in ("input", "output", "total")}
    print(json.dumps({"replies": replies, **totals}))
