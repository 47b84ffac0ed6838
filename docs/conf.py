"""The documentation site: `sphinx-build -W --keep-going -b html docs build/docs`.

The pages of the API (docs/api) and the tables in the guides for Keras and PyTorch users are made
when the site is built, from the package that Python imports.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import fastdl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "reference"))

import api  # noqa: E402
import compare  # noqa: E402

project = "fastdl"
author = "the fastdl authors"
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

_REPOSITORY = "https://github.com/fastdl/fastdl/blob/main/"
_TABLES = re.compile(r"^<!-- tables: (\w+) -->$", re.MULTILINE)


def _tables(app: Sphinx, docname: str, source: list[str]) -> None:
    """Puts the tables in the place of `<!-- tables: keras -->`."""
    source[0] = _TABLES.sub(lambda match: compare.page(match[1]), source[0])


def _links(app: Sphinx, tree: nodes.document) -> None:
    """Lets links to files outside of docs, which readers on GitHub follow, lead to GitHub."""
    for node in tree.findall(nodes.reference):
        target = node.get("refuri", "")
        if target.startswith("../"):
            node["refuri"] = _REPOSITORY + target.removeprefix("../")


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
    app.connect("source-read", _tables)
    app.connect("doctree-read", _links)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before napoleon
