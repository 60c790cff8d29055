from django.urls import path

from sharing.api import views

urlpatterns = [
    path("links", views.Links.as_view(), name="sharing-links"),
    path("links/<str:code>", views.LinkDetail.as_view(), name="sharing-link"),
    path("links/<str:code>/qr.svg", views.QRCode.as_view(kind="svg"), name="sharing-qr-svg"),
    path("links/<str:code>/qr.png", views.QRCode.as_view(kind="png"), name="sharing-qr-png"),
    path("tree", views.Tree.as_view(), name="sharing-tree"),
    path("leaderboard", views.Leaderboard.as_view(), name="sharing-leaderboard"),
    path("channels", views.Channels.as_view(), name="sharing-channels"),
    path("conversions", views.Conversions.as_view(), name="sharing-conversions"),
    path("conversions/<str:registration_id>", views.RegistrationPath.as_view(), name="sharing-path"),
    path("not-credited", views.NotCredited.as_view(), name="sharing-not-credited"),
    path("k-factor", views.KFactor.as_view(), name="sharing-k-factor"),
    path("timeline", views.Timeline.as_view(), name="sharing-timeline"),
    path("erase", views.Erase.as_view(), name="sharing-erase"),
]
