"""Log-in, members and who stands for them, what they did, their codes."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "phone_invalid", 422, False, _("The number is not a mobile number that exists."), _("Let the person check it.")
    ),
    Entry(
        "events_batch_too_large", 413, False, _("More than 500 events or 200,000 bytes."), _("Send several batches.")
    ),
    Entry(
        "birthday_fixed",
        409,
        False,
        _("A birthday is entered once and corrected once."),
        _("Show it read-only; staff can correct it."),
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
        "no_place_for_children",
        409,
        False,
        _("The member is under 14 and no guardian has agreed."),
        _("Lead to me/guardian first."),
    ),
    Entry(
        "too_many_places",
        409,
        False,
        _("The member told ten days of one life track already."),
        _("Let the member take one back."),
    ),
    Entry(
        "placed_already",
        409,
        False,
        _("The member told this day of this life track already."),
        _("Show the places that me/tracks answers."),
    ),
    Entry(
        "merge_refused",
        409,
        False,
        _("One of the two is leaving or erased, or both are the same record; `why` says which."),
        _("Read both members; leave out what is no member any more."),
    ),
    Entry(
        "merge_refused_strong_ids",
        409,
        False,
        _("Both have a proven identity of their own; `kinds` names which. They may be two people."),
        _("Leave the pair to staff, who may join them with a reason."),
    ),
    Entry(
        "policy_text_outdated",
        409,
        False,
        _(
            "A yes was given to a text that a later one has ended, or that the brand never published; `current` is in force."
        ),
        _("Show the text that policy-texts answers, and ask again."),
    ),
    Entry(
        "export_not_there",
        404,
        False,
        _("The copy was fetched already, is older than a day, or was never asked for."),
        _("Ask for a new one."),
    ),
    Entry(
        "member_seen_over",
        409,
        False,
        _("The reading is more than ten minutes old, or another till's."),
        _("Read the member's code again."),
    ),
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
        "journey_not_running",
        409,
        True,
        _("The journey is a draft, paused or stopped."),
        _("Ask the brand's staff; once it runs, call again."),
    ),
    Entry(
        "journey_not_by_hand",
        409,
        False,
        _("This journey lets members in by itself."),
        _("Choose one whose entry is “put in by hand or by a program”."),
    ),
)
