"""A draft in the hands of people: steps added, moved and removed, two people at once, what changed."""

import copy

import pytest

from apps.care.journeys import comparing, drafting, editing, graph, shaping

END = {"key": "end", "kind": "exit"}


def wait(key, to, days=3):
    return {"key": key, "kind": "wait", "for": {"kind": "time", "days": days}, "next": to}


def draft(*nodes):
    return {"entry": {"kind": "call"}, "nodes": [*nodes, END]}


LINE = draft(wait("a", "b"), wait("b", "c"), wait("c", "end"))
FORK = draft(
    wait("a", "half"),
    {"key": "half", "kind": "split", "arms": [{"percent": 50, "next": "x"}, {"percent": 50, "next": "y"}]},
    wait("x", "z"),
    wait("y", "z"),
    wait("z", "end"),
)


def keys(data):
    return [row.key for row in shaping.read(data)[0]]


def test_ways_open_and_come_together_again_in_the_list():
    rows, lost = shaping.read(FORK)
    assert [row.key for row in rows] == ["a", "half", "z", "end"]
    assert [(way.name, [row.key for row in way.rows], way.lands) for way in rows[1].ways] == [
        ("1", ["x"], "z"), ("2", ["y"], "z"),
    ]  # fmt: skip
    assert lost == []


def test_a_way_that_ends_at_once_does_not_split_the_list():
    gift = {"key": "gift", "kind": "coupon", "template": "t", "next": "tell", "otherwise": "end"}
    rows, _lost = shaping.read(draft(gift, wait("tell", "end")))
    assert [row.key for row in rows] == ["gift", "tell", "end"]
    assert [(way.name, way.rows, way.lands) for way in rows[0].ways] == [("next", [], "tell"), ("otherwise", [], "end")]


@pytest.mark.django_db
def test_steps_are_added_moved_and_removed_and_the_graph_stays_whole():
    made, key = shaping.insert(LINE, raw={"kind": "wait", "for": {"kind": "time", "days": 1}}, after="a", way="next")
    assert (key, keys(made)) == ("wait1", ["a", "wait1", "b", "c", "end"])
    first, key = shaping.insert(LINE, raw={"kind": "exit"}, after=shaping.START, way="")
    assert (key, first["nodes"][0]["key"], [row.key for row in shaping.read(first)[1]]) == (
        "exit1", "exit1", ["a", "b", "c", "end"],
    )  # fmt: skip
    moved = shaping.swap(LINE, upper="a", lower="b")
    assert (keys(moved), moved["nodes"][0]["key"]) == (["b", "a", "c", "end"], "b")
    graph.checked(moved)
    block = shaping.swap(FORK, upper="a", lower="half")
    assert keys(block) == ["half", "a", "z", "end"]
    assert keys(shaping.swap(block, upper="half", lower="a")) == ["a", "half", "z", "end"]
    graph.checked(block)
    less, gone = shaping.remove(FORK, key="half")
    assert (keys(less), gone) == (["a", "x", "z", "end"], ["y"])
    graph.checked(less)
    assert keys(shaping.remove(LINE, key="a")[0]) == ["b", "c", "end"]
    assert LINE["nodes"][0]["next"] == "b"  # what was given is never changed


def test_a_circle_and_rubbish_are_shown_and_do_not_hang():
    circle = draft(wait("a", "b"), wait("b", "a"))
    rows, lost = shaping.read(circle)
    assert ([row.key for row in rows], [row.key for row in lost]) == (["a", "b"], ["end"])
    assert shaping.normal({"nodes": [1, {"key": 2}], "entry": 3}) == {"nodes": [END], "entry": {"kind": "call"}}


@pytest.mark.django_db
def test_two_people_change_different_steps_and_nothing_is_lost():
    journey = editing.create(key="two", name="Two", draft=LINE)
    mine, theirs = copy.deepcopy(LINE), copy.deepcopy(LINE)
    mine["nodes"][0]["for"]["days"], theirs["nodes"][2]["for"]["days"] = 5, 9
    assert not drafting.change(journey_id=journey.pk, base=LINE, draft=theirs).others
    kept = drafting.change(journey_id=journey.pk, base=LINE, draft=mine)
    journey.refresh_from_db()
    days = [raw["for"]["days"] for raw in journey.draft["nodes"][:3]]
    assert (kept.others, kept.conflict, days) == (True, None, [5, 3, 9])


@pytest.mark.django_db
def test_the_same_step_changed_twice_is_asked_about_and_nothing_is_written():
    journey = editing.create(key="two", name="Two", draft=LINE)
    mine, theirs = copy.deepcopy(LINE), copy.deepcopy(LINE)
    mine["nodes"][1]["for"]["days"], theirs["nodes"][1]["for"]["days"] = 5, 9
    drafting.change(journey_id=journey.pk, base=LINE, draft=theirs)
    kept = drafting.change(journey_id=journey.pk, base=LINE, draft=mine)
    journey.refresh_from_db()
    assert kept.conflict is not None
    assert (kept.conflict.twice, journey.draft) == (["b"], theirs)
    assert (kept.conflict.mine, kept.conflict.theirs) == (mine, theirs)


def test_what_changed_is_named_step_by_step():
    after = copy.deepcopy(LINE)
    after["nodes"][1]["for"]["days"] = 7
    after |= {"late_days": 2, "holdout_percent": 10}  # the first is the default: no change
    found = comparing.difference(LINE, shaping.remove(after, key="c")[0])
    assert [raw["key"] for raw in found.removed] == ["c"]
    assert [(one.step, one.field) for one in found.changes] == [
        ("", "holdout_percent"), ("b", "for"), ("b", "next"),
    ]  # fmt: skip
    assert found.changes[1].after == {"kind": "time", "days": 7}
    assert comparing.difference(LINE, LINE).is_nothing
