"""Things members are asked to do for points: each live rule of trigger `task` is one task, done so often per period as it says.

`profile_complete` is recognised from the profile; `first_order` from the order, which is rewarded with it (see `awards`) and takes
it back when it is returned; all others are told by whoever sees them done.
"""

from dataclasses import dataclass
from datetime import date, datetime

from apps.core import clock
from apps.members import selectors as members
from apps.members.models import Identity, Member
from apps.points import awards, facts, reckoning
from apps.points.earning import Award, Rule
from apps.points.reckoning import LiveRule, Outcome

PROFILE = "profile_complete"


@dataclass(frozen=True)
class Task:
    """`done` of `most` times in the present period (see `per`); `done_at` the shop day of the last time."""

    rule_id: int
    key: str
    name: str
    name_en: str
    points: int
    coupon_key: str
    currency: str
    per: str
    most: int
    done: int
    done_on: date | None

    @property
    def is_done(self) -> bool:
        return self.done >= self.most


def for_member(*, member_id: int, moment: datetime | None = None) -> list[Task]:
    """All tasks that the member may see now, with how far they are, open ones first."""
    today = clock.local_date(moment or clock.now())
    family = members.family(members.current_id(member_id))
    rules = Rule.objects.filter(is_active=True, trigger=Rule.Trigger.TASK).select_related("current", "currency")
    found = [_task(rule, facts.as_live(rule), family, today) for rule in rules]
    return sorted(found, key=lambda task: (task.is_done, task.key))


def done(*, member_id: int, task: str, key: str = "", moment: datetime | None = None) -> list[Outcome]:
    """The member has done a task. `key` says which time it was, where it may be done several times; the same again gives nothing."""
    moment = moment or clock.now()
    source = f"task:{task}:{key or clock.local_date(moment)}"
    return awards.happened(trigger="task", member_id=member_id, key=source, moment=moment, name=task)


def look(*, member_id: int, moment: datetime | None = None) -> list[Outcome]:
    """Reward what can be seen by itself: a profile with name, gender, birthday and a phone that was proved."""
    member = Member.objects.get(pk=members.current_id(member_id))
    proved = Identity.objects.filter(member=member, kind=Identity.Kind.PHONE, verified_at__isnull=False)
    if member.nickname and member.gender and member.birth_month and member.birth_day and proved.exists():
        return done(member_id=member.pk, task=PROFILE, key="once", moment=moment)
    return []


def _task(rule: Rule, live: LiveRule, family: list[int], today: date) -> Task:
    per, most = live.times or ("life", 1)
    first, last = reckoning.period(per, today)
    given = Award.objects.filter(rule=rule, account__member__in=family, on__range=(first, last), points__gt=0)
    kept = {entry: on for entry, on, amount, taken in given.values_list("entry", "on", "entry__lots__amount", "entry__lots__reversed")
            if amount > taken}  # fmt: skip
    return Task(
        rule_id=rule.pk,
        key=live.definition["task"]["key"],
        name=rule.name,
        name_en=rule.name_en,
        points=int(live.definition["give"]["points"]),
        coupon_key=str(live.definition.get("coupon", "")),
        currency=rule.currency.key,
        per=per,
        most=most,
        done=len(kept),
        done_on=max(kept.values(), default=None),
    )
