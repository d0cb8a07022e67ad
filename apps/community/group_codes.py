"""Codes into groups: WeCom leads into the first group of the list with room and makes further ones; here full and dead ones go."""

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from apps.community import groups
from apps.community.group_models import Group, GroupCode
from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.gateways import limits, wecom
from apps.gateways.wecom_calls import Refused, Unanswered

NO_ROOM = "NO_ROOM"


def create(*, name: str, base_name: str, chats: Sequence[str]) -> GroupCode:
    """Keep the code, then ask WeCom for it; a trouble there is tried again by `refresh`. Raises ValidationFailed."""
    most = limits.current("wecom", "join_way_groups", clock.local_date(clock.now()))
    known = set(Group.objects.filter(chat_id__in=chats, dismissed_at=None).values_list("chat_id", flat=True))
    errors = []
    if not 0 < len(name.strip()) <= 30 or not 0 < len(base_name.strip()) <= 40:
        errors.append({"pointer": "/name", "code": "invalid", "message": _("Give it a name of at most 30 characters.")})
    if not chats or len(chats) > most or set(chats) - known:
        sentence = _("Choose one to %(most)s groups.") % {"most": most}
        errors.append({"pointer": "/chats", "code": "invalid", "message": sentence})
    if errors:
        raise ValidationFailed(errors=errors)
    with transaction.atomic():
        code = GroupCode.objects.create(
            name=name.strip(), base_name=base_name.strip(), state=f"gc-{secrets.token_hex(6)}", chats=list(chats),
            next_number=len(chats) + 1, made_at=clock.now(),
        )  # fmt: skip
        audit.record("group_code.created", object_type="group_code", object_id=code.pk, after={"name": code.name})
    keep(code)
    return code


def keep(code: GroupCode) -> GroupCode:
    """Read which groups WeCom has behind the code by now, and take out those that are full or gone."""
    try:
        if code.config_id:
            _learn(code)
        wanted = _alive(code)
        if not code.config_id:
            code.config_id, code.qr_url = wecom.add_join_way(
                chats=wanted, state=code.state, base_name=code.base_name, base_number=code.next_number
            )
        elif wanted != code.chats:
            wecom.change_join_way(code.config_id, chats=wanted, base_name=code.base_name, base_number=code.next_number)
        code.chats, code.trouble = wanted, "" if _has_room(wanted) else NO_ROOM
    except Unanswered as failure:
        code.trouble = failure.code[:40]
    except Refused as refused:
        code.trouble = f"WECOM_{refused.code}"
    code.save(update_fields=["config_id", "qr_url", "chats", "next_number", "trouble"])
    return code


@transaction.atomic
def set_finding(*, code_id: int, store_id: int | None, word: str, is_shown: bool) -> None:
    """Whose pages show it, and by which word it is found. Raises ValidationFailed (a word of another code), NotFound."""
    code, wanted = GroupCode.objects.select_for_update().filter(pk=code_id).first(), fold(word)
    if code is None:
        raise NotFound
    if wanted and GroupCode.objects.filter(keyword=wanted).exclude(pk=code_id).exists():
        said = _("Another code goes by this word.")
        raise ValidationFailed(errors=[{"pointer": "/word", "code": "taken", "message": said}])
    code.store_id, code.keyword, code.is_shown = store_id, wanted, is_shown
    code.save(update_fields=["store", "keyword", "is_shown"])
    after = {"store": store_id, "word": wanted, "shown": is_shown}
    audit.record("group_code.found_by", object_type="group_code", object_id=code.pk, after=after)


def fold(word: str) -> str:
    """As words are kept and compared."""
    return " ".join(word.casefold().split())[:20]


def refresh() -> int:
    """Every code; returns how many changed."""
    changed = 0
    for code in GroupCode.objects.order_by("pk"):
        before = (code.chats, code.trouble)
        keep(code)
        changed += (code.chats, code.trouble) != before
    return changed


def _learn(code: GroupCode) -> None:
    """Groups that WeCom made by itself when the others were full."""
    way = wecom.join_way(code.config_id)
    code.chats, code.next_number = list(way["chat_id_list"]), int(way.get("room_base_id") or code.next_number)
    known = set(Group.objects.filter(chat_id__in=code.chats).values_list("chat_id", flat=True))
    for chat_id in code.chats:
        if chat_id not in known:
            groups.pull(chat_id)


def _alive(code: GroupCode) -> list[str]:
    """Groups with room in their order. None has any: the newest that lives stays, from which WeCom makes a further one."""
    open_groups = {g.chat_id: g for g in Group.objects.filter(chat_id__in=code.chats, dismissed_at=None)}
    most = _most()
    living = [chat_id for chat_id in code.chats if chat_id in open_groups]
    roomy = [chat_id for chat_id in living if open_groups[chat_id].people < most]
    return roomy or living[-1:] or _others(most)


def _others(most: int) -> list[str]:
    """All groups of the code are gone: the newest other group with room takes their place, so that the code is never dead."""
    found = Group.objects.filter(dismissed_at=None, people__lt=most).order_by("-made_at", "-pk")
    return list(found.values_list("chat_id", flat=True)[:1])


def _has_room(chats: Sequence[str]) -> bool:
    return Group.objects.filter(chat_id__in=chats, dismissed_at=None).exists()


def _most() -> int:
    return limits.current("wecom", "group_size", clock.local_date(clock.now()))
