"""Pages as a browser understands them: what of one might run, cover or carry off anything."""

import re

from bleach._vendor import html5lib  # a browser's own parsing rules

ACTIVE = {"script", "iframe", "frame", "object", "embed", "applet", "meta", "base", "link", "style", "svg"}
ACTIVE |= {"maction", "semantics", "annotation-xml"}  # of MathML: the rest of it says how formulas look
ACTIVE |= {"form", "button", "input", "textarea", "select", "video", "audio", "template", "dialog"}
SCHEME = re.compile(r"[\x00-\x20]*([a-z][a-z0-9+.\t\n\r-]*):", re.IGNORECASE)
AWAY = re.compile(r"#|https?://|mailto:", re.IGNORECASE)
HARMLESS = re.compile(r"https?:|mailto:|data:image/(png|jpeg|gif|svg\+xml);base64,", re.IGNORECASE)
COLOURS = re.compile(r"((text-align|color|background-color): ?(\w+|rgb\([\d, ]+\));? ?)+")


def elements(html):
    """Return the elements of a page or a piece of one, in order."""
    return list(html5lib.parse(html, namespaceHTMLElements=False).iter())


def active(html):
    """List what a browser might run, lay over the page, or take for one of the page's own parts."""
    found = []
    for element in elements(html):
        tag = str(element.tag).rpartition("}")[2]
        if tag in ACTIVE:
            found.append((tag, *sorted(map(str, element.attrib.items())), (element.text or "").strip()))
        for name, value in element.attrib.items():
            name = str(name)
            risky = name.startswith("on") or name in ("srcdoc", "action", "name", "data-toggle", "target")
            address = name in ("href", "src", "xlink:href") and SCHEME.match(value) and not HARMLESS.match(value)
            onto_us = tag == "a" and name == "href" and not AWAY.match(value)
            fetched = tag == "img" and name == "src" and not value.startswith("data:image/")
            style = name == "style" and not COLOURS.fullmatch(value)
            claimed = name == "id" and not value.startswith("cell-id=")
            if risky or address or onto_us or fetched or style or claimed:
                found.append((tag, name, value))
    return found


def text_of(html):
    return " ".join("".join(html5lib.parse(html, namespaceHTMLElements=False).itertext()).split())
