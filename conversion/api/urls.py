from django.urls import path

from conversion.api import views

_CONVERSION = "conversions/<str:conversion_id>"

urlpatterns = [
    path("conversions", views.ConversionList.as_view(), name="conversions-list"),
    path(_CONVERSION, views.ConversionDetail.as_view(), name="conversions-detail"),
    path(f"{_CONVERSION}/retry", views.ConversionRetry.as_view(), name="conversions-retry"),
    path(f"{_CONVERSION}/result", views.ConversionResult.as_view(), name="conversions-result"),
]
