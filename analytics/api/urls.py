from django.urls import path

from analytics.api import door, held, summary, views

urlpatterns = [
    path("daily", views.Daily.as_view(), name="analytics-daily"),
    path("held", held.Held.as_view(), name="analytics-held"),
    path("held/decisions", held.Decisions.as_view(), name="analytics-held-decisions"),
    path("live", views.Live.as_view(), name="analytics-live"),
    path("summary", summary.SummaryOfRange.as_view(), name="analytics-summary"),
    path("door/rules", door.Rules.as_view(), name="analytics-door-rules"),
    path("door/refusals", door.Refusals.as_view(), name="analytics-door-refusals"),
]
