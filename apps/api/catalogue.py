"""Every error code an API call may answer: status, whether to try again, why it happens and what to do. Served as documentation.

Titles stand beside the rules (`DomainError.title`); a test compares code and status with them and finds codes that are missing.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError
from apps.coupons.errors import CLAIMING, REASONS, USING

Words = str | Promise


@dataclass(frozen=True)
class Entry:
    code: str
    status: int
    is_retryable: bool
    cause: Words
    cure: Words


_WAIT = _("Send the same request again after a pause.")
_READ_AGAIN = _("Read the object again, decide, and send your change with the new ETag.")
ENTRIES: tuple[Entry, ...] = (
    Entry(
        "malformed_request", 400, False, _("The body is not JSON in UTF-8."), _("Check the body and its Content-Type.")
    ),
    Entry(
        "test_clock_refused",
        400,
        False,
        _("Test-Clock came without a sandbox key, or is no time with offset within ten years."),
        _("Send an sk_test_ key with it, beside a member's token as Sandbox-Key: 2026-12-24T10:00:00+08:00."),
    ),
    Entry(
        "api_version_unknown",
        400,
        False,
        _("The Api-Version header names a version that does not exist."),
        _("Leave it out, or send one of the versions under `known`."),
    ),
    Entry(
        "cursor_invalid",
        400,
        False,
        _("The cursor was changed, or made by another list or filter."),
        _("Start without a cursor."),
    ),
    Entry(
        "idempotency_key_required",
        400,
        False,
        _("This write needs an Idempotency-Key, or the one sent is not 1 to 255 visible ASCII characters."),
        _("Make a random key before the first try and keep it for every repeat."),
    ),
    Entry(
        "unauthenticated",
        401,
        False,
        _("No token or key was sent, or it is unknown or revoked."),
        _("Log in and send Authorization: Bearer."),
    ),
    Entry(
        "token_expired",
        401,
        False,
        _("The access token is older than 30 minutes."),
        _("Get a new pair at /auth/refresh, once for all waiting calls."),
    ),
    Entry(
        "step_up_required",
        401,
        False,
        _("This act needs a proof of identity from the last 5 minutes."),
        _("Have a code sent at /auth/step-up-codes, confirm it at /auth/step-up, repeat the call."),
    ),
    Entry(
        "forbidden",
        403,
        False,
        _("The token or key is valid, but not for this route."),
        _("Use a key with the scope that this page names."),
    ),
    Entry("not_found", 404, False, _("There is no such thing, or it belongs to somebody else."), _("Check the id.")),
    Entry(
        "method_not_allowed",
        405,
        False,
        _("This address exists, but not with this method."),
        _("See the Allow header."),
    ),
    Entry("not_acceptable", 406, False, _("Accept excludes JSON."), _("Accept application/json.")),
    Entry(
        "birthday_fixed",
        409,
        False,
        _("A birthday is entered once and corrected once."),
        _("Show it read-only; staff can correct it."),
    ),
    Entry("idempotency_in_progress", 409, True, _("The first request with this key has not finished."), _WAIT),
    Entry("precondition_failed", 412, False, _("The object changed after you read it."), _READ_AGAIN),
    Entry(
        "upload_too_large",
        413,
        False,
        _("The body is larger than `limit_bytes`, or a picture has more than `limit_pixels`."),
        _("Send less at once; compress pictures first."),
    ),
    Entry(
        "upload_type_refused",
        415,
        False,
        _("The content is no JPEG, PNG or WebP, or is damaged; `found` says heic, damaged or other."),
        _("Choose pictures with sizeType compressed: iPhones then hand over a JPEG instead of HEIC."),
    ),
    Entry(
        "upload_quota_reached",
        409,
        False,
        _("The member has `limit` files that nothing uses yet."),
        _("Use one of them, or wait: each goes 24 hours after it was sent."),
    ),
    Entry(
        "unsupported_media_type",
        415,
        False,
        _("The Content-Type is not the one of this route."),
        _("Send application/json (multipart/form-data for files)."),
    ),
    Entry(
        "validation_failed",
        422,
        False,
        _("Fields are missing, unknown or out of range."),
        _("`errors` lists every wrong field with a JSON Pointer."),
    ),
    Entry(
        "idempotency_key_reused",
        422,
        False,
        _("The key was used for a request with another body."),
        _("One key per intention: make a new one for a new request."),
    ),
    Entry("precondition_required", 428, False, _("Updates need an If-Match header."), _READ_AGAIN),
    Entry(
        "rate_limited",
        429,
        True,
        _("More requests in a minute than allowed."),
        _("Wait the seconds of Retry-After; the RateLimit header shows what is left."),
    ),
    Entry(
        "server_error",
        500,
        True,
        _("Our fault."),
        _("Send the same request with the same key again; if it stays, tell us the request_id."),
    ),
    Entry(
        "phone_invalid", 422, False, _("The number is not a mobile number that exists."), _("Let the person check it.")
    ),
    Entry(
        "phone_not_served",
        422,
        False,
        _("Codes are not sent to this country or kind of number."),
        _("Offer WeChat log-in."),
    ),
    Entry("phone_taken", 409, False, _("Another member has this number."), _("Log in with that number instead.")),
    Entry(
        "code_wrong",
        422,
        False,
        _("The six digits are not those that were sent."),
        _("Let the person type again; `tries_left` says how often."),
    ),
    Entry(
        "code_expired",
        409,
        False,
        _("The code is used up: too old, tried too often, or already used."),
        _("Ask for a new one."),
    ),
    Entry(
        "member_frozen",
        403,
        False,
        _("Staff switched the account off."),
        _("Show the title; only the service can help."),
    ),
    Entry(
        "member_leaving",
        403,
        False,
        _("The member cancelled and the cool-off runs until `until`."),
        _("Ask whether they want to come back; repeat with come_back."),
    ),
    Entry(
        "cool_off_over",
        409,
        False,
        _("The cool-off of a cancellation is over."),
        _("Wait until the account is erased, then register anew."),
    ),
    Entry(
        "registration_refused",
        403,
        False,
        _("No account is opened with this number."),
        _("Show the title; only the service can help."),
    ),
    Entry(
        "wechat_code_invalid",
        422,
        False,
        _("The code of WeChat was used, is older than five minutes, or belongs to another app."),
        _("Call wx.login (or getPhoneNumber) again."),
    ),
    Entry("wechat_app_unknown", 422, False, _("The mini-program is not one of this brand."), _("Check app_id.")),
    Entry("wechat_user_blocked", 403, False, _("WeChat blocks this person for risk."), _("Offer log-in by phone.")),
    Entry("code_stopped", 410, False, _("The tracked code was taken out of use."), _("Show your start page.")),
    Entry(
        "events_batch_too_large", 413, False, _("More than 500 events or 200,000 bytes."), _("Send several batches.")
    ),
    Entry(
        "events_batch_malformed",
        422,
        False,
        _("The batch itself cannot be read; `part` says where."),
        _("Check the field that is named."),
    ),
    Entry(
        "guardian_not_needed",
        409,
        False,
        _("The member is no child under 14 by the birthday we know."),
        _("Ask no guardian."),
    ),
    Entry(
        "guardian_is_member",
        422,
        False,
        _("The number is the child's own."),
        _("Let the parent or guardian type their own number."),
    ),
    Entry(
        "guardian_of_many",
        409,
        False,
        _("This number already speaks for five children."),
        _("Send them to a store, where staff note it."),
    ),
    Entry(
        "export_not_there",
        404,
        False,
        _("The copy was fetched already, is older than a day, or was never asked for."),
        _("Ask for a new one."),
    ),
    Entry(
        "points_insufficient",
        409,
        False,
        _("The balance does not cover the amount; `balance` and `needed` say by how much."),
        _("Show the balance and let the member choose less."),
    ),
    Entry(
        "points_account_frozen",
        409,
        False,
        _("The account earns, but nothing can be taken from it."),
        _("Send the member to the service desk."),
    ),
    Entry(
        "points_exceed_line",
        409,
        False,
        _("More is asked than the line still has; `left` says how much."),
        _("Ask for `left` at the most."),
    ),
    Entry(
        "source_reused",
        409,
        False,
        _("This reference was booked before with another amount; `recorded` says which."),
        _("Give each booking a reference of its own and repeat it unchanged."),
    ),
    Entry(
        "reservation_expired",
        409,
        False,
        _("The time of what was set aside is over, or it was spent or let go."),
        _("Set points aside again."),
    ),
    Entry(
        "member_seen_over",
        409,
        False,
        _("The reading is more than ten minutes old, or another till's."),
        _("Read the member's code again."),
    ),
    Entry(
        "coupon_nobody_named",
        422,
        False,
        _("A program names the `member`, a till its `reading` of the member's code."),
        _("Send the one that fits your key."),
    ),
    Entry(
        "price_unknown",
        422,
        False,
        _("A line without `unit_cents` names a SKU that has no list price in the catalogue."),
        _("Send its `unit_cents`, or put the list price into the catalogue first."),
    ),
    Entry(
        "price_overlaps",
        409,
        False,
        _("A later special price of the same product, audience, store and channel begins before this one ends."),
        _("Let this one end before that one begins."),
    ),
    Entry(
        "price_not_below_list",
        422,
        False,
        _("A special price was sent that is not below the list price, or the product has none."),
        _("Send `list_cents` with it, or a lower price."),
    ),
    Entry(
        "price_wrong_times",
        422,
        False,
        _("`ends_at` is not after `starts_at`, or one of them has passed."),
        _("Leave `starts_at` out for a price that counts from now on."),
    ),
    Entry(
        "price_for_all_needs_end",
        422,
        False,
        _("A special price without an audience would be a list price for ever."),
        _("Send `ends_at`, or an audience."),
    ),
    Entry(
        "coupon_act_reused",
        422,
        False,
        _("The reference was used before, with other coupons or for another kind of act."),
        _("One reference per act: make a new one for a new act."),
    ),
    Entry(
        "coupon_reservation_over",
        409,
        False,
        _("It was not confirmed in time, or was cancelled."),
        _("Reserve again, or redeem at once."),
    ),
    Entry(
        "coupon_not_redeemed",
        409,
        False,
        _("What is redeemed is rolled back, what is reserved is cancelled, not the other way round."),
        _("Read `state`, and take the call that fits it."),
    ),
    Entry(
        "reward_unavailable",
        409,
        False,
        _(
            "`reason` says why: not_started, ended, tier_too_low, out_of_stock, wrong_store, limit_reached, daily_limit."
        ),
        _("Show the title, and read the rewards again."),
    ),
    Entry(
        "exchange_contradicts",
        409,
        False,
        _("The key was used before, for another reward or store."),
        _("Make a new key for a new exchange."),
    ),
    Entry(
        "exchange_over",
        409,
        False,
        _("It was handed over, cancelled, or has lapsed: `state` says which."),
        _("Read the exchange again."),
    ),
    Entry(
        "exchange_paid",
        409,
        False,
        _("Cash was paid for it, which only staff give back."),
        _("Send the member to the store."),
    ),
    Entry(
        "payment_contradicts",
        409,
        False,
        _("Another amount than `expected_cents`, or a second payment of the same exchange."),
        _("Check the amount; a second payment is to be given back."),
    ),
    Entry(
        "pick_up_code_unknown", 404, False, _("No exchange has this pick-up code."), _("Let the member show it again.")
    ),
    Entry("pick_up_elsewhere", 409, False, _("The gift lies in another store: `store`."), _("Send the member there.")),
    Entry(
        "member_code_invalid",
        404,
        False,
        _("No such member code was shown here, or long ago."),
        _("Let the member open their code again and read it from the screen."),
    ),
    Entry(
        "member_code_expired",
        409,
        False,
        _("The member code is older than a minute: a picture of it, or a page without a connection."),
        _("Let the member refresh the page."),
    ),
    Entry(
        "member_code_used",
        409,
        False,
        _(
            "The member code was read before: when and where stand under `used_at` and `store`; `is_here`: by this device."
        ),
        _("Read the next one. A repeat of one call sends its Idempotency-Key."),
    ),
    Entry(
        "member_not_active",
        409,
        False,
        _("The membership is switched off or cancelled."),
        _("Let the member ask the service."),
    ),
    Entry(
        "make_up_refused",
        409,
        False,
        _("This day of sign-in cannot be made up; `why` says not_offered, not_missed, too_old or used_up."),
        _("Offer only the missed days that the calendar names."),
    ),
    Entry("provider_unavailable", 503, True, _("WeChat or the SMS provider does not answer."), _WAIT),
)
ENTRIES += tuple(
    Entry(
        code,
        404 if code == "coupon_not_found" else 409,
        False,
        _("The coupon cannot be used here; the title says why, and facts beside it what is missing."),
        _("Show the title. A quote says the same before anything is tried."),
    )
    for code in USING
)
ENTRIES += tuple(
    Entry(
        code,
        409,
        False,
        _("The coupon cannot be claimed or given away; the title says why."),
        _("Show the title. The coupon centre says the same before anything is tried."),
    )
    for code in CLAIMING
)
_BY_CODE = {entry.code: entry for entry in ENTRIES}


def entry(code: str) -> Entry:
    """Raises KeyError for a code that is not in the catalogue."""
    return _BY_CODE[code]


@cache
def rules() -> dict[str, type[DomainError]]:
    """The exception behind each code; of several with one code the frame's own, else the last by name of its module."""
    known: list[type[DomainError]] = []
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        rule = waiting.pop()
        waiting += rule.__subclasses__()
        known.append(rule)
    known.sort(key=lambda rule: (rule.__module__ == "apps.api.errors", rule.__module__, rule.__name__))
    return {rule.code: rule for rule in known if rule.__module__.startswith("apps.")}


def title(code: str) -> str:
    """In the present language; placeholders stay."""
    rule = rules().get(code)
    return str(rule.title) if rule else str(REASONS.get(code, ""))


def example(code: str) -> dict[str, Any]:
    """A problem document of this code."""
    one = entry(code)
    more: dict[str, Any] = {"retry_after": 7} if code == "rate_limited" else {}
    if code == "validation_failed":
        more = {"errors": [{"pointer": "/nickname", "code": "unknown_field", "message": "There is no such field."}]}
    return {
        "type": f"/problems/{code}",
        "title": title(code) % {"retry_after": 7} if code == "rate_limited" else title(code),
        "status": one.status,
        "code": code,
        "retryable": one.is_retryable,
        "request_id": "req_8sKd0fQ2xYzA",
        "doc": f"/api/docs/errors#{code}",
        **more,
    }
