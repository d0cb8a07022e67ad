"""WeCom's service window (微信客服): what customers write to the house's service accounts, and answers to them.

Ids are WeCom's: `open_kfid` of a service account, `external_userid` of a customer. Raises `wecom_calls.Unanswered` or `Refused`.
After the vendor's pages for 微信客服 (path 94670, 94677, 94700); codes are from memory, to be confirmed.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from apps.gateways.wecom_calls import call, download

PAGE = 100
CUSTOMERS = 100  # of one look-up
MOST_BYTES = 2048  # of one text
PER_TURN = 5  # answers to one word of the customer
WINDOW_HOURS = 48  # after that word
TOO_MANY, TOO_LATE = 95001, 95002
BAD_TOKEN = 95007
NOT_NOW = frozenset({95013, 95016, 95018})  # the conversation is over, or somebody has it in the client


class Page(NamedTuple):
    """`cursor`: where the next page begins; kept by the caller. Rows come in WeCom's order."""

    rows: list[dict[str, Any]]
    cursor: str
    has_more: bool


def pull(*, open_kfid: str, cursor: str, token: str = "") -> Page:
    """What was written since the cursor. `token` is a callback's, good for ten minutes; without one WeCom answers a few times only."""
    body: dict[str, Any] = {"open_kfid": open_kfid, "limit": PAGE}
    body |= {name: value for name, value in (("cursor", cursor), ("token", token)) if value}
    answer = call("kf/sync_msg", body=body)
    return Page(answer.get("msg_list", []), answer.get("next_cursor", "") or cursor, answer.get("has_more") == 1)


def customers(external_userids: Sequence[str]) -> list[dict[str, Any]]:
    """Who they are: `external_userid`, `nickname`, and `unionid` where the company may know it. At most 100."""
    body = {"external_userid_list": list(external_userids), "need_enter_session_context": 0}
    return call("kf/customer/batchget", body=body).get("customer_list", [])


def send(*, open_kfid: str, external_userid: str, number: str, text: str) -> None:
    """`number`: ours, up to 32 of A–Z a–z 0–9 - _; a failure that WeCom tells later names it."""
    body = {"touser": external_userid, "open_kfid": open_kfid, "msgid": number, "msgtype": "text"}
    call("kf/send_msg", body=body | {"text": {"content": text}})


def media(media_id: str) -> bytes:
    """A picture that a customer sent; WeCom keeps it for three days."""
    return download("media/get", media_id=media_id)


def fitting(text: str) -> str:
    """As much of it as one message holds, cut between letters."""
    content = text.encode()
    return text if len(content) <= MOST_BYTES else content[: MOST_BYTES - 3].decode("utf-8", "ignore") + "…"
