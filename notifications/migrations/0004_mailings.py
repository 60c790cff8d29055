"""Messages from organizers to a selection, whose copies know theirs; a conference's list in one range of an index."""

import django.utils.timezone
import meeteasy.core.fields
import notifications.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_announced_cancellations'),
    ]

    operations = [
        migrations.CreateModel(
            name='Mailing',
            fields=[
                ('id', models.UUIDField(default=notifications.models.new_id, editable=False, primary_key=True, serialize=False)),
                ('conference_id', models.CharField(max_length=64, verbose_name='conference')),
                ('texts', models.JSONField(default=dict, verbose_name='texts')),
                ('selection', models.JSONField(default=dict, verbose_name='selection')),
                ('status', models.CharField(choices=[('draft', 'draft'), ('planned', 'planned'), ('written', 'on its way'), ('stopped', 'stopped')], default='draft', max_length=10, verbose_name='status')),
                ('scheduled_for', models.DateTimeField(blank=True, null=True, verbose_name='scheduled for')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('created_by', models.CharField(editable=False, max_length=150, verbose_name='created by')),
                ('planned_by', models.CharField(blank=True, editable=False, max_length=150, verbose_name='planned by')),
                ('stopped_by', models.CharField(blank=True, editable=False, max_length=150, verbose_name='stopped by')),
                ('position', meeteasy.core.fields.KeyField(blank=True, default='', editable=False, max_length=32)),
                ('written', models.PositiveIntegerField(default=0, editable=False, verbose_name='messages')),
                ('finished_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='finished at')),
            ],
            options={
                'verbose_name': 'message to registrants',
                'verbose_name_plural': 'messages to registrants',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='notification',
            name='mailing_id',
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='notification',
            name='conference_id',
            field=models.CharField(max_length=64, verbose_name='conference'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['conference_id', '-id'], name='notification_list'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('mailing_id__isnull', False)), fields=['mailing_id', 'status'], name='notification_mailing'),
        ),
        migrations.AddIndex(
            model_name='mailing',
            index=models.Index(fields=['conference_id', '-id'], name='mailing_list'),
        ),
        migrations.AddIndex(
            model_name='mailing',
            index=models.Index(condition=models.Q(('status', 'planned')), fields=['scheduled_for'], name='mailing_due'),
        ),
    ]
