"""Held and void reports have an index and an admin page of their own; decisions about them have a lease."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0010_door_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='HeldReport',
            fields=[
            ],
            options={
                'verbose_name': 'held report',
                'verbose_name_plural': 'held reports',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('analytics.event',),
        ),
        migrations.AddField(
            model_name='holddecision',
            name='attempts',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='attempts'),
        ),
        migrations.AddField(
            model_name='holddecision',
            name='lease_token',
            field=models.CharField(blank=True, default='', editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='holddecision',
            name='lease_until',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='lease until'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('hold__gt', '')), fields=['conference_id', 'id', 'hold'], name='event_held'),
        ),
        migrations.AddIndex(
            model_name='holddecision',
            index=models.Index(fields=['conference_id', 'decided_at'], name='holddecision_conference'),
        ),
    ]
