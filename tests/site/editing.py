"""What a browser would post of a form on a page."""

import html as entities
import re


def form_of(page: str, form_id: str) -> dict[str, str]:
    """The fields of the form with this id and their values."""
    start = page.index(f'id="{form_id}"')
    form = page[start : page.index("</form>", start)]
    data = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (not re.search(r'type="(checkbox|radio)"', tag) or "checked" in tag):
            data[name[1]] = entities.unescape(value[1]) if value else "on"
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        data[name] = entities.unescape(text)
    for name, inside in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside) or re.search(r'value="([^"]*)"', inside)
        data[name] = entities.unescape(chosen[1]) if chosen else ""
    return data
