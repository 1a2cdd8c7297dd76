"""Pictures that are small enough for a document."""

import io
from pathlib import Path

from PIL import Image

LIMIT_BYTES = 200_000
_COLOURS = (256, 128, 64, 32)


def save_small(path: Path, png: bytes, limit_bytes: int = LIMIT_BYTES) -> None:
    """Save a picture as a PNG that is not larger than a limit, in fewer colours where it must be.

    Args:
        path: Of the file.
        png: The picture, in any format that Pillow reads.
        limit_bytes: Of the file.

    Raises:
        ValueError: It is larger in the fewest colours too; nothing is saved.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    data = _encode(picture)
    for colours in _COLOURS:
        if len(data) <= limit_bytes:
            break
        data = _encode(picture.quantize(colours, dither=Image.Dither.NONE))
    if len(data) > limit_bytes:
        raise ValueError(
            f"{path}: expected a picture of at most {limit_bytes} bytes, found {len(data)} in "
            f"{_COLOURS[-1]} colours: show less of the page."
        )
    path.write_bytes(data)


def _encode(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
