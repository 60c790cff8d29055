"""Organizers may refuse events that come from no page."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0012_ids_of_own_events'),
    ]

    operations = [
        migrations.AddField(
            model_name='doorrules',
            name='origin_required',
            field=models.BooleanField(default=False, help_text="Refuse events that name no page's origin: of server-side SDKs and scripts.", verbose_name='pages only'),
        ),
    ]
