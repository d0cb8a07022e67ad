"""Who may log in to a demo: one per role, and phones of members. Pages ask for it, so it stands apart from what needs numpy."""

from dataclasses import dataclass

from django.conf import settings

from apps.core import brand
from apps.core.models import User
from apps.flows.demo.state import SOURCE
from apps.gateways.models import InboxMessage
from apps.members.models import ConsentNow, Member
from apps.stores.models import Role

FIRST_PHONE = 19900000000  # +86 199 0000 xxxx is the demo's range; nothing is ever sent to it but through the simulator
NUMBER_PREFIX, FIRST_NUMBER = "HT", 100_000


@dataclass(frozen=True)
class LogIn:
    role: str
    label: str
    username: str
    password: str


def is_allowed() -> bool:
    """Fixed passwords belong on a developer's or a test machine only; any other settings refuse the demo."""
    return settings.SETTINGS_MODULE in {"config.settings.dev", "config.settings.test"}


def log_ins() -> list[LogIn]:
    """One per role; none where there is no demo."""
    if not (is_allowed() and brand.read("core.demo")):
        return []
    made = set(User.objects.filter(username__in=map(username, Role), is_active=True).values_list("username", flat=True))
    return [
        LogIn(role=role.value, label=str(role.label), username=username(role), password=password(role))
        for role in Role
        if username(role) in made
    ]


def username(role: Role) -> str:
    return f"demo-{role.value}"


def password(role: Role) -> str:
    return f"demo-{role.value}-2026"


def log_in_phones(count: int = 2) -> list[str]:
    """Phones of members who have something to look at: bought, were written to, take SMS. Empty where there is no demo."""
    written_to = InboxMessage.objects.order_by("-id").values("member_id")[:400]
    takes_sms = ConsentNow.objects.filter(channel="sms", purpose="care", is_granted=True).values("member_id")
    ours = Member.objects.filter(source=SOURCE, status=Member.Status.ACTIVE, member_no__startswith=NUMBER_PREFIX)
    rows = ours.filter(pk__in=list(written_to.values_list("member_id", flat=True))).filter(pk__in=takes_sms)
    numbers = rows.order_by("pk").values_list("member_no", flat=True)[:count]
    return [str(FIRST_PHONE + int(number.removeprefix(NUMBER_PREFIX)) - FIRST_NUMBER) for number in numbers]
