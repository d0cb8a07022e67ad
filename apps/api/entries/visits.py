"""Codes of bookings, of live streams and of invitations."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import Entry

_AGAIN = _("Show the title; read the list anew and let the member choose again.")

ENTRIES = (
    Entry("booking_full", 409, False, _("All places of this time are taken."), _("Offer the waiting list: `may_wait`.")),
    Entry("booking_no_such_slot", 422, False, _("The offer has no such time, or not any more."), _AGAIN),
    Entry("booking_already", 409, False, _("The member has a booking at this time."), _("Show it to them.")),
    Entry("booking_person_taken", 409, False, _("The person that was chosen has somebody else then."), _AGAIN),
    Entry("booking_settled", 409, False, _("The booking is cancelled, or the member came or did not."), _AGAIN),
    Entry(
        "booking_too_late",
        409,
        False,
        _("The time begins sooner than the offer's `notice_minutes`."),
        _("Let the member call the store."),
    ),
    Entry("livestream_wrong_state", 409, False, _("The stream, or the piece, is past that step."), _AGAIN),
    Entry(
        "livestream_not_to_reserve",
        422,
        False,
        _("The store is closed for good, the day is not within two weeks of the stream, or the stream is not on."),
        _AGAIN,
    ),
    Entry("livestream_already_reserved", 409, False, _("A piece is put aside already."), _("Show it to them.")),
    Entry("referral_off", 409, False, _("The brand invites nobody at present."), _("Hide the page of invitations.")),
    Entry("referral_unknown", 422, False, _("No invitation has this code, or it was stopped."), _("Go on without it.")),
    Entry("referral_own", 409, False, _("The invitation is the member's own."), _("Go on without it.")),
    Entry(
        "referral_not_new",
        409,
        False,
        _("The member joined more than a day ago, or has bought."),
        _("Ask for the invitation right after joining."),
    ),
    Entry(
        "commission_too_small", 422, False, _("The brand pays out no amount as small as this."),
        _("Show `least_cents` of `me/commission`."),
    ),
    Entry("commission_too_large", 409, False, _("Less than that is free."), _("Read `me/commission` anew.")),
    Entry("referral_already", 409, False, _("Another invitation was named before."), _("Go on without it.")),
    Entry("livestream_none_left", 409, False, _("All pieces are put aside."), _AGAIN),
)  # fmt: skip
