"""Changes of Python, by its syntax tree."""

import ast
import re
from collections.abc import Iterator

from tests.mutants.change import Change

_TURNED = {
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", ">"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", "<"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_BOUNDARY = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}
_NAMES = ("name", "task_run_name", "flow_run_name", "ids", "description")  # words, no behaviour


class Reader:
    """Finds every change of one file."""

    def __init__(self, path: str, source: bytes) -> None:
        """Read the tree, and note which nodes stand in which."""
        self.path, self.source = path, source
        self.tree = ast.parse(source)
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.defaults: set[ast.AST] = set()
        self.disabled: set[ast.AST] = set()

    def changes(self) -> Iterator[Change]:
        """Yield the changes, in the order of the tree."""
        yield from self._below(self.tree)

    def _below(self, node: ast.AST) -> Iterator[Change]:
        for child in ast.iter_child_nodes(node):
            if _is_left_alone(child):
                continue
            yield from self._of(child)
            for alone in (*_annotations(child), *_forbids_alone(child)):
                alone.left_alone = True  # type: ignore[attr-defined]
            yield from self._below(child)

    def _of(self, node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.Compare():
                yield from self._comparison(node)
            case ast.BoolOp():
                yield from self._bool(node)
            case ast.UnaryOp(op=ast.Not()):
                yield self._swap(node, self._text(node.operand), "not removed")
            case ast.Constant() | ast.Call():
                yield from self._value(node)
            case ast.stmt():
                yield from self._statement(node)

    def _statement(self, node: ast.stmt) -> Iterator[Change]:
        match node:
            case ast.Raise() if node not in self.disabled:
                yield self._swap(node, f"pass  # {self._first_line(node)}", "raise removed")
            case ast.If():
                yield from self._check(node)
            case ast.Return(value=ast.expr() as value) if not _is_empty(value):
                yield self._swap(value, "None", "return emptied")
            case ast.FunctionDef() | ast.ClassDef():
                yield from self._definition(node)

    def _comparison(self, node: ast.Compare) -> Iterator[Change]:
        left = node.left
        for operation, right in zip(node.ops, node.comparators, strict=True):
            for kind, table in (("comparison turned", _TURNED), ("boundary shifted", _BOUNDARY)):
                if type(operation) in table:
                    yield from self._between(left, right, *table[type(operation)], kind)
            left = right

    def _bool(self, node: ast.BoolOp) -> Iterator[Change]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield from self._between(node.values[0], node.values[1], old, new, "and/or swapped")

    def _value(self, node: ast.Constant | ast.Call) -> Iterator[Change]:
        match node:
            case ast.Constant(value=bool() as value):
                yield self._swap(node, str(not value), self._kind("truth turned", node))
            case ast.Constant(value=int() as value):
                yield self._swap(node, str(value + 1), self._kind("number changed", node))
            case ast.Constant(value=float() as value):
                yield self._swap(node, str(value * 2 + 1), self._kind("number changed", node))
            case ast.Constant(value=str()) if node in self.defaults:
                yield self._swap(node, '"other"', "default changed")
            case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str()) as text]):
                yield from self._decimal(text)

    def _kind(self, kind: str, node: ast.AST) -> str:
        return "default changed" if node in self.defaults else kind

    def _decimal(self, node: ast.Constant) -> Iterator[Change]:
        text = str(node.value)
        if text[-1:].isdigit():
            last = str((int(text[-1]) + 1) % 10)
            yield self._swap(node, f'"{text[:-1]}{last}"', "number changed")

    def _check(self, node: ast.If) -> Iterator[Change]:
        match node.body:
            case [ast.Raise() | ast.Continue() | ast.Break()] if not node.orelse:
                self.disabled.update(node.body)  # to remove the raise would be the same
                new = f"False and ({self._text(node.test)})"
                yield self._swap(node.test, new, "check removed")

    def _definition(self, node: ast.FunctionDef | ast.ClassDef) -> Iterator[Change]:
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.defaults, *node.args.kw_defaults]
        else:
            given = [each.value for each in node.body if isinstance(each, ast.AnnAssign)]
        self.defaults.update(default for default in given if default is not None)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and not _is_dataclass(decorator):
                yield from self._decorator(decorator)

    def _decorator(self, call: ast.Call) -> Iterator[Change]:
        for argument in call.keywords:
            if argument.arg in _NAMES or not isinstance(argument.value, ast.Name | ast.Attribute):
                continue
            start, end = self._offset(argument), self._end(argument)
            after = re.match(rb"\s*,[ ]?", self.source[end:])
            end += after.end() if after else 0
            yield Change(self.path, start, end, "", "decorator's argument removed")

    def _between(
        self, left: ast.expr, right: ast.expr, old: str, new: str, kind: str
    ) -> Iterator[Change]:
        start, end = self._end(left), self._offset(right)
        words = r"\s+".join(old.split())
        found = re.search(rf"(?<![\w<>=!]){words}(?![\w<>=])", self.source[start:end].decode())
        if found:
            at = start + len(found.string[: found.start()].encode())
            yield Change(self.path, at, at + len(found.group().encode()), new, kind)

    def _swap(self, node: ast.stmt | ast.expr, new: str, kind: str) -> Change:
        return Change(self.path, self._offset(node), self._end(node), new, kind)

    def _offset(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.stmt | ast.expr) -> str:
        return self.source[self._offset(node) : self._end(node)].decode()

    def _first_line(self, node: ast.stmt) -> str:
        return self._text(node).splitlines()[0]


def changes(path: str, source: bytes) -> Iterator[Change]:
    """Yield every change of a Python file."""
    yield from Reader(path, source).changes()


def is_valid(change: Change, source: bytes) -> bool:
    """Return whether a change leaves Python that says something else."""
    try:
        changed = ast.parse(change.apply(source))
    except SyntaxError:
        return False
    return ast.dump(changed) != ast.dump(ast.parse(source))


def _is_left_alone(node: ast.AST) -> bool:
    """Return whether a node is an annotation, a text, for the type checker, or forbids alone."""
    if isinstance(node, ast.keyword) and node.arg == "frozen":
        return True
    if isinstance(node, ast.JoinedStr) or getattr(node, "left_alone", False):
        return True
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "TYPE_CHECKING",
        "__name__ == '__main__'",
    )


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        annotation = getattr(node, name, None)
        if annotation is not None:
            yield annotation


def _forbids_alone(node: ast.AST) -> Iterator[ast.AST]:
    """Yield `strict=True` of a zip: it forbids a mistake in the code, and does nothing else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip":
        yield from (each for each in node.keywords if ast.unparse(each) == "strict=True")


def _is_empty(value: ast.expr) -> bool:
    """Return whether a value is None, or False: that is as empty, and is turned to True."""
    return isinstance(value, ast.Constant) and (value.value is None or value.value is False)


def _is_dataclass(call: ast.Call) -> bool:
    return ast.unparse(call.func).endswith("dataclass")
