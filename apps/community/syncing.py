"""The full reading of WeCom that mends what callbacks missed: at the platform's pace, a page at a time, resumable at any kill."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import transaction

from apps.community import contacts, groups
from apps.community.models import Account, Contact, SyncRun
from apps.core import clock, jobs
from apps.core.models import Job
from apps.gateways import wecom
from apps.gateways.wecom_calls import Unanswered
from apps.stores.models import Staff

KIND = "wecom.sync"
PATIENCE = 20  # waits in a row before the job fails; what was read stays
LONGEST_WAIT = 60.0  # seconds
T = TypeVar("T")


def start(*, user_id: int | None) -> Job:
    """One at a time; a second click answers the one that goes on."""
    return jobs.start_alone(kind=KIND, params={}, user_id=user_id)


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """Reads on where a killed run stopped. Raises Unanswered when WeCom does not answer for long."""
    total = Contact.objects.count()
    sync, ended = read_all(lambda sync: jobs.report(job, done=sync.contacts, total=max(total, sync.contacts)))
    return {"contacts": sync.contacts, "ended": ended}


def read_all(report: Callable[[SyncRun], None] = lambda _sync: None) -> tuple[SyncRun, int]:
    """From where a killed run stopped to the end. Returns the run, and how many customers nobody has any more."""
    sync = _open_run()
    while sync.place * wecom.BATCH_STAFF < len(sync.userids):
        read_page(sync, keep_alive=lambda: report(sync))
        report(sync)
    while not sync.has_groups:
        read_groups(sync, keep_alive=lambda: report(sync))
    return sync, _finish(sync)


def read_page(sync: SyncRun, *, keep_alive: Callable[[], None]) -> None:
    """The next page of customers and the mark of how far we are, in one transaction."""
    first = sync.place * wecom.BATCH_STAFF
    batch = sync.userids[first : first + wecom.BATCH_STAFF]
    asked_at = clock.now()
    page = patiently(lambda: wecom.contacts_of(batch, cursor=sync.cursor), keep_alive=keep_alive)
    with transaction.atomic():
        rows = [contacts.row_of(row["external_contact"], row["follow_info"]) for row in page.rows]
        contacts.take(rows, asked_at=asked_at)
        sync.contacts += len(rows)
        sync.cursor = page.cursor
        sync.place += 0 if page.cursor else 1
        sync.save(update_fields=["contacts", "cursor", "place"])


def read_groups(sync: SyncRun, *, keep_alive: Callable[[], None]) -> None:
    """The next page of groups, each with its roster: a roster that is written twice changes nothing."""
    page = patiently(lambda: wecom.groups(cursor=sync.cursor), keep_alive=keep_alive)
    for row in page.rows:
        patiently(partial(groups.pull, row["chat_id"]), keep_alive=keep_alive)
    sync.cursor, sync.has_groups = page.cursor, not page.cursor
    sync.save(update_fields=["cursor", "has_groups"])


def patiently(
    call: Callable[[], T], *, keep_alive: Callable[[], None], sleep: Callable[[float], None] = time.sleep
) -> T:
    """Call until WeCom answers, waiting as long as it says. Reads only: a second call does no harm."""
    for _attempt in range(PATIENCE):
        try:
            return call()
        except Unanswered as trouble:
            keep_alive()
            sleep(min(trouble.retry_after or 2.0, LONGEST_WAIT))
    return call()


def take_staff(userids: Sequence[str], *, moment: datetime) -> None:
    """Who may have customers; linked to the staff of the same number."""
    codes = dict(Staff.objects.filter(code__in=userids).values_list("code", "pk"))
    fresh = [Account(userid=userid, staff_id=codes.get(userid), seen_at=moment) for userid in userids]
    Account.objects.bulk_create(fresh, update_conflicts=True, unique_fields=["userid"], update_fields=["seen_at"])
    Account.objects.filter(userid__in=userids).update(is_active=True)
    Account.objects.exclude(userid__in=userids).update(is_active=False)


def _open_run() -> SyncRun:
    """The run that was left open, or a new one."""
    found = SyncRun.objects.filter(finished_at=None).first()
    if found:
        return found
    moment = clock.now()
    userids = sorted(patiently(wecom.staff, keep_alive=lambda: None))
    with transaction.atomic():
        take_staff(userids, moment=moment)
        return SyncRun.objects.create(userids=userids, started_at=moment)


@transaction.atomic
def _finish(sync: SyncRun) -> int:
    moment = clock.now()
    ended = contacts.end_unseen(sync.userids, started_at=sync.started_at, moment=moment)
    sync.finished_at = moment
    sync.save(update_fields=["finished_at"])
    return ended
