"""What WeCom asks of staff becomes their follow-ups: customers about to go into the pool, to-dos in groups. Done there is done here."""

from django.utils.translation import gettext as _

from apps.community import plans, pool
from apps.community.models import Account, GroupTodo, PoolCase
from apps.core import clock
from apps.events.models import Event
from apps.followups import assigning
from apps.followups import services as followups
from apps.followups.models import Task

TODO, POOL = "wecom:todo:", "wecom:pool:"
LONGEST = 500


def warn(event: Event) -> None:
    """Who is about to lose a customer has until then to turn to them."""
    case = PoolCase.objects.select_related("contact").filter(pk=event.payload["case_id"]).first()
    if case is None or case.state != PoolCase.State.WARNED or case.contact.member_id is None:
        return  # of a customer whom nobody knows as a member there is no follow-up: the pool's page shows them
    staff_id, store_id = _staff_of(case.userid)
    if staff_id is None:
        return
    titles = {
        PoolCase.Why.NO_DEAL: _("No purchase for long: they go into the pool"),
        PoolCase.Why.NO_FOLLOW_UP: _("Turn to this customer, or they go into the pool"),
    }
    task = assigning.NewTask(
        source=f"{POOL}{case.pk}", kind="message", title=titles.get(PoolCase.Why(case.why), ""), due_at=case.due_at,
        expires_at=case.due_at, member_id=case.contact.member_id, store_id=store_id, assignee_id=staff_id,
    )  # fmt: skip
    assigning.assign_many([task])


def call_off_warning(event: Event) -> None:
    followups.cancel_by_sources(sources=[f"{POOL}{event.payload['case_id']}"])


def give_todo(event: Event) -> None:
    """To the owner of the group; an owner whom the house does not know: to head office's pool."""
    todo = GroupTodo.objects.select_related("group").get(pk=event.payload["todo_id"])
    if todo.state != GroupTodo.State.OPEN:
        return
    staff_id, store_id = _staff_of(todo.group.owner)
    task = assigning.NewTask(
        source=f"{TODO}{todo.pk}", kind="other", title=_("In the group “%(group)s”") % {"group": todo.group.name[:80]},
        note=todo.text[:LONGEST], due_at=todo.until_at, expires_at=todo.until_at, store_id=store_id,
        assignee_id=staff_id, is_for_pool=staff_id is None,
    )  # fmt: skip
    assigning.assign_many([task])


def call_off_todos(event: Event) -> None:
    followups.cancel_by_sources(sources=[f"{TODO}{pk}" for pk in event.payload["todo_ids"]])


def note_done(event: Event) -> None:
    """A to-do of a group is done with its follow-up; whatever a colleague did for a member counts as having turned to them."""
    source, member_id = str(event.payload["source"]), event.payload["member_id"]
    if source.startswith(TODO):
        plans.done_by_hand(todo_id=int(source.removeprefix(TODO)), moment=clock.now())
    staff_id = Task.objects.filter(pk=event.payload["task_id"]).values_list("settled_by_id", flat=True).first()
    if member_id is not None and staff_id is not None:
        pool.note_turn(member_id=member_id, staff_id=staff_id, moment=event.created_at)


def _staff_of(userid: str) -> tuple[int | None, int | None]:
    """(staff, store) of somebody in WeCom, as far as the house knows them."""
    found = Account.objects.filter(userid=userid).values_list("staff_id", "staff__store_id").first()
    return found or (None, None)
