"""Addresses of the pages."""

from kundenkreis.site import shell
from kundenkreis.site.accounts import addresses as accounts
from kundenkreis.site.api import docs_page, door
from kundenkreis.site.pages import (
    events,
    held,
    journey_editor,
    journey_library,
    journey_publishing,
    journey_trial,
    journeys,
    mailbox,
    messages,
    palette,
    start,
    status,
)
from kundenkreis.site.pages.contents import editor, link_checks
from kundenkreis.site.pages.contents import listing as contents
from kundenkreis.site.pages.customers import acts, listing, page, together
from kundenkreis.site.pages.segments import builder, phases, scores
from kundenkreis.site.pages.segments import listing as segments
from kundenkreis.site.pages.settings import (
    audit_log,
    brand,
    channels,
    contact_rules,
    definitions,
    event_catalogue,
    keys,
    landing,
    users,
)
from kundenkreis.site.routes import EVERYBODY, SIGNED_IN, route

# One block per area. Every address says what it asks for: `see` for reading, `change` for everything else (docs/explanation/access.md).
urlpatterns = [
    route("", shell.home, name="home", see=SIGNED_IN),
    *accounts.ADDRESSES,
    # Start
    route("start/", start.show_start, name="start", see="start.see"),
    route("language/", shell.set_language, name="set_language", change=EVERYBODY),
    route("theme/", shell.set_theme, name="set_theme", change=EVERYBODY),
    route("alive/", shell.alive, name="alive", see=EVERYBODY),
    route("search/", palette.show_found, name="search", see=SIGNED_IN),
    # Journeys
    route("journeys/", journeys.show_list, name="journeys", see="journeys.see"),
    route("journeys/library/", journey_library.show_library, name="journey_library", see="journeys.edit"),
    route(
        "journeys/library/<str:playbook>/",
        journey_library.start,
        name="journey_start",
        see="journeys.edit",
        change="journeys.edit",
    ),
    route(
        "journeys/<str:journey_id>/edit/",
        journey_editor.edit,
        name="journey_edit",
        see="journeys.edit",
        change="journeys.edit",
    ),
    route(
        "journeys/<str:journey_id>/switch/", journey_publishing.switch, name="journey_switch", change="journeys.publish"
    ),
    route("journeys/<str:journey_id>/discard/", journey_editor.discard, name="journey_discard", change="journeys.edit"),
    route(
        "journeys/<str:journey_id>/publish/",
        journey_publishing.publish,
        name="journey_publish",
        see="journeys.publish",
        change="journeys.publish",
    ),
    route(
        "journeys/<str:journey_id>/trial/",
        journey_trial.simulate,
        name="journey_simulate",
        see="journeys.edit",
        change="journeys.edit",
    ),
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
    # Customers
    route("customers/", listing.show_list, name="customers", see="customers.see"),
    route("customers/export/", listing.export, name="customers_export", see=("customers.see", "exports.make")),
    route("customers/filters/", listing.save_filter, name="customers_filter_save", change="segments.edit"),
    route(
        "customers/filters/<str:filter_id>/",
        listing.delete_filter,
        name="customers_filter_delete",
        change="segments.edit",
    ),
    route(
        "customers/together/pause/",
        together.pause,
        name="customers_pause",
        see="customers.edit",
        change="customers.edit",
    ),
    route(
        "customers/together/resume/",
        together.resume,
        name="customers_resume",
        see="customers.edit",
        change="customers.edit",
    ),
    route(
        "customers/together/set/",
        together.set_value,
        name="customers_set",
        see=("customers.edit", "personal.see"),
        change=("customers.edit", "personal.see"),
    ),
    route("customers/together/<str:bulk_id>/", together.show_act, name="customers_together", see="customers.edit"),
    route(
        "customers/together/<str:bulk_id>/go-on/",
        together.go_on,
        name="customers_together_go_on",
        change="customers.edit",
    ),
    route("customers/<int:profile_id>/", page.show_customer, name="customer", see="customers.see"),
    route("customers/<int:profile_id>/timeline/", page.show_timeline, name="customer_timeline", see="customers.see"),
    route(
        "customers/<int:profile_id>/why/<str:kind>/<str:name>/",
        page.show_why,
        name="customer_why",
        see=("customers.see", "personal.see"),
    ),
    route(
        "customers/<int:profile_id>/correct/",
        acts.correct_value,
        name="customer_correct",
        see=("customers.edit", "personal.see"),
        change=("customers.edit", "personal.see"),
    ),
    route(
        "customers/<int:profile_id>/pause/",
        acts.pause,
        name="customer_pause",
        see="customers.edit",
        change="customers.edit",
    ),
    route("customers/<int:profile_id>/resume/", acts.resume, name="customer_resume", change="customers.edit"),
    route(
        "customers/<int:profile_id>/stop/<str:message_id>/",
        acts.stop_message,
        name="customer_stop",
        see=("customers.see", "messages.stop"),
        change=("customers.see", "messages.stop"),
    ),
    route(
        "customers/<int:profile_id>/merge/",
        acts.merge,
        name="customer_merge",
        see=("customers.merge", "personal.see"),
        change=("customers.merge", "personal.see"),
    ),
    # Segments
    route("segments/", segments.show_list, name="segments", see="segments.see"),
    route("segments/new/", builder.edit_segment, name="segment_new", see="segments.edit", change="segments.edit"),
    route("segments/estimate/", builder.estimate_segment, name="segment_estimate", change="segments.edit"),
    route("segments/counts/<str:count_id>/", builder.count_segment, name="segment_count", see="segments.edit"),
    route("segments/<str:segment_id>/", segments.show_segment, name="segment", see="segments.see"),
    route(
        "segments/<str:segment_id>/edit/",
        builder.edit_segment,
        name="segment_edit",
        see="segments.edit",
        change="segments.edit",
    ),
    route(
        "segments/<str:segment_id>/publish/",
        builder.publish_segment,
        name="segment_publish",
        see="segments.edit",
        change="segments.edit",
    ),
    route(
        "segments/<str:segment_id>/discard/", builder.discard_segment, name="segment_discard", change="segments.edit"
    ),
    route(
        "segments/<str:segment_id>/delete/",
        segments.delete_segment,
        name="segment_delete",
        see="segments.edit",
        change="segments.edit",
    ),
    route(
        "segments/<str:segment_id>/restore/", segments.restore_segment, name="segment_restore", change="segments.edit"
    ),
    route("scores/", scores.show_scores, name="scores", see="segments.see"),
    route("scores/new/", scores.edit_score, name="score_new", see="segments.edit", change="segments.edit"),
    route("scores/<str:score_id>/", scores.edit_score, name="score", see="segments.see", change="segments.edit"),
    route(
        "scores/<str:score_id>/publish/",
        scores.publish_score,
        name="score_publish",
        see="segments.edit",
        change="segments.edit",
    ),
    route("scores/<str:score_id>/discard/", scores.discard_score, name="score_discard", change="segments.edit"),
    route(
        "scores/<str:score_id>/delete/",
        scores.delete_score,
        name="score_delete",
        see="segments.edit",
        change="segments.edit",
    ),
    route("scores/<str:score_id>/restore/", scores.restore_score, name="score_restore", change="segments.edit"),
    route("phases/", phases.edit_phases, name="phases", see="segments.see", change="segments.edit"),
    route("phases/publish/", phases.publish_phases, name="phases_publish", see="segments.edit", change="segments.edit"),
    route("phases/discard/", phases.discard_phases, name="phases_discard", change="segments.edit"),
    # Content
    route("contents/", contents.show_list, name="contents", see="content.see"),
    route("contents/map/", contents.show_map, name="content_map", see="content.see"),
    route("contents/new/", editor.edit_content, name="content_new", see="content.edit", change="content.edit"),
    route(
        "contents/new/preview/",
        editor.preview_content,
        name="content_new_preview",
        change=("content.edit", "personal.see"),
    ),
    route("contents/link-check/<str:check_id>/", link_checks.show_check, name="content_links", see="content.edit"),
    route(
        "contents/<str:content_id>/edit/",
        editor.edit_content,
        name="content_edit",
        see="content.see",
        change="content.edit",
    ),
    route(
        "contents/<str:content_id>/preview/",
        editor.preview_content,
        name="content_preview",
        see=("content.see", "personal.see"),
        change=("content.edit", "personal.see"),
    ),
    route(
        "contents/<str:content_id>/publish/", editor.publish_content, name="content_publish", change="journeys.publish"
    ),
    route("contents/<str:content_id>/discard/", editor.discard_content, name="content_discard", change="content.edit"),
    route(
        "contents/<str:content_id>/delete/",
        editor.delete_content,
        name="content_delete",
        see="journeys.publish",
        change="journeys.publish",
    ),
    route(
        "contents/<str:content_id>/restore/", editor.restore_content, name="content_restore", change="journeys.publish"
    ),
    # Events
    route("events/", events.show_stream, name="events", see="events.see"),
    route("events/quarantine/", events.show_quarantine, name="quarantine", see="events.see"),
    route("events/quarantine/replay/", events.replay, name="replay", change="events.replay"),
    route("events/<int:number>/", events.show_event, name="event", see="events.see"),
    # Messages
    route("messages/", messages.show_list, name="messages", see="messages.see"),
    route("messages/held/", held.show_held, name="held_messages", see="messages.see"),
    route(
        "messages/held/decide/",
        held.decide,
        name="held_decide",
        see=("messages.see", "messages.release"),
        change=("messages.see", "messages.release"),
    ),
    route("messages/<str:message_id>/", messages.show_message, name="decided_message", see="messages.see"),
    route("mailbox/", mailbox.show_list, name="mailbox", see="messages.see"),
    route("mailbox/<str:message_id>/", mailbox.show_message, name="message", see=("messages.see", "personal.see")),
    route(
        "mailbox/<str:message_id>/html/", mailbox.show_html, name="message_html", see=("messages.see", "personal.see")
    ),
    # Settings
    route("settings/", landing.show_settings, name="settings", see=SIGNED_IN),
    route("settings/brand/", brand.edit_brand, name="brand", see="settings.see", change="settings.edit"),
    route(
        "settings/brand/preview/", brand.preview_brand, name="brand_preview", see="settings.see", change="settings.edit"
    ),
    route(
        "settings/brand/publish/",
        brand.publish_brand,
        name="brand_publish",
        see="settings.edit",
        change="settings.edit",
    ),
    route("settings/brand/discard/", brand.discard_brand, name="brand_discard", change="settings.edit"),
    route(
        "settings/contact-rules/",
        contact_rules.edit_rules,
        name="contact_rules",
        see="settings.see",
        change="settings.edit",
    ),
    route(
        "settings/contact-rules/publish/",
        contact_rules.publish_rules,
        name="contact_rules_publish",
        see="settings.edit",
        change="settings.edit",
    ),
    route(
        "settings/contact-rules/discard/",
        contact_rules.discard_rules,
        name="contact_rules_discard",
        change="settings.edit",
    ),
    route("settings/events/", event_catalogue.show_events, name="event_catalogue", see="events.see"),
    route("settings/channels/", channels.show_channels, name="channels", see="settings.see", change="settings.edit"),
    route(
        "settings/definitions/",
        definitions.show_definitions,
        name="definitions",
        see="settings.see",
        change=("settings.edit", "journeys.publish"),
    ),
    route(
        "settings/definitions/export/",
        definitions.export,
        name="definitions_export",
        see=("settings.edit", "exports.make"),
    ),
    route(
        "settings/definitions/publish/",
        definitions.publish,
        name="definitions_publish",
        change=("settings.edit", "journeys.publish"),
    ),
    route("settings/users/", users.show_users, name="users", see="users.see"),
    route("settings/users/invite/", users.invite, name="invite", change="users.edit"),
    route("settings/users/<int:account_id>/", users.show_user, name="user", see="users.see", change="users.edit"),
    route(
        "settings/invitations/<int:invitation_id>/",
        users.withdraw_invitation,
        name="withdraw_invitation",
        change="users.edit",
    ),
    route("settings/keys/", keys.show_keys, name="keys", see="keys.see"),
    route("settings/keys/api/", keys.create_api_key, name="create_api_key", change="keys.edit"),
    route("settings/keys/api/<int:key_id>/", keys.revoke_api_key, name="revoke_api_key", change="keys.edit"),
    route("settings/keys/write/", keys.create_write_key, name="create_write_key", change="keys.edit"),
    route("settings/keys/write/<str:shown>/", keys.revoke_write_key, name="revoke_write_key", change="keys.edit"),
    route("settings/audit/", audit_log.show_log, name="audit_log", see="audit.see"),
    route("status/", status.show_status, name="status", see="status.see", change="settings.edit"),
    # API: the door asks for keys and permissions itself, so that whoever may not gets JSON and no page
    route("api/docs/", docs_page.show_docs, name="api_docs", see=SIGNED_IN),
    route("api/<path:address>", door.answer, name="api", see=EVERYBODY, change=EVERYBODY),
]

handler400 = shell.bad_request
handler403 = shell.forbidden
handler404 = shell.not_found
handler500 = shell.failed
