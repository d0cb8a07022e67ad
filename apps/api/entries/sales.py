"""Points, coupons, prices, gifts and their payment."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import Entry
from apps.coupons.errors import CLAIMING, USING

ENTRIES: tuple[Entry, ...] = (
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
        "barcode_invalid",
        422,
        False,
        _("The `barcode` is no GTIN: its length or its check digit is wrong."),
        _("Send the digits as they stand on the goods, or leave it out."),
    ),
    Entry(
        "barcode_taken",
        409,
        False,
        _("Another product has this `barcode`."),
        _("Take it off that product first: send it with an empty `barcode`."),
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
        "coupon_member_gone",
        409,
        False,
        _("The membership has ended, so no coupon is given."),
        _("Leave this member out."),
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
        "make_up_refused",
        409,
        False,
        _("This day of sign-in cannot be made up; `why` says not_offered, not_missed, too_old or used_up."),
        _("Offer only the missed days that the calendar names."),
    ),
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
