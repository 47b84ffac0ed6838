"""`nn.utils.prune` against the definitions: masks by NumPy, and PyTorch's names of tensors."""

import copy

import numpy as np
import pytest

import fastdl
from fastdl import nn
from fastdl.nn.utils import prune

RNG = np.random.default_rng(3)


def layer(*shape, bias=True):
    made = nn.Linear(shape[1], shape[0], bias=bias)
    with fastdl.no_grad():
        made.weight.copy_(RNG.standard_normal(shape).astype("float32"))
    return made


def smallest(values, count):
    mask = np.ones(values.size, "float32")
    mask[np.argsort(np.abs(values).reshape(-1))[:count]] = 0
    return mask.reshape(values.shape)


@pytest.mark.parametrize(("amount", "count"), [(0.25, 4), (5, 5), (0, 0), (1.0, 15), (0.5, 8)])
def test_the_smallest_values(amount, count):
    made = layer(3, 5)
    before = made.weight.numpy().copy()
    bias = made.bias
    assert prune.l1_unstructured(made, "weight", amount) is made
    mask = smallest(before, count)
    np.testing.assert_array_equal(made.weight_mask.numpy(), mask)
    np.testing.assert_array_equal(made.weight.detach().numpy(), before * mask)
    np.testing.assert_array_equal(made.weight_orig.detach().numpy(), before)
    assert dict(made.named_parameters()).keys() == {"weight_orig", "bias"} and made.bias is bias
    assert [name for name, _ in made.named_buffers()] == ["weight_mask"]
    assert set(made.state_dict()) == {"weight_orig", "weight_mask", "bias"}
    assert isinstance(made, nn.Linear) and prune.is_pruned(nn.Sequential(made))


def test_scores_decide_in_place_of_the_values():
    made = layer(3, 5)
    scores = fastdl.tensor(RNG.standard_normal((3, 5)))
    prune.l1_unstructured(made, "weight", 4, importance_scores=scores)
    np.testing.assert_array_equal(made.weight_mask.numpy(), smallest(scores.numpy(), 4))


@pytest.mark.parametrize("n", [1, 2, np.inf, "fro"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_the_channels_of_the_smallest_norms(n, dim):
    made = layer(4, 6)
    values = made.weight.numpy().astype("float64").copy()
    prune.ln_structured(made, "weight", 2, n=n, dim=dim)
    norms = np.linalg.norm(values, 2 if n == "fro" else n, axis=1 - dim % 2)
    mask = np.ones_like(values)
    np.moveaxis(mask, dim, 0)[np.argsort(norms)[:2]] = 0
    np.testing.assert_array_equal(made.weight_mask.numpy(), mask)


def test_channels_by_the_nuclear_norm():
    made = nn.Conv1d(3, 4, 2)
    values = made.weight.detach().numpy().astype("float64")
    prune.ln_structured(made, "weight", 1, n="nuc", dim=0)
    gone = np.argmin([np.linalg.norm(matrix, "nuc") for matrix in values])
    np.testing.assert_array_equal(made.weight_mask.numpy().min((1, 2)), np.arange(4) != gone)


def test_random_masks_have_the_right_numbers_and_differ():
    fastdl.manual_seed(0)
    masks = []
    for _ in range(4):
        made = prune.random_unstructured(layer(4, 6), "weight", 0.25)
        assert made.weight_mask.sum().item() == 18
        masks.append(made.weight_mask.numpy().tobytes())
        rows = prune.random_structured(layer(4, 6), "weight", 0.5, dim=0).weight_mask.numpy()
        assert sorted(rows.sum(1).tolist()) == [0, 0, 6, 6]
    assert len(set(masks)) > 1


def test_pruning_again_counts_what_is_left():
    made = layer(4, 6)
    values = made.weight.numpy().copy()
    first = prune.L1Unstructured.apply(made, "weight", 0.5)
    second = prune.L1Unstructured.apply(made, "weight", 0.5)
    np.testing.assert_array_equal(made.weight_mask.numpy(), smallest(values, 18))
    assert isinstance(second, prune.PruningContainer) and next(iter(second)) is first
    assert len(second) == 2 and second[1].amount == 0.5
    # Rows that are gone do not count: one of the three that are left goes.
    made = layer(4, 6)
    values = made.weight.numpy().copy()
    prune.custom_from_mask(made, "weight", fastdl.tensor(np.repeat([[0], [1], [1], [1]], 6, 1)))
    prune.ln_structured(made, "weight", 0.34, n=2, dim=0)
    order = np.argsort(np.linalg.norm(values[1:], axis=1)) + 1
    assert set(np.flatnonzero(made.weight_mask.numpy().max(1) == 0)) == {0, order[0]}


def test_several_parameters_as_one():
    made = [layer(3, 5), layer(2, 4)]
    pairs = [(made[0], "weight"), (made[1], "weight"), (made[1], "bias")]
    values = np.concatenate([getattr(m, n).detach().numpy().reshape(-1) for m, n in pairs])
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.4)
    found = np.concatenate([getattr(m, f"{n}_mask").numpy().reshape(-1) for m, n in pairs])
    np.testing.assert_array_equal(found, smallest(values, 10))
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=5)
    found = np.concatenate([getattr(m, f"{n}_mask").numpy().reshape(-1) for m, n in pairs])
    np.testing.assert_array_equal(found, smallest(values, 15))
    with pytest.raises(TypeError, match="pruning_method: expected a class of the type"):
        prune.global_unstructured(pairs, prune.LnStructured, amount=1, n=1)


def test_removing_keeps_the_values_and_the_parameter():
    made = layer(3, 5)
    parameter = made.weight
    prune.l1_unstructured(made, "weight", 6)
    values = made.weight.detach().numpy().copy()
    assert prune.remove(made, "weight") is made
    assert made.weight is parameter and type(made) is nn.Linear and not prune.is_pruned(made)
    np.testing.assert_array_equal(made.weight.detach().numpy(), values)
    assert set(made.state_dict()) == {"weight", "bias"}
    with pytest.raises(ValueError, match="remove: name: Linear has no pruned parameter 'weight'"):
        prune.remove(made, "weight")


def test_training_leaves_pruned_values_at_0():
    made = layer(3, 5)
    prune.l1_unstructured(made, "weight", 0.5)
    mask = made.weight_mask.numpy().copy()
    optimizer = fastdl.optim.SGD(made.parameters(), lr=0.1)
    x = fastdl.tensor(RNG.standard_normal((8, 5)))
    before = made.weight_orig.detach().numpy().copy()
    for _ in range(3):
        optimizer.zero_grad()
        loss = (made(x) ** 2).mean()
        loss.backward()
        assert (made.weight_orig.grad.numpy()[mask == 0] == 0).all()
        optimizer.step()
    after = made.weight_orig.detach().numpy()
    assert (after[mask == 0] == before[mask == 0]).all() and (after != before).any()
    assert (made.weight.detach().numpy()[mask == 0] == 0).all()


def test_a_copy_and_a_state_are_pruned_alike():
    made = prune.l1_unstructured(layer(3, 5), "weight", 7)
    twin = copy.deepcopy(made)
    np.testing.assert_array_equal(twin.weight.detach().numpy(), made.weight.detach().numpy())
    prune.remove(twin, "weight")
    assert prune.is_pruned(made) and not prune.is_pruned(twin)
    other = prune.identity(layer(3, 5), "weight")
    other.load_state_dict(made.state_dict())
    np.testing.assert_array_equal(other.weight.detach().numpy(), made.weight.detach().numpy())


def test_a_method_of_the_users():
    class Threshold(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def __init__(self, threshold):
            self.threshold = threshold

        def compute_mask(self, t, default_mask):
            return default_mask * (t.abs() > self.threshold)

    made = layer(3, 5)
    values = made.weight.numpy().copy()
    Threshold.apply(made, "weight", 0.5)
    np.testing.assert_array_equal(made.weight_mask.numpy(), np.abs(values) > 0.5)
    t = fastdl.tensor([1.0, 0.2])
    assert Threshold(0.5).prune(t).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: prune.l1_unstructured(m, "weights", 1), "L1Unstructured: name: Linear has no"),
        (
            lambda m: prune.l1_unstructured(m, "weight", 1.5),
            r"amount: expected a share in \[0, 1\]",
        ),
        (lambda m: prune.l1_unstructured(m, "weight", -1), "L1Unstructured: amount: .* got -1"),
        (lambda m: prune.l1_unstructured(m, "weight", 16), "amount: expected at most 15, got 16"),
        (lambda m: prune.random_structured(m, "bias", 1, 0), "two axes or more, got shape"),
        (lambda m: prune.random_structured(m, "weight", 1, 2), "RandomStructured: dim: .* got 2"),
        (lambda m: prune.ln_structured(m, "weight", 1, "l2", 0), "LnStructured: n: expected a num"),
        (lambda m: prune.custom_from_mask(m, "weight", fastdl.ones(2)), "CustomFromMask: mask: "),
        (
            lambda m: prune.l1_unstructured(m, "weight", 1, fastdl.ones(2)),
            "importance_scores: expected shape",
        ),
    ],
)
def test_bad_arguments_change_nothing(call, text):
    made = layer(3, 5)
    with pytest.raises((ValueError, IndexError), match=text):
        call(made)
    assert not prune.is_pruned(made) and set(made.state_dict()) == {"weight", "bias"}
    assert type(made) is nn.Linear


def test_a_recorded_step_sees_another_mask():
    made = layer(3, 5, bias=False)
    planned = fastdl.plan(lambda x: made(x))
    x = fastdl.ones(1, 5)
    for count in (0, 5, 5):
        if count:
            prune.l1_unstructured(made, "weight", count)
        for _ in range(3):
            expected = made.weight.detach().numpy().sum(1)
            np.testing.assert_allclose(
                planned(x).detach().numpy()[0], expected, rtol=1e-5, atol=1e-6
            )
