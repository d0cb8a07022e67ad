"""What the pool of customers refuses."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class PoolGone(DomainError):
    code = "pool_gone"
    title = _("Somebody else was faster, or the customer is not in the pool any more.")


class PoolOwn(DomainError):
    code = "pool_own"
    title = _("They had this customer before; only a manager can give them back.")


class PoolFull(DomainError):
    code = "pool_full"
    title = _("Nobody may have more than %(most)s customers.")


class PoolThere(DomainError):
    code = "pool_there"
    title = _("Nobody has this customer, or they are in the pool already.")


class LockRefused(DomainError):
    code = "pool_lock_refused"
    status = 422
    title = _("Choose a day from today on, at most a year ahead.")


class TooManyLocks(DomainError):
    code = "pool_too_many_locks"
    title = _("Nobody may hold on to more than %(most)s customers.")
