"""plot_model and its texts, and the tables of notebooks."""

import os
import re
import shutil
import stat

import numpy as np
import pytest

from fastdl import layers, models, utils


def graph():
    a = layers.Input((4,), name="a")
    b = layers.Dense(3, activation="relu", name="b")(a)
    inner = models.Sequential(
        [layers.Input((3,)), layers.Dense(5, name="x"), layers.Dense(3, name="y")], name="inner"
    )(b)
    return models.Model(a, layers.Add(name="sum")([inner, b]) * 2.0, name="net")


def test_the_tree():
    text = utils.model_to_text(
        graph(), show_shapes=True, show_layer_names=True, expand_nested=True, show_trainable=True,
        show_layer_activations=True, show_dtype=True,
    )  # fmt: skip
    lines = text.splitlines()
    assert lines[0] == "net (Functional)"
    assert "├─ b (Dense)" in lines and "│  ├─ x (Dense)" in lines
    assert any(re.fullmatch(r"│  └─ y \(Dense\)", line) for line in lines)
    assert "├─ sum (Add)  <- inner, b" in lines
    assert "│     activation: relu" in lines and "│     output: (None, 3)" in lines
    assert "│     dtype: float32" in lines and "│     trainable: True" in lines
    assert lines[-4].startswith("└─ multiply")


def test_dot():
    dot = utils.model_to_dot(graph(), rankdir="LR", dpi=90)
    assert 'digraph "net"' in dot and "rankdir=LR, dpi=90" in dot
    edges = set(re.findall(r'"([^"]+)" -> "([^"]+)";', dot))
    assert {("a", "b"), ("b", "inner"), ("inner", "sum"), ("b", "sum")} < edges
    nested = utils.model_to_dot(graph(), show_layer_names=False, expand_nested=True)
    edges = set(re.findall(r'"([^"]+)" -> "([^"]+)";', nested))
    inside = {edge for edge in edges if "inner/" in "".join(edge)}
    assert any(a == "b" and b.startswith("inner/input_layer") for a, b in inside)
    assert ("inner/y", "sum") in inside and 'subgraph "cluster inner"' in nested


def test_names_with_quotes():
    model = models.Sequential([layers.Input((2,)), layers.Dense(1, name='a "b"\\n')], name='"')
    dot = utils.model_to_dot(model, show_layer_names=True)
    assert r'"a \"b\"\\n"' in dot and r'digraph "\""' in dot


def test_files(tmp_path, capsys, monkeypatch):
    model = graph()
    text = utils.plot_model(model, tmp_path / "m.txt")
    assert (tmp_path / "m.txt").read_text() == text
    utils.plot_model(model, tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text() == utils.model_to_dot(model, show_layer_names=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    utils.plot_model(model, tmp_path / "m.png")
    out = capsys.readouterr().out
    assert text in out and "takes Graphviz" in out
    assert sorted(os.listdir(tmp_path)) == ["m.dot", "m.txt"]


def test_the_program_dot(tmp_path, monkeypatch):
    """A stand-in for Graphviz that shows how it is called."""
    program = tmp_path / "dot"
    program.write_text(
        '#!/bin/sh\n[ "$1" = -Tbad ] && { echo "no bad" >&2; exit 1; }\necho $1; cat\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    model = graph()
    utils.plot_model(model, tmp_path / "m.svg")
    assert (tmp_path / "m.svg").read_text() == "-Tsvg\n" + utils.model_to_dot(
        model, show_layer_names=False
    )
    with pytest.raises(ValueError, match=r"Graphviz cannot draw .*m\.bad.*: no bad"):
        utils.plot_model(model, tmp_path / "m.bad")
    assert not (tmp_path / "m.bad").exists()


def test_models_without_a_graph():
    unbuilt = models.Sequential([layers.Dense(2), layers.Dense(1)])
    assert utils.model_to_text(unbuilt).count("Dense") == 2
    assert "->" in utils.model_to_dot(unbuilt)

    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = layers.Dense(1), layers.Dense(1)

        def call(self, x):
            return self.two(self.one(x))

    model = Own()
    model(np.ones((1, 2)))
    assert utils.model_to_text(model).count("Dense") == 2
    assert "->" not in utils.model_to_dot(model)  # the order of calls is unknown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rankdir": "up"}, "rankdir"),
        ({"dpi": 0}, "dpi"),
        ({"show_shapes": "yes"}, "show_shapes"),
        ({"expand_nested": "yes"}, "expand_nested"),
        ({"to_file": "model"}, "to_file"),
        ({"to_file": 3}, "to_file"),
    ],
)
def test_bad_arguments(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=message):
        utils.plot_model(graph(), **{"to_file": "m.txt", **arguments})
    assert os.listdir(tmp_path) == []


def test_what_is_no_model():
    for bad in (layers.Dense(2), None, models.Sequential()):
        with pytest.raises(ValueError, match="model_to_text: model"):
            utils.model_to_text(bad)


def test_notebooks_show_a_table():
    html = graph()._repr_html_()
    assert "<b>Functional: net</b>" in html and "b (Dense)" in html and "(None, 3)" in html
    assert html.count("<tr>") == 1 + 6 and "Total params: 53" in html
    evil = models.Sequential([layers.Dense(1, name="<script>")])
    assert "<script>" not in evil._repr_html_()
