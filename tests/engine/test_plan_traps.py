"""Programs in which a replay could differ from an eager run. None of them does.

Each program runs once eagerly and once with plans, and both give the same bits. If Python does
something that a replay cannot repeat, the step runs eagerly and one warning names the line. That
line is marked with `# named`. If a value changed that the step only reads, it is recorded anew.

The file is long because it is one list of programs. Each can be read by itself.
"""

import array
import collections
import contextlib
import contextvars
import functools
import gc
import inspect
import pickle
import random
import re
import types
import warnings
import weakref

import children
import numpy as np
import pytest
import runs

import fastdl
from fastdl import _core, layers, losses, metrics, models, nn, optim, optimizers, regularizers
from fastdl._base.copies import homes
from fastdl._engine import steps

RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 4)).astype(np.float32)
Y = X[:, :1].copy()
A = [fastdl.tensor(RNG.standard_normal((3, 3)).astype(np.float32)) for _ in range(8)]


def same(one, other):
    """Whether two nested results are equal bit for bit."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def named_line(program):
    """`file:line` of the line marked with `# named` in a program's source."""
    lines, first = inspect.getsourcelines(program)
    (offset,) = (i for i, line in enumerate(lines) if line.rstrip().endswith("# named"))
    return f"{inspect.getsourcefile(program)}:{first + offset}"


def told(caught):
    return [str(w.message) for w in caught if "runs eagerly" in str(w.message)]


# --- the step does something in Python that a replay cannot repeat: it runs eagerly and warns once


class Base(models.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.counter = fastdl.Variable(fastdl.zeros(()), requires_grad=False)
        self.i = 0
        self.state = fastdl.zeros(())
        self.kept = []
        self.flags = {"on": 0}
        self.box = Box()
        self.array = np.zeros(2)
        self.rng = np.random.default_rng(1)
        self.numbers = iter(range(1000))
        self.seen = {0}
        self.queue = collections.deque(maxlen=3)

    def call(self, x):
        return self.dense(x)

    def plain(self, data, scale=1.0):
        """The usual step. Its logs include `scale`."""
        logs = models.Model.train_step(self, data)
        return {**logs, "scale": logs["loss"] * scale}


class Box:
    def __init__(self):
        self.n = 0


class ItemOfACounter(Base):
    def train_step(self, data):
        first = self.counter.item() < 3  # named
        self.counter.assign(self.counter + 1)
        return self.plain(data, 1.0 if first else 2.0)


class FloatOfACounter(Base):
    def train_step(self, data):
        first = float(self.counter) < 3  # named
        self.counter.assign_add(1.0)
        return self.plain(data, 1.0 if first else 2.0)


class ArrayOfACounter(Base):
    def train_step(self, data):
        first = int(np.asarray(self.counter)) < 3  # named
        self.counter.assign_add(1.0)
        return self.plain(data, 1.0 if first else 2.0)


class TruthOfACounter(Base):
    def train_step(self, data):
        scale = 2.0 if self.counter else 1.0  # named
        self.counter.assign(self.counter + 1)
        return self.plain(data, scale)


class TextOfACounter(Base):
    def train_step(self, data):
        scale = float(f"{self.counter:.1f}")  # named
        self.counter.assign(self.counter + 1)
        return self.plain(data, scale)


class DLPackOfACounter(Base):
    def train_step(self, data):
        scale = float(np.from_dlpack(self.counter))  # named
        self.counter.assign(self.counter + 1)
        return self.plain(data, scale)


class CounterInAListOfNumbers(Base):
    def train_step(self, data):
        scale = self.counter.tolist()  # named
        self.counter.assign(self.counter + 1)
        return self.plain(data, scale)


class ValueOfTheLoss(Base):
    def train_step(self, data):
        logs = self.plain(data)
        return {**logs, "large": fastdl.tensor(float(logs["loss"].item() > 0.5))}  # named


class ValueOfTheBatch(Base):
    def train_step(self, data):
        scale = float(np.abs(data[0]).max())  # named
        return self.plain(data, scale)


class WrittenThroughNumPy(Base):
    def train_step(self, data):
        self.counter.detach().numpy()[...] += 1  # named
        return self.plain(data, self.counter + 0.0)


class TensorAsState(Base):
    def train_step(self, data):
        self.state = self.state * 0.5 + 1  # named
        return self.plain(data, self.state)


class CountingAttribute(Base):
    def train_step(self, data):
        self.i += 1  # named
        return self.plain(data, 1.0 if self.i % 3 else 0.25)


class AppendedToAList(Base):
    def train_step(self, data):
        logs = self.plain(data)
        self.kept.append(logs["loss"])  # named
        return {**logs, "mean": sum(self.kept[-3:]) / 3}


class SetInADict(Base):
    def train_step(self, data):
        self.flags["on"] += 1  # named
        return self.plain(data, float(self.flags["on"]))


class ObjectOfOnesOwn(Base):
    def train_step(self, data):
        self.box.n += 1  # named
        return self.plain(data, float(self.box.n))


class ArrayInPlace(Base):
    def train_step(self, data):
        self.array[0] += 1  # named
        return self.plain(data, float(self.array[0]))


class GeneratorOfOnesOwn(Base):
    def train_step(self, data):
        return self.plain(data, float(self.rng.random()))  # named


class NextOfAnIterator(Base):
    def train_step(self, data):
        return self.plain(data, float(next(self.numbers)))  # named


class AddedToASet(Base):
    def train_step(self, data):
        self.seen.add(len(self.seen))  # named
        return self.plain(data, float(len(self.seen)))


class AppendedToAQueue(Base):
    def train_step(self, data):
        self.queue.append(1.0)  # named
        return self.plain(data, float(len(self.queue)))


class AttributeOfAMetric(Base):
    def __init__(self):
        super().__init__()
        self.mean = metrics.Mean(name="mine")
        self.mean.factor = 1.0

    def train_step(self, data):
        self.mean.factor *= 2.0  # named
        return self.plain(data, self.mean.factor)


class DeletedAttribute(Base):
    def train_step(self, data):
        first = hasattr(self, "i")
        if first:
            del self.i
        else:
            self.i = 0  # named
        return self.plain(data, 1.0 if first else 2.0)


class LargeArray(Base):
    def __init__(self):
        super().__init__()
        self.large = np.zeros(100_000)

    def train_step(self, data):
        return self.plain(data, float(self.large[7]))  # named


KEPT = []


class TensorInAGlobalList(Base):
    def train_step(self, data):
        logs = self.plain(data)
        kept = logs["loss"] * 2.0  # named
        KEPT.append(kept)
        return {**logs, "last": sum(KEPT[-3:])}


class GlobalRandomNumbers(Base):
    def train_step(self, data):
        return self.plain(data, random.random())


class GlobalRandomNumbersOfNumPy(Base):
    def train_step(self, data):
        return self.plain(data, float(np.random.rand()))  # noqa: NPY002


def with_a_closure():
    calls = 0

    class VariableOfTheFunctionAround(Base):
        def train_step(self, data):
            nonlocal calls
            calls += 1
            return self.plain(data, 1.0 / calls)

    return VariableOfTheFunctionAround


SIDE_EFFECTS = [
    ItemOfACounter,
    FloatOfACounter,
    ArrayOfACounter,
    TruthOfACounter,
    TextOfACounter,
    DLPackOfACounter,
    CounterInAListOfNumbers,
    ValueOfTheLoss,
    ValueOfTheBatch,
    WrittenThroughNumPy,
    TensorAsState,
    CountingAttribute,
    AppendedToAList,
    SetInADict,
    ObjectOfOnesOwn,
    ArrayInPlace,
    GeneratorOfOnesOwn,
    NextOfAnIterator,
    AddedToASet,
    AppendedToAQueue,
    AttributeOfAMetric,
    DeletedAttribute,
    LargeArray,
    TensorInAGlobalList,
    GlobalRandomNumbers,
    GlobalRandomNumbersOfNumPy,
]


def trained(make, eager):
    """The results of training, and the warnings about plans."""
    fastdl.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    KEPT.clear()
    model = make()
    model.compile("sgd", "mse", run_eagerly=eager)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(X, Y, 4, 3, verbose=0, shuffle=False).history
        logs = [model.train_on_batch(X[:4], Y[:4], return_dict=True) for _ in range(4)]
    return (history, logs, model.get_weights()), told(caught)


@pytest.mark.parametrize("program", SIDE_EFFECTS, ids=lambda c: c.__name__)
def test_a_step_with_effects_in_python_runs_eagerly(program):
    want, silence = trained(program, True)
    got, warned = trained(program, False)
    assert same(want, got)
    assert silence == []
    (message,) = warned
    if "# named" in inspect.getsource(program):
        assert named_line(program) in message


def test_a_step_that_counts_in_the_function_around_it():
    want, _ = trained(with_a_closure(), True)
    got, (message,) = trained(with_a_closure(), False)
    assert same(want, got)
    assert "train_step" in message


# --- a value that the step reads changes between two steps: it is recorded anew


class Scale(layers.Layer):
    offset = 1.0  # of the class

    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.flags = {"on": True}
        self.weights_of = [1.0, 2.0]
        self.box = Box()
        self.array = np.ones(4)
        self.function = fastdl.tanh
        self.constant = fastdl.ones(4)
        self._private = 1.0

    def call(self, x):
        if self.flags["on"]:
            x = x * self.scale
        x = self.function(x) * self.weights_of[0] + self.box.n
        x = x + float(self.array[1]) * self._private
        return x * self.constant.item() + self.offset if self.constant.ndim == 0 else x


class Plain(nn.Module):
    """Lists and dicts of a Module are not tracked."""

    def __init__(self):
        super().__init__()
        self.options = {"scale": [1.0]}
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x) * self.options["scale"][0]


class Around(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Plain()

    def call(self, x):
        return self.inner(x)


def several():
    return models.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(4, activation="relu", kernel_regularizer="l2"),
            Scale(1.5),
            layers.Dropout(0.2),
            Around(),
            layers.Dense(1),
        ]
    )


def stop_dropout(model):
    model.layers[2].rate = 0.0


def another_rate(model):
    model.layers[2].rate = 0.7


def another_scale(model):
    model.layers[1].scale = 5.0


def another_activation(model):
    model.layers[0].activation = fastdl.tanh


def flag_off(model):
    model.layers[1].flags["on"] = False


def number_in_a_list(model):
    model.layers[1].weights_of[0] = 3.0


def inner_object(model):
    model.layers[1].box.n = 2


def array_in_place(model):
    model.layers[1].array[1] = -1.0


def another_function(model):
    model.layers[1].function = lambda x: x * 2.0


def private_attribute(model):
    model.layers[1]._private = 7.0


def another_tensor(model):
    model.layers[1].constant = fastdl.tensor(3.0)


def deep_in_a_module(model):
    model.layers[3].inner.options["scale"][0] = -2.0


def another_dropout_of_a_module(model):
    model.layers[3].inner.drop = nn.Identity()


def frozen(model):
    model.layers[0].trainable = False


def another_weight(model):
    model.layers[-1].kernel = nn.Parameter(fastdl.ones((4, 1)))


def clipping(model):
    model.optimizer.clipnorm = 1e-3


def another_beta(model):
    model.optimizer.beta_1 = 0.1


def another_optimizer(model):
    model.optimizer = optimizers.SGD(0.5)


def another_learning_rate(model):
    model.optimizer.learning_rate = 0.5


def smoothed_loss(model):
    model.loss.delta = 0.01


def another_penalty(model):
    model.layers[0].kernel.regularizer.l2 = 10.0


def penalty_of_a_weight(model):
    model.layers[0].kernel.regularizer = regularizers.L1(0.5)


def constraint_of_a_weight(model):
    model.layers[0].kernel.constraint = fastdl.constraints.NonNeg()


def bfloat16(model):
    model.layers[0].dtype_policy = "mixed_bfloat16"


def method_of_an_object(model):
    model.compute_loss = lambda *a, **k: models.Model.compute_loss(model, *a, **k) * 2.0


CHANGES = [
    stop_dropout,
    another_rate,
    another_scale,
    another_activation,
    flag_off,
    number_in_a_list,
    inner_object,
    array_in_place,
    another_function,
    private_attribute,
    another_tensor,
    deep_in_a_module,
    another_dropout_of_a_module,
    frozen,
    clipping,
    another_beta,
    another_learning_rate,
    smoothed_loss,
    another_penalty,
    penalty_of_a_weight,
    constraint_of_a_weight,
    another_optimizer,
    method_of_an_object,
    bfloat16,
]


def changed_in_between(change, eager):
    fastdl.manual_seed(0)
    model = several()
    model.compile("adam", losses.Huber(1.0), run_eagerly=eager)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="mixed_bfloat16")
        for _ in range(2):
            found.append(model.fit(X, Y, 8, 2, verbose=0, shuffle=False).history)
            found += [model.predict(X, verbose=0), model.evaluate(X, Y, verbose=0)]
            found += [model.predict_on_batch(X[:8]) for _ in range(4)]
            found.append(np.array(model(X[:8])))
            change(model)
            found += [model.predict_on_batch(X[:8]) for _ in range(3)]
            found.append(np.array(model(X[:8])))
    return found, model.get_weights()


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_a_change_between_steps_is_seen_at_once(change):
    assert same(changed_in_between(change, True), changed_in_between(change, False))


def test_an_attribute_of_the_users_class_is_seen(monkeypatch):
    model = models.Sequential([Scale(2.0)])
    model.layers[0].constant = fastdl.tensor(1.0)
    before = [model.predict_on_batch(X[:4]) for _ in range(4)][-1]
    monkeypatch.setattr(Scale, "offset", 4.0)
    np.testing.assert_array_equal(model.predict_on_batch(X[:4]), np.array(model(X[:4])))
    assert not np.array_equal(model.predict_on_batch(X[:4]), before)


def recordings(model, change, times=12):
    """How often Python ran a model's step. `change(i)` is called before each step."""
    runs.count.clear()
    for i in range(times):
        change(i)
        model.predict_on_batch(X[:4])
    return runs.count["call"]


class Counted(layers.Layer):
    read = 1.0

    def call(self, x):
        runs.count["call"] += 1
        return x * self.read


def test_only_what_a_step_reads_makes_it_record_anew():
    model = models.Sequential([Counted()])
    layer = model.layers[0]
    recordings(model, lambda i: None)
    assert recordings(model, lambda i: setattr(layer, "unread", i)) == 0
    assert recordings(model, lambda i: setattr(model, "epoch", i)) == 0
    assert recordings(model, lambda i: setattr(layer, "read", 1.0)) <= 1
    assert recordings(model, lambda i: setattr(layer, "read", float(i // 20)), 40) == 2


class ReadLate(layers.Layer):
    """Reads an attribute only while another one is set."""

    late_gain = 1.0

    def __init__(self):
        super().__init__()
        self.switched_on = False

    def call(self, x):
        return x * self.late_gain if self.switched_on else x


def test_an_attribute_counts_from_the_step_that_first_reads_it():
    model = models.Sequential([ReadLate()])
    layer = model.layers[0]

    def predicted():
        return [model.predict_on_batch(X[:4]) for _ in range(4)][-1]

    np.testing.assert_array_equal(predicted(), X[:4])
    before = _core.epoch()
    layer.late_gain = 2.0
    assert _core.epoch() == before  # no recording has looked at it
    np.testing.assert_array_equal(predicted(), X[:4])
    layer.switched_on = True
    np.testing.assert_array_equal(predicted(), X[:4] * 2)
    layer.late_gain = 4.0
    assert _core.epoch() > before
    np.testing.assert_array_equal(predicted(), X[:4] * 4)
    del layer.late_gain
    np.testing.assert_array_equal(predicted(), X[:4])


def test_what_changes_again_and_again_is_not_recorded_for_ever():
    model = models.Sequential([Counted()])
    model.predict_on_batch(X[:4])
    with pytest.warns(UserWarning, match="attribute 'read' of Counted .* changes again and again"):
        for i in range(20):
            model.layers[0].read = float(i)
            np.testing.assert_array_equal(model.predict_on_batch(X[:4]), X[:4] * i)


def test_setting_what_is_set_already_is_no_effect():
    class Same(Base):
        def train_step(self, data):
            runs.count[self.name] += 1
            self.i = 3
            self.state = self.state
            self.flags["on"] = 0
            return self.plain(data, float(self.i))

    want, _ = trained(Same, True)
    runs.count.clear()

    def make():
        model = Same()
        model.i = 3
        return model

    want, _ = trained(make, True)
    runs.count.clear()
    got, warned = trained(make, False)
    assert same(want, got)
    assert warned == []
    assert sum(runs.count.values()) == 2


def test_a_value_that_python_reads_and_nobody_writes_is_a_constant():
    class Constant(Base):
        def train_step(self, data):
            runs.count["constant"] += 1
            return self.plain(data, 2.0 if self.counter.item() > 1 else 1.0)

    results = []
    for eager in (True, False):
        fastdl.manual_seed(0)
        model = Constant()
        model.compile("sgd", "mse", run_eagerly=eager)
        runs.count.clear()
        logs = []
        for i in range(12):
            if i == 6:
                model.counter.assign(5.0)
            if i == 9:
                model.counter.assign(6.0)
            if i == 10:
                np.asarray(model.counter)[...] = 0.0
            logs.append(model.train_on_batch(X[:4], Y[:4], return_dict=True))
        results.append(logs)
    assert same(*results)
    assert 3 <= runs.count["constant"] <= 5


# --- a value that the step reads on a way that leads past the layer's attributes


class Gain(layers.Layer):
    """Multiplies by what `read(layer)` returns."""

    def __init__(self, read):
        super().__init__()
        self.read = read

    def call(self, x):
        return x * self.read(self)


def variable_of_the_function_around():
    gain = 1.0

    class Reads(layers.Layer):
        def call(self, x):
            return x * gain

    def change(layer, value):
        nonlocal gain
        gain = value

    return Reads(), change


def variable_of_a_function_that_it_calls():
    box = {"f": lambda x: x * 1.0}

    def helper(x):
        return box["f"](x)

    class Calls(layers.Layer):
        def call(self, x):
            return helper(x)

    return Calls(), lambda layer, value: box.update(f=lambda x: x * value)


def variable_of_a_static_method():
    box = [1.0]

    class Calls(layers.Layer):
        @staticmethod
        def gain():
            return box[0]

        def call(self, x):
            return x * self.gain()

    return Calls(), lambda layer, value: box.__setitem__(0, value)


def variable_of_a_property():
    box = [1.0]

    class Calls(layers.Layer):
        @property
        def gain(self):
            return box[0]

        def call(self, x):
            return x * self.gain

    return Calls(), lambda layer, value: box.__setitem__(0, value)


def default_of_a_parameter():
    def read(layer, gain=1.0):
        return gain

    return Gain(read), lambda layer, value: setattr(read, "__defaults__", (value,))


def content_of_a_default():
    def read(layer, *, gain=[1.0]):  # noqa: B006
        return gain[0]

    return Gain(read), lambda layer, value: read.__kwdefaults__["gain"].__setitem__(0, value)


def attribute_of_a_function():
    def read(layer):
        return read.gain

    read.gain = 1.0
    return Gain(read), lambda layer, value: setattr(read, "gain", value)


class Reader:
    gain = 1.0

    def __call__(self, layer):
        return self.gain


def class_of_an_object():
    class Own(Reader):
        pass

    return Gain(Own()), lambda layer, value: setattr(Own, "gain", value)


def variable_of_an_objects_method():
    box = [1.0]

    class Own:
        def __call__(self, layer):
            return box[0]

    return Gain(Own()), lambda layer, value: box.__setitem__(0, value)


def attribute_of_the_class_by_its_name():
    class Named(layers.Layer):
        gain = 1.0

        def call(self, x):
            return x * Named.gain

    return Named(), lambda layer, value: setattr(Named, "gain", value)


def attribute_of_the_type():
    class Typed(layers.Layer):
        gain = 1.0

        def call(self, x):
            return x * type(self).gain

    return Typed(), lambda layer, value: setattr(Typed, "gain", value)


def attribute_of_a_class_between():
    class Above(layers.Layer):
        gain = 1.0

        def call(self, x):
            return x * self.gain

    class Below(Above):
        pass

    return Below(), lambda layer, value: setattr(Below, "gain", value)


def method_of_the_class():
    class Patched(layers.Layer):
        def gain(self):
            return 1.0

        def call(self, x):
            return x * self.gain()

    return Patched(), lambda layer, value: setattr(Patched, "gain", lambda self: value)


class Kept:
    """A descriptor that keeps the values itself."""

    def __init__(self):
        self.values = {}

    def __get__(self, owner, kind=None):
        return self if owner is None else self.values.get(id(owner), 1.0)

    def __set__(self, owner, value):
        self.values[id(owner)] = value


class Stored:
    """A descriptor that stores the value in the object."""

    def __get__(self, owner, kind=None):
        return self if owner is None else owner.__dict__.get("stored", 1.0)

    def __set__(self, owner, value):
        owner.__dict__["stored"] = value


def descriptor_that_keeps():
    class Described(layers.Layer):
        gain = Kept()

        def call(self, x):
            return x * self.gain

    return Described(), lambda layer, value: setattr(layer, "gain", value)


def descriptor_that_stores():
    class Described(layers.Layer):
        gain = Stored()

        def call(self, x):
            return x * self.gain

    return Described(), lambda layer, value: setattr(layer, "gain", value)


def attribute_by_vars():
    layer = Gain(lambda layer: vars(layer)["gain"])
    layer.gain = 1.0
    return layer, lambda layer, value: setattr(layer, "gain", value)


def attribute_by_getattr():
    class Table(layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = {"gain": 1.0}

        def __getattr__(self, name):
            return self.__dict__["table"][name]

        def call(self, x):
            return x * self.gain

    return Table(), lambda layer, value: layer.table.update(gain=value)


def held(value, read, change):
    layer = Gain(lambda layer: read(layer.held))
    layer.held = value
    return layer, lambda layer, new: change(layer.held, new)


def held_by_a_weak_reference():
    reader = Reader()
    layer, _ = held(weakref.ref(reader), lambda ref: ref().gain, None)
    return layer, lambda layer, value: setattr(reader, "gain", value)


def held_by_a_read_only_view():
    array = np.ones(1)
    view = array.view()
    view.flags.writeable = False
    layer, _ = held(view, lambda view: float(view[0]), None)
    return layer, lambda layer, value: array.__setitem__(0, value)


def held_by_a_read_only_dict():
    inner = {"gain": 1.0}
    layer, _ = held(types.MappingProxyType(inner), lambda proxy: proxy["gain"], None)
    return layer, lambda layer, value: inner.update(gain=value)


def held_in_a_context():
    variable = contextvars.ContextVar("gain", default=1.0)
    layer, _ = held(variable, lambda variable: variable.get(), None)
    return layer, lambda layer, value: variable.set(value)


def attribute_of_a_class_that_reads_itself():
    class Reads(layers.Layer):
        def __init__(self):
            super().__init__()
            self.gain = 1.0

        def __getattribute__(self, name):
            return object.__getattribute__(self, name)

        def call(self, x):
            return x * self.gain

    return Reads(), lambda layer, value: setattr(layer, "gain", value)


def attribute_of_a_class_that_writes_itself():
    class Writes(layers.Layer):
        def __init__(self):
            super().__init__()
            self.gain = 1.0

        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)

        def call(self, x):
            return x * self.gain

    return Writes(), lambda layer, value: setattr(layer, "gain", value)


def slot_of_a_layer():
    class Slotted(layers.Layer):
        __slots__ = ("gain",)

        def __init__(self):
            super().__init__()
            self.gain = 1.0

        def call(self, x):
            return x * self.gain

    return Slotted(), lambda layer, value: setattr(layer, "gain", value)


class Words(dict):
    gain = 1.0


def attribute_of_a_dict():
    return held([Words()], lambda held: held[0].gain, lambda held, v: setattr(held[0], "gain", v))


def content_of_bytes():
    return held(bytearray(8), lambda b: 1.0 + b[0], lambda b, v: b.__setitem__(0, int(v)))


def attribute_in_slots_of_ones_own():
    class Slotted:
        __slots__ = ("__gain",)

        def __init__(self):
            self.set(1.0)

        def set(self, value):
            self.__gain = value

        def get(self):
            return self.__gain

    return held(Slotted(), Slotted.get, Slotted.set)


def deep_within():
    value = [1.0]
    for _ in range(12):
        value = [{"next": value}]

    def last(value):
        while isinstance(value[0], dict):
            value = value[0]["next"]
        return value

    return held(value, lambda v: last(v)[0], lambda v, new: last(v).__setitem__(0, new))


HIDDEN = [
    variable_of_the_function_around,
    variable_of_a_function_that_it_calls,
    variable_of_a_static_method,
    variable_of_a_property,
    default_of_a_parameter,
    content_of_a_default,
    attribute_of_a_function,
    class_of_an_object,
    variable_of_an_objects_method,
    attribute_of_the_class_by_its_name,
    attribute_of_the_type,
    attribute_of_a_class_between,
    method_of_the_class,
    descriptor_that_keeps,
    descriptor_that_stores,
    attribute_by_vars,
    attribute_by_getattr,
    attribute_of_a_class_that_reads_itself,
    attribute_of_a_class_that_writes_itself,
    slot_of_a_layer,
    held_by_a_weak_reference,
    held_by_a_read_only_view,
    held_by_a_read_only_dict,
    held_in_a_context,
    attribute_of_a_dict,
    content_of_bytes,
    attribute_in_slots_of_ones_own,
    deep_within,
]


@pytest.mark.parametrize("program", HIDDEN, ids=lambda f: f.__name__)
def test_a_value_that_is_read_on_another_way_is_seen(program):
    layer, change = program()
    model = models.Sequential([layers.Input((4,)), layer])
    for value in (1.0, 3.0, 5.0):
        change(layer, value)
        wanted = X[:4] if value == 1.0 and program is not content_of_bytes else None
        for _ in range(4):
            got = model.predict_on_batch(X[:4])
            np.testing.assert_array_equal(got, np.array(model(X[:4])))
        if wanted is not None:
            np.testing.assert_array_equal(got, wanted)
        else:
            assert not np.array_equal(got, X[:4])


@pytest.mark.parametrize("kind", [array.array, memoryview], ids=lambda k: k.__name__)
def test_an_object_that_cannot_be_compared_makes_the_step_eager_or_is_seen(kind):
    memory = array.array("d", [1.0])
    layer, _ = held(memory if kind is array.array else memoryview(memory), lambda m: m[0], None)
    model = models.Sequential([layers.Input((4,)), layer])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="this step runs eagerly.*of type array")
        for value in (1.0, 3.0):
            memory[0] = value
            for _ in range(4):
                np.testing.assert_array_equal(model.predict_on_batch(X[:4]), X[:4] * value)


class CountingClass(Base):
    steps = 0

    def train_step(self, data):
        type(self).steps += 1
        return self.plain(data, 1.0 if self.steps % 3 else 0.25)


def test_a_step_that_counts_in_its_class_runs_eagerly():
    results = []
    for eager in (True, False):
        CountingClass.steps = 0
        result, messages = trained(CountingClass, eager)
        results.append(result)
    assert same(*results)
    assert "the step changes CountingClass.steps" in messages[0]


# --- fastdl.plan


def agree(program, function, steps=8):
    """Runs a program with `function` and with `fastdl.plan(function)`: (results, warnings)."""
    results, warned = [], []
    for make in (lambda f: f, fastdl.plan):
        fastdl.manual_seed(0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(program(make(function()), steps))
        warned = told(caught)
    assert same(*results)
    return warned


def call_each(step, steps):
    return [np.array(step(A[i % 8])) for i in range(steps)]


def test_a_plan_whose_function_counts():
    def make():
        n = 0

        def step(x):
            nonlocal n
            n += 1
            return x * n

        return step

    (message,) = agree(call_each, make)
    assert "a variable of a surrounding function that" in message and "step() reads" in message


class Recorded:
    def __init__(self):
        self.gain = 1.0

    def __call__(self, a):
        return a * self.gain

    def counted(self, a):
        self.gain += 1.0
        return a * self.gain


def test_a_model_of_the_librarys_layers_needs_no_comparison_before_each_replay():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(4):
        model.train_on_batch(X, Y)
    found = [s.guards for f in steps._functions for s in f._signatures.values() if s.guards]
    assert any(not guards.unseen for guards in found)
    kinds = (nn.Parameter, layers.Dense, optimizers.Adam, metrics.Mean)
    assert not any(map(homes, kinds))


@pytest.mark.parametrize("count", [False, True])
@pytest.mark.parametrize("form", ["object", "method", "partial", "argument"])
def test_a_plan_of_what_is_no_plain_function(form, count):
    def make():
        own = Recorded()
        counted = functools.partial(lambda own, a: own.counted(a), own)
        forms = {
            "object": own,
            "method": own.counted if count else own.__call__,
            "partial": counted if count else functools.partial(lambda own, a: own(a), own),
            "argument": lambda a, own=own: own.counted(a) if count else own(a),
        }
        return own, forms[form]

    results = []
    for wrap in (lambda f: f, fastdl.plan):
        own, function = make()
        step = wrap(function)
        found = []
        with warnings.catch_warnings():
            if count:
                warnings.filterwarnings("ignore", message="this step runs eagerly")
            for i in range(9):
                if i == 5:
                    own.gain = 7.0
                found.append(np.array(step(A[i % 3])))
        results.append(found)
    assert same(*results)


@pytest.mark.parametrize(
    "bind",
    [
        lambda: random.Random(0).random,
        lambda: np.random.default_rng(0).normal,
        lambda: functools.partial(next, iter(range(100))),
        lambda: iter(range(100)).__next__,
    ],
)
def test_a_plan_that_draws_through_a_bound_method(bind):
    def make():
        draw = bind()
        return lambda a: a * float(draw())

    results = []
    for wrap in (lambda f: f, fastdl.plan):
        step = wrap(make())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="this step runs eagerly")
            results.append([np.array(step(A[0])) for _ in range(6)])
    assert same(*results)


DOUBLES = np.ones((3, 3))  # the core copies it, since it computes in float32
MASK = np.ones((3, 3), bool)
PLACES = [0, 1]


def product_with_an_array(a):
    return a * DOUBLES


def copy_of_an_array(a):
    return a + fastdl.tensor(DOUBLES)


def picked_by_an_array(a):
    return a[MASK]


def picked_by_a_list(a):
    return a[PLACES]


@pytest.mark.parametrize(
    "function", [product_with_an_array, copy_of_an_array, picked_by_an_array, picked_by_a_list]
)
def test_a_global_array_that_a_step_copies_is_compared(function):
    results = []
    for step in (function, fastdl.plan(function)):
        DOUBLES[:], MASK[:], PLACES[:] = 1.0, True, [0, 1]
        found = []
        for i in range(12):
            if i % 4 == 3:
                DOUBLES[0, i % 3] = i
                MASK[0, i // 4] = False
                PLACES[0] = (PLACES[0] + 1) % 3
            found.append(np.array(step(A[i % 3])))
        results.append(found)
    assert same(*results)


def test_an_array_that_the_step_makes_is_not_compared():
    class Makes(layers.Layer):
        def call(self, x):
            return x * np.full(4, 2.0) + fastdl.tensor(np.zeros((100_000, 1)))[:1]

    model = models.Sequential([layers.Input((4,)), Makes()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            np.testing.assert_array_equal(model.predict_on_batch(X[:4]), X[:4] * 2)


def test_plans_within_plans():
    def make(wrap):
        state, box = fastdl.zeros(()), [1.0]

        @wrap
        def inner(x):
            state.add_(1.0)
            return x * box[0] + state

        return box, wrap(lambda x: inner(x) * 2.0), inner

    results = []
    for wrap in (lambda f: f, fastdl.plan):
        box, outer, inner = make(wrap)
        found = []
        for i in range(16):
            if i % 5 == 4:
                box[0] += 1.0
            found.append(np.array(outer(A[0])))
            if i % 3 == 0:
                found.append(np.array(inner(A[1])))
        results.append(found)
    assert same(*results)


class SeedsInTheStep(Base):
    def train_step(self, data):
        fastdl.manual_seed(3)  # named
        return self.plain(data, fastdl.rand(()))


class RestoresRandomNumbers(Base):
    def train_step(self, data):
        before = fastdl.get_rng_state()
        logs = self.plain(data, fastdl.rand(()))
        fastdl.set_rng_state(before)  # named
        return logs


class GeneratorOfTheStep(Base):
    def train_step(self, data):
        generator = fastdl.Generator()
        generator.manual_seed(7)  # named
        return self.plain(data, fastdl.rand((), generator=generator))


SIDE_EFFECTS_ON_RANDOM_NUMBERS = [SeedsInTheStep, RestoresRandomNumbers, GeneratorOfTheStep]


@pytest.mark.parametrize("program", SIDE_EFFECTS_ON_RANDOM_NUMBERS, ids=lambda c: c.__name__)
def test_a_step_that_seeds_random_numbers_runs_eagerly(program):
    test_a_step_with_effects_in_python_runs_eagerly(program)


class CountsItself(optimizers.schedules.LearningRateSchedule):
    def __init__(self):
        self.calls = 0

    def __call__(self, step):
        self.calls += 1
        return 0.1 / self.calls

    def get_config(self):
        return {}


def number_of_calls():
    calls = []

    def rate():
        calls.append(1)
        return 0.1 / len(calls)

    return rate


@pytest.mark.parametrize("make", [CountsItself, number_of_calls], ids=lambda f: f.__name__)
def test_a_learning_rate_that_counts_its_calls_is_asked_once_for_each_step(make):
    results = []
    for eager in (True, False):
        fastdl.manual_seed(0)
        model = models.Sequential([layers.Input((4,)), layers.Dense(1)])
        model.compile(optimizers.SGD(make()), "mse", run_eagerly=eager)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="this step runs eagerly")
            history = model.fit(X, Y, 4, 3, verbose=0, shuffle=False).history
        results.append((history, model.get_weights()))
    assert same(*results)


def test_a_plan_whose_surroundings_change():
    def make():
        scale = 2.0

        def step(x):
            return x * scale

        def change():
            nonlocal scale
            scale = 5.0

        step.change = change
        return step

    def program(step, steps):
        found = call_each(step, steps)
        step.change()
        return found + call_each(step, steps)

    assert agree(program, make) == []


def torch_training(step, steps):
    return [np.array(step(A[i % 8])) for i in range(steps)]


@pytest.mark.parametrize(
    "make_optimizer",
    [
        functools.partial(optim.SGD, lr=0.1),
        functools.partial(optim.SGD, lr=0.1, momentum=0.9, dampening=0.5),
        functools.partial(optim.Adam, lr=0.1),
        functools.partial(optim.AdamW, lr=0.1, amsgrad=True),
        functools.partial(optim.RMSprop, lr=0.1, centered=True),
        functools.partial(optim.Adagrad, lr=0.1, lr_decay=0.1),
        functools.partial(optim.NAdam, lr=0.1),
        functools.partial(optim.Rprop, lr=0.1),
        functools.partial(optim.ASGD, lr=0.1, lambd=0.1, t0=1),
        functools.partial(optim.Adafactor, lr=0.1, weight_decay=0.1, maximize=True),
        functools.partial(optim.SparseAdam, lr=0.1),
        functools.partial(optim.Muon, lr=0.1),
    ],
)
def test_training_in_a_plan_with_optimizers_in_pytorchs_style(make_optimizer):
    kept = []
    bias = make_optimizer.func is not optim.Muon  # which is for matrices

    def make():
        net = nn.Sequential(nn.Linear(3, 5, bias), nn.ReLU(), nn.Linear(5, 1, bias))
        optimizer = make_optimizer(net.parameters())

        def step(x):
            optimizer.zero_grad()
            loss = fastdl.mean(net(x) ** 2)
            loss.backward()
            optimizer.step()
            return loss

        kept[:] = [net, optimizer]
        return step

    def program(step, steps):
        net, optimizer = kept
        found = call_each(step, steps)
        optimizer.param_groups[0]["lr"] = 0.01
        found += call_each(step, steps)
        found += [np.array(p.grad) for p in net.parameters()]
        optimizer.zero_grad()
        found += call_each(step, 2)
        held = [p.grad for p in net.parameters()]
        values = [np.array(g) for g in held]
        found += call_each(step, 3)
        assert same(values, held)  # a gradient that is still referenced keeps its values
        net[0].weight.requires_grad = False
        found += call_each(step, steps)
        return found, [np.array(p) for p in net.parameters()]

    assert agree(program, make) == []


def test_gradients_that_are_accumulated_over_steps():
    kept = []

    def make():
        net = nn.Linear(3, 1)
        optimizer = optim.SGD(net.parameters(), lr=0.1)

        def step(x):
            loss = fastdl.mean(net(x) ** 2)
            loss.backward()
            return loss

        kept[:] = [net, optimizer]
        return step

    def program(step, steps):
        net, optimizer = kept
        found = []
        for i in range(steps):
            found.append(np.array(step(A[i % 8])))
            found += [np.array(p.grad) for p in net.parameters()]
            if i % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
        return found

    assert agree(program, make, 24) == []


def test_gradients_without_a_home_outlive_the_step():
    def make():
        w = nn.Parameter(fastdl.ones(3, 3))

        def step(x):
            w.grad = None
            fastdl.sum(w * x).backward()
            return w.grad * 1.0

        return step

    (message,) = agree(call_each, make)
    assert "a tensor of shape (3, 3) that the step makes outlives it" in message


def test_modules_in_another_mode():
    kept = []

    def make():
        kept[:] = [nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5))]
        net = kept[0]
        return lambda x: net(x)

    def program(step, steps):
        found = call_each(step, steps)
        kept[0].eval()
        found += call_each(step, steps)
        kept[0].train()
        hook = kept[0].register_forward_hook(lambda module, args, result: result * 2.0)
        found += call_each(step, steps)
        hook.remove()
        return found + call_each(step, steps)

    assert agree(program, make) == []


def test_members_of_containers_that_come_and_go():
    kept = []

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
            self.heads = nn.ModuleDict({name: nn.Linear(3, 3) for name in "abc"})
            self.scales = nn.ParameterList([fastdl.ones(3)])

        def forward(self, x):
            for step in self.steps:
                x = step(x)
            for scale in self.scales:
                x = x * scale
            return sum((head(x) for head in self.heads.values()), x)

    def make():
        kept[:] = [Net()]
        return lambda x: kept[0](x)

    def program(step, steps):
        net, found = kept[0], call_each(step, steps)
        for change in (
            lambda: net.steps.append(nn.Linear(3, 3)),
            lambda: net.steps.pop(0),
            lambda: net.heads.pop("b"),
            lambda: net.heads.update({"d": nn.Linear(3, 3)}),
            lambda: net.scales.append([2.0, 3.0, 4.0]),
            lambda: net.heads.clear(),
        ):
            change()
            found += call_each(step, steps)
        return found

    assert agree(program, make, 12) == []  # so each recording pays off


def test_modules_in_a_model_follow_its_mode():
    results = []
    for eager in (True, False):
        fastdl.manual_seed(0)
        model = models.Sequential([layers.Input((4,)), Around(), layers.Dense(1)])
        inner = model.layers[0].inner
        model.compile("sgd", "mse", run_eagerly=eager)
        runs.count.clear()
        history = model.fit(X, Y, 8, 5, verbose=0, shuffle=False, validation_data=(X, Y)).history
        modes = [inner.training]
        model.train_on_batch(X[:8], Y[:8])
        modes.append(inner.training)
        results.append((history, modes, model.get_weights()))
    assert results[0][1] == [False, True]
    assert same(*results)


def test_losses_of_layers_are_those_of_the_last_step():
    results = []
    for eager in (True, False):
        fastdl.manual_seed(0)
        model = models.Sequential([layers.Dense(1, activity_regularizer=regularizers.L2(0.1))])
        model.compile("sgd", "mse", run_eagerly=eager)
        found = []
        for i in range(6):
            model.train_on_batch(X[i : i + 4], Y[i : i + 4])
            found += [np.array(loss) for loss in model.losses]
        results.append(found)
    assert len(results[0]) == 6
    assert same(*results)


# --- the memory of a recorded step


def test_a_plan_without_memory_leaves_the_step_done(tmp_path):
    code = """
import resource, warnings, numpy as np, fastdl
step = fastdl.plan(lambda x: fastdl.sum(fastdl.exp(x) @ x))
x = fastdl.tensor(np.ones((1500, 1500), np.float32))
first = step(x).item()
plan = fastdl._core.Plan
def fails(*arguments): raise MemoryError("no memory")
fastdl._core.Plan = fails
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    same = all(step(x).item() == first for _ in range(4))
print(same, len(caught), "no memory" in str(caught[0].message))
"""
    assert children.output(code, tmp_path) == "True 1 True\n"


def test_what_a_step_of_the_library_leaves_is_nothing():
    model = several()
    model.compile("adam", "mse", metrics=["mae"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, 8, 2, verbose=0)
        gc.collect()
        model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_models_can_be_pickled_with_every_protocol(protocol):
    model = fastdl.Sequential([fastdl.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    x = fastdl.layers.Input((2,))
    functional = fastdl.models.Model(x, fastdl.layers.Dense(1)(x) * 2.0)
    data = np.ones((3, 2), "float32")
    for one in (model, functional):
        twin = pickle.loads(pickle.dumps(one, protocol))
        np.testing.assert_array_equal(twin(data), one(data))


def test_objects_that_were_not_made_are_refused():
    for kind in (_core.Arena, _core.Plan, _core.Recorder):
        empty = kind.__new__(kind)
        attribute = {"Arena": "bytes", "Plan": "mine", "Recorder": "problem"}[kind.__name__]
        with pytest.raises(TypeError, match="not initialized"):
            getattr(empty, attribute)


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("name", ["Arena", "Plan", "Product", "Recorder"])
def test_objects_of_the_core_cannot_be_pickled(name, protocol):
    kind = getattr(_core, name)
    for made in (kind.__new__(kind), *([_core.Arena()] if name == "Arena" else [])):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(made, protocol)
        with pytest.raises(TypeError, match="cannot pickle"):
            made.__reduce__()


def test_objects_that_were_never_made_raise():
    for kind in (_core.Plan, _core.Recorder, _core.Product, _core.Tensor):
        empty = kind.__new__(kind)
        for name in [n for n in dir(kind) if not n.startswith("__")]:
            with contextlib.suppress(Exception):  # operations that do not need it work
                getattr(empty, name)()
    empty = _core.Tensor.__new__(_core.Tensor)
    for use in (
        lambda: fastdl.ones(2) + empty,
        lambda: fastdl.sum(empty),
        lambda: np.asarray(empty),
        lambda: memoryview(empty),
        lambda: repr(empty),
        lambda: _core.Plan(_core.Recorder.__new__(_core.Recorder), [], []),
        lambda: _core.run_loop(_core.Plan.__new__(_core.Plan), [], [], [], None, 0, 1, 1, 1.0),
    ):
        with pytest.raises((TypeError, ValueError)):
            use()


# --- versions


def test_a_step_over_some_parameters_leaves_the_graph_over_others():
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    everything = optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
    x = A[0]
    y = first(x * nn.Parameter(fastdl.ones(3)))
    loss = fastdl.sum(y * y)
    loss.backward(retain_graph=True)
    first.zero_grad()
    fastdl.sum(second(x)).backward()
    everything.step()  # the second one's parameters only
    loss.backward()
    assert first.weight.grad is not None
    loss = fastdl.sum(first(x * nn.Parameter(fastdl.ones(3))) ** 2)
    loss.backward(retain_graph=True)
    everything.step()
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        loss.backward()


def test_a_step_between_gradients_that_do_not_read_the_weight():
    net = nn.Linear(3, 2)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    y = net(A[0])
    one, two = fastdl.sum(y), fastdl.sum(y * 2.0)
    one.backward(retain_graph=True)
    optimizer.step()
    optimizer.zero_grad()
    two.backward()
    want = np.tile(2 * np.asarray(A[0]).sum(0, keepdims=True), (2, 1))
    np.testing.assert_allclose(np.asarray(net.weight.grad), want, rtol=1e-6)


def test_parts_of_a_storage_have_versions_of_their_own():
    whole = fastdl.zeros(64)
    parts = [whole._view((16,), 16 * i) for i in range(4)]
    weights = [nn.Parameter(p) for p in parts]
    graphs = [fastdl.sum(w * w) for w in weights]
    _core.assign_(parts[1], 1.0)
    for i in (0, 2, 3):
        graphs[i].backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="changed in place"):
        graphs[1].backward()
    _core.assign_(whole._view((24,), 8), 1.0)  # the end of 0, all of 1
    for i in (2, 3):
        graphs[i].backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="changed in place"):
        graphs[0].backward()
    _core.assign_(whole, 2.0)
    for i in (2, 3):
        with pytest.raises(RuntimeError, match="changed in place"):
            graphs[i].backward()


def test_packed_weights_are_those_of_the_instruction_set():
    isas = _core.runnable_isas()
    model = models.Sequential([layers.Input((70,)), layers.Dense(90)])
    x = RNG.standard_normal((8, 70)).astype(np.float32)
    try:
        for isa in [*isas, *reversed(isas)]:
            _core.select_isa(isa)
            for _ in range(6):
                np.testing.assert_array_equal(model.predict_on_batch(x), np.array(model(x)))
    finally:
        _core.select_isa(isas[-1])


# --- threads, processes, interrupts

TRAIN_AND_PREDICT = """
import threading, numpy as np, fastdl
fastdl.manual_seed(0)
rng = np.random.default_rng(0)
x, y = rng.random((4096, 64), np.float32), rng.random((4096, 8), np.float32)
model = fastdl.Sequential([fastdl.layers.Dense(96, activation="relu"), fastdl.layers.Dense(8)])
model.compile(fastdl.optimizers.SGD(0.05), "mse")
model.fit(x, y, batch_size=32, verbose=0)
[model.predict_on_batch(x[:16]) for _ in range(5)]
done = False
def predict():
    while not done: model.predict_on_batch(x[:16])
thread = threading.Thread(target=predict)
thread.start()
model.fit(x, y, batch_size=32, epochs=3, verbose=0)
done = True
thread.join()
x = x[:16]
print(all(np.array_equal(model.predict_on_batch(x), np.array(model(x))) for _ in range(6)))
"""


def test_predictions_beside_training_are_right_afterwards(tmp_path):
    for _ in range(3):
        assert children.output(TRAIN_AND_PREDICT, tmp_path, FASTDL_NUM_THREADS="2") == "True\n"


FORKS = """
import os, threading, warnings, numpy as np, fastdl
warnings.simplefilter("ignore", DeprecationWarning)  # of Python: forks beside threads
rng = np.random.default_rng(0)
x, y = rng.random((512, 64), np.float32), rng.random((512, 8), np.float32)
model = fastdl.Sequential([fastdl.layers.Dense(300, activation="relu"), fastdl.layers.Dense(8)])
model.compile("sgd", "mse")
want = [model.predict_on_batch(x) for _ in range(6)][-1]
plan = fastdl.plan(lambda x: fastdl.tanh(x @ x.T))
planned = [plan(fastdl.tensor(x)).numpy().copy() for _ in range(3)][-1]
# Imports what it needs: a fork beside an import is Python's own affair.
model.predict(x, batch_size=64, verbose=0)
done = False
def on_batch():
    while not done: model.predict_on_batch(x)
def in_loops():
    while not done: model.predict(x, batch_size=64, verbose=0)
def in_plans():
    while not done: plan(fastdl.tensor(x))
threads = [threading.Thread(target=f) for f in (on_batch, in_loops, in_plans)]
for t in threads: t.start()
results = []
for i in range(12):
    child = os.fork()
    if not child:
        good = False
        try:
            good = all(np.array_equal(model.predict_on_batch(x), want) for _ in range(5))
            good &= np.array_equal(model.predict(x, batch_size=64, verbose=0), want)
            good &= all(np.array_equal(plan(fastdl.tensor(x)).numpy(), planned) for _ in range(4))
            model.fit(x, y, verbose=0)
        finally:
            os._exit(0 if good else 1)
    results.append(os.waitpid(child, 0)[1])
done = True
for t in threads: t.join()
print(results.count(0))
"""


def test_a_child_of_a_thread_that_was_predicting_predicts(tmp_path):
    assert children.output(FORKS, tmp_path, FASTDL_NUM_THREADS="2", timeout=100) == "12\n"


FORK_WITHIN = """
import os, threading, warnings, numpy as np, fastdl
warnings.simplefilter("ignore", DeprecationWarning)
x, y = np.ones((64, 4), np.float32), np.ones((64, 1), np.float32)
model = fastdl.Sequential([fastdl.layers.Dense(1)])
model.compile("sgd", "mse")
class Fork(fastdl.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 5:
            self.child = os.fork()
fork = Fork()
history = model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[fork]).history
text = repr((history["loss"], model.predict(x, verbose=0).sum()))
if not fork.child:
    open("child", "w").write(text)
    os._exit(0)
print(os.waitpid(fork.child, 0)[1], open("child").read() == text)
"""


def test_a_fork_within_fit_goes_on_in_both(tmp_path):
    assert children.output(FORK_WITHIN, tmp_path, timeout=60) == "0 True\n"


INTERRUPTS = """
import os, signal, threading, time, numpy as np, fastdl
layers = fastdl.layers
rng = np.random.default_rng(0)
x = rng.random((256, 1024), np.float32)
y = x[:, :8].copy()
def make():
    fastdl.manual_seed(0)
    model = fastdl.Sequential([layers.Dropout(0.5), layers.Dense(2048), layers.Dropout(0.5),
                               layers.Dense(2048), layers.Dense(2048), layers.Dense(8)])
    model.compile(fastdl.optimizers.SGD(1e-4), "mse")
    model.predict(x[:1], verbose=0)
    return model
def steps(model, interruptions):
    done = stopped = 0
    tries = [0] * 8
    while done < 8:
        tries[done] += 1
        interrupted = interruptions and tries[done] <= 2
        try:
            if interrupted:
                wait = 0.005 + 0.05 * rng.random()
                timer = threading.Timer(wait, os.kill, (os.getpid(), signal.SIGINT))
                timer.start()
            model.train_on_batch(x, y)
            if interrupted:
                timer.join()
                time.sleep(0)
        except KeyboardInterrupt:
            stopped += 1
        if interrupted:
            timer.join()
        done = int(model.optimizer.iterations.numpy()) if model.optimizer.built else 0
    return [w.copy() for w in model.get_weights()], fastdl.get_rng_state(), stopped
want, state, _ = steps(make(), False)
got, again, stopped = steps(make(), True)
print(all(map(np.array_equal, want, got)), state == again, stopped > 0)
"""


def test_a_step_that_ctrl_c_ended_draws_the_same_numbers_again(tmp_path):
    assert children.output(INTERRUPTS, tmp_path, timeout=100) == "True True True\n"


def test_a_step_that_fails_gives_its_random_numbers_back():
    model = models.Sequential([layers.Dropout(0.5), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    good, bad = np.zeros(8, np.int64), np.full(8, 5)
    for _ in range(4):
        model.train_on_batch(X[:8], good)
        before = fastdl.get_rng_state()
        with pytest.raises((ValueError, IndexError)):
            model._runner("train").batch((fastdl.tensor(X[:8]), fastdl.tensor(bad), None))
        assert fastdl.get_rng_state() == before


def test_profiles_are_taken_beside_replays():
    import threading

    step = fastdl.plan(lambda x: fastdl.tanh(x @ x) @ x)
    x = RNG.standard_normal((200, 200)).astype(np.float32)
    want = [np.array(step(fastdl.tensor(x))) for _ in range(3)][-1]
    (signature,) = step._steps._signatures.values()
    plan = signature.plan
    thread = threading.Thread(target=lambda: [plan.profile(20) for _ in range(10)])
    thread.start()
    # A call's result is copied within the plan's turn; what a replay leaves, the next profile may
    # write anew while it is read.
    wrong = sum(not np.array_equal(plan.call(x), want) for _ in range(100))
    thread.join()
    assert wrong == 0


def test_messages_name_what_can_be_done():
    assert re.search("run_eagerly", models.Model.fit.__doc__)


KEPT_BATCHES = []
KEEPING = {
    "the batch": lambda x, y: KEPT_BATCHES.append(x),
    "its targets": lambda x, y: KEPT_BATCHES.append(y),
    "both, in a tuple": lambda x, y: KEPT_BATCHES.append((x, y)),
    "in a closure": lambda x, y: KEPT_BATCHES.append(lambda: x),
}


@pytest.mark.parametrize("keep", KEEPING)
def test_a_step_that_keeps_its_batch_runs_eagerly_and_says_so(keep):
    class Keeps(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            KEEPING[keep](data[0], data[1])
            return super().train_step(data)

    model = Keeps()
    model.compile("sgd", "mse")
    KEPT_BATCHES.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y, batch_size=4, shuffle=False, epochs=2, verbose=0)
    assert len(KEPT_BATCHES) == 16
    (message,) = told(caught)
    assert "a tensor of the batch" in message and "outlives the step" in message
    if keep == "the batch":
        assert same(KEPT_BATCHES, [X[4 * i : 4 * i + 4] for i in [*range(8)] * 2])


def test_a_step_that_returns_its_batch_is_recorded():
    class Returns(models.Model):
        def call(self, x):
            return x

        def predict_step(self, x):
            return {"in": x, "again": x, "out": x * 2.0}

    model = Returns()
    model.compile()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            result = model.predict(X, batch_size=4, verbose=0)
            assert same(result, {"in": X, "again": X, "out": X * 2})
