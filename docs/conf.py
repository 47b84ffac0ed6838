"""The documentation site: `sphinx-build -W --keep-going -b html docs build/docs`.

The pages of the API (docs/api) and the tables in the guides for Keras and PyTorch users are made
when the site is built, from the package that Python imports.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import fastdl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "reference"))

import api  # noqa: E402
import compare  # noqa: E402

project = "fastdl"
html_show_copyright = False
release = version = fastdl.__version__
html_title = f"fastdl {version}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["reference"]
html_theme = "furo"
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]

myst_heading_anchors = 3
# Both faces have an Optimizer, which annotations name without its module.
suppress_warnings = ["ref.python"]
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# Files of the repository that are pages of the site, each with the page that shows it.
_REPOSITORY = "https://github.com/fastdl/fastdl/blob/main/"
_FILES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
# Made now: autodoc imports modules anew, as type checkers see them.
_TABLES = {library: compare.page(library) for library in compare.LISTS}
_INCLUDED = re.compile(r"^<!-- (tables|file): (\S+) -->$", re.MULTILINE)


def _included(app: Sphinx, docname: str, source: list[str]) -> None:
    """Puts tables and files in the place of `<!-- tables: keras -->` and `<!-- file: X.md -->`."""

    def text(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "tables":
            return _TABLES[name]
        path = HERE.parent / name
        app.env.note_dependency(str(path))
        content = path.read_text("utf-8").replace("](docs/", "](")
        content = content.replace("](reference/", f"]({_REPOSITORY}docs/reference/")
        for file, page in _FILES.items():
            content = content.replace(f"]({file})", f"]({page})")
        return content

    source[0] = _INCLUDED.sub(text, source[0])


def _docstring(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    lines[:] = api.restructured(lines)


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leaves out what scikit-learn adds to its estimators, and describes itself."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def _signature(
    app: Sphinx,
    what: str,
    name: str,
    thing: Any,
    options: Any,
    given: str | None,
    result: str | None,
) -> tuple[str | None, str | None]:
    """Leaves out the type of `**kwargs`, which says nothing to readers."""
    return (given and re.sub(r": Unpack\[\w+\]", "", given)), result


def setup(app: Sphinx) -> None:
    api.write(HERE / "api")
    app.connect("source-read", _included)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before napoleon
