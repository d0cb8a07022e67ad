"""Why a call to a provider brought no usable answer. Callers of `sms` never see these: they get an `Outcome`."""


class NotReached(Exception):
    """No byte of the request left this machine."""


class ReplyLost(Exception):
    """The request, or a part of it, went out and no whole answer came back."""
