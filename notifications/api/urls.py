from django.urls import path

from notifications.api import announcements, views

urlpatterns = [
    path(
        "conferences/<str:conference_id>/announcements",
        announcements.AnnouncementList.as_view(),
        name="notifications-announcements",
    ),
    path("notifications", views.NotificationList.as_view(), name="notifications-list"),
    path(
        "notifications/<uuid:notification_id>",
        views.NotificationDetail.as_view(),
        name="notifications-detail",
    ),
    path("notifications/<uuid:notification_id>/resend", views.Resend.as_view(), name="notifications-resend"),
    path("notifications/<uuid:notification_id>/abort", views.Abort.as_view(), name="notifications-abort"),
    path("notifications/callbacks/sms/<str:provider>", views.sms_callback, name="notifications-sms-callback"),
]
