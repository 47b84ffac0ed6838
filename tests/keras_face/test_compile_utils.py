"""Loss and metrics of `compile`: golden totals, names and values, and bad input.

The golden values were computed by Keras (golden/compile_utils.py).
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import losses, metrics
from fastdl.models.compile_utils import CompileLoss, CompileMetrics

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/compile_utils.json").read_text("utf-8"))
INPUTS = {
    key: [fastdl.tensor(np.float32(a)) for a in pair]
    for d in GOLDEN["inputs"]
    for key, pair in d.items()
}
WEIGHTS = np.float32(GOLDEN["weights"][0])


def pick(outputs, part):
    if isinstance(outputs, str):
        return INPUTS[outputs][part]
    if isinstance(outputs, dict):
        return {name: pick(key, part) for name, key in outputs.items()}
    return [pick(key, part) for key in outputs]


def numbers(results):
    return {name: float(value) for name, value in results.items()}


@pytest.mark.parametrize("number", range(len(GOLDEN["cases"])))
def test_as_keras(number):
    case = GOLDEN["cases"][number]
    outputs, names, loss, loss_weights, measured, weighted = case["arguments"]
    for expected, weight in zip(case["results"], (None, WEIGHTS), strict=True):
        compiled = CompileLoss(loss, loss_weights, names)
        compiled_metrics = CompileMetrics(measured, weighted, names)
        y, y_pred = pick(outputs, 0), pick(outputs, 1)
        total = compiled(y, y_pred, weight)
        compiled_metrics.update_state(y, y_pred, weight)
        # Keras computes in float32 here, too: a few roundings on each side.
        near = {"rel": 1e-6, "abs": 1e-6}
        assert float(total) == pytest.approx(expected["total"], **near)
        trackers = {m.name: m.result() for m in compiled.metrics}
        # Keras uses one name for both if outputs without names share a loss.
        if names or isinstance(outputs, dict):
            assert numbers(trackers) == pytest.approx(expected["losses"], **near)
        result = numbers(compiled_metrics.result())
        assert result == pytest.approx(expected["metrics"], **near)
        assert list(result) == list(expected["metrics"])


def test_metrics_carry_over_batches_and_reset():
    compiled = CompileMetrics(["mae"], None, ["d"])
    y, y_pred = INPUTS["column"]
    compiled.update_state(y, y_pred)
    once = numbers(compiled.result())
    compiled.update_state(y, y_pred)
    assert numbers(compiled.result()) == pytest.approx(once)
    compiled.reset_state()
    assert numbers(compiled.result()) == {"mae": 0.0}


def test_objects_and_functions():
    def bias(y_true, y_pred):
        return fastdl.mean(y_pred - y_true, -1)

    y, y_pred = INPUTS["column"]
    compiled = CompileMetrics([bias, metrics.Mean(name="m"), losses.mean_squared_error], None)
    with pytest.raises(TypeError):  # a Mean takes values, not targets and outputs
        compiled.update_state(y, y_pred, None)
        compiled.metrics[1].update_state(y, y_pred, None)
    compiled = CompileMetrics([bias, metrics.MeanAbsoluteError(name="m")], None)
    compiled.update_state(y, y_pred)
    assert list(compiled.result()) == ["bias", "m"]
    assert CompileLoss(bias)(y, y_pred).item() == pytest.approx(bias(y, y_pred).mean().item())
    weighted = CompileLoss(losses.MeanSquaredError(reduction="sum"), 0.5)(y, y_pred)
    assert weighted.item() == pytest.approx(0.5 * ((y - y_pred) ** 2).sum().item(), rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", ["mse"], [["mse"]]])
def test_a_list_of_one_loss_is_that_loss(loss):
    x = [np.float32([[1.0], [3.0]]), np.float32([[2.0], [2.0]])]
    y = [np.float32([[0.0], [0.0]]), np.float32([[2.0], [1.0]])]
    both = CompileLoss({"a": loss, "b": ["mae"]}, output_names=["a", "b"])
    out = {"a": x[0], "b": x[1]}
    assert float(both({"a": y[0], "b": y[1]}, {k: fastdl.tensor(v) for k, v in out.items()})) == 5.5
    assert [m.name for m in both.metrics] == ["a_loss", "b_loss"]


def test_the_losses_of_one_output_add_up():
    x = [np.float32([[1.0], [3.0]]), np.float32([[2.0], [2.0]])]
    y = [np.float32([[0.0], [0.0]]), np.float32([[2.0], [1.0]])]
    several = CompileLoss(["mse", ["mse", "mae"]], [1.0, [10.0, 100.0]])
    assert float(several(y, [fastdl.tensor(v) for v in x])) == 5.0 + 10.0 * 0.5 + 100.0 * 0.5
    with pytest.raises(ValueError, match=r"loss_weights: expected 3 numbers.*got 2"):
        CompileLoss(["mse", ["mse", "mae"]], [1.0, 2.0])(y, [fastdl.tensor(v) for v in x])


def test_the_only_loss_may_have_its_target_alone():
    x = [fastdl.tensor([[1.0], [3.0]]), fastdl.tensor([[2.0], [2.0]])]
    loss = CompileLoss([None, "mse"])
    assert float(loss(np.float32([[2.0], [1.0]]), x)) == 0.5
    with pytest.raises(ValueError, match="an entry for each of 2 outputs"):
        CompileLoss(["mse", "mse"])(np.float32([[2.0], [1.0]]), x)


def test_output_without_loss_needs_no_target():
    compiled = CompileLoss([None, "mse"], output_names=["a", "b"])
    y, y_pred = INPUTS["column"]
    assert compiled([y], [y_pred, y_pred]).item() == pytest.approx(
        CompileLoss("mse")(y, y_pred).item()
    )
    assert not compiled.metrics
    with pytest.raises(ValueError, match="expected a target for output 'b'"):
        CompileLoss([None, "mse"], output_names=["a", "b"])([y, None], [y_pred, y_pred])


def test_broadcast_targets_warn_once():
    compiled = CompileLoss("mean_squared_error")
    y, y_pred = np.zeros((4, 10), "f"), fastdl.ones(4, 1)
    with pytest.warns(UserWarning, match=r"\(4, 10\) and outputs of shape \(4, 1\) differ"):
        compiled(y, y_pred)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled(y, y_pred).item() == 1.0
        CompileLoss("mse")(np.zeros(4, "f"), y_pred)
    with pytest.raises(ValueError, match=r"loss 'mse': targets of shape \(4, 3\) do not fit"):
        CompileLoss("mse")(np.zeros((4, 3), "f"), fastdl.ones(4, 2))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda y, p: CompileLoss("mce"), "unknown loss 'mce'"),
        (lambda y, p: CompileMetrics(["acurracy"]), "unknown metric 'acurracy'"),
        (
            lambda y, p: CompileMetrics("mae"),
            "compile: metrics: expected a list, tuple or dict, got 'mae'",
        ),
        (lambda y, p: CompileLoss(["mse", "mse"])(y, p), "loss: expected 1 entries.*got 2"),
        (
            lambda y, p: CompileLoss({"otu": "mse"}, output_names=["out"])(y, p),
            "loss: there is no output 'otu', the outputs are 'out'. Did you mean 'out'",
        ),
        (
            lambda y, p: CompileLoss({"out": "mse"})(y, p),
            "expected a list, since the outputs have no names",
        ),
        (lambda y, p: CompileLoss("mse")([y], [p, p]), "y: expected 2 entries.*got 1"),
        (lambda y, p: CompileLoss("mse")(y, [p, p]), "y: expected a list or dict"),
        (lambda y, p: CompileLoss("mse", [1.0])([y, y], [p, p]), "loss_weights: expected 2"),
        (lambda y, p: CompileMetrics(["mae"]).update_state([y, y], [p, p]), "metrics: expected 2"),
        (lambda y, p: CompileLoss([None])(y, p), "a loss for at least one output"),
    ],
)
def test_bad_arguments(run, message):
    with pytest.raises(ValueError, match=message):
        run(*INPUTS["column"])
