from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("community", "0007_invitations_and_group_tasks")]

    operations = [
        migrations.AddIndex(
            model_name="groupmember",
            index=models.Index(
                condition=models.Q(("is_staff", False), ("left_at", None)),
                fields=["joined_at"],
                name="community_came_lately",
            ),
        ),
    ]
