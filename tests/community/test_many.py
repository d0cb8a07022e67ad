"""Many at once: customers read whatever dies, and a burst of messages due in the same minute against the quota's ledger."""

import multiprocessing
import random
import sys
import threading
import time

import pytest
from django.db import connections

from apps.community import queueing, quotas, sending, syncing
from apps.community.models import Contact, Follow, Send, SendItem, SyncRun
from apps.core import brand
from apps.core.models import Job
from tests.community.conftest import NOON, WeCom
from tests.processes import Simulator

STAFF = [f"sim-{number:03d}" for number in range(120)]  # two batches


def _reads(job_id: int) -> None:
    """In a thread of its own: connections are kept by thread, and one must not be shared with who is about to die."""
    worker = threading.Thread(target=lambda: syncing.run(Job.objects.get(pk=job_id)))
    worker.start()
    worker.join()


def _read_so_far() -> int:
    return SyncRun.objects.values_list("contacts", flat=True).first() or 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("customers", "kills"), [(900, 3), pytest.param(100_000, 100, marks=pytest.mark.nightly)])
def test_customers_are_read_whatever_dies_and_no_page_is_asked_for_that_was_kept(
    simulator: Simulator, customers: int, kills: int
):
    wecom_house = WeCom(simulator.url)  # in real time: a process of its own knows no other
    wecom_house.do("staff", userids=STAFF)
    wecom_house.do("crowd", userids=STAFF, count=customers)
    job = Job.objects.create(kind=syncing.KIND, params={})
    dice, began, hit = random.Random(7), time.monotonic(), 0
    for _ in range(kills):
        before = _read_so_far()
        connections.close_all()
        process = multiprocessing.get_context("fork").Process(target=_reads, args=(job.pk,), daemon=True)
        process.start()
        while process.is_alive() and _read_so_far() == before:
            time.sleep(0.002)  # until it has kept a page: the next is under way then
        time.sleep(dice.uniform(0, 0.03))
        hit += process.is_alive()
        process.kill()
        process.join()
    result = syncing.run(job)
    calls = wecom_house.calls("batch/get_by_user")
    sys.stdout.write(
        f"\n{customers} customers, {hit} of {kills} hit in the middle, {calls}, {time.monotonic() - began:.1f} s\n"
    )

    assert result["contacts"] == customers == Contact.objects.count() == Follow.objects.filter(left_at=None).count()
    assert set(calls) == {"0"}  # never over the platform's limits
    pages = -(-customers // 100) + 2
    assert calls["0"] <= pages + 2 * hit
    assert hit > kills // 2 or customers < 1000


@pytest.mark.parametrize(("customers", "staff"), [(60, 4), pytest.param(50_000, 120, marks=pytest.mark.nightly)])
def test_a_burst_due_in_one_minute_is_handed_over_within_the_ledger_and_wecom_refuses_none_of_it(
    wecom_house: WeCom, customers: int, staff: int
):
    brand.write(quotas.SPAN, "day")
    wecom_house.wecom("limits", sends_per_day=1)
    wecom_house.do("staff", userids=STAFF[:staff])
    wecom_house.do("crowd", userids=STAFF[:staff], count=customers)
    syncing.run(Job.objects.create(kind=syncing.KIND, params={}))
    known = list(Contact.objects.order_by("pk").values_list("external_userid", flat=True))
    notes = [queueing.Note(f"live:{name}", name, "马上开播") for name in known]
    began = time.monotonic()
    for first in range(0, len(notes), 500):
        queueing.queue(notes[first : first + 500], moment=NOON)
    figures = sending.round_of_sends()
    taken = time.monotonic() - began
    again = queueing.queue([queueing.Note(f"b:{name}", name, "第二条") for name in known[:50]], moment=NOON)
    wecom_house.do("confirm")
    sending.round_of_sends()
    sys.stdout.write(f"\n{customers} messages in {figures['made']} sends: {taken:.1f} s\n")

    assert taken < 60
    assert {outcome.code for outcome in again} == {queueing.QUOTA}
    assert wecom_house.calls("add_msg_template") == {"0": Send.objects.count()} == {"0": staff}
    assert dict.fromkeys(SendItem.objects.values_list("state", flat=True)) == {"delivered": None}
    assert SendItem.objects.filter(spent_on=NOON.date()).count() == customers == len(known)
    assert sending.round_of_sends() == {}
