"""What the members' rules may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


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
