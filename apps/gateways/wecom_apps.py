"""Messages of the company's own app to one of its staff, in WeCom. Call them with no database transaction open."""

from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

from apps.gateways.messages import Outcome
from apps.gateways.wecom_calls import Refused, Unanswered, call

TEXT_BYTES = 2_048  # what is longer is cut by WeCom without a word
NO_USER = 81013


class Note(NamedTuple):
    """`userid` is WeCom's. `end` is what stays when `text` has to be cut: the address to go on at."""

    key: str
    userid: str
    text: str
    end: str = ""


def is_set_up() -> bool:
    return settings.WECOM_PROVIDER != "none" and settings.WECOM_AGENT_ID > 0


def send_batch(notes: Sequence[Note]) -> list[Outcome]:
    """One outcome per note, in order. refused: nobody there of this userid, or not in reach of the app. retry: WeCom took nothing.

    unknown: it may have it. Over 30 a minute or 1,000 an hour to one person WeCom drops the rest and says nothing.
    """
    return [_sent(note) for note in notes]


def _sent(note: Note) -> Outcome:
    body = {
        "touser": note.userid,
        "msgtype": "text",
        "agentid": settings.WECOM_AGENT_ID,
        "text": {"content": _fitted(note.text, note.end)},
    }
    try:
        answer = call("message/send", body=body)
    except Refused as refused:
        return Outcome(note.key, "refused", code=f"WECOM_{refused.code}")
    except Unanswered as failure:
        return Outcome(note.key, failure.state, code=failure.code, retry_after=failure.retry_after)
    if any(answer.get(name) for name in ("invaliduser", "unlicenseduser")):
        return Outcome(note.key, "refused", code=f"WECOM_{NO_USER}")
    return Outcome(note.key, "accepted", answer.get("msgid"))


def _fitted(text: str, end: str) -> str:
    """Whole lines, as many as there is room for before the end."""
    whole = f"{text}\n\n{end}" if end else text
    lines = text.split("\n")
    while len(whole.encode()) > TEXT_BYTES and len(lines) > 1:
        lines.pop()
        whole = "\n".join([*lines, "…", "", end])
    return whole
