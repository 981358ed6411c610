"""A small company whose messages the channel tests send."""

from typing import Any

from kundenkreis.content.core.source import ContentSource, Variant
from kundenkreis.content.core.templates import CompiledContent, compile_content
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.zones import DAY

NOW = 1_795_255_200_000_000
"""2026-11-21 10:00 UTC."""
FOOT = "\n{{ unsubscribe_url }}\n{{ brand.imprint }}"


def message_of(number: int = 1, **changes: Any) -> SendMessage:
    """A message to customer `number`."""
    fields: dict[str, Any] = {
        "effect_id": number.to_bytes(16, "big"),
        "profile_id": number,
        "due_us": NOW,
        "channel": "email",
        "content_id": "news",
        "message_class": "marketing",
        "purpose": "newsletter",
        "journey_id": "welcome",
        "run_id": b"r" * 16,
        "step_id": "greet",
        "valid_until_us": NOW + DAY,
        "variables": {"product": "Tee"},
    }
    return SendMessage(**(fields | changes))


def _contents() -> dict[str, CompiledContent]:
    news = ContentSource(
        id="news",
        message_class="marketing",
        value="Erfährt, was es Neues gibt",
        call_to_action="read",
        variants={
            "de": Variant(
                subject="Neues von {{ event.product }}",
                text="Guten Tag {{ customer.first_name }}," + FOOT,
                html="<p>Guten Tag {{ customer.first_name }},</p>" + FOOT,
            ),
            "en": Variant(subject="News about {{ event.product }}", text="Dear {{ customer.first_name }}," + FOOT),
        },
    )
    receipt = ContentSource(
        id="receipt",
        message_class="transactional",
        value="Weiß, dass die Bestellung angekommen ist",
        call_to_action="none",
        variants={"de": Variant(subject="Ihre Bestellung", text="Danke, {{ customer.first_name }}.")},
    )
    choosy = ContentSource(
        id="choosy",
        message_class="marketing",
        value="Nur wer Tee mag",
        call_to_action="read",
        variants={
            "de": Variant(
                subject="Tee",
                text="{% if event.product != 'Tee' %}{% abort_message 'kein Tee' %}{% endif %}" + FOOT,
            )
        },
    )
    bomb = ContentSource(
        id="bomb",
        message_class="transactional",
        value="Nichts",
        call_to_action="none",
        variants={"de": Variant(subject="x", text="{% for i in (1..9999999) %}x{% endfor %}")},
    )
    return {source.id: compile_content(source) for source in (news, receipt, choosy, bomb)}


CONTENTS = _contents()
