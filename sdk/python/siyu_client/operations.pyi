# Made by `bin/manage api_document --write` from docs/api/openapi.json.
from typing import Any, Literal, NotRequired, TypedDict

from siyu_client.client import Answer, Engine, Operation, Upload

OPERATIONS: dict[str, Operation]

AcceptInput = TypedDict("AcceptInput", {"code": str})
AcceptedOut = TypedDict("AcceptedOut", {"friend": dict[str, Any], "keep_days": int, "stage": str})
AccountOut = TypedDict("AccountOut", {"balance": int, "currency": str, "debt": int, "earned_total": int, "expires_first": ExpiryOut | None, "held": int, "is_frozen": bool, "name": str, "pending": int})
AccountsOut = TypedDict("AccountsOut", {"data": list[AccountOut]})
AchievementOut = TypedDict("AchievementOut", {"completed_at": str | None, "currency": str, "key": str, "kind": str, "name": str, "period": str, "points": int, "target": int, "value": int})
AchievementsOut = TypedDict("AchievementsOut", {"data": list[AchievementOut]})
ArticleHelpedInput = TypedDict("ArticleHelpedInput", {"article": str, "writing": str})
ArticleOut = TypedDict("ArticleOut", {"id": str, "text": str, "title": str, "topic": str})
AttributesInput = TypedDict("AttributesInput", {"attributes": dict[str, str | float | bool | None]})
AttributesOut = TypedDict("AttributesOut", {"attributes": dict[str, str | float | bool | None]})
BalanceOut = TypedDict("BalanceOut", {"balance": int, "expires_first": ExpiryOut | None, "pending": int})
BasketInput = TypedDict("BasketInput", {"lines": list[BasketLineInput], "shipping_cents": NotRequired[int], "with_points": NotRequired[bool]})
BasketLineInput = TypedDict("BasketLineInput", {"is_special": NotRequired[bool], "quantity": NotRequired[int], "sku": NotRequired[str], "unit_cents": NotRequired[int]})
BenefitOut = TypedDict("BenefitOut", {"is_unlocked": bool, "kind": str, "tier": TierOut, "title": str, "value": dict[str, dict[str, Any]]})
BenefitsOut = TypedDict("BenefitsOut", {"data": list[BenefitOut]})
BookingInput = TypedDict("BookingInput", {"amount": int, "currency": NotRequired[str], "reference": str})
BookingMoveInput = TypedDict("BookingMoveInput", {"starts_at": str})
BookingOfferOut = TypedDict("BookingOfferOut", {"days_ahead": int, "id": str, "kind": str, "minutes": int, "name": str, "note": str, "notice_minutes": int, "store": BookingStoreOut})
BookingOut = TypedDict("BookingOut", {"ends_at": str, "filled_at": str | None, "id": str, "made_at": str, "name": str, "offer": str, "person": BookingPersonOut | None, "starts_at": str, "state": str, "store": BookingStoreOut})
BookingOutPage = TypedDict("BookingOutPage", {"count_estimate": NotRequired[int], "data": list[BookingOut], "has_more": bool, "next_cursor": str | None})
BookingPersonOut = TypedDict("BookingPersonOut", {"id": str, "name": str})
BookingStoreOut = TypedDict("BookingStoreOut", {"id": str, "name": str})
BookingTimeOut = TypedDict("BookingTimeOut", {"ends_at": str, "left": int, "people": list[BookingPersonOut], "starts_at": str})
BookingTimesOut = TypedDict("BookingTimesOut", {"day": str, "times": list[BookingTimeOut]})
BulkLine = TypedDict("BulkLine", {"id": str | None, "index": int, "problem": ItemProblem | None, "status": str})
BulkOut = TypedDict("BulkOut", {"data": list[BulkLine], "failed": int})
BundleOut = TypedDict("BundleOut", {"id": str, "name": str, "said": str, "skus": list[str], "until": str | None})
CalendarOut = TypedDict("CalendarOut", {"days": list[DayOut], "is_signed_today": bool, "make_up": MakeUpOut, "steps": list[StepOut], "streak": int})
CallInput = TypedDict("CallInput", {"device": NotRequired[str], "request_id": str})
CaptureInput = TypedDict("CaptureInput", {"amount": int, "reference": str})
CardOut = TypedDict("CardOut", {"id": str, "link": str, "text": str, "title": str})
CodeInput = TypedDict("CodeInput", {"anonymous_id": NotRequired[str], "code": str, "come_back": NotRequired[bool], "label": NotRequired[str], "request_id": str, "rules_version": NotRequired[str]})
CodeOpenedInput = TypedDict("CodeOpenedInput", {"anonymous_id": NotRequired[str]})
CodeOpenedOut = TypedDict("CodeOpenedOut", {"anonymous_id": str, "is_counted": bool, "target": str})
CodeOut = TypedDict("CodeOut", {"code": str, "id": str, "issued_at": str, "refresh_at": str, "server_time": str, "valid_until": str})
CodesInput = TypedDict("CodesInput", {"device": NotRequired[str], "phone": str, "purpose": NotRequired[Literal["login", "change_phone"]]})
CodesOut = TypedDict("CodesOut", {"expires_in": int, "request_id": str, "resend_after": int})
ComingTierOut = TypedDict("ComingTierOut", {"key": str, "name": str, "on": str})
CommissionOut = TypedDict("CommissionOut", {"asked_cents": int, "free_cents": int, "freeze_days": int, "frozen_cents": int, "least_cents": int, "paid_cents": int, "percent": float, "second_percent": float})
ConfirmInput = TypedDict("ConfirmInput", {"order": NotRequired[str]})
ConsentInput = TypedDict("ConsentInput", {"is_granted": bool, "text_version": str})
ConsentOut = TypedDict("ConsentOut", {"at": str, "channel": str, "is_granted": bool, "purpose": str, "text_version": str})
CouponCodeInput = TypedDict("CouponCodeInput", {"code": str})
CouponGrantInput = TypedDict("CouponGrantInput", {"coupon": str, "origin": NotRequired[str], "reference": str})
CouponOfferOut = TypedDict("CouponOfferOut", {"closes_at": str | None, "condition": str, "id": str, "is_available": bool, "is_flash": bool, "left": int | None, "mine": int, "name": str, "opens_at": str | None, "per_member": int | None, "reason": str, "rules": list[str], "validity": str, "value": str})
CouponOut = TypedDict("CouponOut", {"code": str, "condition": str, "ends_at": str | None, "id": str, "is_giftable": bool, "level": str, "name": str, "rules": list[str], "starts_at": str | None, "state": str, "value": str})
CouponOutPage = TypedDict("CouponOutPage", {"count_estimate": NotRequired[int], "data": list[CouponOut], "has_more": bool, "next_cursor": str | None})
CouponReasonOut = TypedDict("CouponReasonOut", {"code": str, "message": str, "missing_cents": int | None})
DayInput = TypedDict("DayInput", {"anchor_on": str})
DayOut = TypedDict("DayOut", {"on": str, "state": str})
DeskMessageInput = TypedDict("DeskMessageInput", {"is_internal": NotRequired[bool], "move": NotRequired[Literal["accept", "ask", "close", "deliver", "offer", "receive", "refuse", "reopen", "resolve", "send", "send_back", "take_up", "withdraw"]], "text": str})
DeskMessageOut = TypedDict("DeskMessageOut", {"at": str, "channel": str, "is_internal": bool, "pictures": list[TicketPictureOut], "side": str, "text": str, "who": str})
DeskTicketDetailOut = TypedDict("DeskTicketDetailOut", {"assignee": str | None, "created_at": str, "due_at": str | None, "ended_at": str | None, "id": str, "kind": str, "member": str, "messages": list[DeskMessageOut], "number": str, "order": str | None, "priority": int, "state": str, "store": str | None, "title": str})
DeskTicketOut = TypedDict("DeskTicketOut", {"assignee": str | None, "created_at": str, "due_at": str | None, "ended_at": str | None, "id": str, "kind": str, "member": str, "number": str, "order": str | None, "priority": int, "state": str, "store": str | None, "title": str})
DeskTicketOutPage = TypedDict("DeskTicketOutPage", {"count_estimate": NotRequired[int], "data": list[DeskTicketOut], "has_more": bool, "next_cursor": str | None})
DeskWorkInput = TypedDict("DeskWorkInput", {"assignee": NotRequired[str | None], "attributes": NotRequired[dict[str, str]], "kind": NotRequired[Literal["refund", "return", "exchange", "repair", "complaint", "question"]], "move": NotRequired[Literal["accept", "ask", "close", "deliver", "offer", "receive", "refuse", "reopen", "resolve", "send", "send_back", "take_up", "withdraw"]], "priority": NotRequired[int], "skill": NotRequired[str], "store": NotRequired[str | None], "tags": NotRequired[list[str]]})
DeskWorkOut = TypedDict("DeskWorkOut", {"assignee": str | None, "attributes": dict[str, str], "kind": str, "moves": list[str], "priority": int, "skill": str, "state": str, "store": str | None, "tags": list[str]})
EnterInput = TypedDict("EnterInput", {"members": list[str], "occurrence": str})
EnteredOut = TypedDict("EnteredOut", {"entered": list[str], "passed_over": list[str], "unknown": list[str]})
EntryOut = TypedDict("EntryOut", {"about": str, "amount": int, "at": str, "balance": int, "debt": int, "held": int, "id": str, "kind": str, "order_id": str | None, "pending": int, "title": str})
EntryOutPage = TypedDict("EntryOutPage", {"count_estimate": NotRequired[int], "data": list[EntryOut], "has_more": bool, "next_cursor": str | None})
ErasureOut = TypedDict("ErasureOut", {"asked_at": str, "effective_at": str})
EventsInput = TypedDict("EventsInput", {"anonymous_id": NotRequired[str], "events": list[dict[str, Any]], "sent_at": NotRequired[str]})
EventsOut = TypedDict("EventsOut", {"accepted": int, "duplicates": int, "rejected": list[RejectedOut]})
ExchangeInput = TypedDict("ExchangeInput", {"reward": str, "store": NotRequired[str | None]})
ExchangeOut = TypedDict("ExchangeOut", {"cash_cents": int, "created_at": str, "expires_at": str | None, "id": str, "name": str, "paid_at": str | None, "points": int, "reward": str, "settled_at": str | None, "state": str, "store": str | None})
ExpiringOut = TypedDict("ExpiringOut", {"data": list[ExpiryOut]})
ExpiryOut = TypedDict("ExpiryOut", {"on": str, "points": int})
ExportOut = TypedDict("ExportOut", {"asked_at": str, "due_at": str, "expires_at": str | None, "id": str, "state": str})
FallOut = TypedDict("FallOut", {"by": str, "missing": int, "on": str, "to": TierOut})
FieldOut = TypedDict("FieldOut", {"choices": list[str], "is_retired": bool, "is_shown": bool, "key": str, "label": str, "type": str})
FieldsOut = TypedDict("FieldsOut", {"data": list[FieldOut]})
FileInput = TypedDict("FileInput", {"purpose": NotRequired[Literal["avatar", "ticket"]]})
FileOut = TypedDict("FileOut", {"bytes": int, "expires_at": str | None, "height": int, "id": str, "link": str, "link_expires_at": str, "media_type": str, "purpose": str, "width": int})
FindInput = TypedDict("FindInput", {"card_no": NotRequired[str], "member_no": NotRequired[str], "phone": NotRequired[str]})
FoundOut = TypedDict("FoundOut", {"data": list[MemberOut]})
GiftLinkOut = TypedDict("GiftLinkOut", {"token": str})
GiftTokenInput = TypedDict("GiftTokenInput", {"token": str})
GroupCodeOut = TypedDict("GroupCodeOut", {"name": str, "qr_url": str, "store": str | None, "store_name": str})
GroupDeedInput = TypedDict("GroupDeedInput", {"note": NotRequired[str]})
GroupTaskOut = TypedDict("GroupTaskOut", {"counted": int, "first_on": str, "id": str, "is_in_a_row": bool, "is_refused": bool, "is_rewarded": bool, "is_today_done": bool, "kind": str, "last_on": str, "name": str, "needed": int, "points": int, "text": str, "waits": bool})
GroupWordInput = TypedDict("GroupWordInput", {"word": str})
GuardianCodesInput = TypedDict("GuardianCodesInput", {"device": NotRequired[str], "phone": str})
GuardianInput = TypedDict("GuardianInput", {"code": str, "request_id": str, "text_version": str})
GuardianOut = TypedDict("GuardianOut", {"agreed_at": str | None, "is_child": bool})
HandOverInput = TypedDict("HandOverInput", {"code": str})
HandedOut = TypedDict("HandedOut", {"cash_cents": int, "created_at": str, "expires_at": str | None, "handed_over_in": str, "id": str, "is_repeat": bool, "name": str, "paid_at": str | None, "points": int, "reward": str, "settled_at": str | None, "state": str, "store": str | None})
HappenedOut = TypedDict("HappenedOut", {"about": str, "points": int, "title": str})
HoldInput = TypedDict("HoldInput", {"amount": int, "currency": NotRequired[str], "minutes": NotRequired[int], "reference": str})
HoldOut = TypedDict("HoldOut", {"amount": int, "balance": int, "debt": int, "held": int, "hold": str, "id": str, "is_new": bool, "pending": int})
HomeOut = TypedDict("HomeOut", {"member": MemberOut, "messages": list[MessageOut], "orders": list[OrderOut], "points": BalanceOut, "tier": TierOut | None, "unread": int})
HoursInput = TypedDict("HoursInput", {"since": str, "until": str})
InStoreOut = TypedDict("InStoreOut", {"id": str, "left": int, "name": str})
InvitationGainOut = TypedDict("InvitationGainOut", {"coupon": str, "points": int})
InvitationOut = TypedDict("InvitationOut", {"code": str, "counting": int, "friend": InvitationGainOut, "friends": int, "inviter": dict[str, Any], "keep_days": int, "most_per_month": int, "points": int, "steps": list[InvitationStepOut], "url": str, "waiting": int})
InvitationStepOut = TypedDict("InvitationStepOut", {"friends": int, "points": int})
InvitedFriendOut = TypedDict("InvitedFriendOut", {"due_at": str | None, "id": str, "name": str, "points": int, "registered_at": str, "stage": str, "why": str})
InvitedFriendOutPage = TypedDict("InvitedFriendOutPage", {"count_estimate": NotRequired[int], "data": list[InvitedFriendOut], "has_more": bool, "next_cursor": str | None})
ItemProblem = TypedDict("ItemProblem", {"code": str, "retryable": bool, "title": str})
JobOut = TypedDict("JobOut", {"done": int, "error_code": str, "eta_seconds": int | None, "failed": int, "id": str, "kind": str, "result_url": str | None, "state": str, "total": int | None})
LineInput = TypedDict("LineInput", {"discount_cents": NotRequired[int], "product": NotRequired[str], "quantity": NotRequired[str], "sku": NotRequired[str], "total_cents": int})
LineOut = TypedDict("LineOut", {"discount_cents": int, "line_no": int, "product": str, "quantity": str, "refunded_cents": int, "sku": str, "total_cents": int})
LineSavingOut = TypedDict("LineSavingOut", {"line": int, "saved_cents": int})
LoggedInOut = TypedDict("LoggedInOut", {"access_expires_at": str, "access_token": str, "is_new": bool, "member": str, "refresh_expires_at": str, "refresh_token": str})
MakeUpOut = TypedDict("MakeUpOut", {"days_back": int, "free_left": int, "is_offered": bool, "points": int | None})
MemberBulkInput = TypedDict("MemberBulkInput", {"items": list[MemberInput]})
MemberEventsInput = TypedDict("MemberEventsInput", {"events": list[dict[str, Any]], "sent_at": NotRequired[str]})
MemberInput = TypedDict("MemberInput", {"attributes": NotRequired[dict[str, str | float | bool | None]], "birthday": NotRequired[str], "gender": NotRequired[Literal["", "f", "m"]], "joined_at": NotRequired[str], "member_no": str, "nickname": NotRequired[str], "phone": NotRequired[str], "store": NotRequired[str]})
MemberOut = TypedDict("MemberOut", {"avatar": str | None, "birthday": str | None, "gender": Literal["", "f", "m"], "id": str, "joined_at": str, "member_no": str, "nickname": str, "phone": str, "status": str})
MergeInput = TypedDict("MergeInput", {"choices": NotRequired[dict[str, Literal["non_empty", "survivor", "loser", "newest", "trusted"]]], "loser": str})
MergedOut = TypedDict("MergedOut", {"id": str})
MessageOut = TypedDict("MessageOut", {"body": str, "created_at": str, "id": str, "read_at": str | None, "title": str})
MessageOutPage = TypedDict("MessageOutPage", {"count_estimate": NotRequired[int], "data": list[MessageOut], "has_more": bool, "next_cursor": str | None})
MyGroupOut = TypedDict("MyGroupOut", {"joined_at": str, "key": str, "name": str})
MyGroupsOut = TypedDict("MyGroupsOut", {"codes": list[GroupCodeOut], "groups": list[MyGroupOut]})
NewBookingInput = TypedDict("NewBookingInput", {"may_wait": NotRequired[bool], "offer": str, "person": NotRequired[str], "starts_at": str})
NextTierOut = TypedDict("NextTierOut", {"key": str, "missing": int, "name": str, "threshold": int})
OfferOut = TypedDict("OfferOut", {"best_cents": int | None, "coupon": str, "ends_at": str, "is_usable": bool, "level": str, "name": str, "reason": CouponReasonOut | None, "saved_cents": int, "worth_cents": int})
OrderBulkInput = TypedDict("OrderBulkInput", {"items": list[OrderInput]})
OrderDetailOut = TypedDict("OrderDetailOut", {"channel": str, "created_at": str, "currency": str, "id": str, "lines": list[LineOut], "order_no": str, "paid_at": str | None, "refunded_cents": int, "refunds": list[RefundOut], "status": str, "store": str, "total_cents": int})
OrderInput = TypedDict("OrderInput", {"channel": NotRequired[str], "created_at": NotRequired[str], "guide": NotRequired[str], "lines": NotRequired[list[LineInput]], "member": str, "order_no": str, "paid_at": NotRequired[str], "store": NotRequired[str], "total_cents": int})
OrderOut = TypedDict("OrderOut", {"channel": str, "created_at": str, "currency": str, "id": str, "order_no": str, "paid_at": str | None, "refunded_cents": int, "status": str, "store": str, "total_cents": int})
OrderOutPage = TypedDict("OrderOutPage", {"count_estimate": NotRequired[int], "data": list[OrderOut], "has_more": bool, "next_cursor": str | None})
OwnExchangeOut = TypedDict("OwnExchangeOut", {"cash_cents": int, "created_at": str, "expires_at": str | None, "id": str, "name": str, "paid_at": str | None, "pick_up_code": str, "points": int, "reward": str, "settled_at": str | None, "state": str, "store": str | None})
OwnExchangeOutPage = TypedDict("OwnExchangeOutPage", {"count_estimate": NotRequired[int], "data": list[OwnExchangeOut], "has_more": bool, "next_cursor": str | None})
PaidInput = TypedDict("PaidInput", {"amount_cents": int, "payment_no": str})
PairOut = TypedDict("PairOut", {"access_expires_at": str, "access_token": str, "refresh_expires_at": str, "refresh_token": str})
PhoneInput = TypedDict("PhoneInput", {"code": str, "request_id": str})
PieceInput = TypedDict("PieceInput", {"product": str, "store": str, "visit_on": str})
PieceOut = TypedDict("PieceOut", {"id": str, "name": str, "sku": str, "state": str, "store": str, "store_name": str, "stream": str, "visit_on": str})
PieceOutPage = TypedDict("PieceOutPage", {"count_estimate": NotRequired[int], "data": list[PieceOut], "has_more": bool, "next_cursor": str | None})
PlaceInput = TypedDict("PlaceInput", {"anchor_on": str, "is_agreed": Literal[true], "track": str})
PlaceOut = TypedDict("PlaceOut", {"anchor_on": str, "id": str, "next_at": str | None, "step": str, "step_name": str, "track": str})
Pointed = TypedDict("Pointed", {"code": str, "message": str, "pointer": str})
PolicyTextOut = TypedDict("PolicyTextOut", {"effective_at": str, "purpose": str, "text": str, "version": str})
PostingOut = TypedDict("PostingOut", {"amount": int, "balance": int, "debt": int, "held": int, "id": str, "is_new": bool, "pending": int})
PriceBulkInput = TypedDict("PriceBulkInput", {"items": list[PriceInput]})
PriceHintOut = TypedDict("PriceHintOut", {"code": str, "message": str})
PriceInput = TypedDict("PriceInput", {"barcode": NotRequired[str], "brand": NotRequired[str], "category": NotRequired[str], "list_cents": NotRequired[int], "name": NotRequired[str], "sku": str, "specials": NotRequired[list[SpecialInput]]})
PriceRuleOut = TypedDict("PriceRuleOut", {"id": str | None, "kind": str, "name": str, "until": str | None})
Problem = TypedDict("Problem", {"code": str, "doc": str, "errors": NotRequired[list[Pointed]], "request_id": str, "retryable": bool, "status": int, "title": str, "type": str})
ProductPriceOut = TypedDict("ProductPriceOut", {"bundles": list[BundleOut], "kind": str, "list_cents": int, "name": str, "price_cents": int, "said": str, "sku": str, "until": str | None})
ProfileInput = TypedDict("ProfileInput", {"avatar": NotRequired[str | None], "birthday": NotRequired[str], "gender": NotRequired[Literal["", "f", "m"]], "nickname": NotRequired[str]})
ProfileOut = TypedDict("ProfileOut", {"attributes": dict[str, str | float | bool | None], "avatar": str | None, "birthday": str | None, "gender": Literal["", "f", "m"], "id": str, "joined_at": str, "member_no": str, "nickname": str, "phone": str, "status": str})
QuoteInput = TypedDict("QuoteInput", {"channel": NotRequired[str], "is_vouched": NotRequired[bool], "lines": list[BasketLineInput], "member": NotRequired[str], "reading": NotRequired[str], "shipping_cents": NotRequired[int], "store": NotRequired[str], "with_points": NotRequired[bool]})
QuoteOut = TypedDict("QuoteOut", {"is_proven": bool, "lines": list[QuotedLineOut], "list_cents": int, "more_cents": int, "offers": list[OfferOut], "saved_cents": int, "total_cents": int})
QuotedLineOut = TypedDict("QuotedLineOut", {"hints": list[PriceHintOut], "line": int, "list_cents": int, "price_cents": int, "rules": list[PriceRuleOut], "saved_cents": int, "to_pay_cents": int})
ReadInput = TypedDict("ReadInput", {"code": str})
ReadOut = TypedDict("ReadOut", {"id": str, "member": str, "read_at": str, "valid_until": str})
ReasonOut = TypedDict("ReasonOut", {"code": str, "message": str})
RedeemedOut = TypedDict("RedeemedOut", {"coupon": str, "level": str, "lines": list[LineSavingOut], "name": str, "saved_cents": int, "worth_cents": int})
RedemptionInput = TypedDict("RedemptionInput", {"channel": NotRequired[str], "coupons": list[str], "is_vouched": NotRequired[bool], "lines": list[BasketLineInput], "member": NotRequired[str], "minutes": NotRequired[int], "order": NotRequired[str], "reading": NotRequired[str], "reference": str, "shipping_cents": NotRequired[int], "state": NotRequired[Literal["reserved", "done"]], "store": NotRequired[str], "with_points": NotRequired[bool]})
RedemptionOut = TypedDict("RedemptionOut", {"at": str, "coupons": list[RedeemedOut], "done_at": str | None, "goods": list[SoldLineOut], "id": str, "is_new": bool, "member": str, "reference": str, "reserved_until": str | None, "saved_cents": int, "state": str, "undone_at": str | None})
RefreshInput = TypedDict("RefreshInput", {"refresh_token": str})
RefundBulkInput = TypedDict("RefundBulkInput", {"items": list[RefundInput]})
RefundInput = TypedDict("RefundInput", {"amount_cents": NotRequired[int], "line_no": NotRequired[int], "order": str, "refund_no": str, "refunded_at": NotRequired[str]})
RefundOut = TypedDict("RefundOut", {"amount_cents": int, "id": str, "line_no": int | None, "refunded_at": str})
RejectedOut = TypedDict("RejectedOut", {"code": str, "index": int, "message": str})
ResultOut = TypedDict("ResultOut", {"is_read": bool, "lines": list[HappenedOut], "read_at": str | None, "server_time": str, "store": str})
RewardOut = TypedDict("RewardOut", {"auto_from": int | None, "auto_per_day": int, "cash_cents": int, "description": str, "ends_at": str | None, "id": str, "is_available": bool, "is_store_limited": bool, "kind": str, "left": int | None, "name": str, "picture": str | None, "points": int, "reasons": list[ReasonOut], "short_by": int, "starts_at": str | None, "stores": list[InStoreOut]})
SegmentMemberOut = TypedDict("SegmentMemberOut", {"is_member": bool, "since": str | None})
SegmentOut = TypedDict("SegmentOut", {"built_at": str | None, "key": str, "kind": str, "name": str, "size": int})
SegmentsOut = TypedDict("SegmentsOut", {"data": list[SegmentOut]})
SessionOut = TypedDict("SessionOut", {"client": str, "created_at": str, "id": str, "is_this": bool, "label": str, "seen_at": str})
SignedOut = TypedDict("SignedOut", {"is_new": bool, "on": str, "points": int, "streak": int})
SoldLineOut = TypedDict("SoldLineOut", {"line": int, "list_cents": int, "price_cents": int, "saved_cents": int, "to_pay_cents": int})
SpecialInput = TypedDict("SpecialInput", {"audience": NotRequired[str], "cents": int, "channel": NotRequired[str], "ends_at": NotRequired[str | None], "hours": NotRequired[list[HoursInput]], "label": NotRequired[str], "starts_at": NotRequired[str | None], "store": NotRequired[str], "weekdays": NotRequired[list[int]]})
StandingOut = TypedDict("StandingOut", {"basis": str, "coming": ComingTierOut | None, "falls": FallOut | None, "is_locked": bool, "next": NextTierOut | None, "since": str | None, "tier": TierOut, "valid_until": str | None, "value": int})
StepOut = TypedDict("StepOut", {"day": int, "points": int})
StepUpInput = TypedDict("StepUpInput", {"code": str, "request_id": str})
StepUpWechatInput = TypedDict("StepUpWechatInput", {"app_id": str, "js_code": str})
StockCountBulkInput = TypedDict("StockCountBulkInput", {"items": list[StockCountInput]})
StockCountInput = TypedDict("StockCountInput", {"as_of": NotRequired[str], "on_hand": int, "sku": str, "store": str})
StockCountOut = TypedDict("StockCountOut", {"as_of": str, "on_hand": int, "sku": str, "store": str})
StoreOut = TypedDict("StoreOut", {"address": str, "code": str, "distance_m": int | None, "hours": list[list[str] | None], "id": str, "intervals": list[list[list[str]]], "is_open_now": bool | None, "latitude": float | None, "longitude": float | None, "name": str, "phone": str, "stock": str | None, "today": list[list[str]]})
StreamOut = TypedDict("StreamOut", {"ends_at": str, "host": str, "id": str, "is_reminded": bool, "note": str, "platform": str, "products": list[StreamProductOut], "room": str, "starts_at": str, "state": str, "title": str, "url": str})
StreamProductOut = TypedDict("StreamProductOut", {"id": str, "left": int | None, "name": str, "sku": str})
SubscriptionsInput = TypedDict("SubscriptionsInput", {"app_id": str, "prompt_id": str, "results": dict[str, Literal["accept", "ban", "filter", "reject"]]})
SubscriptionsOut = TypedDict("SubscriptionsOut", {"credits": dict[str, int]})
TaskOut = TypedDict("TaskOut", {"currency": str, "done": int, "done_on": str | None, "key": str, "most": int, "name": str, "per": str, "points": int})
TasksOut = TypedDict("TasksOut", {"data": list[TaskOut]})
TemplatesOut = TypedDict("TemplatesOut", {"template_ids": list[str]})
TicketChoiceOut = TypedDict("TicketChoiceOut", {"is_available": bool, "kind": str, "label": str, "last_day": str | None, "refusal": str})
TicketDetailOut = TypedDict("TicketDetailOut", {"created_at": str, "ended_at": str | None, "id": str, "into": str | None, "is_unread": bool, "kind": str, "lines": list[TicketLineOut], "moves": list[str], "number": str, "order": str | None, "promised_by": str | None, "state": str, "steps": list[TicketStepOut], "title": str, "vote": int | None})
TicketInput = TypedDict("TicketInput", {"files": NotRequired[list[str]], "kind": Literal["refund", "return", "exchange", "repair", "complaint", "question"], "lines": NotRequired[list[TicketLineInput]], "order": NotRequired[str], "text": str, "title": str, "writing": NotRequired[str]})
TicketLineInput = TypedDict("TicketLineInput", {"line_no": int, "quantity": NotRequired[int]})
TicketLineOut = TypedDict("TicketLineOut", {"line_no": int, "quantity": str | None})
TicketMoveInput = TypedDict("TicketMoveInput", {"move": Literal["withdraw", "agree", "disagree", "deliver", "reopen", "close"]})
TicketOut = TypedDict("TicketOut", {"created_at": str, "ended_at": str | None, "id": str, "is_unread": bool, "kind": str, "number": str, "order": str | None, "state": str, "title": str})
TicketOutPage = TypedDict("TicketOutPage", {"count_estimate": NotRequired[int], "data": list[TicketOut], "has_more": bool, "next_cursor": str | None})
TicketPictureOut = TypedDict("TicketPictureOut", {"file": str, "link": str, "link_expires_at": str, "media_type": str})
TicketPointsOut = TypedDict("TicketPointsOut", {"change": int, "currency": str})
TicketPreviewInput = TypedDict("TicketPreviewInput", {"lines": list[TicketLineInput]})
TicketPreviewOut = TypedDict("TicketPreviewOut", {"coupons_back": list[str], "coupons_gone": list[str], "points": list[TicketPointsOut], "refunded_cents": int, "tier_after": str, "tier_before": str})
TicketSayInput = TypedDict("TicketSayInput", {"files": NotRequired[list[str]], "text": str})
TicketStepOut = TypedDict("TicketStepOut", {"act": str, "at": str, "pictures": list[TicketPictureOut], "side": str, "text": str, "who": str})
TicketVoteInput = TypedDict("TicketVoteInput", {"score": int, "text": NotRequired[str]})
TierOut = TypedDict("TierOut", {"key": str, "name": str})
TrackOut = TypedDict("TrackOut", {"anchor": str, "key": str, "name": str})
TracksOut = TypedDict("TracksOut", {"places": list[PlaceOut], "tracks": list[TrackOut]})
WechatInput = TypedDict("WechatInput", {"anonymous_id": NotRequired[str], "app_id": str, "come_back": NotRequired[bool], "js_code": str, "label": NotRequired[str], "rules_version": NotRequired[str]})
WechatPhoneInput = TypedDict("WechatPhoneInput", {"app_id": str, "code": str})
WechatPhoneOut = TypedDict("WechatPhoneOut", {"outcome": Literal["bound", "merging"]})
WithdrawalInput = TypedDict("WithdrawalInput", {"cents": int})
WithdrawalOut = TypedDict("WithdrawalOut", {"asked_at": str, "cents": int, "id": str, "reference": str, "settled_at": str | None, "state": str})
WithdrawalOutPage = TypedDict("WithdrawalOutPage", {"count_estimate": NotRequired[int], "data": list[WithdrawalOut], "has_more": bool, "next_cursor": str | None})

class Siyu(Engine):
    def articles_get(self, *, q: str | None = None, writing: str | None = None) -> Answer[list[ArticleOut]]:
        """Help articles; show them before a request is sent (public)"""
    def article_helped_post(self, body: ArticleHelpedInput) -> Answer[None]:
        """An article solved it: no request is sent (public)"""
    def auth_code_post(self, body: CodeInput) -> Answer[LoggedInOut]:
        """Log in with the code; a phone that nobody has becomes a member (public)"""
    def auth_code_calls_post(self, body: CallInput) -> Answer[CodesOut]:
        """Have a new code read out by a call to the same phone, when no message came (public)"""
    def auth_codes_post(self, body: CodesInput) -> Answer[CodesOut]:
        """Have a 6-digit code sent; the answer is the same for every phone (public)"""
    def auth_logout_post(self) -> Answer[None]:
        """Log out this device (member)"""
    def auth_refresh_post(self, body: RefreshInput) -> Answer[PairOut]:
        """A new pair for an old refresh token; using one twice ends the log-in (public)"""
    def auth_step_up_post(self, body: StepUpInput) -> Answer[None]:
        """Confirm that it is you; good for five minutes (member)"""
    def auth_step_up_codes_post(self) -> Answer[CodesOut]:
        """Have a code sent to your own phone, to confirm that it is you (member)"""
    def auth_step_up_wechat_post(self, body: StepUpWechatInput) -> Answer[None]:
        """Confirm that it is you by a fresh wx.login, if you have no phone here; good for five minutes (member)"""
    def auth_wechat_post(self, body: WechatInput) -> Answer[LoggedInOut]:
        """Log in a mini-program with the code of wx.login (public)"""
    def auth_wechat_phone_post(self, body: WechatPhoneInput) -> Answer[WechatPhoneOut]:
        """Take over the phone that WeChat has proved; one more than you have needs a confirmation first (member)"""
    def code_opened_post(self, body: CodeOpenedInput | None = None, *, code: str) -> Answer[CodeOpenedOut]:
        """Report that a tracked code was opened in the app, and learn where it leads (anyone)"""
    def coupon_gift_take_post(self, body: GiftTokenInput, *, idempotency_key: str | None = None) -> Answer[CouponOut]:
        """Take a coupon that a friend offers: the first has it, and has it again when they ask again (member)"""
    def events_post(self, body: EventsInput) -> Answer[EventsOut]:
        """Send up to 500 behaviour events; without a token they are anonymous (anyone)"""
    def exchange_paid_post(self, body: PaidInput, *, exchange: str, idempotency_key: str | None = None) -> Answer[ExchangeOut]:
        """Say that the cash of an exchange has come; the same payment again changes nothing (client:exchanges.write)"""
    def exchange_hand_over_post(self, body: HandOverInput, *, idempotency_key: str | None = None) -> Answer[HandedOut]:
        """Hand a gift over by its pick-up code, once; a second scan answers the first receipt (client:exchanges.write | device:exchanges.write)"""
    def files_post(self, body: Upload) -> Answer[FileOut]:
        """Send one picture; use its id within 24 hours (member)"""
    def file_get(self, *, file: str) -> Answer[FileOut]:
        """One of your files, with a link that opens it for ten minutes (member)"""
    def file_content_get(self, *, file: str, opens: str) -> Answer[bytes]:
        """The picture behind a link (public)"""
    def job_get(self, *, job: str) -> Answer[JobOut]:
        """How far long work is (client:jobs.read)"""
    def job_result_get(self, *, job: str) -> Answer[bytes]:
        """What became of each item: one line of JSON each, as in the answer of a bulk call; for the key that began the job (client:jobs.read)"""
    def journey_enter_post(self, body: EnterInput, *, journey: str, idempotency_key: str | None = None) -> Answer[EnteredOut]:
        """Let members into a journey that waits for it, 200 at most (client:journeys.write)"""
    def me_get(self, *, if_none_match: str | None = None) -> Answer[ProfileOut]:
        """Your profile (member)"""
    def me_put(self, body: ProfileInput | None = None, *, if_match: str, idempotency_key: str | None = None) -> Answer[ProfileOut]:
        """Change your profile; what is left out stays (member)"""
    def my_achievements_get(self, *, if_none_match: str | None = None) -> Answer[AchievementsOut]:
        """Numbers to reach for points, and how far you are (member)"""
    def my_benefits_get(self, *, if_none_match: str | None = None) -> Answer[BenefitsOut]:
        """What each tier gives, lowest first; yours are unlocked (member)"""
    def my_booking_offers_get(self, *, if_none_match: str | None = None) -> Answer[list[BookingOfferOut]]:
        """What can be booked, by store (member)"""
    def my_booking_times_get(self, *, booking_offer: str, day: str) -> Answer[BookingTimesOut]:
        """The times of a day that can be booked now (member)"""
    def my_bookings_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[BookingOutPage]:
        """Your bookings, the last made first (member)"""
    def my_bookings_post(self, body: NewBookingInput, *, idempotency_key: str | None = None) -> Answer[BookingOut]:
        """Book a time; the Idempotency-Key is also its source: for good, not for a day (member)"""
    def my_booking_cancel_post(self, *, booking: str, idempotency_key: str | None = None) -> Answer[BookingOut]:
        """Cancel a booking; the next who waits gets the place. Cancelled already: nothing changes (member)"""
    def my_booking_move_post(self, body: BookingMoveInput, *, booking: str, idempotency_key: str | None = None) -> Answer[BookingOut]:
        """Move a booking: the new place is taken before the old one is free; it is a booking of its own (member)"""
    def my_cards_get(self, *, if_none_match: str | None = None, slot: str | None = None) -> Answer[list[CardOut]]:
        """What the brand shows you in a place, three at most (member)"""
    def my_code_get(self) -> Answer[CodeOut]:
        """A new member code: counts once, for a minute; ask again at refresh_at (member)"""
    def my_code_result_get(self, *, code: str) -> Answer[ResultOut]:
        """What came of a code that was shown: ask every two seconds while it is on the screen (member)"""
    def my_commission_get(self, *, if_none_match: str | None = None) -> Answer[CommissionOut]:
        """Commission in money for what invited friends buy: the terms, and what is frozen, free, asked for and paid (member)"""
    def consents_get(self, *, if_none_match: str | None = None) -> Answer[list[ConsentOut]]:
        """Your consents as they count now (member)"""
    def consent_put(self, body: ConsentInput, *, channel: str, purpose: str, idempotency_key: str | None = None) -> Answer[ConsentOut]:
        """Give or withdraw one consent (member)"""
    def my_coupon_offers_get(self, *, if_none_match: str | None = None) -> Answer[list[CouponOfferOut]]:
        """The coupon centre: what you can claim first (member)"""
    def my_coupon_claim_post(self, *, offer: str, idempotency_key: str | None = None) -> Answer[CouponOut]:
        """Claim a coupon; the Idempotency-Key is also its source: for good, not for a day (member)"""
    def my_coupons_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None, show: str | None = None) -> Answer[CouponOutPage]:
        """Your coupons (member)"""
    def my_coupon_gift_post(self, *, coupon: str) -> Answer[GiftLinkOut]:
        """Offer a coupon to a friend: a token for a link; offering again makes the one before void (member)"""
    def my_coupon_gift_delete(self, *, coupon: str, idempotency_key: str | None = None) -> Answer[None]:
        """Make the link void; the coupon stays yours (member)"""
    def my_coupon_enter_post(self, body: CouponCodeInput, *, idempotency_key: str | None = None) -> Answer[CouponOut]:
        """Put a coupon with a printed code into the wallet; your own code again changes nothing (member)"""
    def erasure_post(self, *, idempotency_key: str | None = None) -> Answer[ErasureOut]:
        """End your membership: messages stop at once, this log-in too; your data goes after the cool-off (member)"""
    def my_exchanges_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[OwnExchangeOutPage]:
        """Your exchanges, newest first (member)"""
    def my_exchanges_post(self, body: ExchangeInput, *, idempotency_key: str | None = None) -> Answer[OwnExchangeOut]:
        """Exchange points for a reward; the Idempotency-Key is also its source: for good, not for a day (member)"""
    def my_exchange_cancel_post(self, *, exchange: str, idempotency_key: str | None = None) -> Answer[OwnExchangeOut]:
        """Cancel an exchange before it is handed over: the points go back, valid as long as before (member)"""
    def export_get(self) -> Answer[ExportOut]:
        """How far the copy of your data is (member)"""
    def export_post(self, *, idempotency_key: str | None = None) -> Answer[ExportOut]:
        """Ask for a copy of everything we hold about you (member)"""
    def export_file_get(self) -> Answer[bytes]:
        """Fetch the copy, once: a ZIP with JSON and a readable page (member)"""
    def my_group_tasks_get(self, *, if_none_match: str | None = None) -> Answer[list[GroupTaskOut]]:
        """Tasks of your groups that are on (member)"""
    def my_group_task_deed_post(self, body: GroupDeedInput | None = None, *, group_task: str, idempotency_key: str | None = None) -> Answer[GroupTaskOut]:
        """Check in for today, or hand in; today's again changes nothing (member)"""
    def my_groups_get(self, *, if_none_match: str | None = None) -> Answer[MyGroupsOut]:
        """Codes into groups that are meant for you, and the groups you are in (member)"""
    def my_group_by_word_post(self, body: GroupWordInput, *, idempotency_key: str | None = None) -> Answer[GroupCodeOut]:
        """The code that goes by a word (member)"""
    def guardian_get(self) -> Answer[GuardianOut]:
        """Whether somebody must agree for you, and since when they do (member)"""
    def guardian_put(self, body: GuardianInput) -> Answer[GuardianOut]:
        """A parent or guardian agrees, with the code that came to their phone (member)"""
    def guardian_delete(self) -> Answer[None]:
        """Take the guardian's consent back, from now on; what waits is not sent (member)"""
    def guardian_codes_post(self, body: GuardianCodesInput) -> Answer[CodesOut]:
        """Have a code sent to a parent or guardian; its text says what typing it means (member)"""
    def home_get(self, *, if_none_match: str | None = None) -> Answer[HomeOut]:
        """All that the first screen shows, in one call (member)"""
    def my_invitation_get(self, *, if_none_match: str | None = None) -> Answer[InvitationOut]:
        """Your own invitation, what it brings, and what it brought (member)"""
    def my_invitation_accept_post(self, body: AcceptInput, *, idempotency_key: str | None = None) -> Answer[AcceptedOut]:
        """Name the invitation you came by: within a day of joining, before the first purchase; for mini-programs (member)"""
    def my_invited_friends_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[InvitedFriendOutPage]:
        """Friends who came by your invitation, newest first (member)"""
    def messages_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[MessageOutPage]:
        """Your inbox, newest first (member)"""
    def message_read_put(self, *, message: str, idempotency_key: str | None = None) -> Answer[None]:
        """Note that you have read a message (member)"""
    def my_orders_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[OrderOutPage]:
        """Your orders, newest payment first (member)"""
    def my_order_get(self, *, order: str, if_none_match: str | None = None) -> Answer[OrderDetailOut]:
        """One of your orders with its lines and refunds (member)"""
    def my_ticket_choices_get(self, *, order: str) -> Answer[list[TicketChoiceOut]]:
        """What may be asked for about an order, and until when (member)"""
    def my_ticket_preview_post(self, body: TicketPreviewInput, *, order: str) -> Answer[TicketPreviewOut]:
        """What a refund of these pieces would do now; nothing is done (member)"""
    def my_phone_put(self, body: PhoneInput) -> Answer[None]:
        """Put a new phone in place of yours; your other devices are logged out (member)"""
    def my_pieces_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[PieceOutPage]:
        """Pieces put aside for you, newest first (member)"""
    def my_pieces_post(self, body: PieceInput, *, idempotency_key: str | None = None) -> Answer[PieceOut]:
        """Have a piece put aside to try on in a store; the Idempotency-Key is also its source: for good, not for a day (member)"""
    def my_piece_give_back_post(self, *, piece: str, idempotency_key: str | None = None) -> Answer[PieceOut]:
        """Give a piece back: it is free for others again (member)"""
    def my_points_get(self, *, if_none_match: str | None = None) -> Answer[AccountsOut]:
        """Your points: balance, what is pending, what runs out first (member)"""
    def my_points_entries_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, currency: str | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[EntryOutPage]:
        """Your statement, newest first (member)"""
    def my_points_expiring_get(self, *, if_none_match: str | None = None, currency: str | None = None) -> Answer[ExpiringOut]:
        """What runs out when, first day first; points that never do are left out (member)"""
    def my_prices_get(self, *, sku: list[str], if_none_match: str | None = None, channel: str | None = None) -> Answer[list[ProductPriceOut]]:
        """What products cost you now; those the catalogue has no price of are left out (member)"""
    def my_quotes_post(self, body: BasketInput, *, idempotency_key: str | None = None) -> Answer[QuoteOut]:
        """What your coupons do for a basket, and the best combination (member)"""
    def my_rewards_get(self, *, if_none_match: str | None = None) -> Answer[list[RewardOut]]:
        """What you can get for points: first what is within reach, with every reason where something is not (member)"""
    def my_reward_get(self, *, reward: str, if_none_match: str | None = None) -> Answer[RewardOut]:
        """One reward (member)"""
    def sessions_get(self, *, if_none_match: str | None = None) -> Answer[list[SessionOut]]:
        """Where you are logged in (member)"""
    def session_delete(self, *, session: str, idempotency_key: str | None = None) -> Answer[None]:
        """Log out one of your devices (member)"""
    def my_sign_ins_get(self, *, if_none_match: str | None = None, month: str | None = None) -> Answer[CalendarOut]:
        """A month of your sign-ins, the days in a row, and what comes next (member)"""
    def my_sign_ins_post(self, *, idempotency_key: str | None = None) -> Answer[SignedOut]:
        """Sign in for today; again: nothing happens (member)"""
    def my_sign_in_put(self, *, day: str, idempotency_key: str | None = None) -> Answer[SignedOut]:
        """Make up a missed day; again: nothing happens (member)"""
    def my_streams_get(self, *, if_none_match: str | None = None) -> Answer[list[StreamOut]]:
        """Streams to come within a month, on now, and over within a week (member)"""
    def my_stream_reminder_put(self, *, stream: str, idempotency_key: str | None = None) -> Answer[None]:
        """Be reminded a day and a quarter of an hour before; what may be sent follows your consents and accepts (member)"""
    def my_stream_reminder_delete(self, *, stream: str, idempotency_key: str | None = None) -> Answer[None]:
        """Be not reminded (member)"""
    def subscribe_templates_get(self, *, app_id: str, scene: str) -> Answer[TemplatesOut]:
        """Which subscribe messages to ask for in a scene (member)"""
    def subscriptions_post(self, body: SubscriptionsInput, *, idempotency_key: str | None = None) -> Answer[SubscriptionsOut]:
        """Report what the customer answered to wx.requestSubscribeMessage (member)"""
    def my_tasks_get(self, *, if_none_match: str | None = None) -> Answer[TasksOut]:
        """What you can do for points, open ones first (member)"""
    def my_tickets_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[TicketOutPage]:
        """Your requests, newest first (member)"""
    def my_tickets_post(self, body: TicketInput, *, idempotency_key: str | None = None) -> Answer[TicketDetailOut]:
        """Ask for a return, an exchange, a repair or something else (member)"""
    def my_ticket_get(self, *, ticket: str) -> Answer[TicketDetailOut]:
        """One request with its course; reading it makes it read (member)"""
    def my_ticket_messages_post(self, body: TicketSayInput, *, ticket: str, idempotency_key: str | None = None) -> Answer[TicketDetailOut]:
        """Write to a request; when it is your turn, this hands it back, and what is done is opened again (member)"""
    def my_ticket_moves_post(self, body: TicketMoveInput, *, ticket: str, idempotency_key: str | None = None) -> Answer[TicketDetailOut]:
        """Withdraw it, agree, confirm that it came, open it again (member)"""
    def my_ticket_vote_put(self, body: TicketVoteInput, *, ticket: str, idempotency_key: str | None = None) -> Answer[TicketDetailOut]:
        """How did we do? The first vote counts; again answers with it (member)"""
    def my_tier_get(self, *, if_none_match: str | None = None) -> Answer[StandingOut]:
        """Your tier: what is missing to the next, and what comes otherwise (member)"""
    def my_tracks_get(self) -> Answer[TracksOut]:
        """Days you told us, and what each means now (member)"""
    def my_tracks_post(self, body: PlaceInput, *, idempotency_key: str | None = None) -> Answer[PlaceOut]:
        """Tell a day; the same one again is the same place (member)"""
    def my_track_put(self, body: DayInput, *, place: str, idempotency_key: str | None = None) -> Answer[PlaceOut]:
        """Correct a day you told us; nothing is sent for that (member)"""
    def my_track_delete(self, *, place: str, idempotency_key: str | None = None) -> Answer[None]:
        """Take a day back; it is erased 30 days later (member)"""
    def my_withdrawals_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, limit: int | None = None) -> Answer[WithdrawalOutPage]:
        """Payments of commission you asked for, newest first (member)"""
    def my_withdrawals_post(self, body: WithdrawalInput, *, idempotency_key: str | None = None) -> Answer[WithdrawalOut]:
        """Ask for free commission to be paid out; the Idempotency-Key is also its source: for good, not for a day (member)"""
    def member_code_read_post(self, body: ReadInput, *, idempotency_key: str | None = None) -> Answer[ReadOut]:
        """Read a member code at the till, once: whose it is, and ten minutes in which this device may act on them (device:members.read)"""
    def member_fields_get(self, *, if_none_match: str | None = None) -> Answer[FieldsOut]:
        """The brand's own fields on members, in the order of the pages (client:members.read | device:members.read)"""
    def members_post(self, body: MemberBulkInput, *, idempotency_key: str | None = None, prefer: str | None = None) -> Answer[BulkOut | JobOut]:
        """Add members, or bring known ones up to date; 200 at most, or 5,000 in a job (client:members.write)"""
    def member_find_post(self, body: FindInput) -> Answer[FoundOut]:
        """Find a member by phone, number or card; in the body, so that no address carries it (client:members.read | device:members.read)"""
    def member_get(self, *, member: str, if_none_match: str | None = None) -> Answer[ProfileOut]:
        """One member (client:members.read)"""
    def member_attributes_get(self, *, member: str, if_none_match: str | None = None) -> Answer[AttributesOut]:
        """A member's values in the brand's own fields (client:members.write)"""
    def member_attributes_put(self, body: AttributesInput, *, if_match: str, member: str, idempotency_key: str | None = None) -> Answer[AttributesOut]:
        """Change some of these values (client:members.write)"""
    def member_coupons_post(self, body: CouponGrantInput, *, member: str, idempotency_key: str | None = None) -> Answer[CouponOut]:
        """Give a member a coupon: stock, limit per member and the stop count, claim window and conditions do not (client:coupons.write)"""
    def member_events_post(self, body: MemberEventsInput, *, member: str) -> Answer[EventsOut]:
        """Send up to 500 behaviour events of one member (client:events.write)"""
    def member_points_get(self, *, member: str, if_none_match: str | None = None) -> Answer[AccountsOut]:
        """A member's points (client:points.read)"""
    def member_points_earn_post(self, body: BookingInput, *, member: str, idempotency_key: str | None = None) -> Answer[PostingOut]:
        """Grant points to a member (client:points.write)"""
    def member_points_holds_post(self, body: HoldInput, *, member: str, idempotency_key: str | None = None) -> Answer[HoldOut]:
        """Set points aside for a basket; let go by themselves when the time is over (client:points.write)"""
    def member_points_spend_post(self, body: BookingInput, *, member: str, idempotency_key: str | None = None) -> Answer[PostingOut]:
        """Take points from a member, first-expiring first (client:points.write)"""
    def member_prices_get(self, *, member: str, sku: list[str], if_none_match: str | None = None, channel: str | None = None, store: str | None = None) -> Answer[list[ProductPriceOut]]:
        """What products cost a member now (client:coupons.write)"""
    def member_merge_post(self, body: MergeInput, *, member: str, idempotency_key: str | None = None) -> Answer[MergedOut]:
        """Join another record of the same person to this member; staff can undo it for 30 days (client:members.merge)"""
    def orders_post(self, body: OrderBulkInput, *, idempotency_key: str | None = None, prefer: str | None = None) -> Answer[BulkOut | JobOut]:
        """Hand in orders, paid or not; 200 at most, or 5,000 in a job; the same order again changes nothing (client:orders.write | device:orders.write)"""
    def order_get(self, *, order: str, if_none_match: str | None = None) -> Answer[OrderDetailOut]:
        """One order with its lines and refunds (client:orders.read | device:orders.read)"""
    def points_hold_capture_post(self, body: CaptureInput, *, hold: str, idempotency_key: str | None = None) -> Answer[PostingOut]:
        """Spend what was set aside, or part of it; the rest goes back (client:points.write)"""
    def points_hold_release_post(self, *, hold: str, idempotency_key: str | None = None) -> Answer[PostingOut]:
        """Let go of what was set aside; again: nothing happens (client:points.write)"""
    def policy_texts_get(self, *, if_none_match: str | None = None) -> Answer[list[PolicyTextOut]]:
        """The texts in force; a purpose without one takes any version that your own text has (public)"""
    def prices_post(self, body: PriceBulkInput, *, idempotency_key: str | None = None) -> Answer[BulkOut]:
        """Hand in products and their prices, 200 at most: each by itself; the same again changes nothing (client:catalog.write)"""
    def quotes_post(self, body: QuoteInput, *, idempotency_key: str | None = None) -> Answer[QuoteOut]:
        """What a member's coupons do for a basket: ranked, with reasons, and the best combination (client:coupons.write | device:coupons.write)"""
    def redemptions_post(self, body: RedemptionInput, *, idempotency_key: str | None = None) -> Answer[RedemptionOut]:
        """Use coupons for a basket, all or none: at once, or reserved for some minutes (client:coupons.write | device:coupons.write)"""
    def redemption_cancel_post(self, *, redemption: str, idempotency_key: str | None = None) -> Answer[RedemptionOut]:
        """Let go of what was reserved; again: nothing happens (client:coupons.write | device:coupons.write)"""
    def redemption_confirm_post(self, body: ConfirmInput | None = None, *, redemption: str, idempotency_key: str | None = None) -> Answer[RedemptionOut]:
        """Use what was reserved, at what was reckoned then; again: the same receipt (client:coupons.write | device:coupons.write)"""
    def redemption_roll_back_post(self, *, redemption: str, idempotency_key: str | None = None) -> Answer[RedemptionOut]:
        """Undo a redemption whole: its coupons can be used again, or are expired where their days are over (client:coupons.write | device:coupons.write)"""
    def refunds_post(self, body: RefundBulkInput, *, idempotency_key: str | None = None, prefer: str | None = None) -> Answer[BulkOut | JobOut]:
        """Hand in refunds; 200 at most, or 5,000 in a job; the same refund again changes nothing (client:refunds.write | device:refunds.write)"""
    def segments_get(self, *, if_none_match: str | None = None) -> Answer[SegmentsOut]:
        """The segments in use, by key, at most 500 (client:segments.read)"""
    def segment_member_get(self, *, member: str, segment: str, if_none_match: str | None = None) -> Answer[SegmentMemberOut]:
        """Is a member in a segment? (client:segments.read)"""
    def stock_get(self, *, sku: list[str], if_none_match: str | None = None, store: str | None = None) -> Answer[list[StockCountOut]]:
        """What stores have of products, as they last counted (client:catalog.write)"""
    def stock_post(self, body: StockCountBulkInput, *, idempotency_key: str | None = None) -> Answer[BulkOut]:
        """Hand in what stores have, 200 at most: each by itself; a count older than the one that stands changes nothing (client:catalog.write)"""
    def stores_get(self, *, near: str | None = None, sku: str | None = None) -> Answer[list[StoreOut]]:
        """Stores in business, at most 50: nearest first, without `near` by name (public)"""
    def tickets_get(self, *, if_none_match: str | None = None, count: Literal["estimate"] | None = None, cursor: str | None = None, kind: Literal["refund", "return", "exchange", "repair", "complaint", "question"] | None = None, limit: int | None = None, member: str | None = None, state: Literal["ended", "open"] | None = None) -> Answer[DeskTicketOutPage]:
        """Tickets of the service desk, newest first (client:tickets.read)"""
    def ticket_get(self, *, ticket: str, if_none_match: str | None = None) -> Answer[DeskTicketDetailOut]:
        """One ticket with its words, those among staff too (client:tickets.read)"""
    def ticket_messages_post(self, body: DeskMessageInput, *, ticket: str, idempotency_key: str | None = None) -> Answer[DeskTicketDetailOut]:
        """Answer the member, or note something among staff; with `move` in one step (client:tickets.write)"""
    def ticket_work_get(self, *, ticket: str, if_none_match: str | None = None) -> Answer[DeskWorkOut]:
        """How a ticket stands, and what may be done with it (client:tickets.write)"""
    def ticket_work_put(self, body: DeskWorkInput, *, if_match: str, ticket: str, idempotency_key: str | None = None) -> Answer[DeskWorkOut]:
        """Take a step with a ticket, or change what is noted about it; all of it or nothing (client:tickets.write)"""
