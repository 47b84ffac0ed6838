"""Hooks of tensors, functions with gradients of their own, derivatives of functions.

Expected values are derivatives by hand; the order and number of calls are PyTorch's.
"""

import functools
import gc
import weakref

import numpy as np
import pytest

import fastdl
from fastdl import autograd, optim
from fastdl.autograd import Function, functional
from fastdl.autograd.function import once_differentiable

RNG = np.random.default_rng(0)


def leaf(*values):
    return fastdl.tensor(list(values), requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * 3 * x**2


class Exp(Function):
    """Saves its output, and counts its calls."""

    calls = 0

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, dy):
        Exp.calls += 1
        (y,) = ctx.saved_tensors
        return dy * y


class ScaleAdd(Function):
    """Several arguments, some of which are no tensors, and several results."""

    @staticmethod
    def forward(ctx, a, factor, b):
        ctx.factor = factor
        return a * factor, b + a, "text"

    @staticmethod
    def backward(ctx, da, db, text):
        assert text is None
        return da * ctx.factor + db, None, db


class TestFunction:
    def test_gradient_and_second_gradient(self):
        x = leaf(1.0, 2.0, -3.0)
        y = Cube.apply(x)
        assert not y.is_leaf and y.grad_fn is not None
        (slope,) = autograd.grad(y.sum(), x, create_graph=True)
        assert slope.tolist() == [3.0, 12.0, 27.0]
        (curve,) = autograd.grad(slope.sum(), x)
        assert curve.tolist() == [6.0, 12.0, -18.0]

    def test_a_saved_output_has_its_graph(self):
        x = leaf(0.5)
        y = Exp.apply(x)
        (slope,) = autograd.grad(y, x, create_graph=True)
        (curve,) = autograd.grad(slope, x, create_graph=True)
        np.testing.assert_allclose(curve.numpy(), np.exp([0.5]), rtol=1e-6)

    def test_several_results_and_constants(self):
        a, b = leaf(1.0), leaf(2.0)
        scaled, total, text = ScaleAdd.apply(a, 3.0, b)
        assert text == "text"
        (scaled + 10 * total).backward()
        assert a.grad.item() == 13.0 and b.grad.item() == 10.0

    def test_an_unused_result_gets_zeros_or_none(self):
        seen = []

        class Two(Function):
            @staticmethod
            def forward(ctx, x, materialize):
                ctx.set_materialize_grads(materialize)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, first, second):
                seen.append(second)
                return first * 2, None

        x = leaf(1.0, 2.0)
        Two.apply(x, True)[0].sum().backward()
        Two.apply(x, False)[0].sum().backward()
        assert seen[0].tolist() == [0.0, 0.0] and seen[1] is None

    def test_setup_context(self):
        class Square(Function):
            @staticmethod
            def forward(x):
                return x * x

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx, dy):
                return 2 * dy * ctx.saved_tensors[0]

        x = leaf(4.0)
        Square.apply(x).backward()
        assert x.grad.item() == 8.0

    def test_needs_input_grad_and_non_differentiable_results(self):
        class Parts(Function):
            @staticmethod
            def forward(ctx, a, b):
                assert ctx.needs_input_grad == (True, False)
                whole = a.floor()
                ctx.mark_non_differentiable(whole)
                return a * b, whole

            @staticmethod
            def backward(ctx, dy, dwhole):
                return dy * 5, None

        y, whole = Parts.apply(leaf(1.5), fastdl.tensor([5.0]))
        assert y.requires_grad and not whole.requires_grad

    def test_without_gradients_it_only_computes(self):
        with fastdl.no_grad():
            assert not Cube.apply(leaf(2.0)).requires_grad
        assert not Cube.apply(fastdl.tensor([2.0])).requires_grad

    def test_mark_dirty(self):
        class Double(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                x.mul_(2)
                return x

            @staticmethod
            def backward(ctx, dy):
                return 2 * dy

        x = leaf(3.0)
        y = x * 1
        z = Double.apply(y)
        assert z is y and y.tolist() == [6.0]
        y.backward()
        assert x.grad.tolist() == [2.0]

    def test_a_changed_saved_tensor_is_an_error(self):
        for save in ("input", "own"):

            class Keeps(Function):
                @staticmethod
                def forward(ctx, x, save=save):
                    kept = x * 2
                    ctx.save_for_backward(x if save == "input" else kept)
                    ctx.kept = kept
                    return x * 1

                @staticmethod
                def backward(ctx, dy):
                    return dy * ctx.saved_tensors[0]

            x = leaf(1.0)
            inner = x * 1
            y = Keeps.apply(inner)
            with fastdl.no_grad():
                inner.add_(1) if save == "input" else None
            if save == "own":
                # The context is reached through the closure of the test's own backward.
                Keeps.backward = staticmethod(
                    lambda ctx, dy: (ctx.kept.add_(1), dy * ctx.saved_tensors[0])[1]
                )
            with pytest.raises(RuntimeError, match="changed in place"):
                y.backward()

    def test_errors(self):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, a, b):
                return a + b

            @staticmethod
            def backward(ctx, dy):
                return dy

        with pytest.raises(RuntimeError, match=r"Wrong.backward: expected a gradient .* 2 arg.* 1"):
            Wrong.apply(leaf(1.0), leaf(2.0)).backward()

        class Shape(Function):
            @staticmethod
            def forward(ctx, a):
                return a.sum()

            @staticmethod
            def backward(ctx, dy):
                return dy

        with pytest.raises(RuntimeError, match=r"shape \(\) for input 0 of shape \(2,\)"):
            Shape.apply(leaf(1.0, 2.0)).backward()

        class Raises(Shape):
            @staticmethod
            def backward(ctx, dy):
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            Raises.apply(leaf(1.0, 2.0)).backward()
        with pytest.raises(NotImplementedError, match="forward"):
            Function.apply(leaf(1.0))

    def test_once_differentiable(self):
        class Once(Cube):
            backward = staticmethod(once_differentiable(Cube.backward))

        x = leaf(2.0)
        (slope,) = autograd.grad(Once.apply(x), x, create_graph=True)
        assert slope.item() == 12.0 and not slope.requires_grad

    def test_in_a_plan(self):
        w = fastdl.tensor(RNG.standard_normal(4).astype("float32"), requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        Exp.calls = 0

        @fastdl.plan
        def step(x):
            optimizer.zero_grad()
            loss = Exp.apply(w * x).sum()
            loss.backward()
            optimizer.step()
            return loss

        expected = w.detach().numpy().astype(np.float64)
        for _ in range(6):
            x = RNG.uniform(0.5, 1, 4).astype("float32")
            loss = step(fastdl.tensor(x)).item()
            y = np.exp(expected * x)
            np.testing.assert_allclose(loss, y.sum(), rtol=1e-5)
            expected -= 0.1 * y * x
            np.testing.assert_allclose(w.detach().numpy(), expected, rtol=1e-5)
        assert Exp.calls < 6  # later steps were replays

    def test_memory_goes_with_the_graph(self):
        class Big(Cube):
            pass

        x = fastdl.ones(10, requires_grad=True)
        inner = x * 2
        seen = weakref.ref(inner)
        y = Big.apply(inner)
        del inner
        y.sum().backward()
        del y
        gc.collect()
        assert seen() is None


class TestTensorHooks:
    def test_of_a_result(self):
        x = leaf(1.0, 2.0)
        y = x * 3
        seen = []
        handle = y.register_hook(lambda g: seen.append(g.tolist()))
        y.register_hook(lambda g: g * 10)
        (y * y).sum().backward(retain_graph=True)  # y is used twice: the hook sees the sum
        assert seen == [[6.0, 12.0]]
        assert x.grad.tolist() == [180.0, 360.0]
        handle.remove()
        (y * 1).sum().backward()
        assert len(seen) == 1

    def test_of_a_leaf(self):
        x = leaf(1.0)
        seen = []
        x.register_hook(lambda g: seen.append(g.item()))
        x.register_hook(lambda g: -g)
        (x * 2 + x * 3).backward()
        assert seen == [5.0] and x.grad.item() == -5.0
        (g,) = autograd.grad(x * 7, x)
        assert seen == [5.0, 7.0] and g.item() == -7.0 and x.grad.item() == -5.0

    def test_of_a_result_whose_gradient_is_asked_for(self):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(lambda g: g * 100)
        (g,) = autograd.grad(y * 3, y)
        assert g.item() == 300.0

    def test_after_accumulation(self):
        x = leaf(1.0)
        seen = []
        x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.item())))
        (x * 2).backward()
        (x * 2).backward()
        assert seen == [(True, 2.0), (True, 4.0)]
        autograd.grad(x * 2, x)
        assert len(seen) == 2
        with pytest.raises(RuntimeError, match="no leaf"):
            (x * 2).register_post_accumulate_grad_hook(print)

    def test_retain_grad(self):
        x = leaf(2.0)
        y = x * 3
        assert not y.retains_grad
        y.retain_grad()
        assert y.retains_grad and y.grad is None
        z = y * y
        z.backward(retain_graph=True)
        assert y.grad.item() == 12.0 and x.grad.item() == 36.0
        z.backward()
        assert y.grad.item() == 24.0
        y.grad = None
        assert y.grad is None
        x.retain_grad()  # a leaf keeps it anyway
        assert not x.retains_grad

    def test_the_object_may_be_gone(self):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(lambda g: g * 10)
        z = y * 3
        del y
        z.backward()
        assert x.grad.item() == 60.0

    def test_a_hook_that_holds_its_tensor_does_not_keep_it(self):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(functools.partial(lambda held, g: g * held.shape[0], y))
        memory = weakref.ref(y)
        (y * 3).sum().backward()
        assert x.grad.item() == 6.0
        del y
        gc.collect()
        assert memory() is None

    def test_errors(self):
        with pytest.raises(RuntimeError, match="does not require a gradient"):
            fastdl.ones(2).register_hook(print)
        with pytest.raises(RuntimeError, match="doesn't require a gradient"):
            fastdl.ones(2).retain_grad()
        with pytest.raises(TypeError, match="expected a function, got int"):
            leaf(1.0).register_hook(3)
        x = leaf(1.0, 2.0)
        x.register_hook(lambda g: g.sum())
        with pytest.raises(RuntimeError, match=r"a hook gave a gradient of shape \(\)"):
            (x * 2).sum().backward()
        y = leaf(1.0)
        y.register_hook(lambda g: 3)
        with pytest.raises(TypeError, match="must return a tensor or None, got int"):
            (y * 2).backward()

    def test_in_a_recorded_step_of_an_optimizer(self):
        w = fastdl.tensor([1.0, 2.0], requires_grad=True)
        w.register_hook(lambda g: g * 0.5)
        optimizer = optim.SGD([w], lr=1.0)

        @fastdl.plan
        def step(x):
            optimizer.zero_grad()
            (w * x).sum().backward()
            optimizer.step()

        for _ in range(5):
            step(fastdl.tensor([1.0, 4.0]))
        assert w.tolist() == [1.0 - 5 * 0.5, 2.0 - 5 * 2.0]


def test_backward_of_chosen_inputs():
    a, b = leaf(1.0), leaf(2.0)
    (a * b).backward(inputs=[a])
    assert a.grad.item() == 2.0 and b.grad is None
    autograd.backward([a * b, a * 3], inputs=b)
    assert a.grad.item() == 2.0 and b.grad.item() == 1.0


def test_grad_batched_and_materialized():
    x, unused = leaf(1.0, 2.0), leaf(5.0)
    y = x * x
    rows = fastdl.tensor([[1.0, 0.0], [0.0, 1.0]])
    (g,) = autograd.grad(y, x, rows, is_grads_batched=True, retain_graph=True)
    assert g.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    g, zero = autograd.grad(y.sum(), (x, unused), materialize_grads=True)
    assert g.tolist() == [2.0, 4.0] and zero.tolist() == [0.0]


def test_anomalies_are_located():
    x = leaf(0.0, 1.0)
    with autograd.detect_anomaly():
        y = fastdl.sqrt(x) * fastdl.tensor([0.0, 1.0])
        with pytest.raises(RuntimeError, match=r"gradient of sqrt.*holds NaN.*test_hooks_and_func"):
            y.sum().backward()
    (fastdl.sqrt(x) * fastdl.tensor([0.0, 1.0])).sum().backward()
    assert np.isnan(x.grad.numpy()[0])
    with autograd.set_detect_anomaly(True):
        (x * 2).sum().backward()


def test_no_grad_of_a_generator():
    @fastdl.no_grad()
    def steps(x):
        y = x * 2
        got = yield y
        yield y * got

    x = leaf(1.0)
    generator = steps(x)
    first = next(generator)
    assert not first.requires_grad and fastdl.is_grad_enabled()
    assert generator.send(3).item() == 6.0
    with pytest.raises(StopIteration):
        next(generator)


class TestFunctional:
    A = RNG.standard_normal((3, 3)).astype("float32")

    def f(self, x):
        return fastdl.tensor(self.A) @ (x * x)

    def test_jacobian(self):
        x = RNG.standard_normal(3).astype("float32")
        found = functional.jacobian(self.f, fastdl.tensor(x))
        np.testing.assert_allclose(found.numpy(), self.A * (2 * x), rtol=1e-5)

    def test_jacobian_of_several(self):
        a, b = fastdl.tensor([1.0, 2.0]), fastdl.tensor([3.0])
        (to_a, to_b), (of_a, _) = functional.jacobian(lambda a, b: (a * b, a.sum()), (a, b))
        assert to_a.tolist() == [[3.0, 0.0], [0.0, 3.0]] and to_b.tolist() == [[1.0], [2.0]]
        assert of_a.tolist() == [1.0, 1.0]

    def test_vjp_and_jvp(self):
        x, v = (RNG.standard_normal(3).astype("float32") for _ in range(2))
        y, found = functional.vjp(self.f, fastdl.tensor(x), fastdl.tensor(v))
        np.testing.assert_allclose(y.numpy(), self.A @ (x * x), rtol=1e-5)
        np.testing.assert_allclose(found.numpy(), v @ (self.A * 2 * x), rtol=1e-4)
        _, found = functional.jvp(self.f, fastdl.tensor(x), fastdl.tensor(v))
        np.testing.assert_allclose(found.numpy(), (self.A * 2 * x) @ v, rtol=1e-4)

    def test_hessian_and_its_products(self):
        x, v = fastdl.tensor([1.0, 2.0]), fastdl.tensor([1.0, -1.0])

        def f(x):
            return (x**3).sum() + x[0] * x[1]

        wanted = np.array([[6.0, 1.0], [1.0, 12.0]])
        np.testing.assert_allclose(functional.hessian(f, x).numpy(), wanted, rtol=1e-6)
        for product in (functional.hvp, functional.vhp):
            y, found = product(f, x, v)
            assert y.item() == 11.0
            np.testing.assert_allclose(found.numpy(), wanted @ v.numpy(), rtol=1e-6)

    def test_create_graph(self):
        x = leaf(2.0)
        slope = functional.jacobian(lambda x: x**3, x, create_graph=True)
        slope.sum().backward()
        assert x.grad.item() == 12.0

    def test_errors(self):
        x = fastdl.tensor([1.0, 2.0])
        with pytest.raises(RuntimeError, match="expected a tensor of one element, got shape"):
            functional.hessian(lambda x: x, x)
        with pytest.raises(TypeError, match="inputs: expected a tensor or a tuple"):
            functional.jacobian(lambda x: x, 3)
        with pytest.raises(RuntimeError, match="v: expected shapes"):
            functional.vjp(lambda x: x, x, fastdl.ones(3))
        with pytest.raises(RuntimeError, match="v: it can be left out only"):
            functional.vjp(lambda x: x, x)
        with pytest.raises(RuntimeError, match="strict"):
            functional.jacobian(lambda x: fastdl.ones(2), x, strict=True)
        assert functional.jacobian(lambda x: fastdl.ones(2), x).tolist() == [[0, 0], [0, 0]]


def test_changes_in_place_within_a_recorded_step():
    """Replays, eager steps and the formula agree: y = x w, then y[1] = y[0]^2, then y *= 2."""

    def step(x):
        optimizer.zero_grad()
        y = w * x
        y[1] = y[0] ** 2
        y.mul_(2)
        loss = y.sum()
        loss.backward()
        optimizer.step()
        return loss

    found = {}
    for recorded in (False, True):
        w = fastdl.tensor([1.0, 2.0, 3.0], requires_grad=True)
        optimizer = optim.SGD([w], lr=0.01)
        run = fastdl.plan(step) if recorded else step
        rng = np.random.default_rng(1)
        batches = [fastdl.tensor(rng.random(3).astype("float32")) for _ in range(6)]
        losses = [run(x).item() for x in batches]
        found[recorded] = (losses, w.tolist())
    assert found[False] == found[True]
    w = np.array([1.0, 2.0, 3.0])
    rng = np.random.default_rng(1)
    for loss in found[True][0]:
        x = rng.random(3).astype("float32").astype(np.float64)
        np.testing.assert_allclose(loss, 2 * (w[0] * x[0] + (w[0] * x[0]) ** 2 + w[2] * x[2]), 1e-5)
        w -= 0.01 * 2 * np.array([x[0] + 2 * w[0] * x[0] ** 2, 0, x[2]])


def test_the_graph_can_be_walked():
    """As PyTorch's tutorials do: from `grad_fn` to the tensors that it began with."""
    x, w = fastdl.ones(2, requires_grad=True), fastdl.ones(2, requires_grad=True)
    data = fastdl.ones(2)
    y = ((x * w + data) * x).sum()
    assert y.grad_fn == y.grad_fn.name() == "sum" and type(y.grad_fn.name()) is str
    ((product, index),) = y.grad_fn.next_functions
    assert product == "mul" and index == 0
    (total, _), (again, _) = product.next_functions
    assert total == "add" and again.variable is x and again.next_functions == ()
    ((first, _),) = total.next_functions  # `data` has no gradient
    assert first == "mul"
    assert [f.variable is v for (f, _), v in zip(first.next_functions, (x, w), strict=True)] == [
        True,
        True,
    ]
    assert again.name() == "accumulate_grad"
    assert (2 * x + 1).grad_fn.next_functions[0][0].next_functions[0][0].variable is x
    y.backward()
    assert y.grad_fn == "sum" and x.grad_fn is None
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0])
