"""Which of two values a merge keeps, field by field. The same function decides for the preview and for the merge."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core import brand
from apps.core.errors import ValidationFailed
from apps.members.models import Member

FIELDS = ("nickname", "gender", "birthday", "home_store", "attributes")
POLICIES = ("non_empty", "survivor", "loser", "newest", "trusted")
DEFAULT = "non_empty"
# Where a member registered, the most trusted first; what is not named counts least. "pos:12" goes by "pos".
_TRUSTED = ["portal", "mini-program", "pos", "staff", "import"]
_STRICTNESS = {Member.Status.ACTIVE: 0, Member.Status.FROZEN: 1, Member.Status.BLOCKED: 2}


def _check_sources(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) and 0 < len(name) <= 60 for name in value):
        raise ValueError("a list of sources is expected")


brand.declare("members.trusted_sources", default=_TRUSTED, check=_check_sources)


def checked(choices: Mapping[str, Any]) -> dict[str, str]:
    """A policy for every field: those chosen, the default for the others. Raises ValidationFailed for unknown words."""
    wrong = [name for name, policy in choices.items() if name not in FIELDS or policy not in POLICIES]
    if wrong:
        sentence = _("There is no such field or policy.")
        raise ValidationFailed(
            errors=[{"pointer": f"/choices/{name}", "code": "invalid", "message": sentence} for name in wrong]
        )
    return {name: choices.get(name, DEFAULT) for name in FIELDS}


def values(member: Member) -> dict[str, Any]:
    """What the policies choose between, as JSON."""
    birthday = [member.birth_year, member.birth_month, member.birth_day]
    return {
        "nickname": member.nickname,
        "gender": member.gender,
        "birthday": birthday if any(birthday) else None,
        "home_store": member.home_store_id,
        "attributes": dict(member.attributes),
    }


def decided(*, survivor: Member, loser: Member, choices: Mapping[str, str]) -> dict[str, Any]:
    """The value of every field after the merge; attributes are chosen key by key. `choices` as `checked` returns them."""
    mine, theirs = values(survivor), values(loser)
    chosen: dict[str, Any] = {}
    for name, policy in choices.items():
        choose = _chooser(policy, survivor=survivor, loser=loser)
        if name == "attributes":
            keys = sorted({*mine[name], *theirs[name]})
            found = {key: choose(mine[name].get(key), theirs[name].get(key)) for key in keys}
            chosen[name] = {key: value for key, value in found.items() if value is not None}
        else:
            chosen[name] = choose(mine[name], theirs[name])
    return chosen


def joined(*, survivor: Member, loser: Member) -> dict[str, Any]:
    """What is not chosen: the earlier joining with its source, the stricter state, a correction used up by either."""
    first = min(survivor, loser, key=lambda member: (member.joined_at, member.pk))
    corrected = [at for at in (survivor.birthday_corrected_at, loser.birthday_corrected_at) if at]
    return {
        "joined_at": first.joined_at,
        "source": first.source,
        "status": max(survivor.status, loser.status, key=lambda status: _STRICTNESS[Member.Status(status)]),
        "birthday_corrected_at": min(corrected, default=None),
    }


def _chooser(policy: str, *, survivor: Member, loser: Member) -> Callable[[Any, Any], Any]:
    """From the survivor's and the loser's value to the one that is kept. Only `survivor` and `loser` may keep an empty one."""
    if policy == "survivor":
        return lambda mine, _theirs: mine
    if policy == "loser":
        return lambda _mine, theirs: theirs
    prefers_loser = {
        "non_empty": False,
        "newest": (loser.joined_at, loser.pk) > (survivor.joined_at, survivor.pk),
        "trusted": _rank(loser.source) < _rank(survivor.source),
    }[policy]
    if prefers_loser:
        return lambda mine, theirs: mine if _is_empty(theirs) else theirs
    return lambda mine, theirs: theirs if _is_empty(mine) else mine


def _rank(source: str) -> int:
    trusted = brand.read("members.trusted_sources")
    name = source.split(":")[0]
    return trusted.index(name) if name in trusted else len(trusted)


def _is_empty(value: Any) -> bool:
    return value in (None, "", [], {})
