from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("members", "0024_members_by_joining")]

    operations = [
        migrations.AlterField(
            model_name="upload",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("avatar", "Profile picture"),
                    ("ticket", "Picture for our service"),
                    ("desk", "From our service"),
                ],
                max_length=20,
                verbose_name="purpose",
            ),
        )
    ]
