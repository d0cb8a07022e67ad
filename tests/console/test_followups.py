"""Staff's to-do pages: done in two steps, within the reader's stores, names half hidden."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics import timeline
from apps.core import ids
from apps.core.models import AuditEntry
from apps.flows import member_erased
from apps.followups.assigning import NewTask, assign_many
from apps.followups.models import Entry, Task
from apps.stores.models import Role, Staff
from tests.console.world import House

At = Callable[..., Client]
INDEX = reverse("console:followups")


def card(role: str) -> Staff:
    return Staff.objects.get(code=f"C-{role}")


@pytest.fixture
def tasks(house: House) -> dict[str, Task]:
    """One in each store's pool about its member, one of the clerk's, overdue."""
    rows = [
        NewTask(
            source=key, kind="call", title=f"回访{key}", due_at=house.moment + timedelta(hours=2), member_id=member.pk
        )
        for key, member in house.members.items()
    ]
    late = NewTask(
        source="late", kind="visit", title="送样品", due_at=house.moment - timedelta(days=1), priority=1,
        member_id=house.members["mine"].pk, assignee_id=card("clerk").pk,
    )  # fmt: skip
    assign_many([*rows, late])
    return {task.source: task for task in Task.objects.all()}


def place(task: Task, act: str = "") -> str:
    name = ids.encode("fup", task.pk)
    return reverse("console:followup_act", args=[name, act]) if act else reverse("console:followup", args=[name])


def test_what_is_mine_and_what_the_pool_holds_are_told_apart_and_names_are_half_hidden(at: At, tasks):
    mine = at(Role.CLERK).get(INDEX).content.decode()
    pool = at(Role.CLERK).get(INDEX, {"show": "pool"}).content.decode()

    assert "送样品" in mine
    assert "回访" not in mine
    assert "已逾期" in mine
    assert "回访mine" in pool
    assert "送样品" not in pool
    for page in (mine, pool):
        assert "沈mine" not in page
        assert "回访near" not in page
        assert "回访far" not in page


def test_a_task_is_done_in_two_steps_and_the_list_it_came_from_follows(at: At, tasks):
    client = at(Role.CLERK)

    answer = client.post(
        place(tasks["mine"], "done"), {"outcome": "will_buy", "evidence": "周六来", "back": f"{INDEX}?show=pool"}
    )

    done = Task.objects.get(source="mine")
    assert (answer.status_code, answer["Location"]) == (302, f"{INDEX}?show=pool")
    assert (done.state, done.outcome, done.evidence, done.settled_by) == ("done", "will_buy", "周六来", card("clerk"))
    page = client.get(place(done)).content.decode()
    assert "已完成：有意购买" in page
    assert "c-outcomes" not in page
    settled = client.get(INDEX, {"show": "done"}).content.decode()
    assert "周六来" in settled
    elsewhere = client.post(place(tasks["late"], "done"), {"outcome": "reached", "back": "//evil.example/"})
    assert elsewhere["Location"] == place(tasks["late"])


def test_acts_that_make_no_sense_change_nothing_and_say_why(at: At, tasks):
    clerk = at(Role.CLERK)
    for act, sent in (
        ("done", {"outcome": "gone"}), ("later", {"due_on": "soon"}), ("later", {"due_on": "2026-11-01"}),
        ("hand-over", {"to": str(card("admin").pk)}), ("call-off", {}),
    ):  # fmt: skip
        assert clerk.post(place(tasks["mine"], act), sent).status_code == 302, act
    assert clerk.post(place(tasks["mine"], "erase")).status_code == 404
    assert Entry.objects.exclude(kind="given").count() == 0

    clerk.post(place(tasks["mine"], "take"))
    clerk.post(place(tasks["mine"], "later"), {"due_on": "2026-11-25"})
    clerk.post(place(tasks["mine"], "hand-over"), {"to": str(card("manager").pk)})
    at(Role.MANAGER).post(place(tasks["mine"], "call-off"))

    kinds = Entry.objects.filter(task=tasks["mine"]).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["given", "taken", "postponed", "handed_over", "cancelled"]


@pytest.mark.parametrize(
    ("role", "hidden"), [("clerk", "near far"), ("manager", "near far"), ("region_manager", "far")]
)
def test_a_store_neither_sees_nor_touches_a_task_of_another(at: At, tasks, role, hidden):
    client = at(role)
    lists = [
        client.get(INDEX, {"show": show, "store": tasks[other].store_id})
        for show in ("pool", "all", "done")
        for other in ("near", "far")
    ]
    if role != "clerk":
        lists.append(client.get(reverse("console:followups_team")))
    bodies = "".join(answer.content.decode() for answer in lists)

    for other in hidden.split():
        assert f"回访{other}" not in bodies
        assert tasks[other].store.name not in bodies
        assert client.get(place(tasks[other])).status_code == 404
        for act in ("take", "done", "later", "hand-over", "call-off"):
            sent = {"outcome": "reached", "due_on": "2026-11-25", "to": ""}
            assert client.post(place(tasks[other], act), sent).status_code == 404
        member = ids.encode("mem", tasks[other].member_id)
        assert client.post(reverse("console:followup_new", args=[member]), {}).status_code == 404
    assert Entry.objects.exclude(kind="given").count() == 0


def test_a_new_one_from_the_members_page_is_set_once_and_stands_in_their_timeline(at: At, house, tasks):
    client, member = at(Role.CLERK), house.member_id("mine")
    where = reverse("console:followup_new", args=[member])
    form = {
        "kind": "message", "title": "新品到店", "note": "", "due_on": "2026-11-24", "priority": "2", "assignee": "pool",
        "request_key": "token-token-token",
    }  # fmt: skip
    assert where in client.get(reverse("console:member", args=[member])).content.decode()
    wrong = client.post(where, form | {"due_on": "2026-11-01", "assignee": str(card("admin").pk)})
    assert (wrong.status_code, Task.objects.count()) == (422, 4)

    first, again = client.post(where, form), client.post(where, form)

    made = Task.objects.get(title="新品到店")
    assert (first["Location"], again["Location"]) == (place(made), place(made))
    assert (made.assignee, made.store, made.created_by) == (None, house.stores["mine"], card("clerk"))
    assert made.due_at.isoformat() == "2026-11-24T15:59:59+00:00"
    shown = client.get(reverse("console:member", args=[member]), {"show": "followups"}).content.decode()
    assert "新品到店" in shown
    assert place(made) in shown
    assert {row["kind"] for row in timeline.timeline(member_id=made.member_id, kinds=("followup",)).rows} == {
        "followup"
    }


def test_a_manager_sees_each_persons_figures_and_hands_all_over(at: At, tasks):
    manager = at(Role.MANAGER)
    page = manager.get(reverse("console:followups_team")).content.decode()
    assert page.count('data-l="门店"') == 2, "the clerk and the pool"

    answer = manager.post(
        reverse("console:followups_hand_over"), {"from": str(card("clerk").pk), "to": str(card("manager").pk)}
    )
    stranger = manager.post(reverse("console:followups_hand_over"), {"from": str(card("admin").pk), "to": ""})

    assert (answer.status_code, stranger.status_code) == (302, 404)
    assert Task.objects.get(source="late").assignee == card("manager")
    assert AuditEntry.objects.get(action="followups.handed_over").after == {"tasks": 1, "to": card("manager").pk}
    assert at(Role.CLERK).get(reverse("console:followups_team")).status_code == 403


def test_tasks_about_an_erased_member_are_called_off(house, tasks):
    class Fact:
        payload = {"member_id": house.members["mine"].pk}

    member_erased.call_off_followups(Fact)  # type: ignore[arg-type]

    assert dict(Task.objects.values_list("source", "state")) == {
        "mine": "cancelled", "late": "cancelled", "near": "open", "far": "open",
    }  # fmt: skip
