"""A small house with everything in it once: two regions, three stores, one person per role, members and orders in each store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.test import Client

from apps.activity import codes
from apps.activity.models import Code
from apps.care import policies
from apps.care.models import Policy, Touch
from apps.core import clock, ids
from apps.core.models import Job, User
from apps.events.models import Event
from apps.gateways import sms
from apps.gateways.simulator.client import Client as Simulated
from apps.members import services as members
from apps.members.models import Consent, Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.segments.models import MemberStats, StageChange
from apps.stores.models import Region, Role, Staff, Store
from tests import ready

PASSWORD = "for-tests-only-2026"


@dataclass
class House:
    """`mine` lies in the store of manager and clerk, `near` in another store of their region, `far` in another region."""

    moment: datetime
    stores: dict[str, Store] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    policy: Policy | None = None
    job: Job | None = None
    event: Event | None = None

    def member_id(self, where: str) -> str:
        return ids.encode("mem", self.members[where].pk)

    def order_id(self, where: str) -> str:
        return ids.encode("ord", self.orders[where].pk)


@ready.once
def build(moment: datetime | None = None) -> House:
    house = House(moment=moment or clock.now())
    east, west = (Region.objects.create(name=name) for name in ("华东", "华西"))
    for key, name, region in (("mine", "武康路店", east), ("near", "静安店", east), ("far", "春熙路店", west)):
        house.stores[key] = Store.objects.create(code=key.upper(), name=name, region=region)
    _people(house, region=east)
    for number, where in enumerate(house.stores, start=1):
        _member(house, where=where, number=number)
    for where, store in house.stores.items():
        house.codes[where] = codes.create(name=f"海报{where}", target="/my/", store_id=store.pk, slug=f"code{where}")
    policies.install_defaults()
    house.policy = Policy.objects.get(key="lapsing")
    _touches(house)
    house.job = Job.objects.create(
        kind="orders.import", state=Job.State.PAUSED, created_by=house.users[Role.ADMIN], params={"file_name": "a.csv"}
    )
    house.event = Event.objects.create(name="order.paid", key="order.paid:test", parked_at=house.moment, attempts=8)
    return house


def _people(house: House, *, region: Region) -> None:
    for role in Role.values:
        user = User.objects.create_user(username=f"{role}-1", password=PASSWORD)
        at_store = house.stores["mine"] if role in {Role.MANAGER, Role.CLERK} else None
        of_region = region if role == Role.REGION_MANAGER else None
        Staff.objects.create(user=user, code=f"C-{role}", name="何青", role=role, store=at_store, region=of_region)
        house.users[role] = user


def _member(house: House, *, where: str, number: int) -> None:
    store = house.stores[where]
    member_id = members.register(
        source="test",
        member_no=f"NO-{where}",
        nickname=f"沈{where}",
        phone=f"1990000{number:04d}",
        home_store_id=store.pk,
        joined_at=house.moment - timedelta(days=100),
    )
    member = house.members[where] = Member.objects.get(pk=member_id)
    paid_at = house.moment - timedelta(days=40)
    order = orders.record(
        source="pos",
        order_no=f"ORDER-{where}",
        member_id=member.pk,
        lines=[orders.NewLine(product_id=None, total_cents=10_000)],
        total_cents=10_000,
        store_id=store.pk,
        created_at=paid_at,
    )
    house.orders[where] = orders.mark_paid(order_id=order.pk, paid_at=paid_at)
    since = house.moment - timedelta(days=2)
    MemberStats.objects.create(
        member=member, stage="lapsing", stage_since=since, orders=1, net_cents=10_000, cell="at_risk", r=2, f=2, m=2,
        first_order_at=paid_at, last_order_at=paid_at, last_order_id=order.pk, as_of=house.moment,
    )  # fmt: skip
    StageChange.objects.create(
        member=member, before="active", after="lapsing", cause="time", at=since, recorded_at=house.moment
    )
    Consent.objects.create(
        member=member, purpose="care", channel="sms", is_granted=True, source="test", text_version="1", at=since
    )


def _touches(house: House) -> None:
    version = house.policy.versions.get()  # type: ignore[union-attr]
    for where, member in house.members.items():
        Touch.objects.create(
            policy=house.policy, version=version, member=member, occurrence=f"stage:{where}", channel="sms",
            state="skipped", reason="cap", decided_at=house.moment - timedelta(hours=3),
        )  # fmt: skip


def enter(client: Client, user: User) -> None:
    """Log in as after the form: a moment ago the person proved who they are."""
    client.force_login(user)
    session = client.session
    session["proved_at"] = clock.now().timestamp()
    session.save()


def deliver(url: str, *, phone: str, text: str, at: datetime) -> None:
    """Let the simulator deliver one message, at noon of that day."""
    assert sms.register(name="walk", kind="promo", text=text).state == "accepted"
    noon = clock.day_start(clock.local_date(at)) + timedelta(hours=12)
    whole = sms.compose(text, kind="marketing")
    message = {"key": "walk:1", "to": phone, "text": whole, "kind": "marketing", "template": "walk"}
    result = Simulated(url).send([message], at=noon.isoformat())[0]
    assert result["code"] == "OK", result
