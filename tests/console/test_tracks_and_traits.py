"""Life tracks and computed traits by hand: what is typed becomes data, what is wrong is named, a date is shown to few."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.segments.models import Placement, Track, TrackMove, Trait
from apps.segments.tracks import services
from apps.segments.traits import working
from apps.stores.models import Role
from tests.console.conftest import NOON
from tests.console.world import House
from tests.segments.test_tracks import BABY, END
from tests.segments.test_traits import SCORE, see

pytestmark = pytest.mark.django_db


def steps(*rows: tuple[str, str, int, int], **more: Any) -> dict[str, Any]:
    """The form of a track: (key, name, months, days) a step."""
    said: dict[str, Any] = {
        "name": "宝宝",
        "anchor": "预产期",
        "steps-TOTAL_FORMS": len(rows) + 2,
        "steps-INITIAL_FORMS": 0,
    }
    for number, (key, name, months, days) in enumerate(rows):
        said |= {
            f"steps-{number}-{part}": value
            for part, value in zip(("key", "name", "months", "days"), (key, name, months, days), strict=True)
        }
    return said | more


def test_a_track_is_made_and_changed_by_rows_and_its_keys_stay(admin: Client) -> None:
    rows = [("", "出生", 0, 0), ("", "孕期", -9, 0), ("", "满百天", 0, 100)]
    made = admin.post("/console/tracks/new/", steps(*rows, name_en="Baby", ends_months="12"))
    assert made.status_code == 302
    track = Track.objects.get()
    keys = [(step["key"], step["name"], step["months"], step["days"]) for step in track.steps]
    assert [row[1:] for row in keys] == [("孕期", -9, 0), ("出生", 0, 0), ("满百天", 0, 100)]
    assert (len({row[0] for row in keys}), track.ends) == (3, {"months": 12, "days": 0})
    address = f"/console/tracks/{track.key}/save/"
    renamed = [(keys[0][0], "怀孕", -9, 0), *keys[1:]]
    admin.post(address, steps(*renamed) | {"steps-2-DELETE": "on", "steps-INITIAL_FORMS": 3})
    track.refresh_from_db()
    assert [(step["key"], step["name"]) for step in track.steps] == [(keys[0][0], "怀孕"), (keys[1][0], "出生")]
    wrong = admin.post(address, steps(("a", "一月", 1, 0), ("b", "三十一天", 0, 31)))
    assert (wrong.status_code, Track.objects.get().steps) == (422, track.steps)
    assert "三十一天" in wrong.content.decode()


def test_a_member_is_placed_corrected_and_let_go_and_only_who_edits_sees_the_date(house: House, at: Any) -> None:
    track = services.create(key="baby", name="宝宝", anchor="预产期", steps=BABY, ends=END)
    admin, mine = at(Role.ADMIN), house.members["mine"].pk
    address, page = (f"/console/members/{house.member_id('mine')}/{rest}" for rest in ("tracks/", ""))
    said = {"track": "baby", "day": "2026-10-01", "do": "place"}
    assert "须经会员同意" in admin.post(address, said, headers={"HX-Request": "true"}).content.decode()
    assert not Placement.objects.exists()
    assert admin.post(address, said | {"is_agreed": "on"}).status_code == 302
    place = Placement.objects.get(member_id=mine, track=track)
    assert (place.step, place.source) == ("m0", "staff")
    assert ["2026年10月1日" in at(role).get(page).content.decode() for role in (Role.ADMIN, Role.CLERK)] == [
        True,
        False,
    ]
    admin.post(address, {"do": f"correct:{place.pk}", f"day-{place.pk}": "2026-01-01"})
    admin.post(address, {"do": f"leave:{place.pk}"})
    told = TrackMove.objects.order_by("id").values_list("after", "cause")
    assert list(told) == [("m0", "placed"), ("m6", "corrected"), ("", "left")]
    shown = admin.get("/console/tracks/baby/")
    assert (shown.status_code, [one.members for one in shown.context["standing"]]) == (200, [0, 0, 0, 0])
    assert admin.post("/console/tracks/baby/archive/", {"do": "archive"}, follow=True).status_code == 200
    assert admin.post(address, said | {"is_agreed": "on"}).status_code == 200
    assert Placement.objects.filter(left_at=None).count() == 0


def trait(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "近期热度", "kind": kind, "entries-TOTAL_FORMS": 3, "entries-INITIAL_FORMS": 0, "do": "save"} | more


def test_traits_and_scores_are_made_tried_on_a_member_and_put_away(house: House, admin: Client) -> None:
    member = house.members["mine"]
    for days in (0, 10):
        see(member, clock.now() - timedelta(days=days))
    entry = {"entries-0-event": "product_viewed", "entries-0-points": "5", "entries-0-most_a_day": "2"}
    score = trait("score", days="30", half_life_days="10", **entry)
    tried = admin.post("/console/traits/new/", score | {"do": "try", "who": member.member_no})
    assert (tried.context["value"], Trait.objects.count()) == ("7.5", 0)
    kept = admin.post("/console/traits/new/", score, follow=True)
    made = Trait.objects.get()
    assert (kept.status_code, made.definition) == (200, SCORE)
    working.refresh(working.live(), moment=NOON)
    page = admin.get(f"/console/traits/{made.key}/")
    assert [(one.pk, value) for one, value in page.context["values"]] == [(member.pk, "7.5")]
    top = trait("top", over="lines", of="category", n="2", last_days="365", stores="MINE，FAR", at_least="5")
    admin.post(f"/console/traits/{made.key}/save/", top)
    made.refresh_from_db()
    assert made.definition == {
        "kind": "top", "over": "lines", "of": "category", "n": 2, "within": {"last_days": 365}, "where": {"stores": ["MINE", "FAR"]},
    }  # fmt: skip
    assert made.type == "words"
    wrong = admin.post(f"/console/traits/{made.key}/save/", trait("sum", over="lines", of="category"))
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["of"])
    assert admin.get("/console/traits/").status_code == 200
    admin.post(f"/console/traits/{made.key}/archive/")
    assert Trait.objects.get().archived_at is not None
