"""What customers write in WeCom's service window: pulled by cursor, kept once, handed on when we know whose words they are.

A callback is a hint only: what there is stands behind the account's cursor, which moves in the transaction that keeps its messages. So
repeats, delays, disorder and kills lose nothing and take nothing twice. No transaction may be open around `pull` and `hand_over`: they
talk to WeCom between two of their own.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.community import contacts, window_out
from apps.community.models import Contact
from apps.community.window_models import ServiceAccount, Talk, WindowMessage
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.files.errors import ScannerSilent
from apps.events import services as events
from apps.gateways import wecom_kf
from apps.gateways.wecom_calls import Refused, Unanswered
from apps.members import identities, uploads
from apps.members.errors import TooManyUploads
from apps.members.models import Identity, Upload

SAID = "community.window_said"
STRANGERS_FOR = timedelta(days=7)
MEDIA_FOR = timedelta(days=3)
CHUNK = 100
CUSTOMER = 3  # `origin` of what a customer wrote
LONGEST = 4_000

log = structlog.get_logger("siyu.community")


def pull(open_kfid: str, *, token: str = "") -> int:
    """Read what is new of an account. Returns how many messages were new to us. Raises Unanswered, Refused."""
    account, _made = ServiceAccount.objects.get_or_create(open_kfid=open_kfid)
    new = 0
    while True:
        asked = account.cursor
        page = _page(open_kfid, asked, token)
        people = _people(page.rows)
        taken = _take(account.pk, page, asked=asked, people=people)
        account.refresh_from_db()
        if taken is None:  # somebody else has read further meanwhile: go on from there
            continue
        new += taken
        if not page.has_more or page.cursor == asked:
            return new


def hand_over() -> int:
    """Give on what waits and is a member's by now, oldest first; a picture is fetched before. Returns how many."""
    rows = WindowMessage.objects.filter(state=WindowMessage.State.WAITING, talk__contact__member__isnull=False)
    rows = rows.filter(due_at__lte=clock.now()).select_related("talk__contact").order_by("pk")
    handed, stuck = 0, set()
    for row in rows[:CHUNK]:
        if row.talk_id in stuck:
            continue
        try:
            upload_id = _fetched(row) if row.media_id else None
        except Unanswered:
            stuck.add(row.talk_id)  # what came after it waits with it
            continue
        handed += _hand(row.pk, upload_id)
    return handed


@transaction.atomic
def settle(message_id: int) -> None:
    """It stands in a ticket now."""
    WindowMessage.objects.filter(pk=message_id, is_ours=False).update(state=WindowMessage.State.HANDED, text="")


@transaction.atomic
def forget_strangers(*, moment: datetime) -> int:
    """Who did not become known within a week: their words go."""
    old = WindowMessage.objects.filter(state=WindowMessage.State.WAITING, at__lt=moment - STRANGERS_FOR)
    return old.update(state=WindowMessage.State.HANDED, text="", code="STRANGER")


def _page(open_kfid: str, cursor: str, token: str) -> wecom_kf.Page:
    try:
        return wecom_kf.pull(open_kfid=open_kfid, cursor=cursor, token=token)
    except Refused as refused:
        if not token or refused.code != wecom_kf.BAD_TOKEN:
            raise
        return wecom_kf.pull(open_kfid=open_kfid, cursor=cursor)  # the callback came too late: without its token


def _people(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Names and union ids of those whom we do not know yet."""
    wrote = sorted({row["external_userid"] for row in rows if row.get("origin") == CUSTOMER})
    known = Contact.objects.filter(external_userid__in=wrote).exclude(union_digest=None, member=None)
    asked = sorted(set(wrote) - set(known.values_list("external_userid", flat=True)))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(asked), wecom_kf.CUSTOMERS):
        for one in wecom_kf.customers(asked[start : start + wecom_kf.CUSTOMERS]):
            found[one["external_userid"]] = one
    return found


@transaction.atomic
def _take(account_id: int, page: wecom_kf.Page, *, asked: str, people: dict[str, dict[str, Any]]) -> int | None:
    """Keep a page and its cursor; None when the cursor is another by now. Returns how many messages were new."""
    account = ServiceAccount.objects.select_for_update().get(pk=account_id)
    if account.cursor != asked:
        return None
    new, moment = 0, clock.now()
    for row in page.rows:
        event = row.get("event") or {}
        if row.get("origin") == CUSTOMER:
            new += _keep(account, row, people.get(row["external_userid"], {}), moment)
        elif event.get("event_type") == "msg_send_fail":
            window_out.came_back(event.get("fail_msgid", ""), code=f"FAIL_{event.get('fail_type', 0)}")
    account.cursor, account.read_at = page.cursor, moment
    account.save(update_fields=["cursor", "read_at"])
    return new


def _keep(account: ServiceAccount, row: dict[str, Any], person: dict[str, Any], moment: datetime) -> int:
    """One message, once; the customer's 48 hours begin anew with the newest."""
    at, union = datetime.fromtimestamp(int(row["send_time"]), UTC), person.get("unionid")
    contact, _made = Contact.objects.get_or_create(
        external_userid=row["external_userid"],
        defaults={"name": _clean(person.get("nickname", ""))[:64], "first_at": moment, "seen_at": moment},
    )
    if union and contact.union_digest is None:
        contact.union_digest = identities.digest(kind=Identity.Kind.UNIONID, value=union)
        contact.save(update_fields=["union_digest"])
    if contact.member_id is None:
        contacts.bind([contact.pk])
    talk, _made = Talk.objects.get_or_create(contact=contact, account=account, defaults={"last_in_at": at})
    kept, is_new = WindowMessage.objects.get_or_create(
        key=f"kf:{row['msgid']}"[:80],
        defaults={
            "talk": talk, "is_ours": False, "text": _words(row), "media_id": (row.get("image") or {}).get("media_id", "")[:300],
            "state": WindowMessage.State.WAITING, "at": at,
        },
    )  # fmt: skip
    if not is_new:
        return 0
    if at >= talk.last_in_at:
        Talk.objects.filter(pk=talk.pk).update(last_in_at=at, sent=0)
    if not Contact.objects.filter(pk=contact.pk, member__isnull=False).exists():
        window_out.invite(talk.pk, moment=moment)
    return int(kept.pk > 0)


def _words(row: dict[str, Any]) -> str:
    """A text, or in brackets what came instead of one."""
    kind = row.get("msgtype")
    if kind == "text":
        return _clean(row["text"].get("content", ""))[:LONGEST]
    return "" if kind == "image" else _("[sent something that cannot be shown here: %(kind)s]") % {"kind": kind}


def _clean(text: str) -> str:
    return text.replace("\x00", "")


def _fetched(row: WindowMessage) -> int | None:
    """The picture as a file of the member; None when it is gone, or is none. Raises Unanswered while WeCom does not answer."""
    member_id = row.talk.contact.member_id or 0
    try:
        return uploads.take(member_id=member_id, content=wecom_kf.media(row.media_id), purpose=Upload.Purpose.TICKET).id
    except (Unanswered, TooManyUploads, ScannerSilent) as trouble:
        if row.at > clock.now() - MEDIA_FOR:
            raise Unanswered("retry", type(trouble).__name__) from trouble
        return None
    except (Refused, DomainError) as trouble:
        log.info("picture of the service window not taken", trouble=type(trouble).__name__)
        return None


@transaction.atomic
def _hand(message_id: int, upload_id: int | None) -> int:
    waiting = WindowMessage.objects.select_for_update(of=("self",)).select_related("talk__contact")
    row = waiting.filter(pk=message_id, state=WindowMessage.State.WAITING).first()
    if row is None:
        return 0
    row.state, row.upload_id = WindowMessage.State.HANDED, upload_id
    row.save(update_fields=["state", "upload_id"])
    member_id = row.talk.contact.member_id
    events.publish(SAID, key=str(row.pk), lane=f"member:{member_id}", message_id=row.pk, member_id=member_id)
    return 1
