"""T-M11: a job that always ends its process is set aside, the others go on. Real processes, ended by a real kill -9."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.db import connections
from django.db.models import Count

from apps.care import dispatch, health, outcomes, planning, services
from apps.care.journeys import acts, entering, quarantine, stepping
from apps.care.models import Enrolment, Journey, JourneyMark, StepWatch, Touch
from apps.core import clock as house_clock
from apps.gateways.models import InboxMessage
from apps.members.models import Member
from tests.care import crowd, poison
from tests.care.conftest import Shop
from tests.care.test_crashes import time_passes
from tests.care.walks import journey
from tests.processes import LiveWorker

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 120


def deaths(work: Callable[[], Any], *, most: int = 20) -> int:
    """Do it in a process of its own, again and again, until one comes back alive. Returns how many did not."""
    for died in range(most):
        connections.close_all()
        process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
        process.start()
        process.join(30)
        if process.exitcode == 0:
            return died
        assert process.exitcode == -signal.SIGKILL
        time_passes()
    raise AssertionError("it kills for ever")


def tick() -> None:
    stepping.tick(house_clock.now())


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(monkeypatch: pytest.MonkeyPatch, is_deadly: Callable[[Any], bool]) -> None:
    """A `followup` step does nothing, and ends its process over these walks."""

    def act(step: Any, walkers: Any, moves: Any) -> None:
        for walker in walkers:
            if is_deadly(walker):
                kill()
            moves.add(walker, "done", step.node.next, walker.due_at)

    monkeypatch.setitem(acts.ACTS, "followup", act)


def begun(key: str, member_ids: list[int], *, priority: int = 50) -> Journey:
    made = journey({"key": "task", "kind": "followup", "title": "x", "next": "end"}, key=key, priority=priority)
    entering.put_in(journey_key=key, member_ids=member_ids, occurrence="x")
    return made


def endings(made: Journey) -> dict[str, int]:
    rows = Enrolment.objects.filter(journey=made).values_list("ending").annotate(rows=Count("pk"))
    return dict(rows.order_by())


def test_a_walk_that_ends_its_worker_is_set_aside_and_the_others_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_ids = crowd.lapsing(PEOPLE, moment=house_clock.now())
    ill = member_ids[50]  # neither in the first chunk of 40 nor at its end
    made, other = begun("care", member_ids), begun("other", member_ids[:10], priority=60)
    deadly(monkeypatch, lambda walker: walker.member_id == ill and walker.occurrence == "call:x")
    Enrolment.objects.filter(journey=other, member=ill).delete()

    assert deaths(tick) == 2 + quarantine.DEATHS
    assert deaths(tick) == 0  # those who had passed it take the step behind it
    assert endings(made) == {"crashed": 1, "done": PEOPLE - 1}
    assert Enrolment.objects.get(ending="crashed").member_id == ill
    assert endings(other) == {"done": 10}
    watch = StepWatch.objects.get(version__journey=made, node="task")
    assert (watch.is_running, watch.level, watch.rests_since) == (False, 0, None)

    walk = Enrolment.objects.get(ending="crashed")
    deadly(monkeypatch, lambda walker: False)  # mended
    quarantine.put_back(enrolment_id=walk.pk)
    tick()
    assert endings(made) == {"done": PEOPLE}


@pytest.mark.nightly
def test_other_journeys_wait_for_one_death_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    member_ids = crowd.lapsing(3, moment=house_clock.now())
    made, other = begun("care", member_ids[:1], priority=10), begun("other", member_ids[1:], priority=90)
    deadly(monkeypatch, lambda walker: walker.member_id == member_ids[0])
    for _ in range(2):
        connections.close_all()
        process = multiprocessing.get_context("fork").Process(target=tick, daemon=True)
        process.start()
        process.join(30)
    assert (endings(made), endings(other)) == ({"": 1}, {"done": 2})


@pytest.mark.nightly
def test_a_step_that_ends_its_worker_over_everybody_rests_until_it_is_woken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_ids = crowd.lapsing(PEOPLE, moment=house_clock.now())
    made = begun("care", member_ids)
    deadly(monkeypatch, lambda walker: True)

    assert deaths(tick) == 2 + quarantine.DEATHS + 1
    assert endings(made) == {"": PEOPLE - 1, "crashed": 1}
    assert [row.node for row in quarantine.resting(made.pk)] == ["task"]
    assert JourneyMark.objects.get(journey=made).trouble == "task: WorkerDied"
    assert deaths(tick) == 0, "it rests"

    deadly(monkeypatch, lambda walker: False)
    assert quarantine.wake(journey_id=made.pk) == 1
    tick()
    tick()
    assert endings(made) == {"crashed": 1, "done": PEOPLE - 1}
    assert JourneyMark.objects.get(journey=made).trouble == ""


def test_a_message_that_ends_its_worker_is_set_aside_and_the_others_arrive(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = house_clock.now()
    shop.limits(quiet=None)
    shop.policy(send_hour=0, channel="inbox")
    member_ids = crowd.lapsing(PEOPLE, moment=now)
    Member.objects.filter(pk=member_ids[60]).update(nickname="POISON")
    assert planning.plan(moment=now).planned == PEOPLE
    composed = dispatch.templates.composed

    def deadly_text(text: str, **more: Any) -> str:
        if "POISON" in text:
            kill()
        return composed(text, **more)

    monkeypatch.setattr(dispatch.templates, "composed", deadly_text)

    def drain() -> None:
        dispatch.drain()

    died = deaths(drain)
    assert died == outcomes.MOST_DEATHS
    time_passes()
    assert deaths(drain) == 0
    ill = Touch.objects.get(member_id=member_ids[60])
    assert (ill.state, ill.reason, ill.deaths) == ("failed", "crashed", outcomes.MOST_DEATHS)
    assert InboxMessage.objects.values("member_id").distinct().count() == InboxMessage.objects.count() == PEOPLE - 1
    assert [one.reason for one in health.dead_letters(limit=5)] == ["crashed"]

    monkeypatch.undo()
    services.replay(touch_ids=[ill.pk], reason="mended")
    dispatch.drain()
    assert InboxMessage.objects.count() == PEOPLE


@pytest.mark.nightly
def test_a_pool_outlives_a_deadly_step_and_a_deadly_message(shop: Shop, live_worker: LiveWorker) -> None:
    """The same with `celery worker` as it runs in the house: its pool loses a child each time and makes another."""
    now = house_clock.now()
    shop.limits(quiet=None)
    shop.policy(send_hour=0, channel="inbox")
    member_ids = crowd.lapsing(PEOPLE, moment=now)
    Member.objects.filter(pk=member_ids[60]).update(nickname=poison.NAME)
    planning.plan(moment=now)
    made = begun("care", member_ids)
    live_worker.start(concurrency=2, include="tests.care.poison")
    limit = time.monotonic() + 120
    while Touch.objects.filter(settled_at=None).exists() or Enrolment.objects.filter(ended_at=None).exists():
        assert time.monotonic() < limit, (endings(made), Touch.objects.filter(settled_at=None).count())
        current_app.send_task("care.walk_journeys")
        current_app.send_task("care.drain")
        time.sleep(1)
        time_passes()
    assert endings(made) == {"crashed": 1, "done": PEOPLE - 1}
    assert InboxMessage.objects.count() == PEOPLE - 1
    assert Touch.objects.get(state="failed").reason == "crashed"


@pytest.mark.nightly
def test_a_worker_is_no_fatter_after_a_hundred_thousand_jobs(live_worker: LiveWorker, db: None) -> None:
    """T-M11: the memory of a worker after 100,000 jobs stays below 1.2 × that at the start (after the first 2,000)."""
    live_worker.start(concurrency=1)
    sizes = [_after(2_000, live_worker), _after(98_000, live_worker)]
    print(f"\nresident after 2,000 and 100,000 jobs: {sizes[0]:,} and {sizes[1]:,} KiB")  # noqa: T201 - the figure is the point
    assert sizes[1] < 1.2 * sizes[0]


def _after(jobs: int, worker: LiveWorker) -> int:
    """Resident KiB of the pool's child once it has done so many more."""
    with current_app.connection() as line, current_app.amqp.producer_pool.acquire(block=True):
        for _ in range(jobs):
            current_app.send_task("flows.deliver_event", args=[0], connection=line)
        limit = time.monotonic() + 1_800  # alone a tenth of it is enough
        while line.default_channel.client.llen("celery"):
            assert time.monotonic() < limit
            time.sleep(0.2)
    time.sleep(1)
    return max(_resident(pid) for pid in _children(worker.pid))


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(one) for one in file.read().split()]


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
