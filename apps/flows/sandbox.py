"""The invented people of the sandbox: each plays one case that a client must be able to meet. `fill` puts them in their places."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.coupons import issuing, keeping, templates
from apps.coupons.models import Coupon, Template
from apps.flows import erasure, privacy
from apps.flows.errors import SandboxClosed
from apps.gateways import inbox, sandbox
from apps.gateways.inbox import Letter
from apps.gateways.simulator import wechat_rules
from apps.members import departures, selectors, services, states
from apps.members.models import Identity, Member, StateChange
from apps.orders import selectors as order_selectors
from apps.orders import services as orders

SOURCE = "sandbox"
ORDERS, LETTERS = 30, 5
REASON = "sandbox"


@dataclass(frozen=True)
class Case:
    """`phone` as people type it; `person` stands in codes of `wx.login`: `sim.<person>.<anything>`. Empty: there is none."""

    name: str
    phone: str
    person: str
    answer: str  # the code of the refusal; empty where the log-in succeeds
    what: str | Promise


CASES = (
    Case("unsendable", "17000009001", "", "provider_unavailable", _("The SMS provider refuses to send.")),
    Case("silent", "17000009002", "", "", _("Answered like any other, but no message ever arrives.")),
    Case("regular", "17000009010", "regular", "", _("A member with 30 orders and 5 messages.")),
    Case("frozen", "17000009011", "frozen", "member_frozen", _("Staff switched the account off.")),
    Case(
        "leaving", "17000009012", "leaving", "member_leaving", _("Cancelled; the cool-off runs, come_back undoes it.")
    ),
    Case("barred", "17000009013", "", "registration_refused", _("Was blocked, then erased: no new account.")),
    Case("child", "17000009014", "child", "", _("A member under 14 without a guardian's consent.")),
    Case("wallet", "17000009015", "wallet", "", _("A member with one coupon to use and one that has run out.")),
    Case("new", "17000009020", "anybody", "", _("Nobody yet: the log-in makes a member.")),
    Case("wechat blocks", "", "blocked", "wechat_user_blocked", _("WeChat blocks this person for risk.")),
    Case("wechat busy", "", "busy", "provider_unavailable", _("WeChat does not answer.")),
    Case("wechat too often", "", "toooften", "rate_limited", _("WeChat has counted too many log-ins of this person.")),
    Case("refuses", "", "refuses", "", _("Has switched WeChat messages off, whatever was accepted before.")),
)
PLACED = frozenset(
    {"regular", "frozen", "leaving", "child", "wallet"}
)  # who there is; the others play by what happens to them
COUPON, COUPON_DAYS = "sandbox", 30
_BY_NAME = {case.name: case for case in CASES}


def fill() -> int:
    """Put every invented member into their place again. Returns how many there are. Repeatable. Raises SandboxClosed."""
    if not sandbox.is_open():
        raise SandboxClosed
    _bar(_BY_NAME["barred"])
    with transaction.atomic():
        _supply(_member(_BY_NAME["regular"]))
        frozen = _member(_BY_NAME["frozen"])
        if _status(frozen) == Member.Status.ACTIVE:
            states.freeze(member_id=frozen, cause=StateChange.Cause.RISK, reason=REASON)
        leaving = _member(_BY_NAME["leaving"])
        if _status(leaving) == Member.Status.ACTIVE:
            privacy.request_erasure(member_id=leaving)
        today = clock.local_date(clock.now())
        _member(_BY_NAME["child"], birthday=date(today.year - 10, 1, 1))
        _hand_coupons(_member(_BY_NAME["wallet"]))
    return len(PLACED)


def _member(case: Case, *, birthday: date | None = None) -> int:
    """The member of this phone, registered when nobody has it, with their open ids."""
    found = selectors.find_by_phone(case.phone)
    if found is None:
        found = services.register(source=SOURCE, nickname=case.name, phone=case.phone, birthday=birthday)
    member_id = selectors.current_id(found)
    if (
        birthday and Member.objects.filter(pk=member_id, birth_year=None).exists()
    ):  # somebody logged in before it was filled
        services.change_profile(member_id=member_id, birthday=birthday)
    for app in settings.WECHAT_APPS:
        value = wechat_rules.openid(app_id=app["app_id"], person=case.person)
        services.add_identity(
            member_id=member_id, kind=Identity.Kind.OPENID, value=value, namespace=app["app_id"], is_verified=True
        )
    return member_id


def _status(member_id: int) -> str:
    return Member.objects.values_list("status", flat=True).get(pk=member_id)


def _supply(member_id: int) -> None:
    """Enough for lists to have more than one page."""
    moment = clock.now()
    if not order_selectors.find(member_id=member_id, limit=1).rows:
        for number in range(ORDERS):
            paid_at = moment - timedelta(days=7 * number + 1)
            order = orders.record(
                source=SOURCE,
                order_no=f"SANDBOX-{member_id}-{number}",
                member_id=member_id,
                lines=[orders.NewLine(product_id=None, total_cents=100 * (number + 1))],
                total_cents=100 * (number + 1),
                created_at=paid_at,
            )
            orders.mark_paid(order_id=order.pk, paid_at=paid_at)
    letters = [
        Letter(f"sandbox:{number}:{member_id}", member_id, "沙箱消息", f"第{number + 1}条") for number in range(LETTERS)
    ]
    inbox.deliver_batch(letters, moment=moment)


def _hand_coupons(member_id: int) -> None:
    """One that can be used, and one that ran out yesterday; where they were used up meanwhile, another."""
    moment = clock.now()
    row = Template.objects.filter(key=COUPON).first()
    if row is None:
        terms = {
            "gives": {"kind": "amount", "cents": 1_000},
            "level": "order",
            "valid": {"kind": "after_claim", "days": COUPON_DAYS},
        }
        row = templates.create(key=COUPON, name="沙箱券", name_en="Sandbox coupon", draft=terms, per_member=None)
        templates.freeze(template_id=row.pk)
    held = Coupon.objects.filter(member_id=member_id, template=row)
    wanted = {"ready": moment, "expired": moment - timedelta(days=COUPON_DAYS + 1)}
    if held.filter(state=Coupon.State.READY, ends_at__gt=moment).exists():
        del wanted["ready"]
    if held.filter(ends_at__lte=moment).exists():
        del wanted["expired"]
    for name, at in wanted.items():
        source = f"sandbox:{name}:{member_id}:{held.count()}"
        issuing.issue(member_id=member_id, template_id=row.pk, source=source, channel=Coupon.Channel.API, moment=at)
    keeping.expire_due(moment=moment)


def _bar(case: Case) -> None:
    """Somebody who was blocked and then erased: what is left of them is the keyed hash that bars the phone."""
    phone = f"+86{case.phone}"
    if departures.is_barred(phone):
        return
    with transaction.atomic():
        member_id = selectors.find_by_phone(phone) or services.register(source=SOURCE, phone=phone)
        if _status(member_id) == Member.Status.ACTIVE:
            states.block(member_id=member_id, cause=StateChange.Cause.ABUSE, reason=REASON)
        states.cancel(member_id=member_id)
    erasure.erase(member_id=member_id)
