"""The mall on the phone: what is shown, one exchange per form, and nobody else's code."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core import ids
from apps.members import services as members
from apps.members.models import Member
from apps.points import stocking
from apps.points.models import Account, Exchange, Reward
from tests.points.gifts import gift, rich, shop, take
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Member:
    member = Member.objects.get(pk=members.register(source="test", nickname="林若溪", phone="19900000011"))
    rich(member, 100)
    return member


@pytest.fixture
def client(member: Member) -> Client:
    return browser_of(member.pk)


def confirm_of(client: Client, reward: Reward, **more: str) -> tuple[str, dict[str, str]]:
    """The confirming page's address and what its form would send."""
    address = f"/my/mall/{ids.encode('rwd', reward.pk)}/confirm/"
    page = client.get(address, more).content.decode()
    return address, dict(re.findall(r'name="(token|store)" value="([^"]+)"', page))


def test_what_is_within_reach_stands_first_and_the_rest_says_why(client: Client):
    gift("dear", name="围巾", points=300)
    gift("cheap", name="茶", points=60, left=3)

    page = client.get("/my/mall/").content.decode()

    assert page.index("现在可兑") < page.index("茶") < page.index("暂时不能兑换") < page.index("围巾")
    assert "还差200积分" in page
    assert "剩3件" in page


def test_a_form_sent_twice_is_one_exchange(client: Client, member: Member):
    reward = gift(points=60, left=3)
    address, form = confirm_of(client, reward)

    first, second = client.post(address, form), client.post(address, form)

    row = Exchange.objects.get()
    assert (first.status_code, first["Location"]) == (302, f"/my/exchanges/{ids.encode('exg', row.pk)}/")
    assert second["Location"] == first["Location"]
    assert (Account.objects.get().balance, Reward.objects.get().left) == (40, 2)


def test_a_form_without_its_token_takes_nothing_and_two_forms_are_two_exchanges(client: Client):
    reward = gift(points=30, left=3)
    address, form = confirm_of(client, reward)

    assert [client.post(address, form | {"token": token}).status_code for token in ("", "x" * 41)] == [404, 404]
    assert (Account.objects.get().balance, Exchange.objects.count()) == (100, 0)

    client.post(address, form)
    client.post(*confirm_of(client, reward))
    assert (Account.objects.get().balance, Exchange.objects.count()) == (40, 2)


def test_the_code_is_shown_to_its_owner_alone(client: Client, member: Member):
    taken = take(member, gift(points=60), "a")
    other = browser_of(members.register(source="test", nickname="周远", phone="19900000012"))
    address = f"/my/exchanges/{ids.encode('exg', taken.exchange.pk)}/"

    page = client.get(address).content.decode()

    code = taken.code
    assert f"<code>{code[:4]}</code><code>{code[4:8]}</code><code>{code[8:]}</code>" in page
    assert "<svg" in page
    assert other.get(address).status_code == 404
    assert other.post(address + "cancel/").status_code == 404
    assert Exchange.objects.get().state == "ready"


def test_a_store_is_chosen_before_a_store_gift_is_confirmed(client: Client):
    store, reward = shop("S1"), gift(points=60, is_store_limited=True)
    stocking.change_stock(reward_id=reward.pk, store_id=store.pk, change=2, reason="delivery")

    address, form = confirm_of(client, reward)
    assert "token" not in form
    assert client.get(address).status_code == 422
    address, form = confirm_of(client, reward, store=ids.encode("sto", store.pk))
    client.post(address, form)

    assert Exchange.objects.get().store == store


def test_a_refusal_says_why_and_takes_nothing(client: Client):
    reward = gift(points=60, left=1)
    address, form = confirm_of(client, reward)
    Reward.objects.update(left=0)

    answer = client.post(address, form)

    assert (answer.status_code, "已兑完。" in answer.content.decode()) == (409, True)
    assert (Account.objects.get().balance, Exchange.objects.count()) == (100, 0)


def test_cancelling_gives_the_points_back(client: Client, member: Member):
    taken = take(member, gift(points=60, left=1), "a")
    address = f"/my/exchanges/{ids.encode('exg', taken.exchange.pk)}/"

    asked = client.get(address + "cancel/").content.decode()
    client.post(address + "cancel/")

    assert "60积分退回" in asked
    assert (Account.objects.get().balance, Reward.objects.get().left, Exchange.objects.get().state) == (
        100,
        1,
        "cancelled",
    )
    assert "已取消，积分已退回。" in client.get(address).content.decode()


def test_the_mall_asks_the_database_few_questions_however_much_there_is(client: Client, member: Member):
    for number in range(30):
        reward = gift(f"g{number}", points=1, per_member=2, per_days=number + 1)
        if number < 9:
            take(member, reward, f"s{number}")
    client.get("/my/mall/")

    with CaptureQueriesContext(connection) as asked:
        assert client.get("/my/mall/").status_code == 200
    assert len(asked) <= 15, [query["sql"][:200] for query in asked]
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/my/exchanges/").status_code == 200
    assert len(asked) <= 10, [query["sql"][:200] for query in asked]
