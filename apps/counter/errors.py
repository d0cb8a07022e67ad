"""What the pages of the counter refuse by themselves."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class ScanUnknown(DomainError):
    code = "scan_unknown"
    status = 404
    title = _("This is no code of ours.")


class MemberUnknown(DomainError):
    code = "member_unknown"
    status = 404
    title = _("Nobody is found under this number.")


class PictureUnreadable(DomainError):
    code = "picture_unreadable"
    status = 422
    title = _("There is no code in this picture.")


class SeenOver(DomainError):
    code = "member_seen_over"
    title = _("This screen stood too long.")


class SaleUnsigned(DomainError):
    code = "sale_unsigned"
    status = 403
    title = _("This sale was not signed by this till.")


class GoodsUnknown(DomainError):
    code = "goods_unknown"
    status = 404
    title = _("The catalogue does not know these goods.")


class GoodsTooMany(DomainError):
    code = "goods_too_many"
    status = 422
    title = _("A sale has 100 lines of 999 pieces at most.")


class AlreadyHandedOver(DomainError):
    code = "already_handed_over"
    title = _("This gift was handed over before.")
