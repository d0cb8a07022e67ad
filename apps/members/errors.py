"""What the members' rules may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError
from apps.gateways.errors import ProviderUnavailable


class TagNameTaken(DomainError):
    code = "tag_name_taken"
    title = _("Another tag or group has this name. Choose another one, or merge the two.")


class TagsExclude(DomainError):
    """`group`: the group of which a member has at most one tag."""

    code = "tags_exclude"
    status = 422
    title = _("A member has at most one tag of “%(group)s”. Choose one.")


class GroupNotExclusive(DomainError):
    code = "group_has_doubles"
    title = _("%(members)s members have two tags of this group. Take one from each first.")


class TooLateToUndo(DomainError):
    code = "undo_too_late"
    title = _("This can no longer be undone.")


class FieldNameTaken(DomainError):
    code = "field_key_taken"
    title = _("Another field has this key. Choose another one.")


class FieldInUse(DomainError):
    code = "field_in_use"
    title = _("Members have values in this field, so its type stays. Retire it and define a new one.")


class PhoneInvalid(DomainError):
    code = "phone_invalid"
    status = 422
    title = _("This is not a mobile number that exists.")


class IdentityTaken(DomainError):
    """The facts name no member: who owns a number is nobody's business."""

    code = "identity_taken"
    title = _("Another member already has this identity.")


class PhoneTaken(IdentityTaken):
    code = "phone_taken"
    title = _("Another member already has this phone number.")


class MemberNumberTaken(DomainError):
    code = "member_no_taken"
    title = _("This member number is already in use.")


class BirthdayFixed(DomainError):
    code = "birthday_fixed"
    title = _("A birthday can be corrected once, and yours was. Ask in a store.")


class PhoneBarred(DomainError):
    """Said in the words of any refusal: whether a number was blocked is nobody's business."""

    code = "registration_refused"
    status = 403
    title = _("We cannot open an account with this number. Ask our service for help.")


class MemberStateWrong(DomainError):
    code = "member_state_wrong"
    title = _("The member's present state does not allow this.")


class CoolOffOver(DomainError):
    code = "cool_off_over"
    title = _("The time to come back is over. You can register anew.")


class MergeRefused(DomainError):
    """`why`: same, state."""

    code = "merge_refused"
    title = _("These two records cannot be merged.")


class MergeRefusedStrongIds(MergeRefused):
    """`kinds` names the identities that differ, never their values."""

    code = "merge_refused_strong_ids"
    title = _(
        "Both records have a proven identity of their own. Only a person may decide that they are one, with a reason."
    )


class UnmergeRefused(DomainError):
    """`why`: undone, late, later_merge, erased."""

    code = "unmerge_refused"
    title = _("This merge can no longer be undone.")


class PhoneNotServed(DomainError):
    code = "phone_not_served"
    status = 422
    title = _("We cannot send codes to this kind of number. Use another one, or log in with WeChat.")


class TooManyCodes(DomainError):
    """`retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many codes were asked for. Try again in %(retry_after)s seconds.")


class CodeNotSent(ProviderUnavailable):
    title = _("The code could not be sent just now. Try again in a minute.")


class CodeWrong(DomainError):
    code = "code_wrong"
    status = 422
    title = _("This code is not right. Tries left: %(tries_left)s.")


class CodeSpent(DomainError):
    """Used, too old, tried too often, for another purpose, or never given: one answer for all."""

    code = "code_expired"
    status = 409
    title = _("This code is no longer valid. Ask for a new one.")


class MemberFrozen(DomainError):
    code = "member_frozen"
    status = 403
    title = _("This account is switched off. Our service can tell you why.")


class MemberLeaving(DomainError):
    """`until`: end of the cool-off. The code stays good: show it again with `come_back`."""

    code = "member_leaving"
    status = 403
    title = _("You have cancelled your membership. You may still come back.")


class StepUpRequired(DomainError):
    code = "step_up_required"
    status = 401
    title = _("Confirm that it is you first.")


class PolicyVersionTaken(DomainError):
    code = "policy_version_taken"
    title = _("This version of the text exists already. Texts are never changed: choose a new version.")


class PolicyTextOutdated(DomainError):
    """Facts: `current`, the version in force."""

    code = "policy_text_outdated"
    title = _("The text has changed. Read version %(current)s, then decide.")


class UploadQuotaReached(DomainError):
    """Facts: `limit`, files without a use."""

    code = "upload_quota_reached"
    title = _("You have sent %(limit)s pictures that nothing uses yet. Try again tomorrow.")


class TooManyUploads(DomainError):
    """Facts: `retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many requests. Wait %(retry_after)s seconds.")


class GuardianIsMember(DomainError):
    code = "guardian_is_member"
    status = 422
    title = _("This is your own number. It takes the number of a parent or guardian.")


class GuardianOfMany(DomainError):
    code = "guardian_of_many"
    title = _("This number already speaks for %(most)s children. Ask in a store.")


class GuardianNotNeeded(DomainError):
    code = "guardian_not_needed"
    title = _("Nobody has to agree: the birthday says 14 or older, or says nothing.")


class MemberCodeInvalid(DomainError):
    code = "member_code_invalid"
    status = 404
    title = _("This is no member code. Ask the member to open it again.")


class MemberCodeExpired(DomainError):
    code = "member_code_expired"
    title = _("This code is too old. Ask the member to refresh it.")


class MemberCodeUsed(DomainError):
    """Facts: `used_at` (ISO), `time` and `store` in words, `is_here`: by the same device or person, as when a gun reads twice."""

    code = "member_code_used"
    title = _("This code was read at %(time)s in %(store)s. Ask the member for the next one.")


class MemberNotActive(DomainError):
    """Frozen, blocked, cancelled or erased: which is nobody's business at a counter."""

    code = "member_not_active"
    title = _("This membership does not count at present. Our service can say more.")


class SeenOver(DomainError):
    code = "member_seen_over"
    title = _("The member was read too long ago, or elsewhere. Read the code again.")


class TooManyBadCodes(DomainError):
    """`retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many codes were tried. Wait a little.")
