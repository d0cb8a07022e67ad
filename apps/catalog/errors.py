"""What the rules of prices refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class PriceUnknown(DomainError):
    """`skus`: those the catalogue has no list price of."""

    code = "price_unknown"
    status = 422
    title = _("The catalogue has no price of %(skus)s: say what it costs.")


class PriceOverlaps(DomainError):
    code = "price_overlaps"
    title = _("Another price of %(sku)s counts for the same people at the same time.")


class PriceNotBelowList(DomainError):
    code = "price_not_below_list"
    status = 422
    title = _("A special price of %(sku)s has to be below its list price.")


class PriceWrongTimes(DomainError):
    code = "price_wrong_times"
    status = 422
    title = _("The end must come after the beginning, and not lie in the past.")


class PriceForAllNeedsEnd(DomainError):
    code = "price_for_all_needs_end"
    status = 422
    title = _("A special price for everyone needs an end.")


class PriceMovedOn(DomainError):
    code = "price_moved_on"
    title = _("The list price has changed since. Ask anew.")


class PriceIsOver(DomainError):
    code = "price_is_over"
    title = _("This price has ended by itself: set a new one.")


class ProductUnknown(DomainError):
    code = "product_unknown"
    status = 422
    title = _("The catalogue does not know %(sku)s.")


class BarcodeInvalid(DomainError):
    code = "barcode_invalid"
    status = 422
    title = _("%(text)s is no barcode: 8, 12, 13 or 14 digits, of which the last checks the others.")


class BarcodeTaken(DomainError):
    """`sku`: the product that has it."""

    code = "barcode_taken"
    title = _("The barcode %(text)s is on %(sku)s already.")


class BundleInvalid(DomainError):
    code = "bundle_invalid"
    status = 422
    title = _("This bundle would save nothing, or its parts do not go together.")


class PriceFileWithoutHead(DomainError):
    code = "price_file_without_head"
    status = 422
    title = _("The first line has to name the columns: sku and yuan at least.")
