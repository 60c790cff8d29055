"""System checks for settings. Without them, each conversion would fail later in a worker."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from meeteasy.core.queues import WORKER_OPTIONS, Queue


@register()
def check_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.S3_BUCKET and not (find_spec("storages") and find_spec("boto3")):
        return [
            Error(
                "S3_BUCKET needs the packages of requirements-s3.txt",
                hint="pip install --require-hashes -r requirements-s3.txt",
                id="conversion.E001",
            )
        ]
    return []


@register()
def check_time_limit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that two steps end before the task's hard time limit, which names no file and no reason."""
    most = WORKER_OPTIONS[Queue.FILES_CONVERT].time_limit_seconds
    if most > 2 * settings.CONVERT_TIMEOUT_SECONDS:
        return []
    return [Error(f"CONVERT_TIMEOUT_SECONDS must be less than {most // 2}", id="conversion.E002")]


@register()
def check_sandbox(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.CONVERT_WITHOUT_SANDBOX:
        return []
    return [
        Warning(
            "CONVERT_WITHOUT_SANDBOX: documents can read files of this machine and reach its network",
            id="conversion.W001",
        )
    ]
