from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailing",
            name="channel",
            field=models.CharField(default="email", max_length=16, verbose_name="channel"),
        ),
    ]
