"""What any call may meet: its form, its credentials, its limits, our own trouble."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import READ_AGAIN, WAIT, Entry

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
        _(
            "Have a code sent at /auth/step-up-codes, confirm it at /auth/step-up, repeat the call."
            " A member without a phone: /auth/step-up-wechat."
        ),
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
    Entry("idempotency_in_progress", 409, True, _("The first request with this key has not finished."), WAIT),
    Entry("precondition_failed", 412, False, _("The object changed after you read it."), READ_AGAIN),
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
    Entry("precondition_required", 428, False, _("Updates need an If-Match header."), READ_AGAIN),
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
    Entry("maintenance", 503, True, _("The installation is being worked on (API_MAINTENANCE)."), WAIT),
    Entry("provider_unavailable", 503, True, _("WeChat or the SMS provider does not answer."), WAIT),
)
