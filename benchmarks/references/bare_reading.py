"""A bare Django REST framework view under our server: a token's user by DRF's own authentication, and one
queryset of 20 links through a model's serializer. No middleware, no membership, no query parameters checked.

    uvicorn --workers 2 benchmarks.references.bare_reading:application
"""

import os
from typing import Any, ClassVar

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

from django.conf import settings

settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []

from meeteasy.asgi import application as application  # noqa: E402, I001  # loads the apps

from django.db.models import QuerySet  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import authentication, exceptions, generics, serializers  # noqa: E402

from meeteasy.core.tokens import ApiToken, digest_of  # noqa: E402
from sharing.models import ShareLink  # noqa: E402


class _Tokens(authentication.TokenAuthentication):
    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        try:  # as DRF's own, which has no digests
            token = ApiToken.objects.select_related("user").get(digest=digest_of(key))
        except ApiToken.DoesNotExist:
            raise exceptions.AuthenticationFailed from None
        return token.user, token


class _LinkSerializer(serializers.ModelSerializer[ShareLink]):
    class Meta:
        model = ShareLink
        fields: ClassVar = [
            "id", "conference_id", "code", "parent", "sharer", "label", "channel", "target_url", "is_minted",
            "is_proven", "closes_cycle", "is_contested", "opens", "openers", "child_count", "direct",
            "assisted", "subtree_links", "subtree_conversions",
        ]  # fmt: skip


class _Links(generics.ListAPIView[ShareLink]):
    authentication_classes: ClassVar = [_Tokens]
    pagination_class = None
    serializer_class = _LinkSerializer

    def get_queryset(self) -> QuerySet[ShareLink]:
        # Ids begin with their conference, so this is a range of the key, as where we list links ourselves.
        first = f"{self.request.query_params['conference_id']}/"
        return ShareLink.objects.filter(id__gt=first, id__lt=f"{first}~").order_by("id")[:20]


urlpatterns = [path("links", _Links.as_view())]
