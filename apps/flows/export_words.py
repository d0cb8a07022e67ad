"""What tables and columns are called on the page that a member downloads; a table or column without words shows its model's own."""

from typing import Any

from django.apps import apps
from django.db.models import Field, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.care import reasons
from apps.care.models import Channel as CareChannel
from apps.care.models import Touch
from apps.members.models import Consent

TABLES: dict[str, Promise] = {
    "core.User": _("Your log-in"),
    "core.IdempotencyKey": _("Your newest requests"),
    "core.TokenFamily": _("Where you are signed in"),
    "core.TokenPair": _("Keys of your log-ins"),
    "gateways.InboxMessage": _("Your inbox"),
    "gateways.SubscribeGrant": _("WeChat messages you allowed"),
    "gateways.SubscribeAnswer": _("Your answers about WeChat messages"),
    "gateways.SubscribeSend": _("WeChat messages we sent"),
    "members.Member": _("Your profile"),
    "members.Identity": _("How we recognise you"),
    "members.Consent": _("What you agreed to and withdrew"),
    "members.ConsentNow": _("What you agree to now"),
    "members.StateChange": _("Your membership over time"),
    "members.Guardian": _("A parent or guardian agreed"),
    "members.MemberKey": _("The key that seals your numbers"),
    "members.MemberTag": _("Your tags"),
    "members.Opening": _("What you brought along from an earlier system"),
    "members.TakenTag": _("Tags that were taken away"),
    "members.Merge": _("Records that were joined"),
    "members.MergeMove": _("What moved when records were joined"),
    "members.Doubt": _("Possible double records"),
    "members.Upload": _("Your pictures"),
    "orders.Order": _("Your orders"),
    "orders.Line": _("What was in them"),
    "orders.Refund": _("Refunds"),
    "orders.Change": _("Orders not yet counted"),
    "points.Account": _("Your points accounts"),
    "points.Attainment": _("What you achieved"),
    "points.Award": _("What you earned, by order line"),
    "points.Entry": _("Your points statement"),
    "points.Exchange": _("What you exchanged points for"),
    "points.Fault": _("Contradictions found in your points"),
    "points.Hold": _("Points that were set aside"),
    "points.Lot": _("Your points by their last day"),
    "points.SignIn": _("Days on which you signed in"),
    "points.Standing": _("Your tier"),
    "points.TierChange": _("How your tier changed"),
    "points.Use": _("Which points were used for what"),
    "segments.MemberStats": _("What we work out from your orders"),
    "segments.StageChange": _("How your life stage changed"),
    "segments.ScoreChange": _("How your scores changed"),
    "segments.Minor": _("When your age or a guardian's yes is looked at again"),
    "segments.Newcomer": _("Not yet counted"),
    "activity.Arrival": _("What brought you to us"),
    "activity.CodeVisitor": _("Codes you opened"),
    "activity.Event": _("What you opened and did here"),
    "activity.Visitor": _("Browsers you used"),
    "care.Touch": _("Messages we considered"),
    "care.Attempt": _("Messages we sent"),
    "flows.PrivacyRequest": _("Your privacy requests"),
    "flows.Erased": _("Erasure"),
}
HOUSE_TABLES: dict[str, Promise] = {
    "core.Alert": _("Alerts that were seen"),
    "core.IdempotencyKey": _("Answers kept for repeated requests"),
    "core.Job": _("Finished jobs"),
    "core.RequestLine": _("Request log"),
    "core.TaskRun": _("Runs of scheduled work"),
    "core.TokenFamily": _("Log-ins that ended"),
    "core.TokenPair": _("Tokens that ended"),
    "events.Event": _("Finished facts"),
    "gateways.InboxMessage": _("Inbox messages"),
    "members.CodeAlarm": _("Alarms about log-in codes"),
    "members.CodeRequest": _("Requests for log-in codes"),
    "members.Departure": _("Marks of those who left"),
    "members.KnownDevice": _("Known devices"),
}
COLUMNS: dict[str, Promise] = {
    "account": _("Points account"),
    "achievement": _("Achievement"),
    "activated_at": _("Usable since"),
    "balance": _("Balance"),
    "balance_after": _("Balance afterwards"),
    "captured": _("Spent of it"),
    "cash_cents": _("Cash"),
    "completed_at": _("Reached at"),
    "currency": _("Points currency"),
    "debt": _("Owed"),
    "earned_at": _("Earned at"),
    "earned_total": _("Earned in all"),
    "entry": _("Line of the statement"),
    "expected": _("Should be"),
    "expired": pgettext_lazy("points", "Expired"),
    "found": pgettext_lazy("column", "Found"),
    "grace_until": _("Grace until"),
    "held": _("Set aside"),
    "is_frozen": _("Frozen"),
    "is_made_up": _("Made up later"),
    "lapse_at": _("Lapses at"),
    "line": _("Order line"),
    "lot": _("Points lot"),
    "note": _("Note"),
    "pending": _("Not yet usable"),
    "period": _("Period"),
    "points": _("Points"),
    "remaining": _("Left"),
    "reversed": _("Taken back"),
    "reward": _("Reward"),
    "since": _("Since"),
    "streak": _("Days in a row"),
    "taken_back_at": _("Taken back at"),
    "tier": _("Tier"),
    "after": pgettext_lazy("change", "After"),
    "amount": _("Amount"),
    "amount_cents": _("Amount"),
    "anonymous_id": _("Random number of the browser"),
    "app_id": _("App"),
    "asked_at": _("Asked for"),
    "at": pgettext_lazy("column", "When"),
    "attributes": _("Further details"),
    "before": pgettext_lazy("change", "Before"),
    "birth_day": _("Birthday: day"),
    "birth_month": _("Birthday: month"),
    "birth_year": _("Birthday: year"),
    "body": pgettext_lazy("message", "Text"),
    "cause": _("Cause"),
    "cell": _("Group by buying habits"),
    "channel": pgettext_lazy("column", "Channel"),
    "client": _("Through"),
    "code": _("Provider's answer"),
    "created_at": pgettext_lazy("column", "Created"),
    "credits": _("Messages left"),
    "decided_at": pgettext_lazy("column", "Decided at"),
    "discount_cents": _("Discount"),
    "due_at": pgettext_lazy("column", "Due"),
    "ended_at": _("Taken back"),
    "expires_at": _("Ends"),
    "expires_on": _("Last day"),
    "f": _("Score: how often"),
    "file": _("File in this copy"),
    "first_at": _("First time"),
    "first_seen_at": _("First seen"),
    "first_order_at": _("First order"),
    "gap_mean_days": _("Days between orders, mean"),
    "gap_median_days": _("Days between orders, median"),
    "gender": _("Gender"),
    "height": _("Height in pixels"),
    "given_at": pgettext_lazy("tag", "Given at"),
    "home_store": _("Home store"),
    "is_active": _("May log in"),
    "is_banned": _("Closed by WeChat"),
    "is_granted": _("Agreed"),
    "is_stitched": _("Before you logged in"),
    "joined_at": _("Member since"),
    "key": pgettext_lazy("column", "Name"),
    "kind": pgettext_lazy("column", "Kind"),
    "label": _("Device"),
    "language": _("Language"),
    "last_at": _("Last time"),
    "last_login": _("Last log-in"),
    "last_order_at": _("Last order"),
    "linked_at": _("Known as yours since"),
    "line_no": pgettext_lazy("column", "Line number"),
    "m": _("Score: how much"),
    "member": _("Member number"),
    "member_no": _("Member number"),
    "model": pgettext_lazy("column", "Table"),
    "name": pgettext_lazy("column", "What"),
    "namespace": _("App"),
    "net_cents": _("Spent, after refunds"),
    "nickname": _("Nickname"),
    "number": _("Try"),
    "occurred_at": pgettext_lazy("column", "When"),
    "on": pgettext_lazy("column", "Day"),
    "opens": _("How often opened"),
    "order": pgettext_lazy("column", "Order number"),
    "order_no": _("Order number"),
    "orders": pgettext_lazy("column", "Number of orders"),
    "paid_at": pgettext_lazy("column", "Paid at"),
    "policy": _("Care policy"),
    "product": _("Product"),
    "properties": _("Further details"),
    "purpose": _("Purpose"),
    "quantity": _("Quantity"),
    "r": _("Score: how lately"),
    "read_at": pgettext_lazy("column", "Read at"),
    "reason": _("Reason"),
    "received_at": pgettext_lazy("column", "Received at"),
    "refunded_at": pgettext_lazy("column", "Refunded at"),
    "refunded_cents": _("Refunded amount"),
    "result": pgettext_lazy("column", "Answer"),
    "revoked_at": _("Signed out"),
    "route": _("Request"),
    "seen_at": _("Last seen"),
    "send_at": _("To be sent"),
    "settled_at": pgettext_lazy("column", "Settled at"),
    "size": _("Size in bytes"),
    "source": pgettext_lazy("column", "Came from"),
    "stage": _("Life stage"),
    "stage_since": _("In this stage since"),
    "state": pgettext_lazy("column", "State"),
    "status": pgettext_lazy("column", "State"),
    "store": _("Store"),
    "taken_at": pgettext_lazy("column", "Sent at"),
    "tag": _("Tag"),
    "tags": _("Tags"),
    "template_id": _("Message template"),
    "text": pgettext_lazy("message", "Text"),
    "text_version": _("Version of the text"),
    "title": pgettext_lazy("message", "Title"),
    "top_category_id": _("Favourite category"),
    "top_channel": _("Usual channel"),
    "top_hour": pgettext_lazy("column", "Usual hour of the day"),
    "top_store_id": _("Usual store"),
    "total_cents": _("Paid amount"),
    "undone_at": _("Undone"),
    "valid_until": _("Counts until"),
    "value": pgettext_lazy("column", "Value"),
    "voided_at": _("Used up"),
    "verified_at": _("Verified"),
    "width": _("Width in pixels"),
}
# Where the same name means something else.
COLUMNS_OF: dict[str, Promise] = {
    "activity.Arrival.code": _("Tracked code"),
    "activity.CodeVisitor.code": _("Tracked code"),
    "members.Opening.taken_at": _("Taken over at"),
}
# Codes that stand in columns without choices of their own.
CODES: dict[str, dict[Any, Any]] = {
    "purpose": dict(Consent.Purpose.choices),
    "channel": dict(Consent.Channel.choices) | dict(CareChannel.choices),
}


def table(model: type[Model]) -> str:
    return str(TABLES.get(model._meta.label) or model._meta.verbose_name_plural).strip()


def column(name: str, field: Field | None) -> str:
    own = f"{field.model._meta.label}.{name}" if field is not None else ""
    if own in COLUMNS_OF:
        return str(COLUMNS_OF[own])
    if name in COLUMNS:
        return str(COLUMNS[name])
    return str(field.verbose_name) if field is not None else name


def codes(name: str, field: Field | None) -> dict[Any, Any]:
    """Words for the stored codes of a column."""
    if field is not None and field.model is Touch and name == "reason":
        return dict(reasons.TEXTS)
    return dict(getattr(field, "flatchoices", None) or CODES.get(name, {}))


def table_of(label: str) -> str:
    """The same by the model's label, for tables of the house too."""
    return str(HOUSE_TABLES[label]) if label in HOUSE_TABLES else table(apps.get_model(label))
