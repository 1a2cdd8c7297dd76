"""Run docs/notebooks/explore.ipynb on a lake, and store in it what its cells show there.

`python -m infra.notebook` asks the lake that the notebook's first cell finds from the folder in
which the command runs. What is stored says nothing of the machine and of the time. What notebooks
run on (nbclient, ipykernel) is for development, and not in the image.
"""

import base64
import io
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image
from traitlets.config import Config

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "explore.ipynb"
_KERNEL = "python3"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": _KERNEL},
    "language_info": {"name": "python"},
}
_COLOURS = 64
_CELL_SECONDS = 600
_NOT_OF_OURS = {"MPLBACKEND", "MPLCONFIGDIR", "MATPLOTLIBRC"}  # charts are to look alike


def run_notebook(environment: Mapping[str, str], folder: Path) -> Any:
    """Return the notebook (nbformat's) with what its cells show on a lake.

    Args:
        environment: Of the kernel; it names the lake.
        folder: Where the kernel runs.

    Raises:
        CellExecutionError: A cell failed.
        ValueError: A cell wrote to standard error, which names files of the machine.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name=_KERNEL,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    with tempfile.TemporaryDirectory() as profile:  # without what a person's own starts with
        mine = {name: text for name, text in environment.items() if name not in _NOT_OF_OURS}
        client.execute(env=mine | {"IPYTHONDIR": profile})
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        for output in cell.get("outputs", []):
            _clean(output)
    return notebook


def _clean(output: Any) -> None:
    """Take out of an output what it says of the machine; make its picture small."""
    if output.get("name") == "stderr":
        raise ValueError(
            "Expected the notebook's cells to write nothing to standard error, found "
            f"{output.text.strip()!r}. Mend what it warns of."
        )
    if "data" not in output:
        return
    output.metadata = nbformat.NotebookNode()
    if "image/png" in output.data:
        picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        small = io.BytesIO()
        few.save(small, "PNG", optimize=True)
        output.data["image/png"] = base64.b64encode(small.getvalue()).decode()


def main() -> int:
    """Run the notebook and write it again; return 1, and write nothing, where a cell failed."""
    try:
        notebook = run_notebook(os.environ, Path.cwd())
    except CellExecutionError as error:
        print(f"The notebook failed: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    nbformat.write(notebook, NOTEBOOK)
    print(f"wrote {NOTEBOOK}: {NOTEBOOK.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
