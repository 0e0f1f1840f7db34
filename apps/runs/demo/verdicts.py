"""What users and a judge said of the sample conversations, so that feedback has something to show."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from apps.runs.demo.wire import Json, Trace, iso

_THUMBS: Final = {"type": "boolean"}
_SHARE: Final = {"type": "continuous", "min": 0, "max": 1}
_VOICE: Final = {
    "type": "categorical",
    "categories": [{"value": 2, "label": "warm"}, {"value": 1, "label": "plain"}, {"value": 0, "label": "curt"}],
}
_LIKED: Final = ("Just what I asked for.", "Quick and clear, thanks!", "")
_DISLIKED: Final = ("It answered something else.", "Too long, and the point came last.", "")


def verdicts(traces: Sequence[Trace], began: datetime) -> Iterator[Json]:
    """Bodies of POST /feedback on the roots of the turns, the same ones for the same traces."""
    for trace in traces:
        root, dice = trace.spans[0], random.Random(trace.id.int)
        if root.finish is None:
            continue
        good = root.error is None and dice.random() < 0.85
        moment = iso(began, root.finish + 20)
        if dice.random() < 0.5 or root.error:
            comment = dice.choice(_LIKED if good else _DISLIKED)
            yield _verdict(trace, "user_score", moment, _THUMBS, score=int(good), comment=comment or None)
        if root.error is None and dice.random() < 0.7:
            share = round(dice.uniform(0.7, 1) if good else dice.uniform(0.2, 0.6), 2)
            yield _verdict(trace, "usefulness", moment, _SHARE, score=share, **_JUDGE)
            voice = dice.choice(("warm", "warm", "plain")) if good else dice.choice(("plain", "curt"))
            yield _verdict(trace, "voice", moment, _VOICE, value=voice, **_JUDGE)


_JUDGE: Final[Json] = {"feedback_source": {"type": "model", "metadata": {"judge": "sample-judge"}}}


def _verdict(trace: Trace, key: str, moment: str, config: Json, **said: object) -> Json:
    ids = {"id": str(uuid.uuid5(trace.id, key)), "trace_id": str(trace.id), "run_id": str(trace.spans[0].id)}
    return {**ids, "key": key, "created_at": moment, "feedback_config": config, **said}
