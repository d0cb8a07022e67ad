"""WeCom's customer calls as plain functions; each raises `wecom_calls.Unanswered` or `wecom_calls.Refused`.

Ids are WeCom's: `userid` of staff, `external_userid` of customers. Lists come in pages; a cursor is all that a next page needs, so
whoever keeps it can go on after a kill.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from apps.gateways.wecom_calls import Refused, call

BATCH_STAFF = 100  # userids of one batch/get_by_user
PAGE = 100
TRANSFER_BATCH = 100  # customers of one hand-over
NO_CONTACTS = 84061
WELCOMED_ALREADY, WELCOMED_ELSEWHERE = 41051, 41096


class Page(NamedTuple):
    """`cursor` is "" on the last page."""

    rows: list[dict[str, Any]]
    cursor: str


class GroupSend(NamedTuple):
    """A task made for staff; `failed` are customers it leaves out."""

    msgid: str
    failed: list[str]


def staff() -> list[str]:
    """Who may have customers."""
    return call("externalcontact/get_follow_user_list").get("follow_user", [])


def contact(external_userid: str) -> dict[str, Any]:
    """One customer with everybody who follows them, all pages in one."""
    whole = call("externalcontact/get", external_userid=external_userid)
    cursor = whole.get("next_cursor", "")
    while cursor:
        more = call("externalcontact/get", external_userid=external_userid, cursor=cursor)
        whole["follow_user"] += more.get("follow_user", [])
        cursor = more.get("next_cursor", "")
    return whole


def contacts_of(userids: Sequence[str], *, cursor: str = "") -> Page:
    """Customers of up to 100 staff, 100 a page; staff without any are an empty page."""
    body = {"userid_list": list(userids), "cursor": cursor, "limit": PAGE}
    try:
        answer = call("externalcontact/batch/get_by_user", body=body)
    except Refused as refused:
        if refused.code == NO_CONTACTS:
            return Page([], "")
        raise
    return Page(answer.get("external_contact_list", []), answer.get("next_cursor", ""))


def add_way(*, users: Sequence[str], state: str, remark: str, skip_verify: bool = True) -> tuple[str, str]:
    """A QR code by which customers add one of up to 100 staff → its id, and where its picture is."""
    body = {"type": 2 if len(users) > 1 else 1, "scene": 2, "remark": remark[:30], "skip_verify": skip_verify}
    answer = call("externalcontact/add_contact_way", body=body | {"state": state, "user": list(users)})
    return answer["config_id"], answer.get("qr_code", "")


def change_way(config_id: str, *, users: Sequence[str]) -> None:
    call("externalcontact/update_contact_way", body={"config_id": config_id, "user": list(users)})


def drop_way(config_id: str) -> None:
    call("externalcontact/del_contact_way", body={"config_id": config_id})


def mark_tags(*, userid: str, external_userid: str, add: Sequence[str], remove: Sequence[str]) -> None:
    body = {"userid": userid, "external_userid": external_userid, "add_tag": list(add), "remove_tag": list(remove)}
    call("externalcontact/mark_tag", body=body)


def tags() -> list[dict[str, Any]]:
    """The company's tag groups with their tags."""
    return call("externalcontact/get_corp_tag_list", body={}).get("tag_group", [])


def add_tags(*, group: str, names: Sequence[str]) -> dict[str, str]:
    """Name → WeCom's id, in a group that is made if it is not there."""
    body = {"group_name": group, "tag": [{"name": name} for name in names]}
    made = call("externalcontact/add_corp_tag", body=body)["tag_group"]["tag"]
    return {tag["name"]: tag["id"] for tag in made}


def welcome(*, code: str, text: str) -> None:
    """Once per code, within 20 s of the event."""
    call("externalcontact/send_welcome_msg", body={"welcome_code": code, "text": {"content": text}})


def create_send(
    *, sender: str, text: str, external_userids: Sequence[str] = (), chats: Sequence[str] = ()
) -> GroupSend:
    """A task: `sender` must confirm it in the client before anything goes out. Either customers or groups."""
    body: dict[str, Any] = {"sender": sender, "text": {"content": text}}
    if chats:
        body |= {"chat_type": "group", "chat_id_list": list(chats)}
    else:
        body |= {"chat_type": "single", "external_userid": list(external_userids)}
    answer = call("externalcontact/add_msg_template", body=body)
    return GroupSend(answer["msgid"], answer.get("fail_list", []))


def send_tasks(msgid: str) -> list[dict[str, Any]]:
    """Per staff: `userid`, `status` 0 not confirmed, 2 sent, and `send_time`."""
    return call("externalcontact/get_groupmsg_task", body={"msgid": msgid, "limit": 1000}).get("task_list", [])


def send_results(msgid: str, *, userid: str, cursor: str = "") -> Page:
    """Per customer: `status` 0 not sent, 1 sent, 2 no friend any more, 3 over the customer's limit."""
    body = {"msgid": msgid, "userid": userid, "limit": 1000, "cursor": cursor}
    answer = call("externalcontact/get_groupmsg_send_result", body=body)
    return Page(answer.get("send_list", []), answer.get("next_cursor", ""))


def remind_send(msgid: str) -> None:
    """At most three times in 24 hours."""
    call("externalcontact/remind_groupmsg_send", body={"msgid": msgid})


def cancel_send(msgid: str) -> None:
    call("externalcontact/cancel_groupmsg_send", body={"msgid": msgid})


def hand_over(*, from_userid: str, to_userid: str, external_userids: Sequence[str], has_left: bool) -> dict[str, int]:
    """Customers of somebody to a colleague → errcode per customer, 0 where the hand-over began."""
    api = "externalcontact/resigned/transfer_customer" if has_left else "externalcontact/transfer_customer"
    body = {
        "handover_userid": from_userid,
        "takeover_userid": to_userid,
        "external_userid": list(external_userids),
    }
    rows = call(api, body=body).get("customer", [])
    return {row["external_userid"]: row["errcode"] for row in rows}


def hand_over_groups(*, to_userid: str, chats: Sequence[str]) -> dict[str, int]:
    """Groups of somebody who left → errcode per group that failed."""
    body = {"chat_id_list": list(chats), "new_owner": to_userid}
    rows = call("externalcontact/groupchat/transfer", body=body).get("failed_chat_list", [])
    return {row["chat_id"]: row["errcode"] for row in rows}


def groups(*, cursor: str = "") -> Page:
    answer = call("externalcontact/groupchat/list", body={"status_filter": 0, "cursor": cursor, "limit": PAGE})
    return Page(answer.get("group_chat_list", []), answer.get("next_cursor", ""))


def group(chat_id: str) -> dict[str, Any]:
    """The group with its roster; may lag behind an event, `member_version` tells how far it is."""
    return call("externalcontact/groupchat/get", body={"chat_id": chat_id, "need_name": 1})["group_chat"]


def add_join_way(*, chats: Sequence[str], state: str, base_name: str, base_number: int) -> tuple[str, str]:
    """A QR code into the first of up to five groups that has room; WeCom makes a further one when all are full."""
    body = _way(chats, base_name=base_name, base_number=base_number) | {"scene": 2, "state": state}
    config = call("externalcontact/groupchat/add_join_way", body=body)["config_id"]
    way = call("externalcontact/groupchat/get_join_way", body={"config_id": config})["join_way"]
    return config, way.get("qr_code", "")


def join_way(config_id: str) -> dict[str, Any]:
    return call("externalcontact/groupchat/get_join_way", body={"config_id": config_id})["join_way"]


def change_join_way(config_id: str, *, chats: Sequence[str], base_name: str, base_number: int) -> None:
    body = _way(chats, base_name=base_name, base_number=base_number) | {"scene": 2, "config_id": config_id}
    call("externalcontact/groupchat/update_join_way", body=body)


def _way(chats: Sequence[str], *, base_name: str, base_number: int) -> dict[str, Any]:
    return {
        "auto_create_room": 1,
        "room_base_name": base_name,
        "room_base_id": base_number,
        "chat_id_list": list(chats),
    }


def behaviour(userid: str, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """A day each, at most thirty that are over: `stat_time`, `chat_cnt`, `message_cnt`, `new_contact_cnt`, `negative_feedback_cnt`,
    and where customers wrote first `reply_percentage` and `avg_reply_time` in minutes."""
    body = {"userid": [userid], "start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
    return call("externalcontact/get_user_behavior_data", body=body).get("behavior_data", [])


def group_figures(owner: str, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """All groups of an owner in one, a day each: `stat_time`, `data` with `msg_total`, `member_has_msg` and their like."""
    body = {"day_begin_time": int(since.timestamp()), "day_end_time": int(until.timestamp())}
    asked = body | {"owner_filter": {"userid_list": [owner]}}
    return call("externalcontact/groupchat/statistic_group_by_day", body=asked).get("items", [])


def keep_words(
    rule_id: str, *, name: str, words: Sequence[str], is_blocking: bool, add: Sequence[str], remove: Sequence[str]
) -> str:
    """Staff cannot send these words to customers, or are warned. A rule of "" is made; the id is the answer. `add`, `remove`: staff."""
    body: dict[str, Any] = {"rule_name": name, "word_list": list(words), "intercept_type": 1 if is_blocking else 2}
    if not rule_id:
        answer = call("externalcontact/add_intercept_rule", body=body | {"applicable_range": {"user_list": list(add)}})
        return str(answer["rule_id"])
    ranges = {"add_applicable_range": {"user_list": list(add)}, "remove_applicable_range": {"user_list": list(remove)}}
    call("externalcontact/update_intercept_rule", body=body | {"rule_id": rule_id} | ranges)
    return rule_id


def drop_words(rule_id: str) -> None:
    call("externalcontact/del_intercept_rule", body={"rule_id": rule_id})
