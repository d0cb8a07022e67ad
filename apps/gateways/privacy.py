"""What the gateways hold about members: the texts of their inbox, and which WeChat messages they agreed to."""

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="gateways.SubscribeSend",
        sensitivity="technical",
        member="grant__member_id",
        export=("state", "taken_at"),
        on_erase="delete",
        on_merge="stay",  # follows its grant
        retain_days=400,
        since="taken_at",
        purpose="care",
    ),
    Holding(
        model="gateways.SubscribeAnswer",
        sensitivity="personal",
        member="grant__member_id",
        export=("result", "at"),
        on_erase="delete",
        on_merge="stay",  # follows its grant
        retain_days=400,
        since="at",
        purpose="care",
    ),
    Holding(
        model="gateways.SubscribeGrant",
        sensitivity="personal",
        member="member_id",
        export=("app_id", "template_id", "credits"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="gateways.Suppression",
        sensitivity="technical",
        member="member_id",
        export=("reason", "at"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="gateways.InboxMessage",
        sensitivity="personal",
        member="member_id",
        export=("title", "body", "created_at", "read_at"),
        on_erase="delete",
        on_merge="move",
        retain_days=730,
        since="created_at",
        purpose="care",
    ),
)
IMPERSONAL = ("gateways.PlatformLimit", "gateways.ReadUpTo", "gateways.SmsTemplate", "gateways.WecomCallback")
