from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0009_a_taken_key")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
    ]
