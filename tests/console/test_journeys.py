"""The pages of journeys: what is pressed is in the draft, what is wrong stands at its step, and nobody loses what they wrote."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.care import second_person
from apps.care.journeys import editing
from apps.care.models import Journey
from apps.core import brand
from apps.core.models import Approval
from apps.stores.models import Role

pytestmark = pytest.mark.django_db
END = {"key": "end", "kind": "exit"}
REMIND = {
    "key": "remind", "kind": "send", "channel": "sms", "purpose": "care", "template": "{{ nickname }}，好久不见", "send_hour": 10,
    "missing": {}, "fallback": [], "content": {}, "next": "rest",
}  # fmt: skip
REST = {"key": "rest", "kind": "wait", "for": {"kind": "time", "days": 3}, "next": "end"}
DRAFT: dict[str, Any] = {
    "entry": {"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing", "window_days": 14}},
    "again": {"kind": "after", "days": 60}, "ends": [{"when": {"kind": "order"}, "is_goal": True}], "holdout_percent": 10,
    "nodes": [REMIND, REST, END],
}  # fmt: skip


@pytest.fixture
def journey(house: Any) -> Journey:
    return editing.create(key="care", name="沉睡关怀", draft=DRAFT)


def press(client: Client, act: str = "", *, base: Any = DRAFT, **more: Any) -> Any:
    return client.post(
        "/console/journeys/care/edit/", {"base": json.dumps(base), "act": act} | more, headers={"HX-Request": "true"}
    )


def draft() -> dict[str, Any]:
    found: dict[str, Any] = Journey.objects.get().draft
    return found


def kinds() -> list[str]:
    return [raw["kind"] for raw in draft()["nodes"]]


def test_the_list_finds_journeys_by_word_and_state(admin: Client, journey: Journey) -> None:
    assert [row["journey"] for row in admin.get("/console/journeys/?q=关怀").context["rows"]] == [journey]
    assert admin.get("/console/journeys/?state=live").context["rows"] == []
    admin.post("/console/journeys/new/", {"name": "另一个", "of": "care"})
    copied = Journey.objects.exclude(pk=journey.pk).get()
    assert (copied.draft, copied.status) == (DRAFT, "draft")
    assert admin.post("/console/journeys/new/", {"name": " "}).status_code == 422


def test_every_kind_of_step_is_added_with_its_form_and_without_losing_what_stands(
    admin: Client, journey: Journey
) -> None:
    base: Any = DRAFT
    for kind in (
        "send",
        "wait",
        "await",
        "branch",
        "split",
        "points",
        "coupon",
        "tag",
        "attribute",
        "followup",
        "webhook",
    ):
        page = press(admin, f"add:{kind}:remind:next", base=base)
        assert page.status_code == 200
        assert f'name="has_{kind}1"' in page.content.decode()
        base = json.loads(page.context["base"])
    assert (len(kinds()), kinds()[0], kinds()[-1]) == (14, "send", "exit")


def test_a_changed_field_is_kept_and_an_odd_one_keeps_what_stood_there(admin: Client, journey: Journey) -> None:
    fields = {
        "open": "rest",
        "has_rest": "1",
        "rest-name": "歇一歇",
        "rest-kind": "time",
        "rest-days": "7",
        "rest-hour": "10",
    }
    press(admin, **fields)
    assert draft()["nodes"][1] == {
        "key": "rest", "kind": "wait", "next": "end", "name": "歇一歇", "for": {"kind": "time", "days": 7, "hour": 10},
    }  # fmt: skip
    form = {"open": "remind", "has_remind": "1", "remind-channel": "sms", "remind-purpose": "care", "remind-send_hour": "99",
            "remind-template": "您好"}  # fmt: skip
    page = press(admin, base=draft(), **form)
    assert (draft()["nodes"][0]["send_hour"], draft()["nodes"][0]["template"]) == (10, "您好")
    assert "send_hour" in page.context["form"].errors


def test_who_comes_in_and_how_often_is_changed(admin: Client, journey: Journey) -> None:
    entry = {"open": "_entry", "has__entry": "1", "_entry-kind": "trigger", "_entry-trigger": "days_since_order", "_entry-days": "45",
             "_entry-window_days": "14", "_entry-again": "each", "_entry-holdout_percent": "20", "_entry-return_days": "30",
             "_entry-late_days": "3"}  # fmt: skip
    press(admin, **entry, **{"_entry-is_from_now": "on", "_entry-is_with_current": "on", "_entry-per_minute": "5",
                             "_entry-time_zone": "Asia/Tokyo"})  # fmt: skip
    assert draft()["entry"]["is_from_now"] is True
    assert "is_with_current" not in draft()["entry"], "nobody stands in days since an order"
    assert (draft()["per_minute"], draft()["time_zone"]) == (5, "Asia/Tokyo")
    press(admin, base=draft(), **entry)
    assert {"per_minute", "time_zone"} & draft().keys() == set(), "what was emptied is gone"
    assert draft()["entry"] == {
        "kind": "trigger",
        "trigger": "days_since_order",
        "params": {"days": 45, "window_days": 14},
    }
    assert (draft()["again"], draft()["holdout_percent"], draft()["late_days"]) == ({"kind": "each"}, 20, 3)
    press(admin, "end:rule", base=draft())
    assert [one["when"]["kind"] for one in draft()["ends"]] == ["order", "rule"]
    stage = entry | {"_entry-trigger": "stage_entered", "_entry-stage": "lost", "_entry-is_with_current": "on"}
    press(admin, base=draft(), **stage)
    assert draft()["entry"]["is_with_current"] is True


def test_a_split_may_have_a_day_from_which_the_better_way_is_for_all(admin: Client, journey: Journey) -> None:
    base = json.loads(press(admin, "add:split:remind:next").context["base"])
    fields = {
        "open": "split1",
        "has_split1": "1",
        "split1-winner_days": "14",
        "split1-percent_1": "30",
        "split1-percent_2": "70",
    }
    press(admin, base=base, **fields)
    assert (draft()["nodes"][1]["winner_days"], draft()["nodes"][1]["arms"][1]["percent"]) == (14, 70)
    press(admin, base=draft(), **(fields | {"split1-winner_days": ""}))
    assert "winner_days" not in draft()["nodes"][1]


def test_a_wait_for_a_date_has_a_way_for_whom_it_never_comes(admin: Client, journey: Journey) -> None:
    press(admin, "way:rest", open="rest")
    assert "otherwise" not in draft()["nodes"][1], "three days pass for everybody"
    fields = {"open": "rest", "has_rest": "1", "rest-kind": "date"}
    press(admin, base=draft(), **fields)
    press(admin, "way:rest", base=draft(), open="rest")
    page = press(admin, "add:tag:rest:otherwise", base=draft(), open="rest").content.decode()
    rest = draft()["nodes"][1]
    assert (rest["for"]["field"], rest["next"], rest["otherwise"]) == ("birthday", "end", "tag1")
    assert 'value="unway:rest:otherwise"' in admin.get("/console/journeys/care/?open=rest").content.decode()
    assert "tag1" in page
    press(admin, "unway:rest:otherwise", base=draft(), open="rest")
    assert [raw["key"] for raw in draft()["nodes"]] == ["remind", "rest", "end"]


def test_findings_and_warnings_stand_at_their_step(admin: Client, journey: Journey) -> None:
    broken = copy.deepcopy(DRAFT)
    broken["nodes"][0]["template"] = "{{ secret }} 您好"
    press(admin, "restore:back", draft_back=json.dumps(broken))
    page = admin.get("/console/journeys/care/")
    assert [len(line.wrong) for line in page.context["page"].lines] == [1, 0, 0]
    assert 'id="wrong-remind-1"' in page.content.decode()
    refused = admin.post("/console/journeys/care/publish/")
    assert (refused.status_code, Journey.objects.get().version) == (422, 0)


def test_two_people_at_the_same_step_are_asked_and_at_different_ones_are_not(admin: Client, journey: Journey) -> None:
    wait = {"open": "rest", "has_rest": "1", "rest-kind": "time"}
    press(admin, **wait, **{"rest-days": "5"})
    page = press(admin, **wait, **{"rest-days": "9"})
    assert (page.context["conflict"], draft()["nodes"][1]["for"]["days"]) == (["等待"], 5)
    kept = {"base": json.dumps(draft()), "draft_mine": page.context["draft_mine"], "act": "restore:mine"}
    admin.post("/console/journeys/care/edit/", kept)
    assert draft()["nodes"][1]["for"]["days"] == 9
    page = press(admin, "add:tag:_start:")  # from the draft as it was at the beginning: the wait of the other stays
    assert (page.context["others"], kinds(), draft()["nodes"][2]["for"]["days"]) == (
        True,
        ["tag", "send", "wait", "exit"],
        9,
    )


def test_a_rule_of_a_branch_is_made_with_the_editor_of_segments(admin: Client, journey: Journey) -> None:
    base = json.loads(press(admin, "add:branch:remind:next").context["base"])
    at = "/nodes/1/ways/0/rule"
    assert admin.get(f"/console/journeys/care/rule/?at={at}").status_code == 200
    rule = {"all": [{"field": "orders", "op": "gte", "value": 2}]}
    sent = {"base": json.dumps(base), "at": at, "rule": json.dumps(rule), "keep": "1"}
    assert admin.post("/console/journeys/care/rule/", sent).status_code == 302
    assert draft()["nodes"][1]["ways"][0]["rule"] == rule
    assert admin.get("/console/journeys/care/rule/?at=/nodes/9/rule").status_code == 302


def test_a_version_is_published_paused_moved_and_stopped(admin: Client, journey: Journey) -> None:
    admin.post("/console/journeys/care/publish/")
    journey.refresh_from_db()
    assert (journey.status, journey.version) == ("live", 1)
    assert not admin.get("/console/journeys/care/").context["is_changed"]
    press(admin, open="rest", has_rest="1", **{"rest-kind": "time", "rest-days": "7"})
    page = admin.get("/console/journeys/care/changes/")
    assert [(part.title, part.lines) for part in page.context["parts"]] == [("等待", [("等待", "等3天", "等7天")])]
    for act, status in (("pause", "paused"), ("resume", "live"), ("move", "live"), ("stop", "stopped")):
        admin.post(f"/console/journeys/care/{act}/")
        journey.refresh_from_db()
        assert journey.status == status
    assert press(admin, "drop:rest").status_code == 409


def test_a_journey_that_reaches_many_needs_a_second_person(at: Callable[..., Client], journey: Journey) -> None:
    brand.write(second_person.SETTING, 1)
    Journey.objects.update(draft=DRAFT | {"entry": {"kind": "schedule", "at": "2026-12-01T10:00"}})
    at(Role.MARKETER).post("/console/journeys/care/publish/")
    question = Approval.objects.get()
    assert (Journey.objects.get().version, question.params["journey_id"]) == (0, journey.pk)
    page = at(Role.ADMIN).get("/console/approvals/")
    row = page.context["waiting"][0]
    assert (row.may_decide, row.change.rule) == (True, "沉睡关怀")
    at(Role.ADMIN).post(f"/console/approvals/{row.public_id}/decide/", {"verdict": "agree"})
    assert Journey.objects.get().version == 1


@pytest.mark.parametrize("path", ["edit", "publish", "pause", "resume", "stop", "move", "rename", "rule"])
def test_whoever_may_only_look_changes_nothing(at: Callable[..., Client], journey: Journey, path: str) -> None:
    client = at(Role.ANALYST)
    assert client.post(f"/console/journeys/care/{path}/", {"act": "drop:rest"}).status_code == 403
    assert (client.get("/console/journeys/care/").status_code, draft(), Journey.objects.get().version) == (
        200,
        DRAFT,
        0,
    )
