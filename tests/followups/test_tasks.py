"""Tasks: who gets them, each once; what may be done to them, by whom; what time does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import brand
from apps.core.errors import DomainError
from apps.events.models import Event
from apps.followups import services as followups
from apps.followups import upkeep
from apps.followups.assigning import Assigned, unknown_variables
from apps.followups.errors import OutcomeMissing, TaskSettled, TaskTaken, WrongAssignee, WrongDay
from apps.followups.models import Entry, Task
from apps.followups.settings import ESCALATE
from apps.members.models import Member
from tests.followups import shop as shops
from tests.followups.shop import DUE, NOON, Shop, bought, by, give, life, new, one


@pytest.fixture
def shop(clock, db) -> Shop:
    clock(NOON)
    return shops.build()


def whereabouts(source: str) -> tuple[str | None, str | None]:
    task = one(source)
    return task.store.code if task.store else None, task.assignee.code if task.assignee else None


def test_a_task_goes_to_the_guide_of_the_home_store_else_to_its_pool_else_where_the_member_buys_else_to_head_office(
    shop,
):
    bought(shop.member, store=shop.here, guide=shop.guide, number="1")
    bought(shop.member, store=shop.there, guide=shop.stranger, number="2", days=1)  # newer, but another store's guide
    only_there, nowhere = shops.member(2, None), shops.member(3, None)
    bought(only_there, store=shop.there, guide=None, number="3")
    imported = shops.staff("imported", shop.here, has_login=False)
    served_by_nobody = shops.member(4, shop.here)
    bought(served_by_nobody, store=shop.here, guide=imported, number="4")

    given = give(
        new("a", shop.member), new("b", only_there), new("c", nowhere), new("d", served_by_nobody),
        new("e", shop.member, is_for_pool=True), new("f", None, store_id=shop.here.pk, assignee_id=shop.colleague.pk),
        new("g", shop.member, assignee_id=shop.stranger.pk),
    )  # fmt: skip

    assert given == Assigned(given=7, repeated=0, left_out=0)
    assert {key: whereabouts(key) for key in "abcdefg"} == {
        "a": ("HERE", "guide"), "b": ("THERE", None), "c": (None, None), "d": ("HERE", None), "e": ("HERE", None),
        "f": ("HERE", "colleague"), "g": ("HERE", None),
    }  # fmt: skip
    assert (one("a").pooled_at, one("d").pooled_at) == (None, NOON)
    assert (life("a"), Entry.objects.count()) == (["given"], 7)


def test_the_same_source_gives_one_task_and_members_who_are_gone_get_none(shop):
    gone, merged = shops.member(2, shop.here), shops.member(3, shop.here)
    Member.objects.filter(pk=gone).update(status="erased")
    Member.objects.filter(pk=merged).update(status="merged", merged_into_id=shop.member)

    first = give(new("a", shop.member), new("a", shop.member), new("b", gone), new("c", merged))
    again = give(new("a", shop.member, title="other"), new("c", merged))

    assert (first, again) == (Assigned(2, 1, 1), Assigned(0, 2, 0))
    assert sorted(Task.objects.values_list("source", "member_id", "title")) == [
        ("a", shop.member, "问候"), ("c", shop.member, "问候"),
    ]  # fmt: skip
    assert Entry.objects.count() == 2


def test_texts_say_the_store_and_the_days_since_the_last_order_and_nothing_else(shop):
    bought(shop.member, store=shop.here, guide=shop.guide, number="1", days=40)
    give(
        new("a", shop.member, title="{store}: {days} 天没来", note="{name} {days}"),
        new("b", shops.member(2, shop.here), title="{days}"),
    )

    assert (one("a").title, one("a").note, one("b").title) == ("HERE: 40 天没来", "{name} 40", "")
    assert unknown_variables("{store} {days} {name} {a b}") == ["a b", "name"]


def test_many_members_get_theirs_in_one_statement(shop, django_assert_num_queries):
    with django_assert_num_queries(3):  # savepoint around it
        given = give(*(new(f"journey:x:{number}", shop.member) for number in range(3000)))

    assert given.given == Task.objects.count() == Entry.objects.count() == 3000
    assert followups.cancel_by_prefix(prefix="journey:x:1", member_ids=[shop.member]) == 1111
    assert followups.cancel_by_prefix(prefix="journey_x:") == 0, "no wildcard"
    assert followups.cancel_by_sources(sources=["journey:x:2", "journey:x:1"]) == 1
    assert Entry.objects.filter(kind="cancelled").count() == 1112


def test_done_needs_an_outcome_makes_it_mine_tells_it_once_and_is_the_end(shop):
    give(new("a", shop.member))
    task = one("a")
    with pytest.raises(OutcomeMissing):
        followups.complete(task_id=task.pk, outcome="maybe", evidence="", by=by(shop.guide))
    assert (one("a").state, life("a")) == ("open", ["given"])

    for _ in range(2):
        followups.complete(task_id=task.pk, outcome="will_buy", evidence=" 周六 来 ", by=by(shop.guide))

    done = one("a")
    assert (done.state, done.outcome, done.evidence, done.assignee_id) == ("done", "will_buy", "周六 来", shop.guide.pk)
    assert life("a") == ["given", "done"]
    fact = Event.objects.get(name="followup.completed")
    assert (fact.lane, fact.payload) == (
        f"member:{shop.member}",
        {"task_id": task.pk, "member_id": shop.member, "source": "a", "kind": "call", "outcome": "will_buy"},
    )
    acts = {
        "complete": {"outcome": "reached", "evidence": ""}, "take": {}, "cancel": {},
        "postpone": {"due_on": date(2026, 11, 30)}, "hand_over": {"to_staff_id": None},
    }  # fmt: skip
    for name, values in acts.items():
        with pytest.raises(TaskSettled):
            getattr(followups, name)(task_id=task.pk, by=by(shop.manager), **values)
    assert life("a") == ["given", "done"]


def test_what_a_colleague_has_is_theirs_and_the_managers(shop):
    give(new("a", shop.member))
    task = one("a")
    followups.take(task_id=task.pk, by=by(shop.guide))
    followups.take(task_id=task.pk, by=by(shop.guide))
    refused: list[type[DomainError]] = []
    for act in (
        lambda who: followups.take(task_id=task.pk, by=who),
        lambda who: followups.complete(task_id=task.pk, outcome="reached", evidence="", by=who),
        lambda who: followups.postpone(task_id=task.pk, due_on=date(2026, 11, 25), by=who),
        lambda who: followups.hand_over(task_id=task.pk, to_staff_id=None, by=who),
        lambda who: followups.cancel(task_id=task.pk, by=who),
    ):
        with pytest.raises(TaskTaken) as caught:
            act(by(shop.colleague))
        refused.append(caught.type)
    assert (len(refused), life("a")) == (5, ["given", "taken"])

    with pytest.raises(WrongAssignee):
        followups.hand_over(task_id=task.pk, to_staff_id=shop.stranger.pk, by=by(shop.guide))
    followups.hand_over(task_id=task.pk, to_staff_id=shop.colleague.pk, by=by(shop.manager))
    followups.hand_over(task_id=task.pk, to_staff_id=None, by=by(shop.colleague))

    assert whereabouts("a") == ("HERE", None)
    assert life("a") == ["given", "taken", "handed_over", "returned"]


def test_a_task_is_put_off_to_the_end_of_a_day_but_neither_back_nor_beyond_its_own_end(shop):
    give(new("a", shop.member, expires_at=NOON + timedelta(days=5)))
    task = one("a")
    for day in (date(2026, 11, 21), date(2026, 11, 30), date(2027, 12, 1)):
        with pytest.raises(WrongDay):
            followups.postpone(task_id=task.pk, due_on=day, by=by(shop.guide))
    assert (one("a").due_at, life("a")) == (DUE, ["given"])

    followups.postpone(task_id=task.pk, due_on=date(2026, 11, 25), by=by(shop.guide))

    assert one("a").due_at.isoformat() == "2026-11-25T15:59:59+00:00"
    assert life("a") == ["given", "postponed"]


def test_somebody_leaves_and_all_they_have_goes_to_a_colleague_or_into_the_pool(shop):
    mine = {"store_id": shop.here.pk, "assignee_id": shop.guide.pk}
    give(
        *(new(key, None, **mine) for key in "abc"), new("x", None, store_id=shop.here.pk, assignee_id=shop.colleague.pk)
    )
    followups.complete(task_id=one("c").pk, outcome="reached", evidence="", by=by(shop.guide))
    manager = by(shop.manager)

    with pytest.raises(WrongAssignee):
        followups.hand_over_all(from_staff_id=shop.guide.pk, to_staff_id=shop.guide.pk, by=manager, store_ids=None)
    none = followups.hand_over_all(from_staff_id=shop.guide.pk, to_staff_id=None, by=manager, store_ids=[shop.there.pk])
    wrong_store = followups.hand_over_all(
        from_staff_id=shop.guide.pk, to_staff_id=shop.stranger.pk, by=manager, store_ids=None
    )
    moved = followups.hand_over_all(
        from_staff_id=shop.guide.pk, to_staff_id=shop.colleague.pk, by=manager, store_ids=[shop.here.pk]
    )
    pooled = followups.hand_over_all(from_staff_id=shop.colleague.pk, to_staff_id=None, by=manager, store_ids=None)

    assert (none, wrong_store, moved, pooled) == (0, 0, 2, 3)
    assert [whereabouts(key)[1] for key in "abcx"] == [None, None, "guide", None]
    assert life("a") == ["given", "handed_over", "returned"]


def test_time_ends_tasks_brings_what_nobody_took_to_the_manager_once_and_takes_from_who_left(shop, clock):
    mine = {"store_id": shop.here.pk, "assignee_id": shop.guide.pk}
    give(
        new("late", shop.member, expires_at=NOON + timedelta(hours=1)), new("pooled", shop.member),
        new("head", None), new("held", None, **mine),
    )  # fmt: skip
    clock(NOON + timedelta(hours=23))
    assert upkeep.sweep() == {"expired": 1, "returned": 0, "escalated": 0}
    shop.guide.is_active = False
    shop.guide.save()
    clock(NOON + timedelta(hours=24))

    assert upkeep.sweep() == {"expired": 0, "returned": 1, "escalated": 2}
    assert upkeep.sweep() == {"expired": 0, "returned": 0, "escalated": 0}

    assert (one("late").state, life("late")) == ("expired", ["given", "expired"])
    assert Event.objects.get(name="followup.expired").payload == {
        "task_id": one("late").pk, "member_id": shop.member, "source": "late", "kind": "call",
    }  # fmt: skip
    assert whereabouts("pooled") == ("HERE", "manager")
    assert (whereabouts("head"), one("head").escalated_at) == ((None, None), NOON + timedelta(hours=24))
    assert (whereabouts("held"), life("held")) == (("HERE", None), ["given", "returned"])
    followups.hand_over(task_id=one("pooled").pk, to_staff_id=None, by=by(shop.manager))
    brand.write(ESCALATE, 0)
    clock(NOON + timedelta(hours=72))
    assert upkeep.sweep()["escalated"] == 0
    brand.write(ESCALATE, 24)
    assert upkeep.sweep()["escalated"] == 1, "the one that was held; the other was with the manager already"


def test_the_database_keeps_a_life_and_the_outcome_of_what_is_done(shop, owner_cursor):
    give(new("a", shop.member))
    for wrong in ({"state": "done"}, {"outcome": "reached"}, {"assignee_id": shop.guide.pk}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Task.objects.update(**wrong)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update followups_entry set kind = 'done'")

    assert (one("a").state, life("a")) == ("open", ["given"])


@pytest.mark.django_db(transaction=True)
def test_two_who_reach_for_one_task_at_once_one_has_it_and_two_that_give_it_out_give_one():
    shop = shops.build()
    give(new("a", shop.member))
    task_id = one("a").pk

    def reach(person) -> bool:
        try:
            followups.take(task_id=task_id, by=by(person))
        except TaskTaken:
            return False
        finally:
            connection.close()
        return True

    def give_again(_turn: int) -> int:
        try:
            return give(new("b", shop.member)).given
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(reach, [shop.guide, shop.colleague]))
        given = list(pool.map(give_again, range(4)))

    assert (sorted(got), sum(given)) == ([False, True], 1)
    assert (life("a"), life("b")) == (["given", "taken"], ["given"])
