"""Addresses of the pages."""

from django.urls import path

from kundenkreis.site import shell
from kundenkreis.site.pages import login, mailbox, status

urlpatterns = [
    path("", shell.home, name="home"),
    path("login/", login.explain, name="login"),
    path("login/<str:token>/", login.use_link, name="login_link"),
    path("logout/", login.leave, name="logout"),
    path("language/", shell.set_language, name="set_language"),
    path("theme/", shell.set_theme, name="set_theme"),
    path("mailbox/", mailbox.show_list, name="mailbox"),
    path("mailbox/<str:message_id>/", mailbox.show_message, name="message"),
    path("mailbox/<str:message_id>/html/", mailbox.show_html, name="message_html"),
    path("status/", status.show_status, name="status"),
]

handler400 = shell.bad_request
handler403 = shell.forbidden
handler404 = shell.not_found
handler500 = shell.failed
