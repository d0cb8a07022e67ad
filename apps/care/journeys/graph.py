"""A journey's graph as an object: checked whole, its steps in an order in which every way leads forward.

Errors are a list of pointer (RFC 6901), code and words; nothing half right gets through. Warnings are advice before publishing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.activity import catalogue
from apps.care import gate, policies, zones
from apps.care.journeys import callees
from apps.care.journeys.grammar import DEFAULTS, MOST_NODES, SCHEMA
from apps.core import clock, shapes
from apps.core.errors import ValidationFailed
from apps.coupons.models import Template
from apps.members import attributes
from apps.members.models import Attribute, Tag
from apps.segments import language

Finding = tuple[str, str]
MESSAGE = (
    "channel",
    "purpose",
    "template",
    "content",
    "missing",
    "send_hour",
    "is_own_hour",
    "is_now_or_never",
    "is_transactional",
    "fallback",
)
STANDING = frozenset({"stage_entered", "segment_entered"})  # one comes into it, and stays
_WAYS = ("next", "otherwise", "met", "timeout")

TEXTS: dict[str, Promise] = {
    **policies.TEXTS,
    **shapes.TEXTS,
    "key_twice": _("Two steps have this key."),
    "unknown_step": _("There is no step of this key."),
    "circle": _("The ways lead back to this step: a member would walk in a circle."),
    "unreachable": _("No way leads to this step."),
    "too_many_steps": _("A journey has at most 60 steps."),
    "no_time": _("A wait needs a time."),
    "shares_not_100": _("The shares do not make 100."),
    "unknown_coupon": _("There is no published coupon of this key."),
    "unknown_tag": _("There is no such tag."),
    "unknown_date_field": _("Members have no date field of this key."),
    "unknown_field_of_member": _("Members have no field of this key."),
    "no_tags": _("This step changes no tag."),
    "ends_before_start": _("The end must come after the beginning."),
    "no_endpoint": _("There is no endpoint of this key that is switched on."),
    "unknown_event": _("There is no behaviour event of this name. The brand's own begin with “custom.”."),
    "unknown_property": _("This event has no such property."),
    "nobody_stands_there": _("Only a stage or a segment has members who are in it already."),
    "unknown_zone": _("There is no such time zone. Write it like Asia/Tokyo."),
    "no_value": _("The value does not fit the field."),
}
WARNINGS: dict[str, Promise] = {
    "no_end_on_order": _("Nobody leaves by buying: what follows may reach members who have bought already."),
    "no_holdout": _("Nobody is held out: what the journey brings back cannot be measured."),
    "sends_nothing": _("Nobody ever gets anything here."),
    "no_otherwise": _("Whoever gets no coupon goes on like everybody else: the next message must not promise it."),
    "sends_close": _("Two messages follow each other without a wait: the cap may skip the second."),
}


@dataclass(frozen=True)
class Node:
    """A step. `place` is where it stands in the list; `ways`: (name of the way, key of the step it leads to)."""

    key: str
    kind: str
    place: int
    data: dict[str, Any]
    ways: tuple[tuple[str, str], ...]

    @property
    def next(self) -> str:
        return str(self.data["next"])


@dataclass(frozen=True)
class Graph:
    """`nodes` in an order in which every way leads forward; `start` is the first of the list."""

    data: dict[str, Any]
    nodes: dict[str, Node]
    start: str

    @property
    def sends(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == "send"]

    @property
    def ends_on_order(self) -> bool:
        return any(end["when"]["kind"] == "order" for end in self.data["ends"])

    @property
    def is_profiling(self) -> bool:
        """Whether it goes by what the house works out of a member's purchases and behaviour."""
        entry = self.data["entry"]
        by_trigger = entry["kind"] == "trigger" and gate.is_profiling_trigger(entry["trigger"])
        return (
            by_trigger
            or entry["kind"] == "event"
            or any(language.is_profiling(rule) for rule in self.rules if rule != {})
        )

    @property
    def rules(self) -> list[Any]:
        """Of the audience, the ways, the waits and the ends."""
        return [self.data["audience"], *(rule for _at, rule in _rules(self.data))]


def checked(data: Any) -> Graph:
    """The graph with its defaults. Raises ValidationFailed that lists everything wrong with it."""
    found = list(shapes.findings(SCHEMA, data))
    if not found:
        data = DEFAULTS | data
        found = list(_findings(data))
    if found:
        raise ValidationFailed(
            errors=[{"pointer": at, "code": code, "message": str(TEXTS[code])} for at, code in dict.fromkeys(found)]
        )
    return parsed(data)


def parsed(data: dict[str, Any]) -> Graph:
    """A graph that was checked before, as `JourneyVersion.graph` keeps it."""
    nodes = {raw["key"]: _node(place, raw) for place, raw in enumerate(data["nodes"])}
    order, _circle = _sorted(nodes, data["nodes"][0]["key"])
    return Graph(data=data, nodes={key: nodes[key] for key in order}, start=data["nodes"][0]["key"])


def message(node: Node, *, of: Graph) -> dict[str, Any]:
    """A send node as the draft of a policy."""
    own = {name: node.data[name] for name in MESSAGE if name in node.data}
    return own | {
        "trigger": "journey",
        "params": {
            "window_days": of.data["late_days"], "ends_on_order": of.ends_on_order, "is_profiling": of.is_profiling,
        } | ({"time_zone": of.data["time_zone"]} if of.data.get("time_zone") else {}),
        "holdout_percent": 0 if node.data.get("is_transactional") else of.data["holdout_percent"],
        "return_days": of.data["return_days"],
    }  # fmt: skip


def warnings(graph: Graph) -> list[dict[str, str]]:
    """Advice: what is allowed and yet hardly ever meant. Pointer, code, words."""
    found = list(_warnings(graph))
    return [{"pointer": at, "code": code, "message": str(WARNINGS[code])} for at, code in found]


def _warnings(graph: Graph) -> Iterator[Finding]:
    acts = [node for node in graph.nodes.values() if node.kind not in ("wait", "await", "branch", "split", "exit")]
    if not acts:
        yield "/nodes", "sends_nothing"
    if acts and not graph.data["holdout_percent"] and not all(node.data.get("is_transactional") for node in acts):
        yield "/holdout_percent", "no_holdout"
    if len(graph.sends) > 1 and not graph.ends_on_order:
        yield "/ends", "no_end_on_order"
    for node in graph.nodes.values():
        after = graph.nodes.get(node.data.get("next", ""))
        if node.kind == "send" and after and after.kind == "send":
            yield f"/nodes/{after.place}", "sends_close"
        if node.kind == "coupon" and "otherwise" not in node.data and after and after.kind == "send":
            yield f"/nodes/{node.place}/otherwise", "no_otherwise"


def _node(place: int, raw: dict[str, Any]) -> Node:
    ways = [(name, raw[name]) for name in _WAYS if name in raw]
    ways += [(str(n), way["next"]) for n, way in enumerate(raw.get("ways", ()), start=1)]
    ways += [(str(n), arm["next"]) for n, arm in enumerate(raw.get("arms", ()), start=1)]
    return Node(key=raw["key"], kind=raw["kind"], place=place, data=raw, ways=tuple(ways))


def _sorted(nodes: dict[str, Node], start: str) -> tuple[list[str], str]:
    """Keys of all steps that can be reached, those first that lead to others; and one on a circle, or ""."""
    state: dict[str, str] = {}
    order: list[str] = []
    circle = ""
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        key, is_done = stack.pop()
        if is_done:
            state[key] = "done"
            order.append(key)
        elif state.get(key) == "open":
            circle = circle or key
        elif key not in state and key in nodes:
            state[key] = "open"
            stack.append((key, True))
            stack += [(to, False) for _, to in reversed(nodes[key].ways)]
    return order[::-1], circle


def _findings(data: dict[str, Any]) -> Iterator[Finding]:
    nodes: dict[str, Node] = {}
    for place, raw in enumerate(data["nodes"]):
        if raw["key"] in nodes:
            yield f"/nodes/{place}/key", "key_twice"
        nodes.setdefault(raw["key"], _node(place, raw))
    if len(nodes) > MOST_NODES:
        yield "/nodes", "too_many_steps"
    yield from _ways(nodes, data["nodes"][0]["key"])
    yield from _entry(data["entry"])
    if data.get("time_zone") and not zones.is_real(data["time_zone"]):
        yield "/time_zone", "unknown_zone"
    for at, rule in (("/audience", data["audience"]), *_rules(data)):
        yield from _rule(rule, at)
    for node in nodes.values():
        yield from _INSIDE.get(node.kind, _nothing)(node, f"/nodes/{node.place}", data)


def _ways(nodes: dict[str, Node], start: str) -> Iterator[Finding]:
    for node in nodes.values():
        for name, to in node.ways:
            if to not in nodes:
                yield _pointer(node, name), "unknown_step"
    order, circle = _sorted(nodes, start)
    if circle:
        yield f"/nodes/{nodes[circle].place}", "circle"
    for key in nodes.keys() - set(order):
        yield f"/nodes/{nodes[key].place}", "unreachable"


def _pointer(node: Node, name: str) -> str:
    if name.isdigit():
        return f"/nodes/{node.place}/{'ways' if node.kind == 'branch' else 'arms'}/{int(name) - 1}/next"
    return f"/nodes/{node.place}/{name}"


def _entry(entry: dict[str, Any]) -> Iterator[Finding]:
    if entry["kind"] == "trigger":
        yield from policies.findings_of_trigger(entry["trigger"], entry.setdefault("params", {}), at="/entry/params")
        if entry.get("is_with_current") and entry["trigger"] not in STANDING:
            yield "/entry/is_with_current", "nobody_stands_there"
    if entry["kind"] == "event":
        yield from _event(entry, "/entry")
        for at, name in (("by", entry.get("by")), ("only/property", entry.get("only", {}).get("property"))):
            known = catalogue.BY_NAME.get(entry["event"])
            if name and known and name not in known.properties:
                yield f"/entry/{at}", "unknown_property"
    if entry["kind"] == "schedule":
        first = _moment(entry["at"])
        last = _moment(entry["until"]) if "until" in entry else None
        if first is None:
            yield "/entry/at", "not_a_date"
        if "until" in entry and last is None:
            yield "/entry/until", "not_a_date"
        if first and last and last <= first:
            yield "/entry/until", "ends_before_start"


def _event(what: dict[str, Any], at: str) -> Iterator[Finding]:
    if catalogue.check_of(what["event"]) is None and what["event"] not in catalogue.BY_NAME:
        yield f"{at}/event", "unknown_event"


def _await(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    if node.data["what"]["kind"] == "event":
        yield from _event(node.data["what"], f"{at}/what")


def _moment(text: str) -> datetime | None:
    try:
        return clock.start_of(text)
    except ValueError:
        return None


def _rules(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for n, end in enumerate(data["ends"]):
        if end["when"]["kind"] == "rule":
            yield f"/ends/{n}/when/rule", end["when"]["rule"]
    for place, raw in enumerate(data["nodes"]):
        if raw["kind"] == "await" and raw["what"]["kind"] == "rule":
            yield f"/nodes/{place}/what/rule", raw["what"]["rule"]
        for n, way in enumerate(raw.get("ways", ())):
            yield f"/nodes/{place}/ways/{n}/rule", way["rule"]


def _rule(rule: Any, at: str) -> Iterator[Finding]:
    try:
        language.compiled(rule, moment=clock.now(), at=at)
    except language.BadRule as wrong:
        yield wrong.pointer, wrong.code


def _send(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    draft = {name: node.data[name] for name in MESSAGE if name in node.data}
    try:
        policies.checked(draft | {"trigger": "journey", "params": {"window_days": 1}, "holdout_percent": 0})
    except ValidationFailed as wrong:
        errors: Any = wrong.facts["errors"]
        for error in errors:
            yield f"{at}{error['pointer']}", error["code"]


def _wait(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    what = node.data["for"]
    if (
        what["kind"] == "time"
        and not any(what.get(name) for name in ("days", "hours", "minutes"))
        and "hour" not in what
    ):
        yield f"{at}/for", "no_time"
    if what["kind"] == "date" and not _is_date_field(what["field"]):
        yield f"{at}/for/field", "unknown_date_field"


def _is_date_field(key: str) -> bool:
    return key == "birthday" or Attribute.objects.filter(key=key, type=Attribute.Type.DATE, retired_at=None).exists()


def _split(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    if sum(arm["percent"] for arm in node.data["arms"]) != 100:
        yield f"{at}/arms", "shares_not_100"


def _coupon(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    if not Template.objects.filter(key=node.data["template"], version__isnull=False, is_pool=False).exists():
        yield f"{at}/template", "unknown_coupon"


def _tag(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    if not node.data.get("add") and not node.data.get("remove"):
        yield at, "no_tags"
    for word in ("add", "remove"):
        names = node.data.get(word, [])
        known = set(Tag.objects.filter(name__in=names).values_list("name", flat=True))
        for n, name in enumerate(names):
            if name not in known:
                yield f"{at}/{word}/{n}", "unknown_tag"


def _attribute(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    field = Attribute.objects.filter(key=node.data["field"], retired_at=None).first()
    if field is None:
        yield f"{at}/field", "unknown_field_of_member"
    elif not value_of(field, node.data["value"])[0]:
        yield f"{at}/value", "no_value"


def value_of(field: Attribute, text: str) -> tuple[bool, Any]:
    """Whether a text is a value of the field, and that value."""
    value = attributes.parsed(field, text)
    return attributes.fits(field, value), value


def _webhook(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    if node.data["endpoint"] not in callees.names():
        yield f"{at}/endpoint", "no_endpoint"


def _nothing(node: Node, at: str, data: dict[str, Any]) -> Iterator[Finding]:
    return iter(())


_INSIDE = {
    "send": _send, "wait": _wait, "await": _await, "split": _split, "coupon": _coupon, "tag": _tag, "attribute": _attribute,
    "webhook": _webhook,
}  # fmt: skip
