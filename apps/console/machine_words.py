"""What the house does by itself and what its audit trail notes, in words. A code without words is shown as it is."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.care import reasons
from apps.care.models import Touch
from apps.console.charts import svg as marks
from apps.flows import export_words

# The name of a scheduled task → what it does.
TASKS: dict[str, Promise] = {
    "activity.keep": gettext_lazy("Month tables of behaviour events"),
    "analytics.measure_quality": gettext_lazy("Counting data quality"),
    "analytics.coupon_days": gettext_lazy("Figures of the coupon report"),
    "analytics.coupon_days_whole": gettext_lazy("Counting the coupon report anew"),
    "analytics.purge_exports": gettext_lazy("Removing old exported files"),
    "analytics.roll_up": gettext_lazy("Figures of the dashboard"),
    "care.decide_campaigns": gettext_lazy("Deciding tests of campaigns"),
    "care.drain": gettext_lazy("Sending messages that are due"),
    "care.run": gettext_lazy("Planning care messages"),
    "care.walk_journeys": gettext_lazy("Members walk their journeys"),
    "care.take_replies": gettext_lazy("Taking replies to messages"),
    "community.keep": gettext_lazy("WeCom: codes, members and tags"),
    "community.take_events": gettext_lazy("What WeCom told us"),
    "core.beat": gettext_lazy("Sign of life"),
    "core.lapse_approvals": gettext_lazy("Closing requests that nobody decided"),
    "core.purge_requests": gettext_lazy("Emptying the request log"),
    "coupons.expire": gettext_lazy("Expiring coupons"),
    "coupons.release_reservations": gettext_lazy("Freeing coupons set aside for orders"),
    "coupons.warn_expiring": gettext_lazy("Telling members whose coupons end soon"),
    "coupons.warn_low": gettext_lazy("Warning of coupons that run out"),
    "bookings.sweep": gettext_lazy("Bookings that time moves, and their notices"),
    "livestream.sweep": gettext_lazy("Live streams that time moves, and their reminders"),
    "followups.sweep": gettext_lazy("Follow-ups that time moves"),
    "tickets.tick": gettext_lazy("Tickets: promises that are near or missed"),
    "flows.demo_tick": gettext_lazy("The demo's day goes on"),
    "flows.move_tiers": gettext_lazy("Assessing tiers"),
    "flows.privacy": gettext_lazy("Copies of data and erasures"),
    "flows.purge_expired": gettext_lazy("Removing what is past its time"),
    "flows.settle_merges": gettext_lazy("Finishing merges of members"),
    "flows.sweep_events": gettext_lazy("Sending on facts that were left"),
    "webhooks.drain": gettext_lazy("Sending webhooks that are due"),
    "members.expire_tags": gettext_lazy("Ending tags"),
    "members.find_duplicates": gettext_lazy("Searching for possible duplicates"),
    "members.forget_codes": gettext_lazy("Forgetting old log-in codes"),
    "members.sweep_uploads": gettext_lazy("Removing pictures nobody uses"),
    "points.by_hand_often": gettext_lazy("Looking for points given often by hand"),
    "points.check_ledgers": gettext_lazy("Points ledger check"),
    "coupons.check": gettext_lazy("Check of the coupon books"),
    "points.exchange_all": gettext_lazy("Rewards taken by themselves"),
    "points.release_holds": gettext_lazy("Freeing points set aside"),
    "points.reward_birthdays": gettext_lazy("Points for birthdays"),
    "points.reward_events": gettext_lazy("Points for what members do"),
    "points.settle": gettext_lazy("Points that become usable or expire"),
    "points.sweep_mall": gettext_lazy("Exchanges that were not finished"),
    "points.tally": gettext_lazy("Sums of points owed"),
    "points.warn_expiring": gettext_lazy("Telling members whose points end soon"),
    "points.warn_of_falls": gettext_lazy("Telling members whose tier may fall"),
    "portal.purge_sessions": gettext_lazy("Removing ended log-ins"),
    "segments.build": gettext_lazy("Members of the segments"),
    "segments.fit_predictions": gettext_lazy("New version of the predictions"),
    "segments.move_tracks": gettext_lazy("Steps of the life tracks"),
    "segments.refresh_stats": gettext_lazy("Stages and figures of members"),
    "segments.score_members": gettext_lazy("Predictions for members"),
}
# What a task counted → what that is called.
FIGURES: dict[str, Promise] = {
    "accounts": gettext_lazy("accounts"),
    "alerts": gettext_lazy("alerts"),
    "answers": gettext_lazy("stored answers"),
    "changed": gettext_lazy("members changed"),
    "coupons": gettext_lazy("coupons"),
    "days": gettext_lazy("days"),
    "decided": pgettext_lazy("count", "decided"),
    "entries": gettext_lazy("lines of points"),
    "erased": gettext_lazy("erased"),
    "expired": pgettext_lazy("count", "expired"),
    "exports_expired": gettext_lazy("copies of data ended"),
    "facts": gettext_lazy("facts"),
    "failed": pgettext_lazy("count", "failed"),
    "faults": gettext_lazy("contradictions"),
    "fell": gettext_lazy("fell"),
    "figures": gettext_lazy("figures"),
    "files": gettext_lazy("files"),
    "files_removed": gettext_lazy("files removed"),
    "given": pgettext_lazy("tickets", "given out"),
    "gone": pgettext_lazy("count", "gone"),
    "grants": gettext_lazy("grants of points"),
    "held_out": gettext_lazy("in the comparison group"),
    "images_dropped": gettext_lazy("pictures of merges forgotten"),
    "is_behind": gettext_lazy("still behind"),
    "is_full": gettext_lazy("everybody anew"),
    "lapsed": pgettext_lazy("count", "lapsed"),
    "lines": gettext_lazy("lines"),
    "live": pgettext_lazy("demo", "orders of the day"),
    "looked_at": gettext_lazy("members looked at"),
    "members": gettext_lazy("members"),
    "moved": pgettext_lazy("life tracks", "moved on"),
    "months_dropped": gettext_lazy("months removed"),
    "months_made": gettext_lazy("months prepared"),
    "open": pgettext_lazy("count", "open"),
    "planned": pgettext_lazy("count", "planned"),
    "policies": gettext_lazy("policies"),
    "postponed": gettext_lazy("put off"),
    "receipts": gettext_lazy("receipts of events"),
    "escalated": pgettext_lazy("tasks", "to the manager"),
    "returned": pgettext_lazy("tasks", "back in the pool"),
    "rose": gettext_lazy("rose"),
    "rows": gettext_lazy("rows"),
    "scores_changed": gettext_lazy("scores changed"),
    "sessions": gettext_lazy("log-ins"),
    "skipped": pgettext_lazy("count", "skipped"),
    "snapshot_taken": gettext_lazy("scores of the day kept"),
    "stirred": gettext_lazy("members about whom something changed"),
    "entered": pgettext_lazy("segments", "came in"),
    "left": pgettext_lazy("segments", "went out"),
    "whole": gettext_lazy("segments worked out whole"),
    "partly": gettext_lazy("segments worked out by changes"),
    "stage_moves": gettext_lazy("changes of stage"),
    "strayed": gettext_lazy("outside their month"),
    "strays": gettext_lazy("files without an owner"),
    "tags": gettext_lazy("tags"),
    "told": gettext_lazy("members told"),
    "visitors": gettext_lazy("anonymous visitors"),
    "windows": gettext_lazy("counters of limits"),
}
_SAID_ELSEWHERE = ("as_of", "seconds")  # when it ran and how long it took stand beside
# The code of an act → what was done. Acts on whole rows of a table are put together from `OBJECTS` and `_ROW_ACTS`.
ACTS: dict[str, Promise] = {
    "campaign.decided": gettext_lazy("Decided the test of a campaign"),
    "campaign.started": gettext_lazy("Started a campaign"),
    "group_code.created": gettext_lazy("Made a group code"),
    "live_code.changed": gettext_lazy("Changed a live code"),
    "live_code.created": gettext_lazy("Made a live code"),
    "wecom.hand_over": gettext_lazy("Handed customers over in WeCom"),
    "access.refused": gettext_lazy("Was refused a page"),
    "approval.approved": gettext_lazy("Agreed to a request"),
    "approval.asked": gettext_lazy("Asked for a second person's yes"),
    "approval.lapsed": gettext_lazy("Request lapsed without a decision"),
    "approval.refused": gettext_lazy("Refused a request"),
    "checkout.undone": gettext_lazy("Undid a checkout"),
    "client_key.issued": gettext_lazy("Issued a key to a program"),
    "client_key.revoked": gettext_lazy("Revoked a program's key"),
    "coupon.codes_written": gettext_lazy("Wrote a file of coupon codes"),
    "coupon.extended": gettext_lazy("Let a coupon count longer"),
    "coupon.handed_out": gettext_lazy("Handed out a coupon"),
    "coupon.openings_released": gettext_lazy("Released the coupons of a file"),
    "coupon.openings_undone": gettext_lazy("Took back the coupons of a file"),
    "coupon.recalled": gettext_lazy("Took back a coupon"),
    "coupon.recalled_all": gettext_lazy("Took back all coupons of a kind"),
    "coupon.restored": gettext_lazy("Undid the recall of a coupon"),
    "coupon.stock": gettext_lazy("Changed the stock of a coupon"),
    "device_key.issued": gettext_lazy("Issued a key to a till"),
    "device_key.revoked": gettext_lazy("Revoked a till's key"),
    "followups.handed_over": gettext_lazy("Handed over somebody's follow-ups"),
    "events.retried": gettext_lazy("Sent parked facts again"),
    "exchange.cancelled": gettext_lazy("Called off an exchange"),
    "exchange.taken_back": gettext_lazy("Took a handed-out gift back"),
    "exchange.paid": gettext_lazy("Took the money of an exchange"),
    "segment.created": gettext_lazy("Made a segment"),
    "segment.rule_changed": gettext_lazy("Changed the rule of a segment"),
    "segment.renamed": gettext_lazy("Renamed a segment"),
    "segment.list_changed": gettext_lazy("Changed a list of members"),
    "segment.pack_asked": gettext_lazy("Asked for an audience pack"),
    "segment.pack_made": gettext_lazy("Made an audience pack"),
    "segment.uploaded": gettext_lazy("Took a file into a list of members"),
    "segment.upload_undone": gettext_lazy("Undid a file of a list of members"),
    "segment.archived": gettext_lazy("Put a segment away"),
    "track.created": gettext_lazy("Made a life track"),
    "track.changed": gettext_lazy("Changed a life track"),
    "track.archived": gettext_lazy("Put a life track away"),
    "track.brought_back": gettext_lazy("Brought a life track back"),
    "track.member_placed": gettext_lazy("Placed a member on a life track"),
    "track.member_corrected": gettext_lazy("Corrected a date of a life track"),
    "track.member_left": gettext_lazy("Took a member off a life track"),
    "trait.created": gettext_lazy("Made a computed trait"),
    "trait.changed": gettext_lazy("Changed a computed trait"),
    "trait.archived": gettext_lazy("Put a computed trait away"),
    "exchanges.exported": gettext_lazy("Exported exchanges"),
    "member.block": gettext_lazy("Blocked a member"),
    "member.cancel": gettext_lazy("Cancelled a membership"),
    "member.come_back": gettext_lazy("Brought a member back"),
    "member.consent_noted": gettext_lazy("Noted a consent"),
    "member.depart": gettext_lazy("Let a member go"),
    "member.erased": gettext_lazy("Erased a member"),
    "journey.moved": gettext_lazy("Moved members to a journey's newest version"),
    "journey.put_in": gettext_lazy("Put members into a journey"),
    "journey.rehearsal_fetched": gettext_lazy("Fetched the dry run of a journey"),
    "journey.taken_out": gettext_lazy("Took a member out of a journey"),
    "member.fields_changed": gettext_lazy("Changed a member's fields"),
    "member.freeze": gettext_lazy("Froze a member"),
    "member.phone_changed": gettext_lazy("Changed their phone number"),
    "member.release": gettext_lazy("Released a member"),
    "member.signed_out": gettext_lazy("Signed a member out everywhere"),
    "member.tier_set": gettext_lazy("Set a member's tier"),
    "member.unmasked": gettext_lazy("Looked at a phone number"),
    "webhook_delivery.replayed": gettext_lazy("Replayed a webhook delivery"),
    "webhook_endpoint.changed": gettext_lazy("Changed a webhook endpoint"),
    "webhook_endpoint.made": gettext_lazy("Made a webhook endpoint"),
    "webhook_endpoint.pinged": gettext_lazy("Tested a webhook endpoint"),
    "webhook_endpoint.removed": gettext_lazy("Removed a webhook endpoint"),
    "webhook_endpoint.replayed": gettext_lazy("Replayed what failed at a webhook endpoint"),
    "webhook_endpoint.secret_changed": gettext_lazy("Changed the secret of a webhook endpoint"),
    "webhook_endpoint.switched_off": gettext_lazy("Switched a webhook endpoint off"),
    "webhook_endpoint.switched_on": gettext_lazy("Switched a webhook endpoint on"),
    "member_keys.rewrapped": gettext_lazy("Sealed members' keys anew"),
    "members.called_two_people": gettext_lazy("Said that two records are two people"),
    "members.export_fetched": gettext_lazy("Fetched an export of members"),
    "members.exported": gettext_lazy("Exported members"),
    "members.imported": gettext_lazy("Imported members"),
    "order.paid": gettext_lazy("Marked an order as paid"),
    "order.refunded": gettext_lazy("Refunded an order"),
    "own_card.kept": gettext_lazy("Noted a member's record as staff's own"),
    "pin.kept": gettext_lazy("Set a PIN for the counter"),
    "pin.refused": gettext_lazy("A wrong PIN at the counter"),
    "points.adjusted": gettext_lazy("Gave or took points by hand"),
    "points.openings_released": gettext_lazy("Released opening points"),
    "points.rule_paused": gettext_lazy("Paused a rule of points"),
    "points.rule_published": gettext_lazy("Published a rule of points"),
    "points.rule_resumed": gettext_lazy("Resumed a rule of points"),
    "points.spend_limits_changed": gettext_lazy("Changed how points may be spent"),
    "points.statement_fetched": gettext_lazy("Fetched a statement of points"),
    "policy.agreed": gettext_lazy("Agreed to the policy texts"),
    "policy_text.published": gettext_lazy("Published a policy text"),
    "predictions.activated": gettext_lazy("Chose a version of the predictions"),
    "privacy.erasure_asked": gettext_lazy("Asked to be erased"),
    "privacy.erasure_cancelled": gettext_lazy("Erasure called off"),
    "privacy.export_asked": gettext_lazy("Asked for a copy of their data"),
    "privacy.export_taken": gettext_lazy("Took the copy of their data"),
    "reward.stock": gettext_lazy("Changed the stock of a reward"),
    "second_factor.added": gettext_lazy("Added a second factor"),
    "second_factor.codes_made": gettext_lazy("Made recovery codes"),
    "second_factor.recovered": gettext_lazy("Came in by a recovery code"),
    "second_factor.removed": gettext_lazy("Removed a second factor"),
    "second_factor.reset": gettext_lazy("Took away somebody's second factor"),
    "session.opened": gettext_lazy("Logged in"),
    "shift.began": gettext_lazy("Began at the counter"),
    "shift.ended": gettext_lazy("Ended at the counter"),
    "tags.give": gettext_lazy("Gave tags"),
    "tags.set": gettext_lazy("Set tags"),
    "tags.take": gettext_lazy("Took tags away"),
    "tags.undo": gettext_lazy("Undid a change of tags"),
    "till.scan_key_kept": gettext_lazy("Set how a till scans"),
    "touches.replayed": gettext_lazy("Sent failed messages again"),
}
OBJECTS: dict[str, Promise] = {
    "group_code": gettext_lazy("Group code"),
    "hand_over": gettext_lazy("Hand-over of customers"),
    "live_code": gettext_lazy("Live code"),
    "achievement": gettext_lazy("Achievement"),
    "activity_code": gettext_lazy("Tracked code"),
    "approval": gettext_lazy("Request for a second yes"),
    "campaign": gettext_lazy("Campaign"),
    "care_campaign": gettext_lazy("Campaign"),
    "care_cost": gettext_lazy("Marketing cost"),
    "care_journey": gettext_lazy("Journey"),
    "care_policy": gettext_lazy("Care policy"),
    "client_key": gettext_lazy("Program's key"),
    "webhook_delivery": gettext_lazy("Webhook delivery"),
    "webhook_endpoint": gettext_lazy("Webhook endpoint"),
    "core_brandsetting": gettext_lazy("Setting of the brand"),
    "core_user": gettext_lazy("Account"),
    "coupon": gettext_lazy("Coupon"),
    "coupon_batch": gettext_lazy("Batch of coupons"),
    "coupon_template": pgettext_lazy("coupons", "Kind of coupon"),
    "audience_pack": gettext_lazy("Audience pack"),
    "segment": pgettext_lazy("of a rule", "Segment"),
    "track": gettext_lazy("Life track"),
    "placement": gettext_lazy("Place on a life track"),
    "trait": gettext_lazy("Computed trait"),
    "coupons_budget": gettext_lazy("Budget of coupons"),
    "coupons_template": pgettext_lazy("coupons", "Kind of coupon"),
    "catalog_price": pgettext_lazy("catalogue", "Price"),
    "catalog_bundle": pgettext_lazy("price", "Bundle"),
    "currency": gettext_lazy("Points currency"),
    "device": gettext_lazy("Till"),
    "device_key": gettext_lazy("Till's key"),
    "doubt": gettext_lazy("Possible duplicate"),
    "event": gettext_lazy("Fact"),
    "exchange": gettext_lazy("Exchange"),
    "job": gettext_lazy("Job"),
    "member": gettext_lazy("Member"),
    "member_import": gettext_lazy("Import of members"),
    "members_attribute": gettext_lazy("Field of members"),
    "members_memberkey": gettext_lazy("Members' keys"),
    "members_tag": gettext_lazy("Tag"),
    "members_taggroup": gettext_lazy("Tag group"),
    "enrolment": gettext_lazy("Walk of a journey"),
    "journey": gettext_lazy("Journey"),
    "order": gettext_lazy("Order"),
    "points_achievement": gettext_lazy("Achievement"),
    "points_benefit": gettext_lazy("Benefit of a tier"),
    "points_currency": gettext_lazy("Points currency"),
    "points_ladder": gettext_lazy("Ladder of tiers"),
    "points_reward": gettext_lazy("Reward"),
    "points_rule": gettext_lazy("Rule of points"),
    "points_tier": gettext_lazy("Tier"),
    "policy_text": gettext_lazy("Policy text"),
    "prediction_model": gettext_lazy("Version of the predictions"),
    "reward": gettext_lazy("Reward"),
    "route": gettext_lazy("Page"),
    "rule": gettext_lazy("Rule of points"),
    "shift": gettext_lazy("Turn at the counter"),
    "staff": gettext_lazy("Staff card"),
    "bookings_service": gettext_lazy("Service to book"),
    "bookings_offer": gettext_lazy("Service in a store"),
    "livestream_host": gettext_lazy("Host of live streams"),
    "livestream_room": gettext_lazy("Room for live streams"),
    "livestream_stream": gettext_lazy("Live stream"),
    "stores_staff": gettext_lazy("Staff card"),
    "stores_store": gettext_lazy("Store"),
    "stores_publicday": gettext_lazy("Public holiday"),
    "tickets_deskcard": gettext_lazy("how somebody works at the desk"),
    "stores_specialday": gettext_lazy("Special day"),
    "stores_storeplace": gettext_lazy("Where a store is"),
    "tag_act": gettext_lazy("Change of tags"),
    "touch": gettext_lazy("Care message"),
}
_ROW_ACTS: dict[str, Promise] = {
    "insert": gettext_lazy("%(what)s: added"),
    "update": gettext_lazy("%(what)s: changed"),
    "delete": gettext_lazy("%(what)s: removed"),
}
_ACTORS: dict[str, Promise] = {
    "anonymous": gettext_lazy("Somebody not logged in"),
    "cli": gettext_lazy("Command on the server"),
    "system": gettext_lazy("Siyu itself"),
}


def task(name: str) -> str:
    return str(TASKS.get(name, name))


def figures(counted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how many) of a task's run, counts by reason taken apart. What is nothing is left out: the rest is read sooner."""
    found: list[tuple[str, str]] = []
    for name, count in counted.items():
        if isinstance(count, dict):
            found += [
                (f"{figure(name)}, {reasons.text(why)}", marks.number(number))
                for why, number in count.items()
                if number
            ]
        elif name not in _SAID_ELSEWHERE and count:
            found.append((figure(name), _("yes") if count is True else marks.number(count)))
    return found


def figure(name: str) -> str:
    """A count's own word; else it counts touches by their state, or rows by their table."""
    if name in FIGURES:
        return str(FIGURES[name])
    if name in Touch.State.values:
        return str(Touch.State(name).label)
    try:
        return export_words.table_of(name)
    except (LookupError, ValueError):
        return name


def act(code: str) -> str:
    table, _dot, verb = code.rpartition(".")
    if code not in ACTS and verb in _ROW_ACTS and table in OBJECTS:
        return str(_ROW_ACTS[verb]) % {"what": OBJECTS[table]}
    return str(ACTS.get(code, code))


def thing(kind: str) -> str:
    return str(OBJECTS.get(kind, kind))


def actor(code: str) -> str:
    return str(_ACTORS.get(code, code))
