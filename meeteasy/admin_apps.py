"""The admin's configuration, apart from meeteasy/apps.py: an app has one there."""

from django.contrib.admin.apps import SimpleAdminConfig


class AdminConfig(SimpleAdminConfig):
    default_site = "meeteasy.admin_site.Site"
