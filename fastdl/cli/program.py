"""A program as `fastdl convert` reads it: its imports, the names it uses. Nothing of it runs."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter, isclass, signature
from typing import Any

import fastdl

from . import peers
from .tensorflow import Function, backend_functions, functions


@dataclass(frozen=True, order=True)
class Finding:
    """Something that is missing, and where: line and column from 1."""

    line: int
    column: int
    text: str


_Name = tuple[str, str]  # the whole name in the peer, and here after the change


@dataclass
class _Scope:
    """The names that a function, a class or a module binds: each by imports or otherwise."""

    parent: _Scope | None
    is_class: bool = False
    imported: dict[str, _Name] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)  # the line of the first import of each
    assigned: dict[str, ast.expr] = field(default_factory=dict)  # once, a name or attribute
    others: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)  # declared global or nonlocal


class Program:
    """The source of a program.

    Args:
        text: the source, with its own ends of lines.

    Raises:
        SyntaxError: it is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # Python's own splitlines() knows more ends of lines than its parser.
        self.lines = io.StringIO(text, newline="").readlines()
        self.tree = ast.parse(text)
        self.edits: list[tuple[int, int, int, int, str]] = []
        self.findings: set[Finding] = set()
        self.peers: set[str] = set()  # those that it imports
        self._other_modules: set[str] = set()
        self._scopes: dict[ast.AST, _Scope] = {}
        # What binds keras.backend: imports, and assignments of attributes, by their names.
        self._backends: dict[str, list[ast.alias | ast.Attribute]] = {}
        self._besides: set[tuple[str, str]] = set()  # such a name, and what it needs besides
        self._bind(self.tree, _Scope(None))
        self._rewrite()
        self._check(self.tree, self._scopes[self.tree])
        self._import_besides()

    # --- the imports

    def _rewrite(self) -> None:
        """Collects the changes of the import statements."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._list_foreign(alias, alias.name)
                if any(peers.is_peer(alias.name) for alias in node.names):
                    self._rewrite_import(node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                module = node.module or ""
                if peers.is_peer(module):
                    self._rewrite_from(node, module)
                else:
                    self._list_foreign(node, module)

    def _list_foreign(self, node: ast.alias | ast.ImportFrom, module: str) -> None:
        """Lists a package that works with the peers alone."""
        package = module.partition(".")[0]
        hint = peers.FOREIGN.get(package)
        if hint is not None:
            self._found(node, f"{package} is not part of fastdl" + (f": {hint}" if hint else ""))

    def _rewrite_import(self, node: ast.Import) -> None:
        tokens = self._tokens_of(node)
        next(tokens)  # import
        for alias in node.names:
            parts = [next(tokens) for _ in range(2 * alias.name.count(".") + 1)]
            if alias.asname is not None:
                next(tokens), next(tokens)
            next(tokens, None)  # a comma
            if not peers.is_peer(alias.name):
                continue
            self.peers.add(alias.name.partition(".")[0])
            place = peers.place_of(alias.name)
            if place is None:
                self._found(alias, peers.absence(alias.name))
            if alias.asname is None:  # it binds the first name alone
                place = f"fastdl as {alias.name.partition('.')[0]}"
            if place is not None:
                self.edits.append((*parts[0].start, *parts[-1].end, place))

    def _import_besides(self) -> None:
        """Binds `ops` where `keras.backend` is bound, for functions that are there."""
        for name, module in sorted(self._besides):
            for node in self._backends[name]:
                end = (node.end_lineno or 0, node.end_col_offset or 0)
                if isinstance(node, ast.Attribute):
                    text = f"; {name}_{module} = {ast.unparse(node.value)}.{module}"
                else:
                    of = "" if node.name == "backend" else "fastdl."
                    text = f", {of}{module} as {name}_{module}"
                self._edit(end, end, text)

    def _rewrite_from(self, node: ast.ImportFrom, module: str) -> None:
        self.peers.add(module.partition(".")[0])
        place = peers.place_of(module)
        if place is None:
            self._found(node, peers.absence(module))
            return
        tokens = self._tokens_of(node)
        next(tokens)  # from
        parts = [next(tokens) for _ in range(2 * module.count(".") + 1)]
        self.edits.append((*parts[0].start, *parts[-1].end, place))
        for alias in node.names:
            if alias.name == "*":
                self._found(alias, f"the names of `from {module} import *` are not checked")
            else:
                name = alias.name
                self._found(alias, peers.lookup(f"{module}.{name}", f"{place}.{name}")[1])

    @cached_property
    def _tokens(self) -> list[tokenize.TokenInfo]:
        skipped = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
        lines = iter(self.lines)
        tokens = tokenize.generate_tokens(lambda: next(lines, ""))
        return [token for token in tokens if token.type not in skipped]

    def _tokens_of(self, node: ast.stmt) -> Iterator[tokenize.TokenInfo]:
        """The tokens from the beginning of a statement on, without parentheses."""
        start = (node.lineno, self._column(node.lineno, node.col_offset))
        return (t for t in self._tokens if t.start >= start and t.string not in ("(", ")"))

    def _column(self, line: int, offset: int) -> int:
        """A column in characters, for one in bytes of UTF-8."""
        return len(self.lines[line - 1].encode()[:offset].decode(errors="replace"))

    def converted(self) -> str:
        """The source with fastdl's imports."""
        lines = list(self.lines)
        for line, start, last, end, place in sorted(self.edits, reverse=True):
            tail = lines[last - 1][end:]
            lines[line - 1 : last] = [lines[line - 1][:start] + place + tail]
        return "".join(lines)

    # --- the names

    def _bind(self, node: ast.AST, scope: _Scope) -> None:
        """Finds what each scope binds."""
        self._scopes[node] = scope
        for child in ast.iter_child_nodes(node):
            self._bind_by(child, scope)

    def _bind_by(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    if peers.is_peer(alias.name):
                        first = alias.name.partition(".")[0]
                        module = alias.name if alias.asname else first
                        place = peers.place_of(module)
                        scope.imported[alias.asname or first] = module, place or ""
                        if place == "fastdl.backend":
                            self._backends.setdefault(alias.asname or first, []).append(alias)
                        scope.since.setdefault(alias.asname or first, node.lineno)
                    else:
                        scope.others.add(alias.asname or alias.name.partition(".")[0])
                        self._other_modules.add(alias.asname or alias.name.partition(".")[0])
            case ast.ImportFrom():
                for alias in node.names:
                    name = alias.asname or alias.name
                    if not node.level and peers.is_peer(node.module or ""):
                        place = peers.place_of(node.module or "")
                        here = f"{place}.{alias.name}" if place else ""
                        scope.imported[name] = f"{node.module}.{alias.name}", here
                        if here == "fastdl.backend":
                            self._backends.setdefault(name, []).append(alias)
                        scope.since.setdefault(name, node.lineno)
                    else:
                        scope.others.add(name)
                        self._other_modules.add(name)
            case ast.Assign([ast.Name(name)], (ast.Attribute() | ast.Name()) as value):
                if name in scope.assigned:
                    scope.others.add(name)
                scope.assigned[name] = value
                if isinstance(value, ast.Attribute) and value.attr == "backend":
                    self._backends.setdefault(name, []).append(value)
            case ast.Name(name, ast.Store() | ast.Del()):
                scope.others.add(name)
            case ast.arg(name):
                scope.others.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                scope.others.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                scope.others.add(name)
            case ast.Global(names) | ast.Nonlocal(names):
                scope.outside.update(names)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope.others.add(node.name)
        if isinstance(node, _SCOPES):
            self._bind(node, _Scope(scope, isinstance(node, ast.ClassDef)))
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.Assign) and child in node.targets and len(node.targets) == 1:
                if isinstance(child, ast.Name) and isinstance(
                    node.value, (ast.Attribute, ast.Name)
                ):
                    continue  # it is in `assigned`
            self._bind_by(child, scope)

    def _path(self, node: ast.expr, scope: _Scope, depth: int = 0) -> _Name | None:
        """The name in a peer that an expression stands for."""
        if isinstance(node, ast.Attribute):
            owner = self._path(node.value, scope, depth)
            if owner is None:
                return None
            here = f"{owner[1]}.{node.attr}" if owner[1] else ""
            return f"{owner[0]}.{node.attr}", here
        if not isinstance(node, ast.Name) or depth > 20:
            return None
        name, first = node.id, True
        at: _Scope | None = scope
        while at is not None:
            if name not in at.outside and (first or not at.is_class):
                if name in at.imported:
                    # Before its import, a name that is bound otherwise, too, is that.
                    earlier = at is scope and node.lineno < at.since[name]
                    otherwise = name in at.others or name in at.assigned
                    return None if earlier and otherwise else at.imported[name]
                if name in at.assigned and name not in at.others:
                    return self._path(at.assigned[name], at, depth + 1)
                if name in at.others or name in at.assigned:
                    return None
            at, first = at.parent, False
        return None

    def _check(self, node: ast.AST, scope: _Scope) -> None:
        """Looks up the names that are used."""
        scope = self._scopes.get(node, scope)
        if isinstance(node, ast.Call):
            if self._translate_call(node, scope):
                for child in (*node.args, *node.keywords):
                    self._check(child, scope)
                return
            self._check_arguments(node, scope)
        if isinstance(node, (ast.Assert, ast.Compare)):
            self._check_versions(node, scope)
        if isinstance(node, ast.Attribute):
            path = self._path(node, scope)
            if path is not None:
                self._check_path(node, path, scope)
                return
            if "torch" in self.peers and not self._is_others(node):
                if node.attr in _OF_TYPES:
                    self._ask_the_tensor(node)
                self._found(node, peers.tensor_lacks(node.attr))
        for child in ast.iter_child_nodes(node):
            self._check(child, scope)

    def _check_versions(self, node: ast.AST, scope: _Scope) -> None:
        """Lists what asks for a version of a peer, such as `tf.__version__ >= "2"`."""
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and part.attr == "__version__":
                path = self._path(part, scope)
                if path is not None and path[1]:
                    self._found(part, f"{path[0]} is that of fastdl here: {fastdl.__version__}")

    def _ask_the_tensor(self, node: ast.Attribute) -> None:
        """Changes `x.dtype.is_complex` to `x.is_complex()`: types are NumPy's."""
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "dtype":
            (line, stop), (last, end) = self._end(owner), self._end(node)
            self.edits.append((line, stop - len("dtype"), last, end, f"{node.attr}()"))
        elif isinstance(owner, ast.Name) and "dtype" in owner.id:
            self._found(node, f"types are NumPy's: {owner.id}.kind is 'f' for floats")

    def _end(self, node: ast.expr) -> tuple[int, int]:
        line = node.end_lineno or node.lineno
        return line, self._column(line, node.end_col_offset or 0)

    def _is_others(self, node: ast.Attribute) -> bool:
        """Whether an attribute is the program's own, or of another module."""
        root = _root_of(node)
        of_module = isinstance(root, ast.Name) and root.id in self._other_modules
        return of_module or node.attr in self._own_names

    @cached_property
    def _own_names(self) -> set[str]:
        """Attributes and methods that the program defines itself."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(node.name)
        return found

    # --- functions of TensorFlow and of keras.backend

    def _of_tensorflow(self, node: ast.expr, scope: _Scope) -> Function | None:
        """What a name such as `tf.reduce_mean` or `K.mean` is here."""
        if not isinstance(node, ast.Attribute):
            return None
        root = _root_of(node)
        path, module = self._path(node, scope), self._path(root, scope)
        if path is None or module is None:
            return None
        whole = module[1].removesuffix(".keras")
        bound = isinstance(root, ast.Name) and root.id in self._backends
        if whole == "fastdl" or (bound and whole in ("fastdl.backend", "fastdl.keras.backend")):
            name = path[0].removeprefix("tensorflow.")
            if name.startswith("keras.backend."):
                return backend_functions().get(name.removeprefix("keras.backend."))
            if module[0] == "tensorflow":
                return functions().get(name)
        return None

    def _translate(self, node: ast.Attribute, function: Function) -> None:
        root = _root_of(node)
        if isinstance(root, ast.Name) and root.id in self._backends:
            self._besides.add((root.id, function.place.partition(".")[0]))
            start = (root.lineno, root.col_offset)
            end = (node.end_lineno or 0, node.end_col_offset or 0)
            self._edit(start, end, f"{root.id}_{function.place}")
            return
        place, at = f".{function.place}", (root.end_lineno or 0, root.end_col_offset or 0)
        if function.around:
            place = f".{function.around}({ast.unparse(root)}{place}"
        if function.place == "None":
            place, at = "None", (root.lineno, root.col_offset)
        end = (node.end_lineno or 0, node.end_col_offset or 0)
        self._edit(at, end, place)

    def _translate_call(self, node: ast.Call, scope: _Scope) -> bool:
        """Rewrites a call of a function of TensorFlow that is here. False for any other call."""
        function = self._of_tensorflow(node.func, scope)
        if function is None or not isinstance(node.func, ast.Attribute):
            return False
        if function.place == "NONE":
            self._list_devices(node)
            return True
        obstacle = function.obstacle(node)
        if obstacle is not None:
            path = self._path(node.func, scope)
            name = path[0] if path else node.func.attr
            self._found(node.func, f"{name}: fastdl.{function.place} {obstacle}")
            return True
        self._translate(node.func, function)
        for keyword in node.keywords:
            here = function.arguments[keyword.arg or ""]
            if here != keyword.arg:
                line, offset = keyword.lineno, keyword.col_offset
                length = len((keyword.arg or "").encode())
                self._edit((line, offset), (line, offset + length), here)
        end = (node.end_lineno or 0, node.end_col_offset or 0)
        if function.around:
            self._edit(end, end, ")")
        added = ", ".join(function.missing(node))
        if added:
            line, offset = node.end_lineno or 0, (node.end_col_offset or 0) - 1
            close = (line, self._column(line, offset))
            before = [token for token in self._tokens if token.end <= close][-1].string
            spaced = self.lines[line - 1][: close[1]].endswith(" ")
            space = {"(": "", ",": "" if spaced else " "}.get(before, ", ")
            self._edit((line, offset), (line, offset), space + added)
        return True

    def _list_devices(self, node: ast.Call) -> None:
        """Changes the list of GPUs to an empty one."""
        match [*node.args, *(keyword.value for keyword in node.keywords)]:
            case [ast.Constant("GPU")]:
                end = (node.end_lineno or 0, node.end_col_offset or 0)
                self._edit((node.lineno, node.col_offset), end, "[]")
            case _:
                self._found(node.func, f"{ast.unparse(node)}: fastdl computes on the CPU")

    def _edit(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """A change between places, which are lines and columns in bytes."""
        begin = (start[0], self._column(*start))
        self.edits.append((*begin, end[0], self._column(*end), text))

    def _check_path(self, node: ast.Attribute, path: _Name, scope: _Scope) -> None:
        """One finding for `a.b.c`, at the first name that is missing."""
        if not path[1]:
            return  # of a module that is missing as a whole
        function = self._of_tensorflow(node, scope)
        whole = function is not None and not function.added and not function.around
        if function is not None and whole and function.place != "NONE":
            self._translate(node, function)
            return
        missing = peers.lookup(*path)[1]
        if missing is None:
            return
        chain = [node]
        while isinstance(chain[-1].value, ast.Attribute):
            chain.append(chain[-1].value)
        peer, here = path
        while len(chain) > 1:
            peer, here = peer.rpartition(".")[0], here.rpartition(".")[0]
            if peers.lookup(peer, here)[1] is None:
                break
            chain.pop(0)
        self._found(chain[0], missing)

    def _check_arguments(self, node: ast.Call, scope: _Scope) -> None:
        """Lists keywords that a function of fastdl does not take."""
        path = self._path(node.func, scope)
        if path is None or not path[1] or not node.keywords:
            return
        known = _keywords(peers.lookup(*path)[0])
        for keyword in node.keywords:
            if known is not None and keyword.arg is not None and keyword.arg not in known:
                self._found(keyword, f"{path[0]}: fastdl takes no argument {keyword.arg}")

    def _found(self, node: Any, text: str | None) -> None:
        if text is None:
            return
        line, offset = node.lineno, node.col_offset
        if isinstance(node, ast.Attribute):  # its name is at its end
            line = node.end_lineno or line
            offset = (node.end_col_offset or 0) - len(node.attr.encode())
        self.findings.add(Finding(line, self._column(line, offset) + 1, text))


_OF_TYPES = ("is_floating_point", "is_complex")


def _root_of(node: ast.Attribute) -> ast.expr:
    """`a` in `a.b.c`."""
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return root


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _keywords(function: Any) -> set[str] | None:
    """The keywords that a function or class takes; None if any, or if that is not known."""
    if not callable(function):
        return None
    if isclass(function) and function.__init__ is object.__init__:
        return None
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind == Parameter.VAR_KEYWORD for p in parameters):
        return None
    known = {p.name for p in parameters if p.kind != Parameter.POSITIONAL_ONLY}
    return known | {"out"} if getattr(function, "_takes_out", False) else known
