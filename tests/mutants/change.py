"""A small change of a file's text, and what a person sees of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A piece of a file that is put in the place of another.

    Attributes:
        path: The file, from the root of the tree.
        start: Where the piece begins, in bytes.
        end: Where it ends.
        new: What is put in its place.
        kind: What is done, in words.
    """

    path: str
    start: int
    end: int
    new: str
    kind: str

    def apply(self, source: bytes) -> bytes:
        """Return the file's bytes with the change made."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def line_number(self, source: bytes) -> int:
        """Return the number of the line where the change begins, from 1."""
        return source.count(b"\n", 0, self.start) + 1

    def old_line(self, source: bytes) -> str:
        """Return the line where the change begins, as it is."""
        return source.decode().splitlines()[self.line_number(source) - 1].strip()

    def new_line(self, source: bytes) -> str:
        """Return that line as the change makes it; empty where it is gone."""
        changed = self.apply(source).decode().splitlines()
        number = self.line_number(source) - 1
        return changed[number].strip() if number < len(changed) else ""

    def tell(self, source: bytes) -> str:
        """Return the change in one line: where, what, the old line and the new one."""
        place = f"{self.path}:{self.line_number(source)}"
        return f"{place}  {self.kind}: {self.old_line(source)}  →  {self.new_line(source)}"
