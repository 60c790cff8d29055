"""What this app tells django-cors-headers."""

import re
from typing import Any

from corsheaders.signals import check_request_enabled
from django.dispatch import receiver
from django.http import HttpRequest

_REGISTERING = re.compile(r"/api/conferences/[^/]+/registrations")


@receiver(check_request_enabled, dispatch_uid="conferences.allow_registering")
def allow_registering(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Pages of any origin may register people; reading registrations is for CORS_ALLOWED_ORIGINS."""
    method = request.headers.get("access-control-request-method") or request.method
    return method == "POST" and _REGISTERING.fullmatch(request.path_info) is not None
