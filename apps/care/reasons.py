"""Why a touch was skipped or failed: stable codes, and their words for people."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LATE = "late"
QUIET = "quiet"
NOT_ACTIVE = "not_active"
NO_CONSENT = "no_consent"
UNDER_14 = "under_14"
NO_PROFILING = "no_profiling"
NO_ADDRESS = "no_address"
STAGE_LEFT = "stage_left"
BOUGHT = "bought"
POINTS_GONE = "points_gone"
COUPON_GONE = "coupon_gone"
CART_CHANGED = "cart_changed"
SEGMENT_LEFT = "segment_left"
STEP_LEFT = "step_left"
STREAM_MOVED = "stream_moved"
NOT_ASKED = "not_asked"
BOOKING_GONE = "booking_gone"
IN_GROUP = "in_group"
GROUP_LEFT = "group_left"
MISSING_VALUE = "missing_value"
GLOBAL_HOLDOUT = "global_holdout"
CAP = "cap"
OUTRANKED = "outranked"
NO_GRANT = "no_grant"
SUPPRESSED = "suppressed"
FIELD_UNFIT = "field_unfit"
PAUSED = "paused"
LEFT_JOURNEY = "left_journey"
STOPPED = "stopped"
GAVE_UP = "gave_up"
NO_ANSWER = "no_answer"
CRASHED = "crashed"
WECOM_NO_STAFF, WECOM_QUOTA = "WECOM_NO_STAFF", "WECOM_QUOTA"

TEXTS: dict[str, Promise] = {
    LATE: _("The moment had passed"),
    QUIET: _("It would have come in quiet hours"),
    NOT_ACTIVE: _("The member is frozen, cancelled or erased"),
    NO_CONSENT: _("No consent for this channel"),
    UNDER_14: _("Under 14, and no guardian has agreed"),
    NO_PROFILING: _("The member has switched personalisation off"),
    NO_ADDRESS: _("No usable address on this channel"),
    STAGE_LEFT: _("No longer in this stage"),
    BOUGHT: _("Has bought since"),
    POINTS_GONE: _("No points are left that run out then"),
    COUPON_GONE: _("The coupon has been used, or is not the member's any more"),
    CART_CHANGED: _("The member has turned to the cart again since"),
    SEGMENT_LEFT: _("No longer in this segment"),
    STEP_LEFT: _("No longer at this step of the life track"),
    STREAM_MOVED: _("The live stream was moved or called off"),
    IN_GROUP: _("Is in the group by now, or its code leads nowhere"),
    GROUP_LEFT: _("Has left the group, or the group is gone"),
    BOOKING_GONE: _("The booking was cancelled or moved, or its time has begun"),
    NOT_ASKED: _("The member does not want to be reminded any more"),
    MISSING_VALUE: _("A value for the text is missing"),
    GLOBAL_HOLDOUT: _("Held out of all messages"),
    CAP: _("Enough messages already today or this week"),
    OUTRANKED: _("A more urgent message took its place"),
    SUPPRESSED: _("Mail to this address came back, or was complained of"),
    "ADDRESS_INVALID": _("The mail server does not know this address"),
    NO_GRANT: _("The member has accepted no such mini-program message"),
    FIELD_UNFIT: _("A value does not fit its field of the mini-program message"),
    PAUSED: _("The policy was paused"),
    LEFT_JOURNEY: _("Had left the journey"),
    STOPPED: _("The journey was stopped"),
    GAVE_UP: _("Gave up after several tries"),
    NO_ANSWER: _("The provider never said what became of it"),
    CRASHED: _("It ended our worker again and again"),
    WECOM_NO_STAFF: _("Nobody of the staff has this customer in WeCom"),
    WECOM_QUOTA: _("WeCom's limit for this customer is used up"),
    "NOT_CONFIRMED": _("The colleague did not confirm it in WeCom in time"),
    "CALLED_OFF": _("It was called off"),
    "NOT_DONE": _("Nobody did it in time"),
    "NO_FRIEND": _("The customer has left the colleague in WeCom"),
    "OVER_LIMIT": _("WeCom's limit for this customer is used up"),
    "43101": _("The member has accepted no such mini-program message"),
    "BLACKLIST": _("The member has opted out at the provider"),
    "NUMBER_INVALID": _("The provider does not know this number"),
    "REPEATED": _("The provider refuses the same text twice"),
    "DAY_LIMIT": _("The provider's daily limit for this number is reached"),
    "SENSITIVE_WORD": _("The provider blocks a word in the text"),
    "CONTENT_TOO_LONG": _("The text is too long"),
    "TEMPLATE_MISMATCH": _("The text differs from the approved template"),
}


def text(code: str) -> str:
    """Words for a code; a provider's code that we have no words for is shown as it is."""
    return str(TEXTS.get(code, code))
