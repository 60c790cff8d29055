from django.urls import path

from console.api import views

urlpatterns = [
    path("conferences/<str:conference_id>/views", views.ViewList.as_view(), name="console-api-view-list"),
    path(
        "conferences/<str:conference_id>/views/<str:view_id>",
        views.ViewDetail.as_view(),
        name="console-api-view-detail",
    ),
]
