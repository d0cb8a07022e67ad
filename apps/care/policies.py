"""Policies: what staff edit, checked as a closed shape; publishing freezes a version that never changes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.care import defaults, routes, templates, trigger_params
from apps.care.models import Channel, Policy, Version
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.gateways import wechat
from apps.members.models import Consent
from apps.segments import language

PURPOSES = (Consent.Purpose.CARE.value, Consent.Purpose.MARKETING.value)
DEFAULTS: dict[str, Any] = {
    "audience": {}, "purpose": "care", "missing": {}, "send_hour": 10, "holdout_percent": 10, "return_days": 30,
    "is_own_hour": False, "is_now_or_never": False, "is_transactional": False, "fallback": [], "content": {},
}  # fmt: skip
FIELDS = {"trigger", "params", "channel", "template", *DEFAULTS}
TEXTS: dict[str, Promise] = language.TEXTS | {
    "required": _("This is missing."),
    "unknown_variable": _("This variable is not known."),
    "stray_brace": _("A brace stands outside a variable."),
    "control_character": _("The text holds a character that cannot be sent."),
    "no_words": _("The text has no words of its own."),
    "one_text": _("A group send is one text for all: it can name the brand and nothing else."),
    "too_long": _("The text is too long for this channel."),
    "not_a_field": _("A mini-program message has a line such as thing1=words for each field."),
    "unknown_template": _("No mini-program of ours has this template."),
    "channel_twice": _("A chain names each channel once."),
    "no_holdout": _("Messages that are part of the service are held back from nobody."),
    "not_a_text": _("A text is expected."),
}


class NotPublished(DomainError):
    code = "policy_not_published"
    title = _("This policy has never been published.")


class _Findings:
    def __init__(self) -> None:
        self.errors: list[dict[str, str]] = []

    def add(self, pointer: str, code: str) -> None:
        self.errors.append({"pointer": pointer, "code": code, "message": str(TEXTS[code])})


def checked(draft: Any) -> dict[str, Any]:
    """The draft with its defaults filled in. Raises ValidationFailed that lists everything wrong with it."""
    found = _Findings()
    if not isinstance(draft, dict):
        found.add("", "not_an_object")
        raise ValidationFailed(errors=found.errors)
    for name in sorted(str(key) for key in draft.keys() - FIELDS):
        found.add(f"/{name}", "unknown_field")
    for name in sorted(FIELDS - DEFAULTS.keys() - draft.keys() - {"params"}):
        found.add(f"/{name}", "required")
    whole = DEFAULTS | {"params": {}} | {key: value for key, value in draft.items() if key in FIELDS}
    for name, check in _CHECKS.items():
        if name in whole:
            check(whole, found)
    if found.errors:
        raise ValidationFailed(errors=found.errors)
    return whole


def findings_of_trigger(trigger: str, params: Any, *, at: str) -> list[tuple[str, str]]:
    """What is wrong with the parameters of a known trigger: pointer below `at`, code. Defaults are filled into `params`."""
    found = _Findings()
    whole = {"trigger": trigger, "params": params}
    _check_params(whole, found)
    if isinstance(params, dict):
        params |= whole["params"]
    return [(at + error["pointer"].removeprefix("/params"), error["code"]) for error in found.errors]


def as_version(policy: Policy, *, draft: Any) -> Version:
    """An unsaved version of a checked draft: what publishing would freeze. Raises ValidationFailed."""
    whole = checked(draft)
    return Version(policy=policy, number=policy.version + 1, **whole)


@transaction.atomic
def create(*, key: str, name: str, draft: Any = None, priority: int = 100) -> Policy:
    """A new draft; it may be incomplete until it is published."""
    audit.sign()
    return Policy.objects.create(key=key, name=name, draft=draft or {}, priority=priority)


@transaction.atomic
def save_draft(*, policy_id: int, draft: Any, name: str | None = None, priority: int | None = None) -> Policy:
    """Keep what staff wrote, whole or not; sending goes on with the published version."""
    audit.sign()
    policy = _locked(policy_id)
    policy.draft = draft
    policy.name = name if name is not None else policy.name
    policy.priority = priority if priority is not None else policy.priority
    policy.save(update_fields=["draft", "name", "priority", "changed_at"])
    return policy


@transaction.atomic
def publish(*, policy_id: int, user_id: int | None = None) -> Version:
    """Freeze the draft as a new version and let it run. An unchanged draft adds no version. Raises ValidationFailed."""
    audit.sign()
    policy = _locked(policy_id)
    fresh = as_version(policy, draft=policy.draft)
    newest = policy.versions.filter(number=policy.version).first()
    if newest is None or _content(newest) != _content(fresh):
        fresh.published_by_id = user_id
        fresh.published_at = clock.now()
        fresh.save()
        newest, policy.version = fresh, fresh.number
    policy.status = Policy.Status.LIVE
    policy.save(update_fields=["version", "status", "changed_at"])
    return newest


@transaction.atomic
def pause(*, policy_id: int) -> Policy:
    """No new touches; those that wait are skipped when their time comes."""
    return _switch(policy_id, Policy.Status.PAUSED)


@transaction.atomic
def resume(*, policy_id: int) -> Policy:
    """Raises NotPublished when there is nothing to run."""
    return _switch(policy_id, Policy.Status.LIVE)


@transaction.atomic
def install_defaults(**changes: Any) -> list[Policy]:
    """Create and publish the five policies a shop begins with. One that exists, edited or paused, is left alone.

    `changes` to every draft: the demo holds out more, so that one shop's year fills both arms.
    """
    made = []
    for priority, default in enumerate(defaults.POLICIES, start=1):
        if Policy.objects.filter(key=default["key"]).exists():
            continue
        policy = create(
            key=default["key"], name=default["name"], draft=default["draft"] | changes, priority=priority * 10
        )
        made.append(publish(policy_id=policy.pk).policy)
    return made


def _switch(policy_id: int, status: Policy.Status) -> Policy:
    audit.sign()
    policy = _locked(policy_id)
    if not policy.version:
        raise NotPublished
    policy.status = status
    policy.save(update_fields=["status", "changed_at"])
    return policy


def _locked(policy_id: int) -> Policy:
    policy = Policy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise NotFound
    return policy


def _content(version: Version) -> dict[str, Any]:
    content = {name: getattr(version, name) for name in FIELDS}
    return content | {"holdout_percent": Decimal(str(version.holdout_percent))}


def _number(value: Any, *, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _check_params(whole: dict[str, Any], found: _Findings) -> None:
    params, trigger = whole["params"], whole.get("trigger")
    if not isinstance(params, dict):
        found.add("/params", "not_an_object")
        return
    if not isinstance(trigger, str) or trigger not in trigger_params.PARAMS:
        return  # the trigger itself is wrong, and says so
    filled = dict(params)
    for name, code in trigger_params.findings(trigger, filled):
        found.add(f"/params/{name}", code)
    whole["params"] = filled


def _check_audience(whole: dict[str, Any], found: _Findings) -> None:
    try:
        language.compiled(whole["audience"], moment=clock.now(), at="/audience")
    except language.BadRule as wrong:
        found.add(wrong.pointer, wrong.code)


def _check_template(whole: dict[str, Any], found: _Findings) -> None:
    _check_text(whole["template"], channel=whole.get("channel"), at="/template", found=found)


def _check_text(text: Any, *, channel: Any, at: str, found: _Findings) -> None:
    if not isinstance(text, str):
        found.add(at, "not_a_text")
        return
    try:
        templates.parse(text)
    except templates.BadTemplate as wrong:
        found.add(at, wrong.code)
        return
    own = {name for name in templates.variables(text) if name.startswith(templates.TRAIT)}
    if own and not own <= templates.traits().keys():
        found.add(at, "unknown_variable")
    if channel == Channel.WECOM and set(templates.variables(text)) - templates.SAME_FOR_ALL:
        found.add(at, "one_text")
    if channel == Channel.WECHAT:
        try:
            templates.fields(text)
        except templates.BadTemplate as wrong:
            found.add(at, wrong.code)
    longest = templates.LONGEST_SMS if channel == Channel.SMS else templates.LONGEST
    if len(templates.composed(text, channel=str(channel))) > longest:
        found.add(at, "too_long")


def _check_content(whole: dict[str, Any], found: _Findings) -> None:
    _check_parts(whole["content"], channel=whole.get("channel"), at="/content", found=found)


def _check_parts(content: Any, *, channel: Any, at: str, found: _Findings) -> None:
    """What a channel needs beside the text: for WeChat the template, and the page that opens."""
    asked = {"wechat": {"template_id", "page"}, "email": {"subject"}}
    known = asked.get(channel, set()) if isinstance(channel, str) else set()
    if (
        not isinstance(content, dict)
        or not set(content) <= known
        or not all(isinstance(v, str) for v in content.values())
    ):
        found.add(at, "not_an_object")
    elif channel == Channel.WECHAT and not wechat.app_of(content.get("template_id", "")):
        found.add(f"{at}/template_id", "unknown_template")
    elif channel == Channel.EMAIL and not 0 < len(content.get("subject", "").strip()) <= 80:
        found.add(f"{at}/subject", "required")


def _check_fallback(whole: dict[str, Any], found: _Findings) -> None:
    chain = whole["fallback"]
    if not isinstance(chain, list) or len(chain) > routes.MOST:
        found.add("/fallback", "too_large" if isinstance(chain, list) else "not_an_object")
        return
    channels = [whole.get("channel")]
    for place, step in enumerate(chain):
        at = f"/fallback/{place}"
        if not isinstance(step, dict) or not {"channel", "template"} <= set(step) <= {"channel", "template", "content"}:
            found.add(at, "not_an_object")
            continue
        if not isinstance(step["channel"], str) or step["channel"] not in Channel.values:
            found.add(f"{at}/channel", "unknown_value")
        elif step["channel"] in channels:
            found.add(f"{at}/channel", "channel_twice")
        channels.append(step["channel"])
        _check_text(step["template"], channel=step["channel"], at=f"{at}/template", found=found)
        _check_parts(step.get("content", {}), channel=step["channel"], at=f"{at}/content", found=found)


def _check_class(whole: dict[str, Any], found: _Findings) -> None:
    """A message of the service leaves nobody out."""
    if type(whole["is_transactional"]) is not bool:
        found.add("/is_transactional", "not_yes_or_no")
    elif whole["is_transactional"] and whole["holdout_percent"]:
        found.add("/holdout_percent", "no_holdout")


def _flag(name: str) -> Callable[[dict[str, Any], _Findings], None]:
    def check(whole: dict[str, Any], found: _Findings) -> None:
        if type(whole[name]) is not bool:
            found.add(f"/{name}", "not_yes_or_no")

    return check


def _check_missing(whole: dict[str, Any], found: _Findings) -> None:
    missing = whole["missing"]
    if not isinstance(missing, dict):
        found.add("/missing", "not_an_object")
        return
    for name, rule in missing.items():
        at = f"/missing/{name}"
        if name not in templates.VARIABLES and not str(name).startswith(templates.TRAIT):
            found.add(at, "unknown_variable")
        elif not isinstance(rule, dict) or rule.get("policy") not in {"skip", "default"}:
            found.add(at, "unknown_value")
        elif rule["policy"] == "default" and not _is_default(rule.get("value")):
            found.add(f"{at}/value", "not_a_text")


def _is_default(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 40 and value.isprintable()


def _choice(name: str, allowed: Any) -> Callable[[dict[str, Any], _Findings], None]:
    def check(whole: dict[str, Any], found: _Findings) -> None:
        if not isinstance(whole[name], str) or whole[name] not in allowed:
            found.add(f"/{name}", "unknown_value")

    return check


def _range(name: str, low: int, high: int) -> Callable[[dict[str, Any], _Findings], None]:
    def check(whole: dict[str, Any], found: _Findings) -> None:
        if not _number(whole[name], low=low, high=high):
            found.add(f"/{name}", "not_a_number")

    return check


def _check_share(whole: dict[str, Any], found: _Findings) -> None:
    """Percent with at most one decimal, 0 to 50."""
    share = whole["holdout_percent"]
    good = isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 50
    if not good or round(share, 1) != share:
        found.add("/holdout_percent", "not_a_number")
    else:
        whole["holdout_percent"] = Decimal(str(share))


_CHECKS: dict[str, Callable[[dict[str, Any], _Findings], None]] = {
    "trigger": _choice("trigger", Version.Trigger.values),
    "params": _check_params,
    "audience": _check_audience,
    "channel": _choice("channel", Channel.values),
    "purpose": _choice("purpose", PURPOSES),
    "template": _check_template,
    "missing": _check_missing,
    "send_hour": _range("send_hour", 0, 23),
    "holdout_percent": _check_share,
    "return_days": _range("return_days", 1, 365),
    "fallback": _check_fallback,
    "content": _check_content,
    "is_transactional": _check_class,
    "is_own_hour": _flag("is_own_hour"),
    "is_now_or_never": _flag("is_now_or_never"),
}
