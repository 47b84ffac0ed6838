"""PyTorch's functions at their edges: no axes, no elements, truth values, numbers beside integers.

Expected values are NumPy's, or written out; where they come from PyTorch 2.13 a comment says so.
"""

from __future__ import annotations

import numpy as np
import pytest

import fastdl
from fastdl import linalg, nn
from fastdl.autograd import grad
from fastdl.nn import functional as F

ONE = fastdl.tensor(3.0)
NOTHING = np.zeros(0, "int64")


def is_near(got, want):
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=1e-6)


# --- no axes


def test_a_number_has_an_axis_to_name():
    assert fastdl.transpose(ONE, 0, -1).shape == ()
    assert ONE.unfold(0, 1, 1).tolist() == [3.0]
    assert ONE.unfold(0, 0, 1).shape == (0,)
    assert fastdl.index_select(ONE, 0, [0]).item() == 3.0
    assert linalg.vander(ONE, N=3).tolist() == [[1.0, 3.0, 9.0]]
    is_near(F.cosine_similarity(ONE, fastdl.tensor(-2.0), dim=0), -1.0)
    for call in (lambda: fastdl.transpose(ONE, 0, 1), lambda: fastdl.index_select(ONE, 1, [0])):
        with pytest.raises(IndexError):
            call()
    with pytest.raises(RuntimeError):
        fastdl.index_select(ONE, 0, [0, 0])


def test_margin_losses_of_one_class():
    assert F.multi_margin_loss(ONE, 0).item() == 0.0
    # the class is no other's rival
    assert F.multilabel_margin_loss(ONE, 0).item() == 0.0


# --- no elements


def test_no_index_picks_nothing():
    x = fastdl.tensor([1.0, 2.0], requires_grad=True)
    y = fastdl.gather(x, 0, NOTHING.reshape(2, 0))
    assert y.shape == (2, 0)
    assert grad(y.sum(), [x])[0].tolist() == [0.0, 0.0]
    assert fastdl.scatter(x, 0, NOTHING, x).tolist() == [1.0, 2.0]
    assert fastdl.scatter_reduce(x, 0, NOTHING, x, "amax").tolist() == [1.0, 2.0]


def test_empty_vectors_join_anything():
    x = fastdl.ones(2, 3)
    assert fastdl.cat([fastdl.empty(0), x], 1).shape == (2, 3)
    with pytest.raises(ValueError, match="concat"):
        fastdl.cat([fastdl.empty(0, 2), x], 1)


def test_systems_without_equations():
    none = fastdl.empty(0, 0)
    assert linalg.inv_ex(none).inverse.shape == (0, 0)
    assert linalg.solve_ex(none, fastdl.empty(0, 2)).result.shape == (0, 2)
    assert linalg.lu_solve(none, np.zeros(0, "int32"), fastdl.empty(0, 4)).shape == (0, 4)
    assert linalg.inv_ex(fastdl.empty(3, 0, 0)).info.tolist() == [0, 0, 0]


def test_a_batch_without_samples_moves_no_average():
    norm = nn.BatchNorm1d(2)
    assert norm(fastdl.empty(0, 2, 3)).shape == (0, 2, 3)
    assert norm.running_mean.tolist() == [0.0, 0.0] and norm.running_var.tolist() == [1.0, 1.0]


# --- truth values and integers


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize(("how", "combine"), [("sum", np.any), ("prod", np.all)])
def test_truth_values_are_combined_as_truth_values(how, combine, include):
    x = np.array([True, False, True, False])
    index, src = np.array([0, 0, 1, 2, 2]), np.array([False, True, False, False, True])
    want = [
        combine([*([x[i]] if include or i not in index else []), *src[index == i]])
        for i in range(4)
    ]
    y = fastdl.scatter_reduce(x, 0, index, src, how, include_self=include)
    assert y.dtype == bool and y.tolist() == [bool(v) for v in want]
    z = fastdl.tensor(x)
    z.scatter_reduce_(0, index, src, how, include_self=include)
    assert z.tolist() == y.tolist()


def test_addr_of_truth_values():
    one, other = np.array([True, False]), np.array([True, True, False])
    x = np.zeros((2, 3), bool)
    x[1, 2] = True
    y = fastdl.addr(x, one, other, beta=3, alpha=2)
    assert y.dtype == bool
    np.testing.assert_array_equal(y.numpy(), x | np.outer(one, other))
    np.testing.assert_array_equal(fastdl.addr(x, one, other, alpha=0).numpy(), x)


def test_a_number_is_written_into_integers_towards_0():
    x = fastdl.tensor([1, 2, 3])
    assert fastdl.scatter(x, 0, [2, 0], 2.75).tolist() == [2, 2, 2]
    assert fastdl.scatter(x, 0, [2, 0], value=-2.75, reduce="add").tolist() == [-1, 2, 1]
    fractions = fastdl.tensor([0.5, 0.5])
    for call in (
        lambda: fastdl.scatter(x, 0, [2, 0], fractions),
        lambda: x.put([2, 0], fractions),
        lambda: x.clone().put_(fastdl.tensor([2, 0]), fractions),
        lambda: x.index_put(([2, 0],), fractions),
        lambda: x.masked_scatter([True, False, True], fractions),
    ):
        with pytest.raises(TypeError, match="do not fit"):
            call()


def test_a_threshold_keeps_integers():
    y = F.threshold(fastdl.tensor([1, 5, 9]), 5, 7)
    assert y.dtype == "int64" and y.tolist() == [7, 7, 9]
    with pytest.raises(ValueError, match=r"value: expected an integer for integers, got 0\.5"):
        F.threshold(fastdl.tensor([1]), 5, 0.5)


def test_a_negative_limit_shrinks_nothing():
    assert F.hardshrink([-1.0, 0.0, 2.0], -0.5).tolist() == [-1.0, 0.0, 2.0]


# --- products


def test_einsum_takes_a_list_of_one_operand():
    x = np.arange(6.0).reshape(2, 3)
    assert fastdl.einsum("ij->i", [fastdl.tensor(x)]).tolist() == [3.0, 12.0]
    assert fastdl.einsum("i->", [1.0, 2.0]).item() == 3.0


def test_einsum_sums_over_dots_that_the_result_lacks():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 2, 3)).astype("f4"), rng.normal(size=(4, 5)).astype("f4")
    is_near(fastdl.einsum("...ik,...j->ij", x, y), np.einsum("aik,aj->ij", x, y))
    with pytest.raises(ValueError, match="the result has none"):
        fastdl.ops.einsum("...ik,...j->ij", x, y)  # as NumPy


def test_tensordot_broadcasts_axes_of_size_1():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 1, 4)).astype("f4"), rng.normal(size=(3, 4, 2)).astype("f4")
    want = np.einsum("aik,jka->ij", x, y)
    is_near(fastdl.tensordot(x, y, ([0, 2], [2, 1])), want)
    want = np.tensordot(np.broadcast_to(x, (2, 3, 4)), y, ([0, 1, 2], [2, 0, 1]))
    is_near(fastdl.tensordot(x, y, ([0, 1, 2], [2, 0, 1])), want)
    with pytest.raises(ValueError, match="differ in size"):
        fastdl.tensordot(x, y, ([0], [1]))


def test_the_nuclear_norm_is_the_sum_of_singular_values():
    x = np.random.default_rng(2).normal(size=(3, 4, 5)).astype("f4")
    want = np.linalg.svd(x.astype("f8"), compute_uv=False).sum(-1)
    is_near(fastdl.norm(x, "nuc", (1, 2)), want)
    is_near(fastdl.norm(x[0], "nuc", keepdim=True), want[0].reshape(1, 1))


def test_gels_returns_no_rank():
    a, b = np.eye(3, 2, dtype="f4"), np.ones((3, 1), "f4")
    assert linalg.lstsq(a, b, driver="gels").rank.shape == (0,)
    assert linalg.lstsq(a, b).rank.item() == 2


@pytest.mark.parametrize(
    "name", ["lu_factor", "qr", "inv", "det", "svdvals", "cholesky_ex", "solve_ex"]
)
def test_images_are_matrices_as_well(name):
    x = fastdl.tensor(np.random.default_rng(4).normal(size=(2, 3, 4, 4)).astype("f4"))
    pooled = F.avg_pool2d(x, 1)  # whose values lie channels last
    assert not pooled.numpy().flags.c_contiguous
    call = getattr(linalg, name)
    more = (x,) if name == "solve_ex" else ()
    got, want = call(pooled, *more), call(x, *more)
    for one, other in zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]:
        np.testing.assert_array_equal(one.numpy(), other.numpy())


# --- gradients


@pytest.mark.parametrize(
    "call",
    [
        lambda x: fastdl.div(x, 2.0, rounding_mode="floor"),
        lambda x: fastdl.div(x, x, rounding_mode="floor"),
        lambda x: x // 2.0,
        lambda x: fastdl.norm(x, 0),
        lambda x: fastdl.cdist(x.reshape(2, 1), x.reshape(2, 1), 0.0),
    ],
)
def test_steps_have_a_gradient_of_0(call):
    x = fastdl.tensor([1.5, -2.5], requires_grad=True)
    assert grad(call(x).sum(), [x])[0].tolist() == [0.0, 0.0]


def test_the_norm_0_counts():
    assert fastdl.norm([0.0, -2.0, np.nan, np.inf, 3.0], 0).item() == 4.0


def test_elements_with_one_place_have_its_gradient():
    # Windows overlap: both choose the 5, and max_unpool1d writes it back twice (PyTorch 2.13).
    x = fastdl.tensor([[[1.0, 5.0, 2.0]]])
    y, at = F.max_pool1d(x, 2, 1, return_indices=True)
    y.requires_grad_(True)
    z = F.max_unpool1d(y, at, 2, 1)
    assert z.tolist() == [[[0.0, 5.0, 0.0]]]
    assert grad((z * z).sum(), [y])[0].tolist() == [[[10.0, 10.0]]]


def test_second_derivatives_of_products_by_index_with_zeros():
    # of p = a b c: the derivative of dp/da by b is c, also where values are 0
    index = [0, 0, 0, 1, 1]
    for values in ([2.0, 0.0, 5.0], [0.0, 0.0, 5.0], [2.0, 3.0, 5.0]):
        v = fastdl.tensor([*values, 0.0, 7.0], requires_grad=True)
        y = fastdl.scatter_reduce(fastdl.ones(2), 0, index, v, "prod")
        (first,) = grad(y.sum(), [v], create_graph=True)
        a, b, c = values
        is_near(first.detach(), [b * c, a * c, a * b, 7.0, 0.0])
        rows = [grad(first[i], [v], retain_graph=True)[0].numpy() for i in range(5)]
        want = np.zeros((5, 5))
        want[:3, :3] = [[0, c, b], [c, 0, a], [b, a, 0]]
        want[3, 4] = want[4, 3] = 1
        np.testing.assert_allclose(rows, want, atol=1e-6)


# --- arguments


def test_groups_of_parameters_have_names_or_not():
    one, other = (nn.Parameter(fastdl.ones(2)) for _ in range(2))
    named = [{"params": [("one", one)]}, {"params": [other]}]
    with pytest.raises(
        ValueError, match="expected names for the parameters of all groups or of none"
    ):
        fastdl.optim.SGD(named, lr=0.1)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_pixels_stay_pixels(mode):
    x = np.random.default_rng(3).integers(0, 256, (1, 2, 4, 5)).astype("uint8")
    y = F.interpolate(x, (7, 3), mode=mode)
    z = x
    for size in ((4, 3), (7, 3)):  # PyTorch 2.13 rounds along each axis, the last one first
        z = F.interpolate(z.astype("f4"), size, mode=mode).numpy()
        z = np.clip(np.floor(z + 0.5), 0, 255)
    assert y.dtype == "uint8"
    np.testing.assert_array_equal(y.numpy(), z)


def test_places_are_counted_in_int64():
    places = np.array([0, 1, 5, 250], "uint8")
    found = fastdl.unravel_index(places, (200, 300))
    assert [t.dtype for t in found] == ["int64", "int64"]
    np.testing.assert_array_equal(np.stack(found), np.unravel_index(places, (200, 300)))


def test_powers_of_integers_are_int64():
    assert linalg.vander(np.array([200], "uint8"), N=3).tolist() == [[1, 200, 40000]]
    assert (
        fastdl.tensordot(np.ones((2, 1), "int32"), np.ones((3, 1), "int32"), ([1], [0])).dtype
        == "int32"
    )


def test_sums_of_products_of_integers_keep_their_type():
    batch = np.full((2, 1, 1), 3, "int32")
    y = fastdl.addbmm(batch[0], batch, batch)
    assert y.dtype == "int32" and y.tolist() == [[21]]


def test_integers_are_counted_before_they_are_cut():
    # PyTorch 2.13, which computes with doubles unless the type is int64
    assert fastdl.arange(-0.9, 2.1, 2.0, dtype="int32").tolist() == [0, 2]
    assert fastdl.arange(-0.9, 2.1, 2.0, dtype="int64").tolist() == [0]
    assert fastdl.logspace(0, 1.2, 4, 5.0, dtype="int64").tolist() == [1, 1, 2, 5]


def test_nothing_to_reduce():
    none = fastdl.empty(0, 3)
    assert fastdl.logsumexp(none, 0).tolist() == [-np.inf] * 3
    assert fastdl.logsumexp(none, 0, keepdim=True).shape == (1, 3)
    assert (
        linalg.norm(none, np.inf).item() == 0.0 and linalg.norm(fastdl.empty(3, 0), 1).item() == 0.0
    )
    for order in (2, "nuc", "fro"):
        assert linalg.matrix_norm(fastdl.empty(0, 0), order).item() == 0.0
    assert fastdl.searchsorted(fastdl.empty(0, 3), fastdl.empty(0, 2)).shape == (0, 2)
    assert fastdl.searchsorted(fastdl.empty(2, 0), fastdl.ones(2, 2)).tolist() == [[0, 0], [0, 0]]


def test_powers_of_2_beyond_all_numbers():
    y = fastdl.ldexp([1.0, 1.0, np.inf, 0.0, 1.0], [np.inf, -np.inf, np.inf, 3.0, np.nan])
    np.testing.assert_array_equal(y.numpy(), [np.inf, 0.0, np.inf, 0.0, np.nan])
    assert fastdl.ldexp([2.0**-100], [220.0]).item() == 2.0**120


def test_a_loss_has_the_shape_of_its_targets():
    assert F.multi_margin_loss(fastdl.ones(3), [1], reduction="none").shape == (1,)


# --- special functions


def test_zeta_far_from_0():
    q = -300.25
    k = np.arange(1_000_000) + q
    for s in (2, 3):
        is_near(fastdl.special.zeta(float(s), q), np.sum(k ** -float(s)))
    # A sum from so far below 0 took minutes, and one of zeros did not end.
    assert fastdl.special.zeta(2.0, -4988429.5).item() == pytest.approx(np.pi**2, rel=1e-5)
    assert fastdl.special.zeta(1e20, 2.0).item() == 0.0


def test_polynomials_of_infinity():
    x = fastdl.tensor([np.inf, -np.inf, np.nan])
    assert fastdl.special.hermite_polynomial_h(x, 0).tolist() == [1.0] * 3
    assert fastdl.special.chebyshev_polynomial_t(x, [-1, -1, -1]).tolist() == [0.0] * 3
    assert fastdl.special.chebyshev_polynomial_t(x, 1).tolist()[:2] == [np.inf, -np.inf]


@pytest.mark.parametrize("name", ["i1", "i1e"])
def test_the_second_derivative_of_bessel_functions_at_0(name):
    x = fastdl.tensor([0.0], requires_grad=True)
    (g,) = grad(getattr(fastdl.special, name)(x).sum(), [x], create_graph=True)
    (gg,) = grad(g.sum(), [x])
    assert np.isfinite(gg.numpy()).all()


# --- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fastdl.masked_fill([1.0], [True], [2.0]), r"value: expected one number.*\(1,\)"),
        (lambda: fastdl.isclose([1.0], [1.0], rtol=-0.1), "rtol, atol: .* got -0.1 and"),
        (lambda: fastdl.allclose([1.0], [1.0], atol=-1.0), "rtol, atol: .* and -1.0"),
        (lambda: fastdl.cov([1.0, 2.0], fweights=[1, -1]), "fweights: .* at least 0"),
        (lambda: fastdl.cov([1.0, 2.0], aweights=[-1.0, 1.0]), "aweights: .* at least 0"),
        (
            lambda: F.cross_entropy([[0.0, 1.0]], [[0.5, 0.5]], ignore_index=0),
            "ignore_index: expected none beside probabilities, got 0",
        ),
    ],
)
def test_what_pytorch_refuses_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
