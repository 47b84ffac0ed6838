"""The HTML report of a training."""

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from fastdl import tabular

HOSTILE = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Tags, their attributes, and texts; fails where tags are not closed in order."""

    EMPTY = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        # HTML allows to leave out the body of a table, not the end of any tag here.
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page(result, tmp_path):
    result.report(tmp_path / "report.html", "shop.fastdl")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def columns(classes=("no", "yes"), rows=80):
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    places = np.digitize(x, np.linspace(-1, 1, len(classes) - 1))
    return {
        "x": x,
        HOSTILE: np.array(["<b>a</b>", "$\\frac{1}$"], object)[rng.integers(0, 2, rows)],
        "same": np.ones(rows),
        "y": np.array(classes, object)[places],
    }


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", HOSTILE), ("$a$", "\\b$")])
def test_report_of_classes(classes, tmp_path):
    result = tabular.train(columns(classes), "y", epochs=5)
    found = page(result, tmp_path)
    assert not {"script", "b0", "iframe", "link"} & set(found.tags)
    text = " ".join(found.texts)
    for word in ("accuracy", "ROC-AUC", "log loss", "linear model", "most frequent", "shop.fastdl"):
        assert word in text
    assert HOSTILE in text  # as a text
    assert "dropped: all values are 1.0" in text
    pictures = [value for name, value in found.attributes if name == "src"]
    assert len(pictures) == (3 if len(classes) == 2 else 2)
    assert all(value.startswith("data:image/png;base64,") for value in pictures)
    # Nothing is loaded from elsewhere.
    assert not re.search("https?:|url\\(|@import", (tmp_path / "report.html").read_text("utf-8"))


def test_report_of_values(tmp_path):
    table = columns()
    table["y"] = table["x"] * 2
    found = page(tabular.train(table, "y", epochs=5), tmp_path)
    text = " ".join(found.texts)
    assert all(word in text for word in ("R2", "MAE", "RMSE", "is off by", "linear model"))
    assert len([name for name, _ in found.attributes if name == "src"]) == 2


def test_the_figures_are_those_of_the_result(tmp_path):
    result = tabular.train(columns(), "y", epochs=5)
    text = " ".join(page(result, tmp_path).texts)
    for scores in result.scores.values():
        assert f"{scores['log loss']:.4f}" in text
    assert f"{result.scores['network']['accuracy']:.1%}" in text


def test_without_matplotlib_a_line_says_how_to_get_pictures(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = page(tabular.train(columns(), "y", epochs=2), tmp_path)
    assert "img" not in found.tags
    assert "pip install 'fastdl[plot]'" in " ".join(found.texts)


def test_many_columns_and_many_classes(tmp_path):
    rng = np.random.default_rng(0)
    table = {f"x{i}": rng.normal(size=120) for i in range(250)}
    table["y"] = np.array([f"class {i % 40}" for i in range(120)], object)
    text = " ".join(page(tabular.train(table, "y", epochs=1), tmp_path).texts)
    assert "and 50 columns more" in text and "220 columns of less importance" in text


def test_scores_that_are_not_defined(tmp_path):
    """The test has one row, or rows of one class."""
    x = np.random.default_rng(0).normal(size=12)
    found = page(tabular.train({"x": x, "y": 2 * x}, "y", epochs=1, test=0.05), tmp_path)
    assert "R2 -" in " ".join(found.texts)
    classes = np.array(["a"] * 11 + ["b"], object)
    result = tabular.train({"x": x, "y": classes}, "y", epochs=1)
    assert np.isnan(result.scores["network"]["ROC-AUC"])
    page(result, tmp_path)
    result.model.save(tmp_path / "m.fastdl")
    assert tabular.load(tmp_path / "m.fastdl").about["scores"]["network"]["ROC-AUC"] is None
