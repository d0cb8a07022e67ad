"""What a scan is, by its shape: a member's code, a pick-up code of a gift, a phone, or what a receipt says; and whose card."""

import re
import unicodedata
from typing import Literal

from apps.core import letters, ratelimits
from apps.core.ratelimits import Limit
from apps.counter.errors import MemberUnknown
from apps.flows.checkout import Desk
from apps.members import selectors as members
from apps.members.errors import TooManyCodes
from apps.members.models import Member
from apps.points import pick_up

Kind = Literal["member", "gift", "phone", "receipt", ""]
LOOKS, WINDOW = 60, 600  # phones that one clerk may look up in seconds
_MEMBER = re.compile(r"[0-9]{18}", re.ASCII).fullmatch
_PHONE = re.compile(r"(\+?86)?1[0-9]{10}", re.ASCII).fullmatch
_RECEIPT = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{3,39}", re.ASCII).fullmatch


def plain(text: str) -> str:
    """What a scanner or a person gave, wide letters made plain, without blanks around and between."""
    return "".join(unicodedata.normalize("NFKC", text[:80]).split())


def kind(text: str) -> Kind:
    """ "" for what is nothing of ours."""
    if _MEMBER(text):
        return "member"
    code = letters.typed(text)
    if len(code) == pick_up.LENGTH and set(code) <= set(letters.LETTERS):
        return "gift"
    if _PHONE(text):
        return "phone"
    return "receipt" if _RECEIPT(text) else ""


def by_phone(text: str, *, desk: Desk) -> int:
    """The member with this phone. Counted, found or not. Raises MemberUnknown, TooManyCodes."""
    _count(desk)
    member_id = members.find_by_phone(text)
    if member_id is None or not _is_active(member_id):
        raise MemberUnknown
    return members.current_id(member_id)


def by_card(text: str, *, desk: Desk, is_alone: bool) -> int | None:
    """The member with this card, which has no shape of its own: any till's receipts may look like it. None: nobody's card.

    A member's number counts as one while nobody is on the screen (`is_alone`): brought along from another system it may be as short
    as a receipt's, and whose purchase it is stands there already. Only who is found is counted. Raises MemberUnknown of who may not
    be served, TooManyCodes.
    """
    found = members.find_by_card(text)
    if found is None and is_alone:
        found = Member.objects.filter(member_no=text).values_list("pk", flat=True).first()
    if found is None:
        return None
    _count(desk)
    if not _is_active(found):
        raise MemberUnknown
    return members.current_id(found)


def by_tail(digits: str, *, desk: Desk) -> list[int]:
    """Members of this store whose phone ends so, five at most. Raises MemberUnknown, TooManyCodes."""
    _count(desk)
    if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        raise MemberUnknown
    found = Member.objects.filter(
        pk__in=members.find_by_phone_tail(digits), home_store_id=desk.store_id, status=Member.Status.ACTIVE
    )
    member_ids = list(found.order_by("-pk").values_list("pk", flat=True)[:5])
    if not member_ids:
        raise MemberUnknown
    return member_ids


def _is_active(member_id: int) -> bool:
    return Member.objects.filter(pk=members.current_id(member_id), status=Member.Status.ACTIVE).exists()


def _count(desk: Desk) -> None:
    limit = Limit("counter:look", str(desk.staff_id), LOOKS, WINDOW, closed=True)
    if refusal := ratelimits.ask([limit]).refusal:
        raise TooManyCodes(retry_after=refusal.reset)
