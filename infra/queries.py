"""The documented Athena queries, read from docs/ATHENA_QUERIES.md."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "ATHENA_QUERIES.md"
_QUERY = re.compile(r"^## (?P<title>.+?)\n\n(?P<about>.*?)```sql\n(?P<sql>.*?)```", re.M | re.S)


@dataclass(frozen=True)
class Query:
    """One documented query.

    Attributes:
        title: Its heading.
        about: The text between heading and SQL, in one line.
        sql: Athena SQL, over tables of the pipeline's database.
    """

    title: str
    about: str
    sql: str


def documented_queries() -> list[Query]:
    """Return the queries of the page, in its order."""
    return [
        Query(match["title"], " ".join(match["about"].split()), match["sql"].strip())
        for match in _QUERY.finditer(PAGE.read_text(encoding="utf-8"))
    ]
