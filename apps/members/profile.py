"""What members change about themselves."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import NotFound, ValidationFailed
from apps.members import wording
from apps.members.errors import BirthdayFixed
from apps.members.models import Member

LONGEST_NICKNAME = 40
FIRST_YEAR = 1900


@transaction.atomic
def change_profile(
    *,
    member_id: int,
    nickname: str | None = None,
    gender: str | None = None,
    birthday: date | None = None,
    is_by_member: bool = False,
) -> None:
    """Change what is given, keep what is None. A birthday is entered once and corrected once. What a member writes is checked.

    Raises ValidationFailed (pointers /nickname, /gender, /birthday), BirthdayFixed, NotFound; nothing is written then.
    """
    nickname = None if nickname is None else " ".join(nickname.split())
    _check(nickname=nickname, gender=gender, birthday=birthday)
    if is_by_member and nickname:
        wording.check(nickname, member_id=member_id, pointer="/nickname", scene=wording.PROFILE)
    member = Member.objects.select_for_update().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    if nickname is not None:
        member.nickname = nickname
    if gender is not None:
        member.gender = gender
    if birthday is not None:
        _set_birthday(member, birthday)
    member.save(update_fields=["nickname", "gender", "birth_year", "birth_month", "birth_day", "birthday_corrected_at"])


def hold(*, member_id: int) -> None:
    """Let nobody else change this profile until the transaction ends: to compare before writing."""
    list(Member.objects.select_for_update().filter(pk=member_id).values_list("pk"))


def _set_birthday(member: Member, birthday: date) -> None:
    """What staff or an import entered counts as entered."""
    before = (member.birth_year, member.birth_month, member.birth_day)
    after = (birthday.year, birthday.month, birthday.day)
    if before == after:
        return
    if any(before):
        if member.birthday_corrected_at:
            raise BirthdayFixed
        member.birthday_corrected_at = clock.now()
    member.birth_year, member.birth_month, member.birth_day = after


def _check(*, nickname: str | None, gender: str | None, birthday: date | None) -> None:
    errors = []
    if nickname is not None and (len(nickname) > LONGEST_NICKNAME or not nickname.isprintable()):
        sentence = _("A nickname has at most 40 characters. Choose a shorter one.")
        errors.append({"pointer": "/nickname", "code": "invalid", "message": sentence})
    if gender is not None and gender not in Member.Gender.values:
        errors.append({"pointer": "/gender", "code": "invalid", "message": _("Choose one of the three.")})
    today = clock.local_date(clock.now())
    if birthday is not None and not date(FIRST_YEAR, 1, 1) <= birthday <= today:
        sentence = _("This day cannot be a birthday. Check the year.")
        errors.append({"pointer": "/birthday", "code": "invalid", "message": sentence})
    if errors:
        raise ValidationFailed(errors=errors)
