"""Fields that come in several kinds: the leaf's `key` says which."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.members import consents
from apps.members.models import Attribute, Consent, Identity
from apps.segments.language.columns import Column, is_word
from apps.segments.language.errors import BadRule

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

_PURPOSES = {Consent.Purpose.MARKETING.value, Consent.Purpose.CARE.value}
_BUCKETS = 10_000


def attribute(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """By the attribute's type: text and choice are chosen, numbers and dates compared, flags yes or no."""
    key = leaf["key"]
    kind = compiler.known.attributes.get(key) if is_word(key) else None
    if kind is None:
        raise BadRule(f"{at}/key", "unknown_attribute")
    name = compiler.put(key, "text")
    if kind in {Attribute.Type.TEXT, Attribute.Type.CHOICE}:
        return Column("choice", f"(m.attributes ->> {name})")
    if kind == Attribute.Type.FLAG:
        return Column("answer", f"(m.attributes -> {name})")
    if kind == Attribute.Type.DATE:
        return Column("date", f"((m.attributes ->> {name})::date::timestamp at time zone 'Asia/Shanghai')")
    number = f"(case when jsonb_typeof(m.attributes -> {name}) = 'number' then (m.attributes ->> {name})::float8 end)"
    return Column("decimal", number)


def consent(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """`purpose:channel`, as of the moment: what the gate would say."""
    purpose, _, channel = leaf["key"].partition(":") if isinstance(leaf["key"], str) else ("", "", "")
    if purpose not in _PURPOSES or channel not in set(Consent.Channel.values) - {"any"}:
        raise BadRule(f"{at}/key", "unknown_key")
    one, whole = f"k_{purpose}_{channel}", f"k_{purpose}_any"
    for alias, name in ((one, channel), (whole, "any")):
        joined = consents.joined(alias, purpose=f"'{purpose}'", channel=f"'{name}'", moment="%(valid_at)s")
        compiler.joins.setdefault(alias, joined)
    return Column("flag", f"({consents.agreed(one, whole)})")


def identity(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Whether the house knows a phone, an openid … of the member."""
    if leaf["key"] not in Identity.Kind.values:
        raise BadRule(f"{at}/key", "unknown_key")
    kind = compiler.put(leaf["key"], "text")
    found = "exists (select from members_identity i where i.member_id = m.id and i.kind ="
    return Column("flag", f"{found} {kind})")


def bucket(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """0 to 9,999 by the first four bytes of sha256("key:member id") modulo 10,000: the same member always in the same one of a key."""
    if not is_word(leaf["key"]):
        raise BadRule(f"{at}/key", "unknown_key")
    salt = compiler.put(leaf["key"], "text")
    digest = f"encode(sha256(convert_to({salt} || ':' || m.id, 'UTF8')), 'hex')"
    return Column("number", f"mod(('x' || left({digest}, 8))::bit(32)::bigint, {_BUCKETS})")
