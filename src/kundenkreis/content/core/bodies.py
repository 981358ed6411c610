"""What a variant's body comes to: HTML and text, whichever way it was written."""

from typing import NamedTuple

from kundenkreis.content.core.blocks import Frame, blocks_to_mjml, blocks_to_text
from kundenkreis.content.core.mjml import MjmlProblemError, to_html, to_text
from kundenkreis.content.core.source import ContentSource, Part, Problem, Variant, form_of, split_key


class Body(NamedTuple):
    """HTML and text with Liquid, and where people would mend them."""

    html: str
    text: str
    html_part: Part
    """The part that the HTML was made of: blocks, mjml or html."""
    text_part: Part


def body_of(source: ContentSource, key: str, variant: Variant) -> Body | Problem:
    """The body of one variant, or why there is none."""
    if variant.blocks:
        blocks = list(variant.blocks)
        frame = Frame(
            look=source.look,
            language=split_key(key)[0],
            form_of_address=form_of(source, key),
            is_marketing=source.message_class == "marketing",
            preheader=variant.preheader.strip(),
            why=variant.why.strip(),
        )
        mjml, text = blocks_to_mjml(blocks, frame), variant.text or blocks_to_text(blocks, frame)
        part: Part = "blocks"
    elif variant.mjml:
        mjml, text, part = variant.mjml, variant.text or to_text(variant.mjml), "mjml"
    else:
        return Body(variant.html, variant.text, "html", "text")
    try:
        html = to_html(mjml)
    except MjmlProblemError as error:
        return Problem(key, part, 0, f"the MJML cannot be read: {error}", "Close every tag and write & as &amp;")
    return Body(html, text, part, "text" if variant.text else part)


def expanded(source: ContentSource) -> tuple[dict[str, Body], list[Problem]]:
    """The bodies of all variants by key, and what kept others from having one."""
    bodies, problems = {}, []
    for key, variant in source.variants.items():
        body = body_of(source, key, variant)
        if isinstance(body, Problem):
            problems.append(body)
        else:
            bodies[key] = body
    return bodies, problems
