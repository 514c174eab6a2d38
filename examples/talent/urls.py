"""The addresses of the marketplace; messages have all below ``/messages/``."""

from pathlib import Path

from django.urls import include, path
from django.views.static import serve

from examples.talent import views
from examples.talent.messaging import messages

urlpatterns = [
    path("", views.front),
    path("members/<int:pk>", views.profile),
    path("sign-in", views.sign_in),
    path("register", views.register),
    path("sign-out", views.sign_out),
    path("subscription", views.subscription),
    path("account", views.account),
    path("messages/", include(messages.urls)),
    path("static/<path:path>", serve, {"document_root": Path(__file__).with_name("static")}),
]
