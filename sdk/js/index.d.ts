// Made by `bin/manage api_document --write` from docs/api/openapi.json.

export interface Options {
  /** Where the house answers: https://crm.example.com */
  base: string;
  /** A program's or a till's key. Never in a mini-program: there members log in. */
  key?: string;
  /** `wx`, a web Storage, or nothing: then tokens live as long as the page. */
  storage?: unknown;
  /** zh-hans or en: the language of `title` in errors. */
  language?: string;
  /** Sent with every call, such as Sandbox-Key. */
  headers?: Record<string, string>;
  /** The log-in has ended and cannot be renewed. */
  onLoggedOut?: () => void;
  /** In place of wx.request or fetch. Status 0 means that no answer came. */
  transport?: (request: Request) => Promise<{ status: number; headers: Record<string, string>; body: unknown }>;
  wait?: (milliseconds: number) => Promise<void>;
}

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  upload?: Picture;
  onProgress?: (percent: number) => void;
}

export interface CallOptions {
  /** Kept in `storage` before it is sent, and sent again by `resume()` if the app was closed meanwhile. */
  persist?: boolean;
  /** Of an upload, 0 to 100. */
  onProgress?: (percent: number) => void;
}

export interface Picture {
  /** Of wx.chooseMedia. */
  filePath?: string;
  /** In a browser. */
  file?: Blob;
  purpose?: FileInput["purpose"];
}

export interface Answer<T> {
  data: T;
  status: number;
  /** For `ifMatch` of the write that follows. */
  etag: string;
  requestId: string;
  headers: Record<string, string>;
}

export class SiyuError extends Error {
  status: number;
  /** Stable; the list is at /api/docs/errors. `network` when no answer came. */
  code: string;
  retryable: boolean;
  /** Seconds; 0 when nothing was said. */
  retryAfter: number;
  requestId: string;
  errors: Pointed[];
  problem: Partial<Problem> & Record<string, unknown>;
}

export interface AcceptInput {
  /** of the invitation */
  code: string;
}

export interface AcceptedOut {
  /** what you get once your first order was kept */
  friend: Record<string, unknown>;
  keep_days: number;
  /** open list, as of an invited friend */
  stage: string;
}

export interface AccountOut {
  balance: number;
  currency: string;
  /** owed after refunds; the next earnings pay it first */
  debt: number;
  earned_total: number;
  expires_first: ExpiryOut | null;
  /** set aside for something that is not finished */
  held: number;
  is_frozen: boolean;
  name: string;
  /** granted, not yet usable */
  pending: number;
}

export interface AccountsOut {
  data: Array<AccountOut>;
}

export interface AchievementOut {
  completed_at: string | null;
  currency: string;
  key: string;
  /** what is counted: orders, spend_cents, sign_ins, event */
  kind: string;
  name: string;
  /** month, quarter, year or life */
  period: string;
  points: number;
  target: number;
  value: number;
}

export interface AchievementsOut {
  data: Array<AchievementOut>;
}

export interface ArticleHelpedInput {
  article: string;
  /** as sent with `articles` */
  writing: string;
}

export interface ArticleOut {
  id: string;
  /** plain */
  text: string;
  title: string;
  /** open list: returns, care, orders, points, account, other */
  topic: string;
}

export interface AttributesInput {
  /** what is left out stays; null takes a value away */
  attributes: Record<string, string | number | boolean | null>;
}

export interface AttributesOut {
  attributes: Record<string, string | number | boolean | null>;
}

export interface BalanceOut {
  balance: number;
  expires_first: ExpiryOut | null;
  /** granted, not yet usable */
  pending: number;
}

export interface BasketInput {
  lines: Array<BasketLineInput>;
  shipping_cents?: number;
  /** points are to pay for it too */
  with_points?: boolean;
}

export interface BasketLineInput {
  /** your `unit_cents` is below the list price */
  is_special?: boolean;
  quantity?: number;
  /** left out by a till that knows only an amount */
  sku?: string;
  /** of one unit, before coupons, as your own prices make it: then no price of the catalogue touches the line; left out: the catalogue's list price, member and time-limited prices and bundles */
  unit_cents?: number;
}

export interface BenefitOut {
  is_unlocked: boolean;
  /** open list: multiplier, birthday, coupon, shipping, service */
  kind: string;
  tier: TierOut;
  title: string;
  /** by kind: factor, points, coupon */
  value: Record<string, Record<string, unknown>>;
}

export interface BenefitsOut {
  data: Array<BenefitOut>;
}

export interface BookingInput {
  amount: number;
  currency?: string;
  /** your own number of this booking; sent again it is the same booking */
  reference: string;
}

export interface BookingMoveInput {
  /** another time of the same offer */
  starts_at: string;
}

export interface BookingOfferOut {
  /** how far ahead it can be booked */
  days_ahead: number;
  id: string;
  /** service (times out of the opening hours) or event (times that the store gave it) */
  kind: string;
  minutes: number;
  name: string;
  note: string;
  /** booked, moved and cancelled not later than so long before */
  notice_minutes: number;
  store: BookingStoreOut;
}

export interface BookingOut {
  ends_at: string;
  /** when a place came free for who waited */
  filled_at: string | null;
  id: string;
  made_at: string;
  name: string;
  offer: string;
  /** who has you then, where the offer names somebody */
  person: BookingPersonOut | null;
  starts_at: string;
  /** open list: booked, waiting (on the waiting list), arrived, missed, cancelled */
  state: string;
  store: BookingStoreOut;
}

export interface BookingOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<BookingOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface BookingPersonOut {
  id: string;
  name: string;
}

export interface BookingStoreOut {
  id: string;
  name: string;
}

export interface BookingTimeOut {
  ends_at: string;
  /** 0: only the waiting list is left */
  left: number;
  /** who is free then, where the offer names somebody */
  people: Array<BookingPersonOut>;
  starts_at: string;
}

export interface BookingTimesOut {
  day: string;
  times: Array<BookingTimeOut>;
}

export interface BulkLine {
  id: string | null;
  index: number;
  /** as a problem document, with errors[] where fields are wrong */
  problem: ItemProblem | null;
  /** open list: created, updated, stored, refunded, failed … */
  status: string;
}

export interface BulkOut {
  data: Array<BulkLine>;
  failed: number;
}

export interface BundleOut {
  id: string;
  name: string;
  /** what it gives, in words */
  said: string;
  skus: Array<string>;
  until: string | null;
}

export interface CalendarOut {
  days: Array<DayOut>;
  is_signed_today: boolean;
  make_up: MakeUpOut;
  steps: Array<StepOut>;
  /** days in a row; today may still be missing */
  streak: number;
}

export interface CallInput {
  /** as when the message was asked for */
  device?: string;
  /** of the message that did not come */
  request_id: string;
}

export interface CaptureInput {
  amount: number;
  reference: string;
}

export interface CardOut {
  /** the id of content_viewed, when the member opens it */
  id: string;
  /** a page of ours, or https; empty: it leads nowhere */
  link: string;
  text: string;
  title: string;
}

export interface CodeInput {
  /** whose events become the member's */
  anonymous_id?: string;
  code: string;
  /** undo a cancellation in its cool-off */
  come_back?: boolean;
  /** the device in the person's words */
  label?: string;
  request_id: string;
  /** version of the rules of membership that were shown and ticked; kept as the member's agreement */
  rules_version?: string;
}

export interface CodeOpenedInput {
  /** a random id that the client keeps */
  anonymous_id?: string;
}

export interface CodeOpenedOut {
  /** keep it, and send it with events and at log-in */
  anonymous_id: string;
  /** false for the same tap again, and for what does not look like a person */
  is_counted: boolean;
  /** a path of the member site, mini: and a mini-program page, or an https address */
  target: string;
}

export interface CodeOut {
  /** 18 digits: as a QR code, as bars (Code 128) and in groups of 6 4 4 4 */
  code: string;
  id: string;
  issued_at: string;
  /** fetch the next one then */
  refresh_at: string;
  /** the phone's offset is this less its own clock; only the server's time counts */
  server_time: string;
  /** never show it as live after this moment of the server */
  valid_until: string;
}

export interface CodesInput {
  /** a random id that the client keeps */
  device?: string;
  /** in any usual way of writing; Chinese unless it begins with + */
  phone: string;
  purpose?: "login" | "change_phone";
}

export interface CodesOut {
  /** seconds */
  expires_in: number;
  request_id: string;
  /** seconds */
  resend_after: number;
}

export interface ComingTierOut {
  key: string;
  name: string;
  /** the day from which it counts */
  on: string;
}

export interface CommissionOut {
  /** asked for, not paid yet */
  asked_cents: number;
  /** negative: refunds took more than is left, what comes makes it good first */
  free_cents: number;
  /** from their payment on */
  freeze_days: number;
  frozen_cents: number;
  /** that can be paid out at once */
  least_cents: number;
  paid_cents: number;
  /** of what invited friends keep buying; 0: there is no commission */
  percent: number;
  /** of what friends of your friends keep buying */
  second_percent: number;
}

export interface ConfirmInput {
  order?: string;
}

export interface ConsentInput {
  is_granted: boolean;
  /** the version of the text that was shown, see policy-texts */
  text_version: string;
}

export interface ConsentOut {
  at: string;
  channel: string;
  is_granted: boolean;
  purpose: string;
  text_version: string;
}

export interface CouponCodeInput {
  /** as printed; blanks, dashes and small letters do not matter */
  code: string;
}

export interface CouponGrantInput {
  /** its key, as the back office shows it */
  coupon: string;
  /** campaign or place, for the report of coupons */
  origin?: string;
  /** your number of this act; sent again it is the same coupon */
  reference: string;
}

export interface CouponOfferOut {
  closes_at: string | null;
  condition: string;
  id: string;
  is_available: boolean;
  is_flash: boolean;
  /** null: no end of it */
  left: number | null;
  /** how many you have claimed */
  mine: number;
  name: string;
  opens_at: string | null;
  per_member: number | null;
  /** why not, a code as a claim would answer; open list */
  reason: string;
  rules: Array<string>;
  validity: string;
  value: string;
}

export interface CouponOut {
  /** a partner's, to be shown there; empty: your member code stands for it */
  code: string;
  condition: string;
  /** from then on it does not count, whatever `state` says */
  ends_at: string | null;
  id: string;
  is_giftable: boolean;
  /** item, order, shipping or gift */
  level: string;
  name: string;
  rules: Array<string>;
  starts_at: string | null;
  /** open list: ready, reserved, used, given, expired, recalled */
  state: string;
  /** in words: ¥80, 9折 */
  value: string;
}

export interface CouponOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<CouponOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface CouponReasonOut {
  /** open list: coupon_not_started, coupon_expired, coupon_already_redeemed, coupon_reserved, coupon_given, coupon_recalled, coupon_frozen, coupon_wrong_member, coupon_wrong_store, coupon_wrong_channel, coupon_wrong_tier, coupon_wrong_segment, coupon_wrong_group, coupon_wrong_time, coupon_first_order_only, coupon_no_match, coupon_special_price, coupon_price_better, coupon_unknown_goods, coupon_min_spend, coupon_min_quantity, coupon_no_effect, coupon_not_stackable, coupon_budget_spent, coupon_not_found */
  code: string;
  message: string;
  /** to be spent more, where that is the reason */
  missing_cents: number | null;
}

export interface DayInput {
  anchor_on: string;
}

export interface DayOut {
  on: string;
  /** signed, made_up, missed, open (today), ahead */
  state: string;
}

export interface DeskMessageInput {
  /** a note among staff; the member never sees it */
  is_internal?: boolean;
  /** a step in the same transaction; one of `moves` */
  move?: "accept" | "ask" | "close" | "deliver" | "offer" | "receive" | "refuse" | "reopen" | "resolve" | "send" | "send_back" | "take_up" | "withdraw";
  text: string;
}

export interface DeskMessageOut {
  at: string;
  /** open list: portal, mini, email, wecom, phone, counter, api */
  channel: string;
  is_internal: boolean;
  pictures: Array<TicketPictureOut>;
  /** open list: member, agent, store, warehouse, house */
  side: string;
  text: string;
  who: string;
}

export interface DeskTicketDetailOut {
  /** the number of whoever works on it */
  assignee: string | null;
  created_at: string;
  /** the nearest promise; null: nothing is promised now */
  due_at: string | null;
  ended_at: string | null;
  id: string;
  /** open list: refund, return, exchange, repair, complaint, question */
  kind: string;
  member: string;
  /** oldest first */
  messages: Array<DeskMessageOut>;
  number: string;
  order: string | null;
  priority: number;
  /** open list: new, working, waiting, offered, returning, arrived, sending, resolved, closed, withdrawn, merged */
  state: string;
  /** its code */
  store: string | null;
  title: string;
}

export interface DeskTicketOut {
  /** the number of whoever works on it */
  assignee: string | null;
  created_at: string;
  /** the nearest promise; null: nothing is promised now */
  due_at: string | null;
  ended_at: string | null;
  id: string;
  /** open list: refund, return, exchange, repair, complaint, question */
  kind: string;
  member: string;
  number: string;
  order: string | null;
  priority: number;
  /** open list: new, working, waiting, offered, returning, arrived, sending, resolved, closed, withdrawn, merged */
  state: string;
  /** its code */
  store: string | null;
  title: string;
}

export interface DeskTicketOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<DeskTicketOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface DeskWorkInput {
  /** a staff number; null: nobody */
  assignee?: string | null;
  /** what is left out stays; names: a–z, 0–9, _ */
  attributes?: Record<string, string>;
  kind?: "refund" | "return" | "exchange" | "repair" | "complaint" | "question";
  /** one of `moves` */
  move?: "accept" | "ask" | "close" | "deliver" | "offer" | "receive" | "refuse" | "reopen" | "resolve" | "send" | "send_back" | "take_up" | "withdraw";
  /** 1 urgent, 2 normal, 3 low */
  priority?: number;
  skill?: string;
  /** its code; null: head office */
  store?: string | null;
  tags?: Array<string>;
}

export interface DeskWorkOut {
  assignee: string | null;
  attributes: Record<string, string>;
  kind: string;
  /** the steps that may be taken now */
  moves: Array<string>;
  priority: number;
  skill: string;
  state: string;
  store: string | null;
  tags: Array<string>;
}

export interface EnterInput {
  /** ids, `mem_…` */
  members: Array<string>;
  /** what it is for, in your own words: a member enters once per occurrence, however often you call */
  occurrence: string;
}

export interface EnteredOut {
  /** members who walk from now on */
  entered: Array<string>;
  /** not meant by the journey, in it already, or there before for this occurrence */
  passed_over: Array<string>;
  /** nobody has this id */
  unknown: Array<string>;
}

export interface EntryOut {
  /** which order, rule or store */
  about: string;
  /** of the balance; 0 where only pending or held points moved */
  amount: number;
  at: string;
  /** after this line */
  balance: number;
  debt: number;
  held: number;
  id: string;
  /** open list: earn, spend, return, reverse, expire, hold, release … */
  kind: string;
  order_id: string | null;
  pending: number;
  /** in the caller's language */
  title: string;
}

export interface EntryOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<EntryOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface ErasureOut {
  asked_at: string;
  /** until then log in with come_back to undo it */
  effective_at: string;
}

export interface EventsInput {
  /** a random id that the client keeps */
  anonymous_id?: string;
  events: Array<Record<string, unknown>>;
  /** the client's clock now: wrong clocks are corrected by it */
  sent_at?: string;
}

export interface EventsOut {
  accepted: number;
  /** seen in the last seven days; nothing to do */
  duplicates: number;
  rejected: Array<RejectedOut>;
}

export interface ExchangeInput {
  reward: string;
  store?: string | null;
}

export interface ExchangeOut {
  cash_cents: number;
  created_at: string;
  /** of the payment while awaiting, of the pick-up while ready */
  expires_at: string | null;
  id: string;
  name: string;
  paid_at: string | null;
  points: number;
  reward: string;
  settled_at: string | null;
  /** open list: awaiting (payment), ready, done, cancelled, lapsed */
  state: string;
  /** null: any store hands it over */
  store: string | null;
}

export interface ExpiringOut {
  data: Array<ExpiryOut>;
}

export interface ExpiryOut {
  /** the last day they count */
  on: string;
  points: number;
}

export interface ExportOut {
  asked_at: string;
  due_at: string;
  /** until then the file can be fetched, once */
  expires_at: string | null;
  id: string;
  /** open list: waiting, ready, taken, expired, failed … */
  state: string;
}

export interface FallOut {
  /** the last day to get it */
  by: string;
  /** so much more keeps the tier */
  missing: number;
  /** the first day on the lower tier */
  on: string;
  to: TierOut;
}

export interface FieldOut {
  choices: Array<string>;
  /** takes no new values */
  is_retired: boolean;
  /** members see it, too */
  is_shown: boolean;
  key: string;
  label: string;
  /** open list: text, number, date, flag, choice */
  type: string;
}

export interface FieldsOut {
  data: Array<FieldOut>;
}

export interface FileInput {
  /** JPEG, PNG or WebP; its name means nothing */
  file: ArrayBuffer;
  purpose?: "avatar" | "ticket";
}

export interface FileOut {
  bytes: number;
  /** null while something uses it */
  expires_at: string | null;
  height: number;
  id: string;
  /** opens the picture without a token, on this host */
  link: string;
  link_expires_at: string;
  media_type: string;
  /** open list: avatar, ticket */
  purpose: string;
  width: number;
}

export interface FindInput {
  /** on a card that staff added to the member */
  card_no?: string;
  member_no?: string;
  phone?: string;
}

export interface FoundOut {
  /** one or none */
  data: Array<MemberOut>;
}

export interface GiftLinkOut {
  /** told this once; whoever sends it first to coupon-gifts:take has the coupon */
  token: string;
}

export interface GiftTokenInput {
  token: string;
}

export interface GroupCodeOut {
  name: string;
  /** picture of the code, at WeCom; it leads into a group with room whenever it is scanned */
  qr_url: string;
  store: string | null;
  store_name: string;
}

export interface GroupDeedInput {
  /** what is handed in; nothing for a check-in */
  note?: string;
}

export interface GroupTaskOut {
  /** that count now */
  counted: number;
  first_on: string;
  id: string;
  is_in_a_row: boolean;
  /** did not count; may be handed in anew */
  is_refused: boolean;
  is_rewarded: boolean;
  is_today_done: boolean;
  /** open list: check_in, hand_in */
  kind: string;
  last_on: string;
  name: string;
  /** check-ins on different days */
  needed: number;
  points: number;
  text: string;
  /** handed in, nobody has looked at it yet */
  waits: boolean;
}

export interface GroupWordInput {
  /** of a poster or a colleague; case and spaces do not matter */
  word: string;
}

export interface GuardianCodesInput {
  /** a random id that the client keeps */
  device?: string;
  /** the guardian's own; of it only a keyed hash stays */
  phone: string;
}

export interface GuardianInput {
  code: string;
  request_id: string;
  /** the version of the text that the guardian was shown */
  text_version: string;
}

export interface GuardianOut {
  /** null: nobody agrees (any more), so nothing is sent to a child */
  agreed_at: string | null;
  /** under 14 by the birthday we know */
  is_child: boolean;
}

export interface HandOverInput {
  code: string;
}

export interface HandedOut {
  cash_cents: number;
  created_at: string;
  /** of the payment while awaiting, of the pick-up while ready */
  expires_at: string | null;
  handed_over_in: string;
  id: string;
  /** true: it was handed over before, this is the first receipt */
  is_repeat: boolean;
  name: string;
  paid_at: string | null;
  points: number;
  reward: string;
  settled_at: string | null;
  /** open list: awaiting (payment), ready, done, cancelled, lapsed */
  state: string;
  /** null: any store hands it over */
  store: string | null;
}

export interface HappenedOut {
  about: string;
  /** what the balance changed by; 0 where only the words say it */
  points: number;
  title: string;
}

export interface HoldInput {
  amount: number;
  currency?: string;
  /** 15 where left out */
  minutes?: number;
  /** your own number of this booking; sent again it is the same booking */
  reference: string;
}

export interface HoldOut {
  amount: number;
  balance: number;
  debt: number;
  held: number;
  /** for capture and release */
  hold: string;
  /** of the line of the statement */
  id: string;
  /** false: this reference had been booked before */
  is_new: boolean;
  pending: number;
}

export interface HomeOut {
  member: MemberOut;
  /** the newest three */
  messages: Array<MessageOut>;
  /** the newest three */
  orders: Array<OrderOut>;
  points: BalanceOut;
  /** null where the brand has no tiers */
  tier: TierOut | null;
  /** unread messages in the inbox; 100 means 100 or more */
  unread: number;
}

export interface HoursInput {
  /** shop time */
  since: string;
  /** past midnight where it is not later */
  until: string;
}

export interface InStoreOut {
  id: string;
  left: number;
  name: string;
}

export interface InvitationGainOut {
  /** key of a coupon; empty: none */
  coupon: string;
  points: number;
}

export interface InvitationOut {
  /** goes into the scene of a mini-program code */
  code: string;
  counting: number;
  friend: InvitationGainOut;
  /** who came */
  friends: number;
  /** for each friend that counts */
  inviter: Record<string, unknown>;
  /** for which the friend's first order has to be kept */
  keep_days: number;
  most_per_month: number;
  /** that these brought */
  points: number;
  /** points on top once so many friends count; rising */
  steps: Array<InvitationStepOut>;
  /** what the QR code says */
  url: string;
  /** of these: may still count */
  waiting: number;
}

export interface InvitationStepOut {
  friends: number;
  points: number;
}

export interface InvitedFriendOut {
  /** until when the first order has to be kept */
  due_at: string | null;
  id: string;
  /** half hidden */
  name: string;
  /** for you, once it counts */
  points: number;
  registered_at: string;
  /** open list: registered, waiting, kept, void, undone */
  stage: string;
  /** open list: self, ring, known, cap, network, left, refunded; empty while it may count */
  why: string;
}

export interface InvitedFriendOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<InvitedFriendOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface ItemProblem {
  code: string;
  retryable: boolean;
  title: string;
}

export interface JobOut {
  done: number;
  error_code: string;
  /** at the pace so far; null when that is not known */
  eta_seconds: number | null;
  /** items that were refused */
  failed: number;
  id: string;
  kind: string;
  /** for the key that began it, for a week */
  result_url: string | null;
  /** open list: queued, running, paused, done, failed, stopped */
  state: string;
  total: number | null;
}

export interface LineInput {
  discount_cents?: number;
  /** its name, should the SKU be new */
  product?: string;
  quantity?: string;
  sku?: string;
  /** paid for the line, after its discount */
  total_cents: number;
}

export interface LineOut {
  discount_cents: number;
  line_no: number;
  product: string;
  /** a decimal number as text */
  quantity: string;
  refunded_cents: number;
  sku: string;
  total_cents: number;
}

export interface LineSavingOut {
  /** counted from 1 as the lines came */
  line: number;
  saved_cents: number;
}

export interface LoggedInOut {
  access_expires_at: string;
  access_token: string;
  /** registered by this call; no consent given yet */
  is_new: boolean;
  member: string;
  refresh_expires_at: string;
  refresh_token: string;
}

export interface MakeUpOut {
  days_back: number;
  /** this month */
  free_left: number;
  is_offered: boolean;
  /** what a day beyond the free ones costs; null: not to be had */
  points: number | null;
}

export interface MemberBulkInput {
  items: Array<MemberInput>;
}

export interface MemberEventsInput {
  events: Array<Record<string, unknown>>;
  /** the client's clock now: wrong clocks are corrected by it */
  sent_at?: string;
}

export interface MemberInput {
  /** values of the brand's own fields; null takes one away */
  attributes?: Record<string, string | number | boolean | null>;
  birthday?: string;
  gender?: "" | "f" | "m";
  joined_at?: string;
  /** the number in your system */
  member_no: string;
  nickname?: string;
  phone?: string;
  /** code of the home store */
  store?: string;
}

export interface MemberOut {
  /** a file; null without a picture */
  avatar: string | null;
  birthday: string | null;
  gender: "" | "f" | "m";
  id: string;
  joined_at: string;
  member_no: string;
  nickname: string;
  /** masked */
  phone: string;
  status: string;
}

export interface MergeInput {
  /** field → which of the two values stays */
  choices?: Record<string, "non_empty" | "survivor" | "loser" | "newest" | "trusted">;
  /** becomes an alias of the member in the address */
  loser: string;
}

export interface MergedOut {
  /** the record that counts now */
  id: string;
}

export interface MessageOut {
  body: string;
  created_at: string;
  id: string;
  read_at: string | null;
  title: string;
}

export interface MessageOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<MessageOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface MyGroupOut {
  joined_at: string;
  /** coupons may ask for it */
  key: string;
  name: string;
}

export interface MyGroupsOut {
  /** of your own store first, then those of no store */
  codes: Array<GroupCodeOut>;
  /** that you are in, as far as we know you in WeCom */
  groups: Array<MyGroupOut>;
}

export interface NewBookingInput {
  /** when it is full: onto the waiting list */
  may_wait?: boolean;
  offer: string;
  /** one of those who are free then; without: whoever is */
  person?: string;
  /** one of the offer's times */
  starts_at: string;
}

export interface NextTierOut {
  key: string;
  /** points of the ladder's currency, or 分 where basis is spend */
  missing: number;
  name: string;
  threshold: number;
}

export interface OfferOut {
  /** its part in the best combination; null: it has none */
  best_cents: number | null;
  coupon: string;
  ends_at: string;
  is_usable: boolean;
  /** item, order, shipping or gift */
  level: string;
  name: string;
  reason: CouponReasonOut | null;
  /** when no other coupon is used */
  saved_cents: number;
  /** of a thing that is handed out beside the basket */
  worth_cents: number;
}

export interface OrderBulkInput {
  items: Array<OrderInput>;
}

export interface OrderDetailOut {
  channel: string;
  created_at: string;
  currency: string;
  id: string;
  lines: Array<LineOut>;
  order_no: string;
  paid_at: string | null;
  refunded_cents: number;
  refunds: Array<RefundOut>;
  /** open list: recorded, paid, shipped, ready, received, cancelled … */
  status: string;
  store: string;
  total_cents: number;
}

export interface OrderInput {
  channel?: string;
  created_at?: string;
  /** staff number */
  guide?: string;
  lines?: Array<LineInput>;
  member: string;
  /** unique in your system; the tills of a store share theirs */
  order_no: string;
  /** absent: not paid yet */
  paid_at?: string;
  /** its code; tills: their own */
  store?: string;
  total_cents: number;
}

export interface OrderOut {
  channel: string;
  created_at: string;
  currency: string;
  id: string;
  order_no: string;
  paid_at: string | null;
  refunded_cents: number;
  /** open list: recorded, paid, shipped, ready, received, cancelled … */
  status: string;
  store: string;
  total_cents: number;
}

export interface OrderOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<OrderOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface OwnExchangeOut {
  cash_cents: number;
  created_at: string;
  /** of the payment while awaiting, of the pick-up while ready */
  expires_at: string | null;
  id: string;
  name: string;
  paid_at: string | null;
  /** to show in the store, while ready */
  pick_up_code: string;
  points: number;
  reward: string;
  settled_at: string | null;
  /** open list: awaiting (payment), ready, done, cancelled, lapsed */
  state: string;
  /** null: any store hands it over */
  store: string | null;
}

export interface OwnExchangeOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<OwnExchangeOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface PaidInput {
  amount_cents: number;
  /** the payment's number where it was paid */
  payment_no: string;
}

export interface PairOut {
  access_expires_at: string;
  access_token: string;
  refresh_expires_at: string;
  refresh_token: string;
}

export interface PhoneInput {
  code: string;
  request_id: string;
}

export interface PieceInput {
  /** a product of a stream */
  product: string;
  store: string;
  /** from the stream's day on, within two weeks of it */
  visit_on: string;
}

export interface PieceOut {
  id: string;
  name: string;
  sku: string;
  /** open list: open, tried, missed, cancelled */
  state: string;
  store: string;
  store_name: string;
  stream: string;
  /** the last day it is kept */
  visit_on: string;
}

export interface PieceOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<PieceOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface PlaceInput {
  anchor_on: string;
  /** the member agreed, before your eyes, that the day is kept */
  is_agreed: true;
  track: string;
}

export interface PlaceOut {
  anchor_on: string;
  id: string;
  /** when the next step begins by itself */
  next_at: string | null;
  /** key; empty before the first step and after the end */
  step: string;
  step_name: string;
  track: string;
}

export interface Pointed {
  code: string;
  message: string;
  /** JSON Pointer into the body */
  pointer: string;
}

export interface PolicyTextOut {
  effective_at: string;
  /** open list: care, marketing, advertising, profiling, guardian */
  purpose: string;
  /** in the language of Accept-Language */
  text: string;
  version: string;
}

export interface PostingOut {
  amount: number;
  balance: number;
  debt: number;
  held: number;
  /** of the line of the statement */
  id: string;
  /** false: this reference had been booked before */
  is_new: boolean;
  pending: number;
}

export interface PriceBulkInput {
  items: Array<PriceInput>;
}

export interface PriceHintOut {
  /** open list: price_ends, bundle_more */
  code: string;
  message: string;
}

export interface PriceInput {
  /** GTIN of 8, 12, 13 or 14 digits; tills scan it */
  barcode?: string;
  brand?: string;
  category?: string;
  list_cents?: number;
  name?: string;
  sku: string;
  specials?: Array<SpecialInput>;
}

export interface PriceRuleOut {
  /** of the price or bundle */
  id: string | null;
  /** open list: given (you said the price), list, member, tier, timed, bundle */
  kind: string;
  name: string;
  /** before when it counts without a break */
  until: string | null;
}

export interface Problem {
  code: string;
  doc: string;
  errors?: Array<Pointed>;
  request_id: string;
  retryable: boolean;
  status: number;
  title: string;
  type: string;
}

export interface ProductPriceOut {
  bundles: Array<BundleOut>;
  /** open list: list, member, tier, timed */
  kind: string;
  list_cents: number;
  name: string;
  /** what this member pays for one now */
  price_cents: number;
  /** the kind in words */
  said: string;
  sku: string;
  /** before when the price counts without a break */
  until: string | null;
}

export interface ProfileInput {
  /** a file of yours; null takes it away */
  avatar?: string | null;
  /** entered once, corrected once */
  birthday?: string;
  gender?: "" | "f" | "m";
  nickname?: string;
}

export interface ProfileOut {
  /** values of the brand's own fields */
  attributes: Record<string, string | number | boolean | null>;
  /** a file; null without a picture */
  avatar: string | null;
  birthday: string | null;
  gender: "" | "f" | "m";
  id: string;
  joined_at: string;
  member_no: string;
  nickname: string;
  /** masked */
  phone: string;
  status: string;
}

export interface QuoteInput {
  channel?: string;
  /** the clerk says that the goods fit what a coupon asks */
  is_vouched?: boolean;
  lines: Array<BasketLineInput>;
  /** programs say whose basket it is */
  member?: string;
  /** tills say which reading of a member code */
  reading?: string;
  shipping_cents?: number;
  /** its code; a till's own where left out */
  store?: string;
  /** points are to pay for it too */
  with_points?: boolean;
}

export interface QuoteOut {
  /** false: the search was stopped at its limit, there may be a better combination */
  is_proven: boolean;
  lines: Array<QuotedLineOut>;
  /** of the lines, by the list */
  list_cents: number;
  /** that coupons could save more at most, where the search was stopped */
  more_cents: number;
  /** usable first, the greater saving first */
  offers: Array<OfferOut>;
  /** by the best combination */
  saved_cents: number;
  /** of the lines, before coupons */
  total_cents: number;
}

export interface QuotedLineOut {
  hints: Array<PriceHintOut>;
  /** counted from 1 as the lines came */
  line: number;
  /** by the list, all units; where you said the price: that */
  list_cents: number;
  /** before coupons, all units */
  price_cents: number;
  rules: Array<PriceRuleOut>;
  /** by coupons */
  saved_cents: number;
  /** of all lines they add up to what the goods cost */
  to_pay_cents: number;
}

export interface ReadInput {
  /** as scanned or typed; blanks and dashes do not matter */
  code: string;
}

export interface ReadOut {
  /** of this reading */
  id: string;
  member: string;
  read_at: string;
  /** so long this device may act on the member */
  valid_until: string;
}

export interface ReasonOut {
  /** open list: frozen, not_started, ended, tier_too_low, out_of_stock, wrong_store, limit_reached, daily_limit, insufficient_balance */
  code: string;
  /** in the caller's language */
  message: string;
}

export interface RedeemedOut {
  coupon: string;
  level: string;
  lines: Array<LineSavingOut>;
  name: string;
  saved_cents: number;
  worth_cents: number;
}

export interface RedemptionInput {
  channel?: string;
  /** all or none */
  coupons: Array<string>;
  /** the clerk says that the goods fit what a coupon asks */
  is_vouched?: boolean;
  lines: Array<BasketLineInput>;
  /** programs say whose basket it is */
  member?: string;
  /** reserved for; 15 at most */
  minutes?: number;
  /** where it is handed in already */
  order?: string;
  /** tills say which reading of a member code */
  reading?: string;
  /** your number of this act; sent again it is the same act */
  reference: string;
  shipping_cents?: number;
  /** done where left out */
  state?: "reserved" | "done";
  /** its code; a till's own where left out */
  store?: string;
  /** points are to pay for it too */
  with_points?: boolean;
}

export interface RedemptionOut {
  at: string;
  coupons: Array<RedeemedOut>;
  done_at: string | null;
  /** each line to the cent, as it was reckoned then */
  goods: Array<SoldLineOut>;
  id: string;
  /** false: the first receipt, told again */
  is_new: boolean;
  member: string;
  reference: string;
  reserved_until: string | null;
  saved_cents: number;
  /** reserved, done, cancelled or taken_back */
  state: string;
  undone_at: string | null;
}

export interface RefreshInput {
  refresh_token: string;
}

export interface RefundBulkInput {
  items: Array<RefundInput>;
}

export interface RefundInput {
  /** absent: all that is left */
  amount_cents?: number;
  /** absent: the order as a whole */
  line_no?: number;
  order: string;
  /** unique for its order in your system */
  refund_no: string;
  refunded_at?: string;
}

export interface RefundOut {
  amount_cents: number;
  id: string;
  line_no: number | null;
  refunded_at: string;
}

export interface RejectedOut {
  code: string;
  index: number;
  message: string;
}

export interface ResultOut {
  is_read: boolean;
  /** what the till did since, oldest first; they grow while it goes on */
  lines: Array<HappenedOut>;
  read_at: string | null;
  server_time: string;
  store: string;
}

export interface RewardOut {
  /** balance from which it is taken by itself; null: never */
  auto_from: number | null;
  /** how often a day by itself at the most */
  auto_per_day: number;
  cash_cents: number;
  description: string;
  ends_at: string | null;
  id: string;
  is_available: boolean;
  /** an exchange then names one of `stores` */
  is_store_limited: boolean;
  /** gift (with a pick-up code) or virtual (delivered at once) */
  kind: string;
  /** null: no end of it */
  left: number | null;
  name: string;
  /** a JPEG on this host, open to anybody; its address changes with it */
  picture: string | null;
  points: number;
  /** why it is not to be had, the gravest first */
  reasons: Array<ReasonOut>;
  /** points that are missing */
  short_by: number;
  starts_at: string | null;
  stores: Array<InStoreOut>;
}

export interface SegmentMemberOut {
  is_member: boolean;
  /** since which build; null for who is not in it */
  since: string | null;
}

export interface SegmentOut {
  /** when its members were last looked at; null: not yet */
  built_at: string | null;
  key: string;
  /** open list: rule, list */
  kind: string;
  name: string;
  /** members, as of `built_at` */
  size: number;
}

export interface SegmentsOut {
  data: Array<SegmentOut>;
}

export interface SessionOut {
  client: string;
  created_at: string;
  id: string;
  /** the log-in of this call */
  is_this: boolean;
  label: string;
  seen_at: string;
}

export interface SignedOut {
  /** false: this day was signed before */
  is_new: boolean;
  on: string;
  /** given for it now */
  points: number;
  streak: number;
}

export interface SoldLineOut {
  line: number;
  list_cents: number;
  /** before coupons */
  price_cents: number;
  /** by coupons */
  saved_cents: number;
  to_pay_cents: number;
}

export interface SpecialInput {
  /** * any member, or the key of a tier; left out: everyone */
  audience?: string;
  /** below the list price */
  cents: number;
  channel?: string;
  /** needed for everyone */
  ends_at?: string | null;
  hours?: Array<HoursInput>;
  label?: string;
  /** left out: now */
  starts_at?: string | null;
  store?: string;
  weekdays?: Array<number>;
}

export interface StandingOut {
  /** what counts: earned, spend or balance */
  basis: string;
  coming: ComingTierOut | null;
  /** what comes where nothing more does */
  falls: FallOut | null;
  /** set by hand, never assessed */
  is_locked: boolean;
  next: NextTierOut | null;
  since: string | null;
  tier: TierOut;
  /** the last day; null: no end */
  valid_until: string | null;
  value: number;
}

export interface StepOut {
  /** of the days in a row */
  day: number;
  points: number;
}

export interface StepUpInput {
  code: string;
  request_id: string;
}

export interface StepUpWechatInput {
  app_id: string;
  /** from wx.login, used once */
  js_code: string;
}

export interface StockCountBulkInput {
  items: Array<StockCountInput>;
}

export interface StockCountInput {
  /** when it was counted; left out: now */
  as_of?: string;
  on_hand: number;
  sku: string;
  /** its code */
  store: string;
}

export interface StockCountOut {
  as_of: string;
  on_hand: number;
  sku: string;
  store: string;
}

export interface StoreOut {
  address: string;
  code: string;
  /** as the crow flies; null without `near` or a position */
  distance_m: number | null;
  /** seven from Monday on, [first from, last until] in shop time or null for a day off; [] where not known */
  hours: Array<Array<string> | null>;
  id: string;
  /** seven from Monday on, each all of its [from, until]; [] where not known */
  intervals: Array<Array<Array<string>>>;
  /** null: the hours are not known */
  is_open_now: boolean | null;
  latitude: number | null;
  longitude: number | null;
  name: string;
  phone: string;
  /** of `sku`; open list: many, few, none; null: not asked for, or the store never counted it */
  stock: string | null;
  /** [from, until] of today, with holidays and other special days; [] when closed or not known */
  today: Array<Array<string>>;
}

export interface StreamOut {
  ends_at: string;
  host: string;
  id: string;
  is_reminded: boolean;
  note: string;
  platform: string;
  /** in the order they are shown */
  products: Array<StreamProductOut>;
  room: string;
  starts_at: string;
  /** open list: planned, live, ended */
  state: string;
  title: string;
  /** of the room, where the platform has one */
  url: string;
}

export interface StreamProductOut {
  id: string;
  /** pieces that can still be put aside; null: none ever */
  left: number | null;
  name: string;
  sku: string;
}

export interface SubscriptionsInput {
  app_id: string;
  /** your random id of this prompt: told twice, it counts once */
  prompt_id: string;
  /** template id → what WeChat reported */
  results: Record<string, "accept" | "ban" | "filter" | "reject">;
}

export interface SubscriptionsOut {
  /** messages that may now be sent, by template id */
  credits: Record<string, number>;
}

export interface TaskOut {
  currency: string;
  done: number;
  done_on: string | null;
  key: string;
  /** so often per period */
  most: number;
  name: string;
  /** day, week, month, year or life */
  per: string;
  points: number;
}

export interface TasksOut {
  data: Array<TaskOut>;
}

export interface TemplatesOut {
  /** three at most, for wx.requestSubscribeMessage */
  template_ids: Array<string>;
}

export interface TicketChoiceOut {
  is_available: boolean;
  /** open list: refund, return, exchange, repair, complaint, question */
  kind: string;
  label: string;
  /** of the shop; null: no end, or not known before the goods come */
  last_day: string | null;
  /** why not, in words */
  refusal: string;
}

export interface TicketDetailOut {
  created_at: string;
  ended_at: string | null;
  id: string;
  /** the request in which this one goes on */
  into: string | null;
  is_unread: boolean;
  /** open list: refund, return, exchange, repair, complaint, question */
  kind: string;
  lines: Array<TicketLineOut>;
  /** what may be sent to `moves` now */
  moves: Array<string>;
  number: string;
  order: string | null;
  /** when you hear from us at the latest; null: it is your turn */
  promised_by: string | null;
  /** open list: new, working, waiting, offered, returning, arrived, sending, resolved, closed, withdrawn, merged */
  state: string;
  /** newest first */
  steps: Array<TicketStepOut>;
  title: string;
  vote: number | null;
}

export interface TicketInput {
  /** sent with `purpose` ticket */
  files?: Array<string>;
  kind: "refund" | "return" | "exchange" | "repair" | "complaint" | "question";
  /** of that order; a must for refund, return, exchange, repair */
  lines?: Array<TicketLineInput>;
  order?: string;
  text: string;
  title: string;
  /** as sent with `articles`: they did not spare this request */
  writing?: string;
}

export interface TicketLineInput {
  line_no: number;
  /** without it, all of the line */
  quantity?: number;
}

export interface TicketLineOut {
  line_no: number;
  /** a decimal number as text; null: all of it */
  quantity: string | null;
}

export interface TicketMoveInput {
  move: "withdraw" | "agree" | "disagree" | "deliver" | "reopen" | "close";
}

export interface TicketOut {
  created_at: string;
  ended_at: string | null;
  id: string;
  is_unread: boolean;
  /** open list: refund, return, exchange, repair, complaint, question */
  kind: string;
  number: string;
  order: string | null;
  /** open list: new, working, waiting, offered, returning, arrived, sending, resolved, closed, withdrawn, merged */
  state: string;
  title: string;
}

export interface TicketOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<TicketOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export interface TicketPictureOut {
  file: string;
  /** opens it without a token, on this host */
  link: string;
  link_expires_at: string;
  /** image/jpeg, or application/pdf from our service */
  media_type: string;
}

export interface TicketPointsOut {
  change: number;
  currency: string;
}

export interface TicketPreviewInput {
  lines: Array<TicketLineInput>;
}

export interface TicketPreviewOut {
  /** usable again */
  coupons_back: Array<string>;
  /** taken back */
  coupons_gone: Array<string>;
  points: Array<TicketPointsOut>;
  refunded_cents: number;
  tier_after: string;
  tier_before: string;
}

export interface TicketSayInput {
  files?: Array<string>;
  text: string;
}

export interface TicketStepOut {
  /** open list: opened, said, take_up, ask, accept, receive, send, deliver, refund, refuse, offer … */
  act: string;
  at: string;
  pictures: Array<TicketPictureOut>;
  /** open list: member, agent, store, warehouse, house */
  side: string;
  text: string;
  who: string;
}

export interface TicketVoteInput {
  score: number;
  text?: string;
}

export interface TierOut {
  key: string;
  name: string;
}

export interface TrackOut {
  /** what the day is called */
  anchor: string;
  key: string;
  name: string;
}

export interface TracksOut {
  places: Array<PlaceOut>;
  /** on which a day can be said */
  tracks: Array<TrackOut>;
}

export interface WechatInput {
  /** whose events become the member's */
  anonymous_id?: string;
  app_id: string;
  /** undo a cancellation in its cool-off */
  come_back?: boolean;
  /** from wx.login, used once */
  js_code: string;
  /** the device in the person's words */
  label?: string;
  /** version of the rules of membership that were shown and ticked; kept as the member's agreement */
  rules_version?: string;
}

export interface WechatPhoneInput {
  app_id: string;
  /** from getPhoneNumber, used once, good for 5 minutes */
  code: string;
}

export interface WechatPhoneOut {
  /** merging: the number has a record that staff will join */
  outcome: "bound" | "merging";
}

export interface WithdrawalInput {
  cents: number;
}

export interface WithdrawalOut {
  asked_at: string;
  cents: number;
  id: string;
  /** of the payment, or why it was refused */
  reference: string;
  settled_at: string | null;
  /** open list: asked, paid, refused */
  state: string;
}

export interface WithdrawalOutPage {
  /** only with ?count=estimate; 1000 means 1000 or more */
  count_estimate?: number;
  data: Array<WithdrawalOut>;
  has_more: boolean;
  next_cursor: string | null;
}

export class Siyu {
  constructor(options: Options);
  tokens: PairOut | null;
  /** Sends again what was begun with `persist` and never answered. */
  resume(): Promise<Answer<unknown>[]>;
  /** Help articles; show them before a request is sent (public) */
  articlesGet(args?: { q?: string; writing?: string }, options?: CallOptions): Promise<Answer<Array<ArticleOut>>>;
  /** An article solved it: no request is sent (public) */
  articleHelpedPost(args: { body: ArticleHelpedInput }, options?: CallOptions): Promise<Answer<null>>;
  /** Log in with the code; a phone that nobody has becomes a member (public) */
  authCodePost(args: { body: CodeInput }, options?: CallOptions): Promise<Answer<LoggedInOut>>;
  /** Have a new code read out by a call to the same phone, when no message came (public) */
  authCodeCallsPost(args: { body: CallInput }, options?: CallOptions): Promise<Answer<CodesOut>>;
  /** Have a 6-digit code sent; the answer is the same for every phone (public) */
  authCodesPost(args: { body: CodesInput }, options?: CallOptions): Promise<Answer<CodesOut>>;
  /** Log out this device (member) */
  authLogoutPost(args?: {}, options?: CallOptions): Promise<Answer<null>>;
  /** A new pair for an old refresh token; using one twice ends the log-in (public) */
  authRefreshPost(args: { body: RefreshInput }, options?: CallOptions): Promise<Answer<PairOut>>;
  /** Confirm that it is you; good for five minutes (member) */
  authStepUpPost(args: { body: StepUpInput }, options?: CallOptions): Promise<Answer<null>>;
  /** Have a code sent to your own phone, to confirm that it is you (member) */
  authStepUpCodesPost(args?: {}, options?: CallOptions): Promise<Answer<CodesOut>>;
  /** Confirm that it is you by a fresh wx.login, if you have no phone here; good for five minutes (member) */
  authStepUpWechatPost(args: { body: StepUpWechatInput }, options?: CallOptions): Promise<Answer<null>>;
  /** Log in a mini-program with the code of wx.login (public) */
  authWechatPost(args: { body: WechatInput }, options?: CallOptions): Promise<Answer<LoggedInOut>>;
  /** Take over the phone that WeChat has proved; one more than you have needs a confirmation first (member) */
  authWechatPhonePost(args: { body: WechatPhoneInput }, options?: CallOptions): Promise<Answer<WechatPhoneOut>>;
  /** Report that a tracked code was opened in the app, and learn where it leads (anyone) */
  codeOpenedPost(args: { code: string; body?: CodeOpenedInput }, options?: CallOptions): Promise<Answer<CodeOpenedOut>>;
  /** Take a coupon that a friend offers: the first has it, and has it again when they ask again (member) */
  couponGiftTakePost(args: { idempotencyKey?: string; body: GiftTokenInput }, options?: CallOptions): Promise<Answer<CouponOut>>;
  /** Send up to 500 behaviour events; without a token they are anonymous (anyone) */
  eventsPost(args: { body: EventsInput }, options?: CallOptions): Promise<Answer<EventsOut>>;
  /** Say that the cash of an exchange has come; the same payment again changes nothing (client:exchanges.write) */
  exchangePaidPost(args: { exchange: string; idempotencyKey?: string; body: PaidInput }, options?: CallOptions): Promise<Answer<ExchangeOut>>;
  /** Hand a gift over by its pick-up code, once; a second scan answers the first receipt (client:exchanges.write | device:exchanges.write) */
  exchangeHandOverPost(args: { idempotencyKey?: string; body: HandOverInput }, options?: CallOptions): Promise<Answer<HandedOut>>;
  /** Send one picture; use its id within 24 hours (member) */
  filesPost(args: Picture, options?: CallOptions): Promise<Answer<FileOut>>;
  /** One of your files, with a link that opens it for ten minutes (member) */
  fileGet(args: { file: string }, options?: CallOptions): Promise<Answer<FileOut>>;
  /** The picture behind a link (public) */
  fileContentGet(args: { file: string; opens: string }, options?: CallOptions): Promise<Answer<ArrayBuffer>>;
  /** How far long work is (client:jobs.read) */
  jobGet(args: { job: string }, options?: CallOptions): Promise<Answer<JobOut>>;
  /** What became of each item: one line of JSON each, as in the answer of a bulk call; for the key that began the job (client:jobs.read) */
  jobResultGet(args: { job: string }, options?: CallOptions): Promise<Answer<ArrayBuffer>>;
  /** Let members into a journey that waits for it, 200 at most (client:journeys.write) */
  journeyEnterPost(args: { journey: string; idempotencyKey?: string; body: EnterInput }, options?: CallOptions): Promise<Answer<EnteredOut>>;
  /** Your profile (member) */
  meGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<ProfileOut>>;
  /** Change your profile; what is left out stays (member) */
  mePut(args: { ifMatch: string; idempotencyKey?: string; body?: ProfileInput }, options?: CallOptions): Promise<Answer<ProfileOut>>;
  /** Numbers to reach for points, and how far you are (member) */
  myAchievementsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<AchievementsOut>>;
  /** What each tier gives, lowest first; yours are unlocked (member) */
  myBenefitsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<BenefitsOut>>;
  /** What can be booked, by store (member) */
  myBookingOffersGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<BookingOfferOut>>>;
  /** The times of a day that can be booked now (member) */
  myBookingTimesGet(args: { bookingOffer: string; day: string }, options?: CallOptions): Promise<Answer<BookingTimesOut>>;
  /** Your bookings, the last made first (member) */
  myBookingsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<BookingOutPage>>;
  /** Book a time; the Idempotency-Key is also its source: for good, not for a day (member) */
  myBookingsPost(args: { idempotencyKey?: string; body: NewBookingInput }, options?: CallOptions): Promise<Answer<BookingOut>>;
  /** Cancel a booking; the next who waits gets the place. Cancelled already: nothing changes (member) */
  myBookingCancelPost(args: { booking: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<BookingOut>>;
  /** Move a booking: the new place is taken before the old one is free; it is a booking of its own (member) */
  myBookingMovePost(args: { booking: string; idempotencyKey?: string; body: BookingMoveInput }, options?: CallOptions): Promise<Answer<BookingOut>>;
  /** What the brand shows you in a place, three at most (member) */
  myCardsGet(args?: { ifNoneMatch?: string; slot?: string }, options?: CallOptions): Promise<Answer<Array<CardOut>>>;
  /** A new member code: counts once, for a minute; ask again at refresh_at (member) */
  myCodeGet(args?: {}, options?: CallOptions): Promise<Answer<CodeOut>>;
  /** What came of a code that was shown: ask every two seconds while it is on the screen (member) */
  myCodeResultGet(args: { code: string }, options?: CallOptions): Promise<Answer<ResultOut>>;
  /** Commission in money for what invited friends buy: the terms, and what is frozen, free, asked for and paid (member) */
  myCommissionGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<CommissionOut>>;
  /** Your consents as they count now (member) */
  consentsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<ConsentOut>>>;
  /** Give or withdraw one consent (member) */
  consentPut(args: { channel: string; purpose: string; idempotencyKey?: string; body: ConsentInput }, options?: CallOptions): Promise<Answer<ConsentOut>>;
  /** The coupon centre: what you can claim first (member) */
  myCouponOffersGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<CouponOfferOut>>>;
  /** Claim a coupon; the Idempotency-Key is also its source: for good, not for a day (member) */
  myCouponClaimPost(args: { offer: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<CouponOut>>;
  /** Your coupons (member) */
  myCouponsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number; show?: string }, options?: CallOptions): Promise<Answer<CouponOutPage>>;
  /** Offer a coupon to a friend: a token for a link; offering again makes the one before void (member) */
  myCouponGiftPost(args: { coupon: string }, options?: CallOptions): Promise<Answer<GiftLinkOut>>;
  /** Make the link void; the coupon stays yours (member) */
  myCouponGiftDelete(args: { coupon: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** Put a coupon with a printed code into the wallet; your own code again changes nothing (member) */
  myCouponEnterPost(args: { idempotencyKey?: string; body: CouponCodeInput }, options?: CallOptions): Promise<Answer<CouponOut>>;
  /** End your membership: messages stop at once, this log-in too; your data goes after the cool-off (member) */
  erasurePost(args?: { idempotencyKey?: string }, options?: CallOptions): Promise<Answer<ErasureOut>>;
  /** Your exchanges, newest first (member) */
  myExchangesGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<OwnExchangeOutPage>>;
  /** Exchange points for a reward; the Idempotency-Key is also its source: for good, not for a day (member) */
  myExchangesPost(args: { idempotencyKey?: string; body: ExchangeInput }, options?: CallOptions): Promise<Answer<OwnExchangeOut>>;
  /** Cancel an exchange before it is handed over: the points go back, valid as long as before (member) */
  myExchangeCancelPost(args: { exchange: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<OwnExchangeOut>>;
  /** How far the copy of your data is (member) */
  exportGet(args?: {}, options?: CallOptions): Promise<Answer<ExportOut>>;
  /** Ask for a copy of everything we hold about you (member) */
  exportPost(args?: { idempotencyKey?: string }, options?: CallOptions): Promise<Answer<ExportOut>>;
  /** Fetch the copy, once: a ZIP with JSON and a readable page (member) */
  exportFileGet(args?: {}, options?: CallOptions): Promise<Answer<ArrayBuffer>>;
  /** Tasks of your groups that are on (member) */
  myGroupTasksGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<GroupTaskOut>>>;
  /** Check in for today, or hand in; today's again changes nothing (member) */
  myGroupTaskDeedPost(args: { groupTask: string; idempotencyKey?: string; body?: GroupDeedInput }, options?: CallOptions): Promise<Answer<GroupTaskOut>>;
  /** Codes into groups that are meant for you, and the groups you are in (member) */
  myGroupsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<MyGroupsOut>>;
  /** The code that goes by a word (member) */
  myGroupByWordPost(args: { idempotencyKey?: string; body: GroupWordInput }, options?: CallOptions): Promise<Answer<GroupCodeOut>>;
  /** Whether somebody must agree for you, and since when they do (member) */
  guardianGet(args?: {}, options?: CallOptions): Promise<Answer<GuardianOut>>;
  /** A parent or guardian agrees, with the code that came to their phone (member) */
  guardianPut(args: { body: GuardianInput }, options?: CallOptions): Promise<Answer<GuardianOut>>;
  /** Take the guardian's consent back, from now on; what waits is not sent (member) */
  guardianDelete(args?: {}, options?: CallOptions): Promise<Answer<null>>;
  /** Have a code sent to a parent or guardian; its text says what typing it means (member) */
  guardianCodesPost(args: { body: GuardianCodesInput }, options?: CallOptions): Promise<Answer<CodesOut>>;
  /** All that the first screen shows, in one call (member) */
  homeGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<HomeOut>>;
  /** Your own invitation, what it brings, and what it brought (member) */
  myInvitationGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<InvitationOut>>;
  /** Name the invitation you came by: within a day of joining, before the first purchase; for mini-programs (member) */
  myInvitationAcceptPost(args: { idempotencyKey?: string; body: AcceptInput }, options?: CallOptions): Promise<Answer<AcceptedOut>>;
  /** Friends who came by your invitation, newest first (member) */
  myInvitedFriendsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<InvitedFriendOutPage>>;
  /** Your inbox, newest first (member) */
  messagesGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<MessageOutPage>>;
  /** Note that you have read a message (member) */
  messageReadPut(args: { message: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** Your orders, newest payment first (member) */
  myOrdersGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<OrderOutPage>>;
  /** One of your orders with its lines and refunds (member) */
  myOrderGet(args: { order: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<OrderDetailOut>>;
  /** What may be asked for about an order, and until when (member) */
  myTicketChoicesGet(args: { order: string }, options?: CallOptions): Promise<Answer<Array<TicketChoiceOut>>>;
  /** What a refund of these pieces would do now; nothing is done (member) */
  myTicketPreviewPost(args: { order: string; body: TicketPreviewInput }, options?: CallOptions): Promise<Answer<TicketPreviewOut>>;
  /** Put a new phone in place of yours; your other devices are logged out (member) */
  myPhonePut(args: { body: PhoneInput }, options?: CallOptions): Promise<Answer<null>>;
  /** Pieces put aside for you, newest first (member) */
  myPiecesGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<PieceOutPage>>;
  /** Have a piece put aside to try on in a store; the Idempotency-Key is also its source: for good, not for a day (member) */
  myPiecesPost(args: { idempotencyKey?: string; body: PieceInput }, options?: CallOptions): Promise<Answer<PieceOut>>;
  /** Give a piece back: it is free for others again (member) */
  myPieceGiveBackPost(args: { piece: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<PieceOut>>;
  /** Your points: balance, what is pending, what runs out first (member) */
  myPointsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<AccountsOut>>;
  /** Your statement, newest first (member) */
  myPointsEntriesGet(args?: { ifNoneMatch?: string; count?: "estimate"; currency?: string; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<EntryOutPage>>;
  /** What runs out when, first day first; points that never do are left out (member) */
  myPointsExpiringGet(args?: { ifNoneMatch?: string; currency?: string }, options?: CallOptions): Promise<Answer<ExpiringOut>>;
  /** What products cost you now; those the catalogue has no price of are left out (member) */
  myPricesGet(args: { sku: Array<string>; ifNoneMatch?: string; channel?: string }, options?: CallOptions): Promise<Answer<Array<ProductPriceOut>>>;
  /** What your coupons do for a basket, and the best combination (member) */
  myQuotesPost(args: { idempotencyKey?: string; body: BasketInput }, options?: CallOptions): Promise<Answer<QuoteOut>>;
  /** What you can get for points: first what is within reach, with every reason where something is not (member) */
  myRewardsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<RewardOut>>>;
  /** One reward (member) */
  myRewardGet(args: { reward: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<RewardOut>>;
  /** Where you are logged in (member) */
  sessionsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<SessionOut>>>;
  /** Log out one of your devices (member) */
  sessionDelete(args: { session: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** A month of your sign-ins, the days in a row, and what comes next (member) */
  mySignInsGet(args?: { ifNoneMatch?: string; month?: string }, options?: CallOptions): Promise<Answer<CalendarOut>>;
  /** Sign in for today; again: nothing happens (member) */
  mySignInsPost(args?: { idempotencyKey?: string }, options?: CallOptions): Promise<Answer<SignedOut>>;
  /** Make up a missed day; again: nothing happens (member) */
  mySignInPut(args: { day: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<SignedOut>>;
  /** Streams to come within a month, on now, and over within a week (member) */
  myStreamsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<StreamOut>>>;
  /** Be reminded a day and a quarter of an hour before; what may be sent follows your consents and accepts (member) */
  myStreamReminderPut(args: { stream: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** Be not reminded (member) */
  myStreamReminderDelete(args: { stream: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** Which subscribe messages to ask for in a scene (member) */
  subscribeTemplatesGet(args: { appId: string; scene: string }, options?: CallOptions): Promise<Answer<TemplatesOut>>;
  /** Report what the customer answered to wx.requestSubscribeMessage (member) */
  subscriptionsPost(args: { idempotencyKey?: string; body: SubscriptionsInput }, options?: CallOptions): Promise<Answer<SubscriptionsOut>>;
  /** What you can do for points, open ones first (member) */
  myTasksGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<TasksOut>>;
  /** Your requests, newest first (member) */
  myTicketsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<TicketOutPage>>;
  /** Ask for a return, an exchange, a repair or something else (member) */
  myTicketsPost(args: { idempotencyKey?: string; body: TicketInput }, options?: CallOptions): Promise<Answer<TicketDetailOut>>;
  /** One request with its course; reading it makes it read (member) */
  myTicketGet(args: { ticket: string }, options?: CallOptions): Promise<Answer<TicketDetailOut>>;
  /** Write to a request; when it is your turn, this hands it back, and what is done is opened again (member) */
  myTicketMessagesPost(args: { ticket: string; idempotencyKey?: string; body: TicketSayInput }, options?: CallOptions): Promise<Answer<TicketDetailOut>>;
  /** Withdraw it, agree, confirm that it came, open it again (member) */
  myTicketMovesPost(args: { ticket: string; idempotencyKey?: string; body: TicketMoveInput }, options?: CallOptions): Promise<Answer<TicketDetailOut>>;
  /** How did we do? The first vote counts; again answers with it (member) */
  myTicketVotePut(args: { ticket: string; idempotencyKey?: string; body: TicketVoteInput }, options?: CallOptions): Promise<Answer<TicketDetailOut>>;
  /** Your tier: what is missing to the next, and what comes otherwise (member) */
  myTierGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<StandingOut>>;
  /** Days you told us, and what each means now (member) */
  myTracksGet(args?: {}, options?: CallOptions): Promise<Answer<TracksOut>>;
  /** Tell a day; the same one again is the same place (member) */
  myTracksPost(args: { idempotencyKey?: string; body: PlaceInput }, options?: CallOptions): Promise<Answer<PlaceOut>>;
  /** Correct a day you told us; nothing is sent for that (member) */
  myTrackPut(args: { place: string; idempotencyKey?: string; body: DayInput }, options?: CallOptions): Promise<Answer<PlaceOut>>;
  /** Take a day back; it is erased 30 days later (member) */
  myTrackDelete(args: { place: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<null>>;
  /** Payments of commission you asked for, newest first (member) */
  myWithdrawalsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; limit?: number }, options?: CallOptions): Promise<Answer<WithdrawalOutPage>>;
  /** Ask for free commission to be paid out; the Idempotency-Key is also its source: for good, not for a day (member) */
  myWithdrawalsPost(args: { idempotencyKey?: string; body: WithdrawalInput }, options?: CallOptions): Promise<Answer<WithdrawalOut>>;
  /** Read a member code at the till, once: whose it is, and ten minutes in which this device may act on them (device:members.read) */
  memberCodeReadPost(args: { idempotencyKey?: string; body: ReadInput }, options?: CallOptions): Promise<Answer<ReadOut>>;
  /** The brand's own fields on members, in the order of the pages (client:members.read | device:members.read) */
  memberFieldsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<FieldsOut>>;
  /** Add members, or bring known ones up to date; 200 at most, or 5,000 in a job (client:members.write) */
  membersPost(args: { idempotencyKey?: string; prefer?: string; body: MemberBulkInput }, options?: CallOptions): Promise<Answer<BulkOut | JobOut>>;
  /** Find a member by phone, number or card; in the body, so that no address carries it (client:members.read | device:members.read) */
  memberFindPost(args: { body: FindInput }, options?: CallOptions): Promise<Answer<FoundOut>>;
  /** One member (client:members.read) */
  memberGet(args: { member: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<ProfileOut>>;
  /** A member's values in the brand's own fields (client:members.write) */
  memberAttributesGet(args: { member: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<AttributesOut>>;
  /** Change some of these values (client:members.write) */
  memberAttributesPut(args: { ifMatch: string; member: string; idempotencyKey?: string; body: AttributesInput }, options?: CallOptions): Promise<Answer<AttributesOut>>;
  /** Give a member a coupon: stock, limit per member and the stop count, claim window and conditions do not (client:coupons.write) */
  memberCouponsPost(args: { member: string; idempotencyKey?: string; body: CouponGrantInput }, options?: CallOptions): Promise<Answer<CouponOut>>;
  /** Send up to 500 behaviour events of one member (client:events.write) */
  memberEventsPost(args: { member: string; body: MemberEventsInput }, options?: CallOptions): Promise<Answer<EventsOut>>;
  /** A member's points (client:points.read) */
  memberPointsGet(args: { member: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<AccountsOut>>;
  /** Grant points to a member (client:points.write) */
  memberPointsEarnPost(args: { member: string; idempotencyKey?: string; body: BookingInput }, options?: CallOptions): Promise<Answer<PostingOut>>;
  /** Set points aside for a basket; let go by themselves when the time is over (client:points.write) */
  memberPointsHoldsPost(args: { member: string; idempotencyKey?: string; body: HoldInput }, options?: CallOptions): Promise<Answer<HoldOut>>;
  /** Take points from a member, first-expiring first (client:points.write) */
  memberPointsSpendPost(args: { member: string; idempotencyKey?: string; body: BookingInput }, options?: CallOptions): Promise<Answer<PostingOut>>;
  /** What products cost a member now (client:coupons.write) */
  memberPricesGet(args: { member: string; sku: Array<string>; ifNoneMatch?: string; channel?: string; store?: string }, options?: CallOptions): Promise<Answer<Array<ProductPriceOut>>>;
  /** Join another record of the same person to this member; staff can undo it for 30 days (client:members.merge) */
  memberMergePost(args: { member: string; idempotencyKey?: string; body: MergeInput }, options?: CallOptions): Promise<Answer<MergedOut>>;
  /** Hand in orders, paid or not; 200 at most, or 5,000 in a job; the same order again changes nothing (client:orders.write | device:orders.write) */
  ordersPost(args: { idempotencyKey?: string; prefer?: string; body: OrderBulkInput }, options?: CallOptions): Promise<Answer<BulkOut | JobOut>>;
  /** One order with its lines and refunds (client:orders.read | device:orders.read) */
  orderGet(args: { order: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<OrderDetailOut>>;
  /** Spend what was set aside, or part of it; the rest goes back (client:points.write) */
  pointsHoldCapturePost(args: { hold: string; idempotencyKey?: string; body: CaptureInput }, options?: CallOptions): Promise<Answer<PostingOut>>;
  /** Let go of what was set aside; again: nothing happens (client:points.write) */
  pointsHoldReleasePost(args: { hold: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<PostingOut>>;
  /** The texts in force; a purpose without one takes any version that your own text has (public) */
  policyTextsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<Array<PolicyTextOut>>>;
  /** Hand in products and their prices, 200 at most: each by itself; the same again changes nothing (client:catalog.write) */
  pricesPost(args: { idempotencyKey?: string; body: PriceBulkInput }, options?: CallOptions): Promise<Answer<BulkOut>>;
  /** What a member's coupons do for a basket: ranked, with reasons, and the best combination (client:coupons.write | device:coupons.write) */
  quotesPost(args: { idempotencyKey?: string; body: QuoteInput }, options?: CallOptions): Promise<Answer<QuoteOut>>;
  /** Use coupons for a basket, all or none: at once, or reserved for some minutes (client:coupons.write | device:coupons.write) */
  redemptionsPost(args: { idempotencyKey?: string; body: RedemptionInput }, options?: CallOptions): Promise<Answer<RedemptionOut>>;
  /** Let go of what was reserved; again: nothing happens (client:coupons.write | device:coupons.write) */
  redemptionCancelPost(args: { redemption: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<RedemptionOut>>;
  /** Use what was reserved, at what was reckoned then; again: the same receipt (client:coupons.write | device:coupons.write) */
  redemptionConfirmPost(args: { redemption: string; idempotencyKey?: string; body?: ConfirmInput }, options?: CallOptions): Promise<Answer<RedemptionOut>>;
  /** Undo a redemption whole: its coupons can be used again, or are expired where their days are over (client:coupons.write | device:coupons.write) */
  redemptionRollBackPost(args: { redemption: string; idempotencyKey?: string }, options?: CallOptions): Promise<Answer<RedemptionOut>>;
  /** Hand in refunds; 200 at most, or 5,000 in a job; the same refund again changes nothing (client:refunds.write | device:refunds.write) */
  refundsPost(args: { idempotencyKey?: string; prefer?: string; body: RefundBulkInput }, options?: CallOptions): Promise<Answer<BulkOut | JobOut>>;
  /** The segments in use, by key, at most 500 (client:segments.read) */
  segmentsGet(args?: { ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<SegmentsOut>>;
  /** Is a member in a segment? (client:segments.read) */
  segmentMemberGet(args: { member: string; segment: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<SegmentMemberOut>>;
  /** What stores have of products, as they last counted (client:catalog.write) */
  stockGet(args: { sku: Array<string>; ifNoneMatch?: string; store?: string }, options?: CallOptions): Promise<Answer<Array<StockCountOut>>>;
  /** Hand in what stores have, 200 at most: each by itself; a count older than the one that stands changes nothing (client:catalog.write) */
  stockPost(args: { idempotencyKey?: string; body: StockCountBulkInput }, options?: CallOptions): Promise<Answer<BulkOut>>;
  /** Stores in business, at most 50: nearest first, without `near` by name (public) */
  storesGet(args?: { near?: string; sku?: string }, options?: CallOptions): Promise<Answer<Array<StoreOut>>>;
  /** Tickets of the service desk, newest first (client:tickets.read) */
  ticketsGet(args?: { ifNoneMatch?: string; count?: "estimate"; cursor?: string; kind?: "refund" | "return" | "exchange" | "repair" | "complaint" | "question"; limit?: number; member?: string; state?: "ended" | "open" }, options?: CallOptions): Promise<Answer<DeskTicketOutPage>>;
  /** One ticket with its words, those among staff too (client:tickets.read) */
  ticketGet(args: { ticket: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<DeskTicketDetailOut>>;
  /** Answer the member, or note something among staff; with `move` in one step (client:tickets.write) */
  ticketMessagesPost(args: { ticket: string; idempotencyKey?: string; body: DeskMessageInput }, options?: CallOptions): Promise<Answer<DeskTicketDetailOut>>;
  /** How a ticket stands, and what may be done with it (client:tickets.write) */
  ticketWorkGet(args: { ticket: string; ifNoneMatch?: string }, options?: CallOptions): Promise<Answer<DeskWorkOut>>;
  /** Take a step with a ticket, or change what is noted about it; all of it or nothing (client:tickets.write) */
  ticketWorkPut(args: { ifMatch: string; ticket: string; idempotencyKey?: string; body: DeskWorkInput }, options?: CallOptions): Promise<Answer<DeskWorkOut>>;
}
