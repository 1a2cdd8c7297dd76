"""What a web page says, where data was due."""

_LONGEST = 300


def looks_like_html(body: bytes) -> bool:
    """Return whether the bytes are a web page."""
    start = body.lstrip()[:200].lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body")) or b"<html" in start


def describe_page(body: bytes) -> str:
    """Return the title and the text of a web page, shortened, for a message."""
    # Imported here: most runs meet no page, and need not wait for it.
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(body, "html.parser")
    for tag in soup(["script", "style", "noscript", "head"]):
        if tag.name != "head":
            tag.decompose()
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    text = soup.body.get_text(" ", strip=True) if soup.body else soup.get_text(" ", strip=True)
    said = f"{title}: {text}" if title and text and title != text else title or text
    return said if len(said) <= _LONGEST else said[:_LONGEST].rstrip() + " …"
