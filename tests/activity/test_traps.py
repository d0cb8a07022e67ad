"""The hidden link beside a short link: who follows it is a scanner, whatever it calls itself."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.activity import codes, services, traps
from apps.activity.models import Code, CodeDay, CodeVisitor, Event
from apps.members import services as members
from tests.activity.made import NOON
from tests.activity.test_codes import SAFARI, WECHAT, figures

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(clock):
    clock(NOON)


@pytest.fixture
def poster(db) -> Code:
    return codes.create(name="武康路海报", target="/my/")


def open_it(poster: Code, *, agent: str = SAFARI, known: str = ""):
    client = Client()
    if known:
        client.cookies["anon"] = known
    return client.get(f"/s/{poster.slug}", headers={"user-agent": agent})


def links(answer) -> list[str]:
    """As a scanner finds them."""
    return re.findall(r'href="([^"]+)"', answer.content.decode())


def test_a_scanner_that_follows_every_link_was_no_person(poster: Code):
    open_it(poster, agent=WECHAT)
    scanned = open_it(poster)
    assert figures(poster) == (2, 2, 0)

    [hidden] = links(scanned)
    first = Client().get(hidden, headers={"user-agent": SAFARI})
    again = Client().get(hidden, headers={"user-agent": SAFARI})

    assert [(one.status_code, one.content, one["X-Robots-Tag"]) for one in (first, again)] == [
        (204, b"", "noindex, nofollow")
    ] * 2
    assert not first.cookies
    assert figures(poster) == (1, 1, 1)
    assert (Event.objects.count(), CodeVisitor.objects.count()) == (1, 1)


def test_for_an_hour_it_counts_as_a_robot_and_its_neighbours_do_not(poster: Code):
    other = codes.create(name="b", target="/my/")
    Client().get(links(open_it(poster))[0], headers={"user-agent": SAFARI})

    known = open_it(other)
    neighbour = open_it(other, agent=WECHAT)

    assert (known["Location"], links(known), "anon" in known.cookies) == ("/my/", [], False)
    assert len(links(neighbour)) == 1
    assert figures(other) == (1, 1, 1)


def test_a_second_opening_by_the_same_browser_takes_back_one_only(poster: Code, clock):
    name = open_it(poster).cookies["anon"].value
    clock(NOON + timedelta(minutes=1))
    again = open_it(poster, known=name)
    assert figures(poster) == (2, 1, 0)

    Client().get(links(again)[0], headers={"user-agent": SAFARI})

    assert figures(poster) == (1, 1, 1)
    assert CodeVisitor.objects.get().opens == 1


@pytest.mark.parametrize(
    "change", [lambda path: path[:-1] + ("A" if path[-1] != "A" else "B"), lambda path: "/s/abcd/x"]
)
def test_a_forged_link_does_nothing(poster: Code, change):
    [hidden] = links(open_it(poster))

    assert Client().get(change(hidden), headers={"user-agent": SAFARI}).status_code == 204
    assert figures(poster) == (1, 1, 0)
    assert open_it(poster).cookies  # still a person


def test_what_a_member_did_or_what_is_an_hour_old_stays(poster: Code, clock):
    mine, old = open_it(poster), open_it(poster)
    services.stitch(anonymous_id=mine.cookies["anon"].value, member_id=members.register(source="portal"))
    Client().get(links(mine)[0], headers={"user-agent": SAFARI})
    clock(NOON + traps.LIFE + timedelta(seconds=1))
    Client().get(links(old)[0], headers={"user-agent": SAFARI})

    assert figures(poster) == (2, 2, 0)


def test_the_opening_of_yesterday_evening_leaves_yesterdays_figure(poster: Code, clock):
    clock(NOON.replace(hour=15, minute=50))  # 23:50 in Shanghai
    [hidden] = links(open_it(poster))
    clock(NOON.replace(hour=16, minute=10))
    Client().get(hidden, headers={"user-agent": SAFARI})

    assert list(CodeDay.objects.values_list("scans", "people", "bots")) == [(0, 0, 1)]


def test_without_valkey_links_lead_on_and_are_taken_back(poster: Code, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    answer = open_it(poster)
    Client().get(links(answer)[0], headers={"user-agent": SAFARI})

    assert answer.status_code == 302
    assert figures(poster) == (0, 0, 1)
