"""What the columns of a member file are called: fixed ones, one per consent, one per field of the brand's own."""

from apps.core.files.staging import Layout
from apps.members.models import Attribute, Consent

FIXED = (
    "member_no", "phone", "nickname", "gender", "birthday", "store", "source", "joined_at", "tags", "consent_source",
    "opening_points", "opening_points_expire_on", "tier", "growth", "coupons",
)  # fmt: skip
OPENINGS = (
    "member_no",
    "phone",
    "opening_points",
    "opening_points_expire_on",
    "tier",
    "growth",
)  # of a file of balances alone
LIMITS = {"member_no": 40, "phone": 60, "nickname": 40, "store": 40, "source": 60, "tier": 40, "consent_source": 60}
CONSENTS = {
    f"consent_{purpose}_{channel}": (purpose, channel)
    for purpose in Consent.Purpose.values
    for channel in Consent.Channel.values
}
FIELD = "field_"


def layout(*, openings_only: bool = False) -> Layout:
    """With the fields that are not retired: `field_size` in the header fills the field `size`. A key is letters, digits, - and _."""
    if openings_only:
        return Layout(columns={name: name for name in OPENINGS}, required=(), keep="member_no")
    keys = Attribute.objects.filter(retired_at=None).values_list("key", flat=True)
    fields = {f"{FIELD}{key}".lower(): f"{FIELD}{number}" for number, key in enumerate(keys)}
    names = {name: name for name in (*FIXED, *CONSENTS)} | fields
    return Layout(columns=names, required=(), keep="member_no")
