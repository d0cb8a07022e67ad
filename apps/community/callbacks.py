"""What WeCom's callbacks mean. Each is a hint to look, never the truth itself: so they may come late, twice and in any order."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from apps.community import codes, contacts, groups, tags, welcoming, window
from apps.community.models import Contact, Follow, LiveCode
from apps.core import clock
from apps.gateways import wecom, wecom_inbox
from apps.gateways.wecom_calls import Refused, Unanswered
from apps.gateways.wecom_inbox import Told

CHUNK = 50
AGAIN = 5.0  # seconds until WeCom is asked again
WELCOME_AGAIN = 2.0
GONE = frozenset({wecom.NO_CONTACTS, 40096})
TAG_GROUP = "会员"

log = structlog.get_logger("siyu.community")


def take_all() -> int:
    """Handle what waits in the inbox, until nothing is due. Returns how many. No transaction may be open."""
    handled = 0
    while told := wecom_inbox.claim(limit=CHUNK, moment=clock.now()):
        # Who waits for a welcome has seconds; everything else can wait for them.
        for callback in sorted(told, key=lambda each: "WelcomeCode" not in each.fields):
            _handle(callback)
        handled += len(told)
    return handled


def _handle(told: Told) -> None:
    act = _KINDS.get(told.fields.get("Event", ""))
    moment = clock.now()
    if act is None:
        wecom_inbox.settle(told.id, outcome="unknown_kind", moment=moment)
        return
    try:
        act(told)
    except welcoming.TryAgain:
        wecom_inbox.put_back(told, after=WELCOME_AGAIN, moment=moment, outcome="welcome")
    except Unanswered as trouble:
        wecom_inbox.put_back(told, after=trouble.retry_after or AGAIN, moment=moment, outcome=trouble.code)
    except Refused as refused:
        wecom_inbox.settle(told.id, outcome=f"refused {refused.code}", moment=clock.now())
    except Exception as trouble:  # one that we cannot handle must not keep the others waiting
        log.exception("wecom callback failed", callback=told.id)
        wecom_inbox.put_back(told, after=60.0, moment=moment, outcome=type(trouble).__name__)
    else:
        wecom_inbox.settle(told.id, outcome="done", moment=clock.now())


def _contact(told: Told) -> None:
    """Somebody came, changed or left: say the welcome, then look how it stands now."""
    fields = told.fields
    external, state = fields.get("ExternalUserID", ""), fields.get("State", "")
    if fields.get("WelcomeCode"):
        came_at = datetime.fromtimestamp(int(fields["CreateTime"]), UTC)
        welcoming.send(welcome_code=fields["WelcomeCode"], state=state, came_at=came_at)
    ending = Follow.Ending.STAFF if fields.get("ChangeType") == "del_external_contact" else Follow.Ending.CUSTOMER
    look(external, ending=ending)
    if state:
        _of_code(external, userid=fields.get("UserID", ""), state=state)


def look(external_userid: str, *, ending: str = Follow.Ending.UNSEEN) -> None:
    """Read one customer and write how it stands; whoever does not follow any more ends as `ending`."""
    asked_at = clock.now()
    try:
        whole = wecom.contact(external_userid)
    except Refused as refused:
        if refused.code not in GONE:
            raise
        contacts.keep_only(external_userid, [], ending=ending, asked_at=asked_at)
        return
    follows = whole.get("follow_user", [])
    contacts.take([contacts.row_of(whole["external_contact"], follow) for follow in follows], asked_at=asked_at)
    contacts.keep_only(external_userid, [f["userid"] for f in follows], ending=ending, asked_at=asked_at)


def _of_code(external_userid: str, *, userid: str, state: str) -> None:
    """Tag who came by a live code, and take people off the code who have had their day's share."""
    code = LiveCode.objects.filter(state=state).first()
    contact = Contact.objects.filter(external_userid=external_userid).first()
    if code is None or contact is None:
        return
    if code.tag_id:
        wecom_id = tags.link(code.tag_id, group=TAG_GROUP)
        tags.mark(contact.pk, userid=userid, external_userid=external_userid, wecom_ids=[wecom_id])
        tags.settle(contact.pk)
    if code.daily_limit:
        codes.tell(code, moment=clock.now())


def _group(told: Told) -> None:
    """A group changed: its roster is read, and again while it is older than what we were told."""
    if told.fields.get("ChangeType") == "dismiss":
        groups.dismiss(told.fields["ChatId"], moment=clock.now())
        return
    version = told.fields.get("CurMemVer", "")
    groups.pull(told.fields["ChatId"], at_least=int(version) if version.isdecimal() else 0)


def _tags(_told: Told) -> None:
    tags.pull()


def _window(told: Told) -> None:
    """Somebody wrote in the service window."""
    window.pull(told.fields["OpenKfId"], token=told.fields.get("Token", ""))
    window.hand_over()


_KINDS: dict[str, Callable[[Told], None]] = {
    "change_external_contact": _contact,
    "change_external_chat": _group,
    "change_external_tag": _tags,
    "kf_msg_or_event": _window,
}
