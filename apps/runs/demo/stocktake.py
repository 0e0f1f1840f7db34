"""A conversation of 120 turns: a stocktake by voice, shelf after shelf, made from a table rather than written out."""

from apps.runs.demo.script import Conversation, Tool, Turn

TURNS = 120
KINDS = (
    "Ridgeline 2 tent",
    "Gale 2 tent",
    "Downy -7 bag",
    "Synth -5 bag",
    "Talus mid boots",
    "Cairn 65 pack",
    "Ember 1 stove",
    "Lumen 400 lamp",
    "Basalt mug",
    "Drift poncho",
    "Scree poles",
    "Firn gloves",
    "Tarn bottle",
    "Moraine mat",
    "Fell map set",
)
VARIANTS = ("moss", "sand", "slate", "rust", "night", "ice", "plain", "olive")
ASKED = (
    "Next: {item}, {counted} on the shelf.",
    "{item}. I count {counted}.",
    "{counted} of the {item}.",
    "Then we have {item}… {counted} pieces.",
)
SYSTEM = "You keep the tally of a stocktake by voice. Answer in one sentence, and say at once when a count is off."


def stocktake() -> Conversation:
    turns = [
        Turn(
            user="Starting the stocktake, aisle A. Are you ready?",
            reply="Ready. Read me the item and the count, and I will keep the tally.",
        )
    ]
    turns += [counted(number) for number in range(1, TURNS - 1)]
    off = [number for number in range(1, TURNS - 1) if difference(number)]
    summary = (
        f"Done: {TURNS - 2} lines counted, {len(off)} of them off, and {len(off)} corrections wait for your signature."
    )
    turns.append(Turn(user="That was the last one. What is the result?", reply=summary))
    return Conversation(
        id="stocktake-2026-11-leeds",
        project="sample-support-agent",
        app="tools",
        provider="openai",
        model="gpt-4o-mini",
        ago=1170,
        turn=turns,
        system=SYSTEM,
        key="thread_id",
        gap=24,
        client_cost=True,
        tags=["voice", "warehouse"],
        metadata={"user_id": "w_leeds_07", "environment": "production", "store": "Leeds"},
    )


def difference(number: int) -> int:
    """How many pieces are missing (negative) or too many on that line; mostly none."""
    return {4: -1, 9: 2}.get(number % 13, 0)


def counted(number: int) -> Turn:
    item = f"{KINDS[number % len(KINDS)]}, {VARIANTS[number // len(KINDS) % len(VARIANTS)]}"
    expected = 3 + number * 7 % 29
    off = difference(number)
    said = ASKED[number % len(ASKED)].format(item=item, counted=expected + off)
    check = Tool(name="expected_count", args={"item": item}, result={"expected": expected}, ms=60 + number % 50)
    if not off:
        return Turn(user=said, reply=f"{expected} {item}: that matches.", tool=[check])
    verdict = f"{abs(off)} {'short' if off < 0 else 'over'}"
    reply = f"{item}: {expected + off} counted, {expected} expected, so {verdict}. I noted it."
    note = Tool(
        name="note_difference", args={"item": item, "difference": off}, result={"line": number}, ms=110, round=2
    )
    return Turn(user=said, reply=reply, tool=[check, note])
