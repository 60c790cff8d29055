from django.urls import path

from sharing.api import credits, links

urlpatterns = [
    path("links", links.Links.as_view(), name="sharing-links"),
    path("links/<str:code>", links.LinkDetail.as_view(), name="sharing-link"),
    path("links/<str:code>/qr.svg", links.QRCode.as_view(kind="svg"), name="sharing-qr-svg"),
    path("links/<str:code>/qr.png", links.QRCode.as_view(kind="png"), name="sharing-qr-png"),
    path("tree", links.Tree.as_view(), name="sharing-tree"),
    path("credit-models", credits.CreditModels.as_view(), name="sharing-credit-models"),
    path("leaderboard", credits.Leaderboard.as_view(), name="sharing-leaderboard"),
    path("channels", credits.Channels.as_view(), name="sharing-channels"),
    path("conversions", credits.Conversions.as_view(), name="sharing-conversions"),
    path("conversions/<str:registration_id>", credits.RegistrationPath.as_view(), name="sharing-path"),
    path("not-credited", credits.NotCredited.as_view(), name="sharing-not-credited"),
    path("k-factor", credits.KFactor.as_view(), name="sharing-k-factor"),
    path("timeline", credits.Timeline.as_view(), name="sharing-timeline"),
    path("erase", links.Erase.as_view(), name="sharing-erase"),
]
