"""Addresses of the pages."""

from kundenkreis.site import shell
from kundenkreis.site.pages import journeys, login, mailbox, status
from kundenkreis.site.routes import EVERYBODY, SIGNED_IN, route

# One block per area. Every address says what it asks for: `see` for reading, `change` for everything else (docs/explanation/access.md).
urlpatterns = [
    route("", shell.home, name="home", see=SIGNED_IN),
    route("login/", login.explain, name="login", see=EVERYBODY),
    route("login/<str:token>/", login.use_link, name="login_link", see=EVERYBODY, change=EVERYBODY),
    route("logout/", login.leave, name="logout", change=SIGNED_IN),
    route("language/", shell.set_language, name="set_language", change=EVERYBODY),
    route("theme/", shell.set_theme, name="set_theme", change=EVERYBODY),
    # Journeys
    route("journeys/", journeys.show_list, name="journeys", see="journeys.see"),
    route("journeys/<str:journey_id>/", journeys.show_journey, name="journey", see="journeys.see"),
    route(
        "journeys/<str:journey_id>/people/",
        journeys.show_people,
        name="journey_people",
        see=("journeys.see", "customers.see"),
    ),
    route(
        "journeys/<str:journey_id>/people/<int:profile_id>/",
        journeys.show_trace,
        name="journey_trace",
        see=("journeys.see", "customers.see"),
    ),
    # Messages
    route("mailbox/", mailbox.show_list, name="mailbox", see="messages.see"),
    route("mailbox/<str:message_id>/", mailbox.show_message, name="message", see=("messages.see", "personal.see")),
    route(
        "mailbox/<str:message_id>/html/", mailbox.show_html, name="message_html", see=("messages.see", "personal.see")
    ),
    # Settings
    route("status/", status.show_status, name="status", see="status.see"),
]

handler400 = shell.bad_request
handler403 = shell.forbidden
handler404 = shell.not_found
handler500 = shell.failed
