"""What the community holds about members: their WeCom contact and who of the staff has it."""

from apps.core.holdings import Holding

HOLDINGS = (
    Holding(
        model="community.GroupMember",
        sensitivity="personal",
        member="contact__member_id",
        export=("group", "way", "joined_at", "left_at"),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        purpose="care",
    ),
    Holding(
        model="community.HandOverItem",
        sensitivity="technical",
        member="contact__member_id",
        export=("state",),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        purpose="care",
    ),
    Holding(
        model="community.PoolCase",
        sensitivity="technical",
        member="contact__member_id",
        export=("state", "warned_at", "settled_at"),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        retain_days=400,
        since="settled_at",
        purpose="care",
    ),
    Holding(
        model="community.SendItem",
        sensitivity="personal",
        member="contact__member_id",
        export=("state", "queued_at"),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        retain_days=400,
        since="queued_at",
        purpose="care",
    ),
    Holding(
        model="community.Follow",
        sensitivity="personal",
        member="contact__member_id",
        export=("userid", "since_at", "turned_at", "left_at", "ending"),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        purpose="care",
    ),
    Holding(
        model="community.Talk",
        sensitivity="personal",
        member="contact__member_id",
        export=("last_in_at",),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        purpose="care",
    ),
    Holding(
        model="community.WindowMessage",
        sensitivity="sensitive",
        member="talk__contact__member_id",
        export=("is_ours", "text", "at"),
        on_erase="delete",
        on_merge="stay",  # follows its contact
        retain_days=30,
        since="at",
        purpose="care",
    ),
    Holding(
        model="community.Invitee",
        sensitivity="technical",
        member="member_id",
        export=("invitation",),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="community.TaskDeed",
        sensitivity="personal",
        member="member_id",
        export=("task", "day", "note", "state", "at"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="community.TaskReward",
        sensitivity="technical",
        member="member_id",
        export=("task", "at"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
    Holding(
        model="community.Contact",
        sensitivity="sensitive",
        member="member_id",
        export=("external_userid", "name", "first_at"),
        on_erase="delete",
        on_merge="move",
        purpose="care",
    ),
)
IMPERSONAL = (
    "community.GroupTask",
    "community.PoolRule",
    "community.StaffDay",
    "community.WordRule",
    "community.Invitation",
    "community.Account",
    "community.Group",
    "community.GroupCode",
    "community.GroupDay",
    "community.GroupPlan",
    "community.GroupTodo",
    "community.HandOver",
    "community.LiveCode",
    "community.Send",
    "community.ServiceAccount",
    "community.SyncRun",
    "community.TagLink",
    "community.Welcome",
)
