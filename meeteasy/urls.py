"""All addresses. The API is closed by default (settings.REST_FRAMEWORK); public addresses say so."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from console.pages.accounts import SignIn
from meeteasy.core.health import healthz, readyz
from meeteasy.core.http import api_not_found
from meeteasy.core.metrics import metrics
from sharing.api.voiding import Voids

admin.autodiscover()
admin.site.index_title = _("Operations")


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from static files; its page has no inline script or style."""

    template_name = "api/docs.html"


handler400 = "meeteasy.core.http.bad_request"
handler500 = "meeteasy.core.http.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console-conferences"), name="home"),
    path("favicon.ico", RedirectView.as_view(url="/static/console/favicon.svg"), name="favicon"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/password_change/", RedirectView.as_view(pattern_name="console-change-password")),
    path("admin/", admin.site.urls),
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("console/", include("console.urls")),
    path("live", RedirectView.as_view(pattern_name="console-conferences"), name="live-list"),
    path("live/<str:conference_id>", RedirectView.as_view(pattern_name="console-live"), name="live-screen"),
    path("api/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs", ApiDocs.as_view(url_name="api-schema"), name="api-docs"),
    path("api/conferences/<str:conference_id>/void", Voids.as_view(), name="sharing-void"),
    path("api/", include("conferences.api.urls")),
    path("api/analytics/", include("analytics.api.urls")),
    path("api/sharing/", include("sharing.api.urls")),
    path("api/", include("notifications.api.urls")),
    path("api/", include("console.api.urls")),
    path("api/", include("conversion.api.urls")),
    path("", include("notifications.urls")),
    path("api/visuspace/", include("visuspace.api.urls")),
    path("", include("visuspace.urls")),
    re_path("^api/", api_not_found),
]
