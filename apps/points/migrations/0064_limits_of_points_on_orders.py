from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("points", "0048_opening_files")]

    operations = [
        migrations.AddField(
            model_name="currency",
            name="spend_limits",
            field=models.JSONField(blank=True, default=dict, verbose_name="limits of points on orders"),
        ),
    ]
