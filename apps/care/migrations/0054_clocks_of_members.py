from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("care", "0053_content_cards"),
        ("community", "0008_who_came_lately"),
        ("stores", "0028_time_zones_of_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="touch",
            name="zone",
            field=models.CharField(db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="journeymark",
            name="choices",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AlterField(
            model_name="version",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("stage_entered", "Enters a stage"),
                    ("days_since_order", "Days since the last order"),
                    ("second_purchase", "First purchase made, second not yet"),
                    ("birthday", "Birthday"),
                    ("journey", "Step of a journey"),
                    ("registered", "Days after joining"),
                    ("points_expiring", "Points run out"),
                    ("coupon_expiring", "A coupon runs out"),
                    ("cart_left", "Cart left behind"),
                    ("replenishment_due", "Needed again soon"),
                    ("segment_entered", "Comes into a segment"),
                    ("track_step", "Comes to a step of a life track"),
                    ("live_reminder", "Reminder of a live stream"),
                    ("booking_notice", "Notice of a booking"),
                    ("group_invite", "Invitation into a WeCom group"),
                    ("group_joined", "Joined a WeCom group"),
                ],
                max_length=20,
            ),
        ),
    ]
