"""Changes of SQL, YAML and Terraform, by patterns of their lines."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.mutants.change import Change


@dataclass(frozen=True)
class Pattern:
    """What is looked for in a line, and what is put in its place.

    Attributes:
        kind: What is done, in words.
        old: A regular expression.
        new: A template of it, or what makes the new text of what was found.
    """

    kind: str
    old: str
    new: str | Callable[[re.Match[str]], str]

    def make(self, found: re.Match[str]) -> str:
        """Return what is put in the place of what was found."""
        return self.new(found) if callable(self.new) else found.expand(self.new)


def _one_more(found: re.Match[str]) -> str:
    return str(int(found.group()) + 1)


def _swapped(*pairs: tuple[str, str]) -> Callable[[re.Match[str]], str]:
    table = {**dict(pairs), **{new: old for old, new in pairs}}
    return lambda found: table[found.group()]


SQL = (
    Pattern("function swapped", r"\b(min|max)(?=\()", _swapped(("min", "max"))),
    Pattern("function swapped", r"\b(min_by|max_by)(?=\()", _swapped(("min_by", "max_by"))),
    Pattern("function swapped", r"\b(first|last)(?=\()", _swapped(("first", "last"))),
    Pattern("function swapped", r"\brank(?=\(\))", "dense_rank"),
    Pattern("function swapped", r"\brow_number(?=\(\))", "rank"),
    Pattern("function swapped", r"\b(sum|avg)(?=\()", "max"),
    Pattern("function dropped", r"\b(nullif|coalesce)(?=\()(.+), [^,()]+\)(?=,|$| AS)", r"\2)"),
    Pattern("function dropped", r"\b(trim|abs|upper)(?=\()", ""),
    Pattern("grouping column dropped", r"(?<=GROUP BY )(.+), \w+$", r"\1"),
    Pattern("grouping column dropped", r"(?<=PARTITION BY )(.+?), \w+(?= ORDER|\)|$)", r"\1"),
    Pattern("order turned", r" DESC\b", ""),
    Pattern("join of another kind", r"\bLEFT JOIN\b", "JOIN"),
    Pattern("join of another kind", r"(?<!LEFT )(?<!FULL )(?<!CROSS )\bJOIN\b", "LEFT JOIN"),
    Pattern("join of another kind", r"\bFULL (OUTER )?JOIN\b", "LEFT JOIN"),
    Pattern("where removed", r"\bWHERE [^()]+$", "WHERE true"),
    Pattern("condition removed", r"^\s*AND [^()]+$", ""),
    Pattern("union of all", r"\bUNION ALL\b", "UNION"),
    Pattern("distinct dropped", r"\bDISTINCT ", ""),
    Pattern("comparison turned", r"(?<= )=(?= )", "<>"),
    Pattern("comparison turned", r"(?<= )(<|>)(?= )", _swapped(("<", ">"))),
    Pattern("boundary shifted", r"(?<= )(<|<=)(?= )", _swapped(("<", "<="))),
    Pattern("boundary shifted", r"(?<= )(>|>=)(?= )", _swapped((">", ">="))),
    Pattern("and/or swapped", r"(?<= )(AND|OR)(?= )", _swapped(("AND", "OR"))),
    Pattern("number changed", r"(?<![\w.'])\d+(?![\w.'])", _one_more),
)

YAML = (
    Pattern("schedule moved", r'(?<=cron: ")\d+', lambda found: str((int(found[0]) + 7) % 60)),
    Pattern(
        "schedule moved", r'(?<=cron: ")(\d+) (\d+)', lambda f: f"{f[1]} {(int(f[2]) + 1) % 24}"
    ),
    Pattern("schedule moved", r'(?<=cron: ")(.+) \S+(?=")', r"\1 *"),
    Pattern("time zone changed", r"(?<=timezone: )\S+", "UTC"),
    Pattern("number changed", r"(?<=: )\d+$", _one_more),
    Pattern("truth turned", r"(?<=: )(true|false)$", _swapped(("true", "false"))),
    Pattern("parameter changed", r"(?<=: )\[[^\[\]]+\]$", "[other]"),
    Pattern("parameter removed", r"^ {6}(?!timezone)\w+: [^|\"*&\n]+$", ""),
    Pattern("limit removed", r"^ *concurrency_limit: .*$", ""),
    Pattern("collision changed", r"\bENQUEUE\b", "CANCEL_NEW"),
    Pattern("entrypoint changed", r"(?<=entrypoint: flows/)\w+(?=\.py)", "other"),
    Pattern("active turned", r"(?<=: )\"\{\{ .+ \}\}\"$", '""'),
)

TERRAFORM = (
    Pattern("right removed", r'"[a-z0-9]+:[A-Z]\w+", ', ""),
    Pattern("right removed", r'^\s*"[a-z0-9]+:[A-Z]\w+",$', ""),
    Pattern("right widened", r'(?<=")([a-z0-9]+):[A-Z]\w+(?=")', r"\1:*"),
    Pattern("right widened", r"(?<=_arn\})/[^\"]+(?=\")", "/*"),
    Pattern("alarm inverted", r"\b(Greater|Less)(?=Than)", _swapped(("Greater", "Less"))),
    Pattern(
        "alarm inverted",
        r'"(breaching|notBreaching)"',
        _swapped(('"breaching"', '"notBreaching"')),
    ),
    Pattern("effect turned", r'"(Allow|Deny)"', _swapped(('"Allow"', '"Deny"'))),
    Pattern("status turned", r'"(Enabled|Disabled)"', _swapped(('"Enabled"', '"Disabled"'))),
    Pattern("truth turned", r"(?<== )(true|false)$", _swapped(("true", "false"))),
    Pattern("number changed", r"(?<== )\d+$", _one_more),
)


def _in(path: str, text: str, start: int, patterns: tuple[Pattern, ...]) -> Iterator[Change]:
    """Yield the changes of a line that begins at a byte of its file."""
    for pattern in patterns:
        for found in re.finditer(pattern.old, text):
            new = pattern.make(found)
            if new != found.group():
                at = start + len(text[: found.start()].encode())
                end = at + len(found.group().encode())
                yield Change(path, at, end, new, pattern.kind)


def of_lines(path: str, source: bytes, patterns: tuple[Pattern, ...]) -> Iterator[Change]:
    """Yield the changes of a file of YAML or Terraform, but of its remarks and its texts."""
    start, block = 0, -1  # the indent of a text of several lines that goes on
    for raw in source.splitlines(keepends=True):
        line = raw.decode().rstrip("\n")
        indent = len(line) - len(line.lstrip())
        if block >= 0 and line.strip() and indent <= block:
            block = -1
        is_text = re.match(r"\s*(#|//|description|error_message)", line) is not None
        if not is_text and block < 0:
            yield from _in(path, line, start, patterns)
        if line.endswith(": |"):
            block = indent
        start += len(raw)


def of_yaml(path: str, source: bytes) -> Iterator[Change]:
    """Yield the changes of a YAML file."""
    yield from of_lines(path, source, YAML)


def of_terraform(path: str, source: bytes) -> Iterator[Change]:
    """Yield the changes of a Terraform file."""
    yield from of_lines(path, source, TERRAFORM)


def of_sql(path: str, source: bytes) -> Iterator[Change]:
    """Yield the changes of the statements that stand as texts in a Python file."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and _is_statement(node.value):
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                text = lines[number - 1].rstrip(b"\n")
                first = node.col_offset if number == node.lineno else 0
                last = node.end_col_offset if number == node.end_lineno else len(text)
                start = starts[number - 1] + first
                yield from _in(path, text[first:last].decode(), start, SQL)


def _is_statement(value: object) -> bool:
    return isinstance(value, str) and re.search(r"\bSELECT\s", value) is not None
