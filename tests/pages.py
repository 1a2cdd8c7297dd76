"""What a page of HTML says: its tables, as rows of the texts of their cells."""

from html.parser import HTMLParser

Rows = list[list[str]]


class _Tables(HTMLParser):
    """Reads tables, whose cells and rows may be without an end of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, Rows] = {}
        self._into: list[str] | None = None
        self._caption: list[str] = []
        self._rows: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        if tag == "table":
            self._rows = []
        elif tag == "caption":
            self._caption = self._into = []
        elif tag == "tr":
            self._rows.append([])
            self._into = None
        elif tag in ("td", "th"):
            self._into = []
            self._rows[-1].append(self._into)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("caption", "thead", "tbody", "td", "th", "tr"):
            self._into = None
        elif tag == "table":
            rows = [[_tidy(cell) for cell in row] for row in self._rows]
            self.tables[_tidy(self._caption)] = rows

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


def _tidy(parts: list[str]) -> str:
    return " ".join("".join(parts).split())


def read_tables(html: str) -> dict[str, Rows]:
    """Return `{caption: its rows, the heads first}`."""
    reader = _Tables()
    reader.feed(html)
    return reader.tables
