"""A tag for everybody in a list, by job: chunk by chunk in one act, which can be undone as a whole."""

from typing import Any

from apps.analytics.lists import members as listed
from apps.core import jobs, requests
from apps.core.models import Job
from apps.members import tagging
from apps.members.models import MemberTag
from apps.stores import access

KIND = "members.tag_list"
CHUNK = 5_000


@jobs.runner(KIND)
def tag_list(job: Job) -> dict[str, Any]:
    """Params: `what` (give or take), `tag_id`, `expires_on`, `wanted` (filters of the list). Sees what its owner may see now."""
    reach = access.of_user(job.created_by).store_ids("members.tag")
    wanted = listed.Wanted.of_params(job.params["wanted"], stores=reach)
    tag_id, act, after, seen, changed = int(job.params["tag_id"]), 0, 0, 0, 0
    with requests.acting(actor=f"user:{job.created_by_id}"):
        act = int(job.result.get("act_id") or 0) or tagging.begin(kind=job.params["what"], tag_ids=[tag_id])
        Job.objects.filter(pk=job.pk).update(result={"act_id": act})
        while member_ids := listed.ids_after(wanted=wanted, after=after, limit=CHUNK):
            if job.params["what"] == "give":
                done = tagging.give(
                    member_ids=member_ids, tag_ids=[tag_id], source=MemberTag.Source.MANUAL, act_id=act,
                    expires_on=tagging.a_day(job.params.get("expires_on", "")),
                )  # fmt: skip
            else:
                done = tagging.take(member_ids=member_ids, tag_ids=[tag_id], act_id=act)
            after, seen, changed = member_ids[-1], seen + len(member_ids), changed + done.members
            jobs.report(job, done=seen, total=max(seen, int(job.params.get("about", 0))))
    return {"act_id": act, "members": changed, "seen": seen}
