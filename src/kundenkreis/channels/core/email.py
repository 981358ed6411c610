"""An e-mail rendered for one person: shared by every channel that hands e-mail over."""

from typing import Any

import msgspec

from kundenkreis.channels.core.addresses import Address, Undeliverable, parse_address
from kundenkreis.channels.core.channel import Handover, NotPrepared
from kundenkreis.channels.core.mime import Mail, message_id_of
from kundenkreis.content.core.customer_variables import greeting_of
from kundenkreis.content.core.templates import CompiledVariant, Rendered, RenderFailed, choose_variant, render
from kundenkreis.kernel.zones import UnknownZoneError, zone


class PreparedEmail(msgspec.Struct, frozen=True, gc=False):
    """A rendered mail with the address it goes to."""

    mail: Mail
    to: Address
    rendered: Rendered


def prepare_email(handover: Handover) -> PreparedEmail | NotPrepared:
    """The mail for this person, or why there is none."""
    recipient = handover.recipient
    if not recipient.address:
        return NotPrepared("no_address", "this person has no e-mail address", withheld=True)
    to = parse_address(recipient.address)
    if isinstance(to, Undeliverable):
        return NotPrepared(to.reason, to.detail)
    language = recipient.language or handover.content.source.default_language
    marketing = handover.message.message_class == "marketing"
    links = handover.links
    unsubscribe_url = links.unsubscribe_url(handover.message, language, at_us=handover.at_us) if marketing else ""
    rendered = render(
        handover.content,
        variables_of(handover, language, unsubscribe_url),
        language,
        form_of_address=recipient.form_of_address,
        zone_name=recipient.zone_name or handover.brand.zone_name,
    )
    if isinstance(rendered, RenderFailed):
        return NotPrepared(f"render_{rendered.reason}", rendered.detail, withheld=rendered.aborted)
    return PreparedEmail(_mail(handover, rendered, to, unsubscribe_url), to, rendered)


def variables_of(handover: Handover, language: str, unsubscribe_url: str) -> dict[str, Any]:
    """What the templates see."""
    message, brand = handover.message, handover.brand
    variant = choose_variant(handover.content, language, handover.recipient.form_of_address)
    try:
        local = zone(handover.recipient.zone_name or brand.zone_name)
    except UnknownZoneError:
        local = zone("UTC")
    return {
        "customer": handover.recipient.attributes | {"greeting": _greeting(handover, variant)},
        "event": message.variables,
        "brand": brand.said(variant.language),
        "message": {
            "id": message.effect_id.hex(),
            "date": local.date(handover.at_us).isoformat(),
            "language": language,
            "purpose": message.purpose,
        },
        "journey": {"id": message.journey_id},
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": handover.links.preferences_url(message, language, at_us=handover.at_us),
    }


def _greeting(handover: Handover, variant: CompiledVariant) -> str:
    """In the language and form of what follows it, which need not be the person's own."""
    recipient = handover.recipient
    return greeting_of(
        variant.language, recipient.name, first_name=recipient.attributes.get("first_name", ""),
        is_informal=(variant.form_of_address or recipient.form_of_address) == "du",
    )  # fmt: skip


def _mail(handover: Handover, rendered: Rendered, to: Address, unsubscribe_url: str) -> Mail:
    message, brand = handover.message, handover.brand
    return Mail(
        effect_id=message.effect_id,
        at_us=handover.at_us,
        message_class=handover.content.message_class,
        from_address=brand.from_address,
        from_name=brand.from_name or brand.name,
        to_address=to.wire,
        to_name=handover.recipient.name,
        reply_to=brand.reply_to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        language=rendered.language,
        message_id=message_id_of(handover.links.message_id_key, message.effect_id, brand.domain),
        unsubscribe_url=unsubscribe_url,
        list_id=f"{message.purpose or 'news'}.{brand.domain}",
        feedback_id=f"{message.content_id}:{message.journey_id or 'single'}:{message.purpose or 'none'}:{brand.domain}",
    )
