"""Exports of many rows are jobs."""

import django.db.models.deletion
import django.utils.timezone
import meeteasy.core.fields
import meeteasy.core.slices
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conferences', '0012_cancelled_at'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ExportJob',
            fields=[
                ('attempts', models.PositiveIntegerField(default=0, editable=False, verbose_name='attempts')),
                ('lease_token', models.CharField(blank=True, default='', editable=False, max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='lease until')),
                ('id', meeteasy.core.fields.KeyField(default=meeteasy.core.slices.new_job_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('cancelled', 'cancelled'), ('failed', 'failed')], default='queued', max_length=10, verbose_name='status')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='total')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='done')),
                ('position', meeteasy.core.fields.KeyField(blank=True, default='', editable=False, max_length=64)),
                ('cancel_requested', models.BooleanField(default=False, editable=False)),
                ('failures', models.PositiveIntegerField(default=0, editable=False)),
                ('error', models.TextField(blank=True, default='', verbose_name='error')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('rung_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                ('export', models.CharField(max_length=50, verbose_name='export')),
                ('format', models.CharField(max_length=5, verbose_name='format')),
                ('role', models.CharField(max_length=10, verbose_name='role')),
                ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                ('cursor', models.TextField(default='', editable=False)),
                ('size', models.PositiveBigIntegerField(default=0, verbose_name='bytes')),
                ('is_deleted', models.BooleanField(default=False, verbose_name='file deleted')),
                ('conference', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='export_jobs', to='conferences.conference', verbose_name='conference')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='started by')),
            ],
            options={
                'verbose_name': 'export',
                'verbose_name_plural': 'exports',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['conference', '-id'], name='export_list'), models.Index(fields=['status', 'rung_at'], name='export_waiting')],
            },
        ),
    ]
