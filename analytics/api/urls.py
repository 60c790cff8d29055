from django.urls import path

from analytics.api import views

urlpatterns = [
    path("daily", views.Daily.as_view(), name="analytics-daily"),
    path("live", views.Live.as_view(), name="analytics-live"),
]
