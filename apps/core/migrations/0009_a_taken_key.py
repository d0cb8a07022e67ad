"""What storing an answer does where another copy's answer stands: it fails, so that what was sent with it is not committed."""

from django.db import migrations

_TAKEN = """
create or replace function core_key_is_taken() returns timestamptz language plpgsql as $$
begin
    raise exception 'another copy of this request was answered' using errcode = 'SY001';
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0008_approvals")]

    operations = [migrations.RunSQL(_TAKEN, "drop function core_key_is_taken();")]
