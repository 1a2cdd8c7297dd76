"""The notebook as it is stored: short, whole, and without a trace of who ran it."""

import base64
import datetime as dt
import io
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import matplotlib as mpl
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from PIL import Image

from infra import notebook
from infra.notebook import METADATA, NOTEBOOK

TEXT = NOTEBOOK.read_text(encoding="utf-8")
STORED = nbformat.reads(TEXT, as_version=4)
CODE = [cell for cell in STORED.cells if cell.cell_type == "code"]
OUTPUTS = [output for cell in CODE for output in cell.outputs]


def test_it_has_ten_code_cells_at_most_and_words_before_the_first() -> None:
    assert 1 <= len(CODE) <= 10
    assert STORED.cells[0].cell_type == "markdown"


def test_it_is_small_enough_for_a_code_host_to_show() -> None:
    assert NOTEBOOK.stat().st_size <= 200_000


@pytest.mark.parametrize("cell", CODE, ids=lambda cell: cell.id)
def test_every_cell_was_run_in_order_and_shows_something(cell: Any) -> None:
    assert cell.execution_count == 1 + CODE.index(cell)
    assert cell.outputs
    for output in cell.outputs:
        assert output.output_type != "error"
        assert output.get("name") != "stderr"
        assert output.get("text") or output.data["text/plain"]


def test_it_is_written_as_the_command_writes_it() -> None:
    assert nbformat.writes(STORED) + "\n" == TEXT


def test_it_says_nothing_of_a_machine() -> None:
    assert STORED.metadata == METADATA
    assert [cell.id for cell in STORED.cells if cell.metadata] == []
    assert [output for output in OUTPUTS if output.get("metadata")] == []
    words = nbformat.writes(STORED).replace("application/", "")
    assert re.findall(r"/(?:home|root|tmp|Users|usr|opt)/|ipykernel|127\.0\.0\.1", words) == []
    for output in OUTPUTS:
        if "image/png" in output.get("data", {}):
            picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            assert picture.info.keys() <= {"transparency"}


def test_every_link_of_it_leads_somewhere() -> None:
    words = "\n".join(cell.source for cell in STORED.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", words)
    assert links
    for path, heading in links:
        page = (NOTEBOOK.parent / path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", page, re.M)
        assert not heading or heading in [each.lower().replace(" ", "-") for each in headings]


def test_what_a_cell_warns_of_is_refused() -> None:
    output = nbformat.from_dict({"name": "stderr", "text": "/tmp/1.py: FutureWarning: gone\n"})
    with pytest.raises(ValueError, match=r"found '/tmp/1.py: FutureWarning: gone'. Mend"):
        notebook._clean(output)


def test_of_a_picture_only_the_picture_is_stored() -> None:
    drawn, file = Image.linear_gradient("L").convert("RGBA"), io.BytesIO()
    drawn.save(file, "PNG", dpi=(100, 100))
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"}
    output = nbformat.from_dict({"data": data, "metadata": {"needs_background": "light"}})
    notebook._clean(output)
    stored = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert (stored.size, stored.mode, stored.info) == (drawn.size, "P", {})
    assert 2 <= len(stored.convert("RGB").getcolors() or []) <= 64
    assert output.metadata == {}
    assert output.data["text/plain"] == "<Figure>"


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs the cell that connects, with some settings, in an empty folder; returns its names."""
    for name in ("B3_VIEWS", "B3_DATABASE", "B3_WORKGROUP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(**settings: str) -> dict[str, Any]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        names: dict[str, Any] = {}
        with mpl.rc_context():
            exec(CODE[0].source, names)
        return names

    return run


def write_lake(path: Path) -> None:
    with duckdb.connect(str(path)) as lake:
        lake.sql("CREATE VIEW index_levels AS SELECT 7 AS level")


def test_without_settings_a_file_beside_it_is_asked_before_athena(
    connect: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake(tmp_path / "lake.duckdb")
    names = connect(B3_DATABASE="b3", B3_WORKGROUP="b3")
    assert capsys.readouterr().out == "Asking a file of views.\n"
    assert names["ask"]("FROM index_levels").to_dict("list") == {"level": [7]}


def test_a_file_that_is_named_and_not_there_is_an_error_whatever_else_is(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    write_lake(tmp_path / "lake.duckdb")
    with pytest.raises(duckdb.IOException, match=r"nowhere\.duckdb"):
        connect(B3_VIEWS="nowhere.duckdb", B3_DATABASE="b3", B3_WORKGROUP="b3")


def test_a_file_as_of_some_time_has_no_levels_to_find(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    duckdb.connect(str(tmp_path / "then.duckdb")).close()
    found = connect(B3_VIEWS="then.duckdb")["ask"]("FROM index_levels")
    assert list(found) == ["index_code", "trading_date", "level", "year"]
    assert found.empty


def test_each_type_is_the_one_that_athenas_answers_have(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    write_lake(tmp_path / "lake.duckdb")
    frame = connect()["ask"](
        "SELECT 1::int AS i, 2::bigint AS b, 0.5::double AS f, 'x' AS s, 1.50::decimal(6, 3) AS d, "
        "DATE '2025-08-04' AS day UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL"
    )
    types = {name: str(each) for name, each in frame.dtypes.items()}
    assert " ".join(types) == "i b f s d day"
    assert " ".join(types.values()) == "Int32 Int64 float64 string object object"
    assert list(frame.d) == [Decimal("1.500"), None]
    assert list(frame.day) == [dt.date(2025, 8, 4), None]


@pytest.mark.parametrize("settings", [{}, {"B3_DATABASE": "b3"}, {"B3_WORKGROUP": "b3"}])
def test_without_a_lake_it_says_what_to_set(
    connect: Callable[..., Any], settings: dict[str, str]
) -> None:
    with pytest.raises(LookupError, match=r"^Expected a lake .*, found neither .* set B3_VIEWS"):
        connect(**settings)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook of one's own to write."""
    copied = tmp_path / "explore.ipynb"
    monkeypatch.setattr(notebook, "NOTEBOOK", copied)
    monkeypatch.chdir(tmp_path)
    return copied


def test_the_command_runs_where_it_is_called_and_stores_what_is_shown(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def run(*given: Any) -> Any:
        asked.extend(given)
        return STORED

    monkeypatch.setattr(notebook, "run_notebook", run)
    assert notebook.main() == 0
    assert asked == [os.environ, copy.parent]
    assert copy.read_text(encoding="utf-8") == TEXT
    assert capsys.readouterr().out == f"wrote {copy}: {len(TEXT.encode()):,} bytes\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CellExecutionError("a traceback", "LookupError", "Expected"), "LookupError: Expected"),
        (ValueError("Expected nothing"), "Expected nothing"),
    ],
)
def test_where_a_cell_fails_the_command_says_why_in_a_line_and_stores_nothing(
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    def fail(*given: Any) -> Any:
        raise error

    monkeypatch.setattr(notebook, "run_notebook", fail)
    assert notebook.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(said)
    assert not copy.exists()
