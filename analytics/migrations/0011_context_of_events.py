from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0010_door_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='context',
            field=models.JSONField(null=True, verbose_name='context'),
        ),
    ]
