"""Module and Parameter: registration, walking, state, hooks, printing."""

import copy
import pickle

import numpy as np
import pytest

import fastdl
from fastdl import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(4, 2, bias=False)
        self.scale = nn.Parameter(fastdl.ones(1))
        self.register_buffer("seen", fastdl.zeros(1))
        self.register_buffer("cache", fastdl.zeros(1), persistent=False)
        self.note = "text"

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x))) * self.scale


NAMES = ["scale", "fc1.weight", "fc1.bias", "fc2.weight"]
STATE = ["scale", "seen", "fc1.weight", "fc1.bias", "fc2.weight"]


def values(module):
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


# --- registration


def test_assignment_registers():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [p.shape for p in net.parameters()] == [(1,), (4, 3), (4,), (2, 4)]
    assert [name for name, _ in net.named_buffers()] == ["seen", "cache"]
    assert [name for name, _ in net.named_children()] == ["fc1", "act", "fc2"]
    assert [name for name, _ in net.named_modules()] == ["", "fc1", "act", "fc2"]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in net.named_parameters(prefix="net")][1] == "net.fc1.weight"
    assert net.fc1 is net._modules["fc1"] and net.scale is net._parameters["scale"]


def test_an_attribute_is_one_thing_at_a_time():
    net = Net()
    net.act = nn.Parameter(fastdl.zeros(1))
    assert "act" in net._parameters and "act" not in net._modules
    net.act = nn.Tanh()
    assert "act" in net._modules and "act" not in net._parameters
    del net.act
    assert not hasattr(net, "act") and "act" not in net._modules
    net.seen = fastdl.ones(1)
    assert net.get_buffer("seen") is net.seen and net.seen.item() == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("scale", 1.0, r"cannot assign 'float' object to parameter 'scale' \(Parameter or None"),
        ("scale", fastdl.ones(1), r"cannot assign 'Tensor' object to parameter 'scale'"),
        ("fc1", "x", r"cannot assign 'str' object to child module 'fc1' \(Module or None"),
        ("seen", 0, r"cannot assign 'int' object to buffer 'seen' \(Tensor or None"),
    ],
)
def test_assigning_something_else_to_a_registered_name(name, value, message):
    net = Net()
    with pytest.raises(TypeError, match=message):
        setattr(net, name, value)
    assert list(net.state_dict()) == STATE


def test_none_keeps_the_place():
    net = Net()
    net.fc1.bias = None
    assert [n for n, _ in net.named_parameters()] == ["scale", "fc1.weight", "fc2.weight"]
    assert net(fastdl.zeros(1, 3)).shape == (1, 2)
    net.fc1.bias = nn.Parameter(fastdl.zeros(4))
    assert "fc1.bias" in net.state_dict()


def test_registering_before_init():
    class Forgetful(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\)"):
        Forgetful()


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "add_module"])
def test_bad_names(register):
    net = Net()
    with pytest.raises(KeyError, match="t contain"):
        getattr(net, register)("a.b", None)
    with pytest.raises(KeyError, match="empty"):
        getattr(net, register)("", None)
    with pytest.raises(KeyError, match="'note' already exists"):
        getattr(net, register)("note", None)
    with pytest.raises(TypeError, match="should be a string"):
        getattr(net, register)(3, None)
    with pytest.raises(TypeError):
        getattr(net, register)("good", object())


def test_shared_members_count_once():
    net = Net()
    net.again = net.fc1
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert len(list(net.children())) == 3
    assert "again.weight" in net.state_dict()
    everywhere = [n for n, _ in net.named_parameters(remove_duplicate=False)]
    assert everywhere == [*NAMES, "again.weight", "again.bias"]


# --- walking


def test_paths():
    net = nn.Sequential(Net(), nn.Sequential(nn.Linear(2, 2)))
    assert net.get_submodule("1.0") is net[1][0]
    assert net.get_submodule("") is net
    assert net.get_parameter("0.fc1.bias") is net[0].fc1.bias
    with pytest.raises(AttributeError, match="has no module 'x'"):
        net.get_submodule("0.x")
    with pytest.raises(AttributeError, match="Linear has no parameter 'x'"):
        net.get_parameter("0.fc1.x")
    net.register_parameter("none", None)
    net.register_module("nothing", None)
    with pytest.raises(AttributeError, match="Sequential has no parameter 'none'"):
        net.get_parameter("none")
    with pytest.raises(AttributeError, match="Sequential has no module 'nothing'"):
        net.get_submodule("nothing")


def test_apply_visits_children_first():
    seen = []
    net = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh())
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["ReLU", "Sequential", "Tanh", "Sequential"]


def test_train_and_eval():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="boolean"):
        net.train("yes")


def test_requires_grad_and_zero_grad():
    net = Net()
    net(fastdl.ones(1, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all((p.grad.numpy() == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.fc1.requires_grad_(False)
    net(fastdl.ones(1, 3)).sum().backward()
    assert net.fc1.weight.grad is None and net.fc2.weight.grad is not None


def test_there_is_one_device_and_one_type():
    net = Net()
    assert net.to("cpu") is net and net.cpu() is net and net.float() is net
    assert net.to(fastdl.device("cpu"), "float32") is net
    with pytest.raises(RuntimeError, match="unknown device 'cuda:0'; possible: 'cpu'"):
        net.to("cuda:0")
    with pytest.raises(TypeError, match=r"Net.to: dtype: expected float32 .*, got float64"):
        net.to("float64")
    with pytest.raises(TypeError, match="unexpected argument 'dvice'"):
        net.to(dvice="cpu")


# --- state


def test_state_dict_shares_memory():
    net = Net()
    state = net.state_dict(prefix="p.")
    assert list(state) == ["p." + name for name in STATE]
    assert not state["p.scale"].requires_grad
    with fastdl.no_grad():
        net.scale.fill_(5)
    assert state["p.scale"].item() == 5
    assert net.state_dict(keep_vars=True)["scale"] is net.scale


def test_load_state_dict():
    a, b = Net(), Net()
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    for name, value in values(a).items():
        np.testing.assert_array_equal(value, values(b)[name])
    assert b.fc1.weight is not a.fc1.weight


def test_load_state_dict_takes_arrays_of_other_types():
    net = Net()
    net.load_state_dict({"scale": np.array([3], "int64")}, strict=False)
    net.load_state_dict({"scale": np.array([2.5], "float64")}, strict=False)
    assert net.scale.item() == 2.5


def test_load_state_dict_not_strict():
    net = Net()
    before = values(net)
    missing, unexpected = net.load_state_dict({"scale": np.ones(1), "x": 3}, strict=False)
    assert missing == STATE[1:] and unexpected == ["x"]
    assert values(net)["fc1.bias"].tolist() == before["fc1.bias"].tolist()


@pytest.mark.parametrize("strict", [True, False])
def test_a_failing_load_changes_nothing(strict):
    net = Net()
    before = values(net)
    state = {"scale": np.full(1, 9.0), "fc1.weight": np.zeros((3, 4)), "fc1.bias": "text", "x": 1}
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state, strict=strict)
    lines = str(error.value).split("\n\t")
    expected = [
        "Error(s) in loading state_dict for Net:",
        'Missing key(s) in state_dict: "seen", "fc2.weight". ',
        'Unexpected key(s) in state_dict: "x". ',
        "size mismatch for fc1.weight: copying a param with shape (3, 4) from checkpoint, "
        "the shape in current model is (4, 3).",
        'While copying the parameter named "fc1.bias", expected a Tensor or an array '
        "from checkpoint but received <class 'str'>.",
    ]
    assert lines == (expected if strict else [expected[0], *expected[3:]])
    for name, value in values(net).items():
        np.testing.assert_array_equal(value, before[name])


def test_load_state_dict_wants_a_mapping():
    with pytest.raises(TypeError, match="dict-like, got list"):
        Net().load_state_dict([1])


def test_deepcopy_and_pickle():
    net = Net()
    net.fc3 = net.fc1
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.fc1 is other.fc3 and other.fc1.weight is not net.fc1.weight
        assert other.fc1.weight is other.fc1._parameters["weight"]
        for name, value in values(net).items():
            np.testing.assert_array_equal(value, values(other)[name])
        assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in other.parameters())
        with fastdl.no_grad():
            other.scale.fill_(7)
        assert net.scale.item() == 1


# --- hooks


def test_hooks_may_replace_arguments_and_results():
    net = nn.Identity()
    calls = []
    pre = net.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    post = net.register_forward_hook(lambda m, args, out: calls.append((args[0], out)))
    assert net(1) == 2 and calls == [(2, 2)]
    with net.register_forward_hook(lambda m, args, out: out * 10):
        assert net(1) == 20
    assert net(1) == 2
    pre.remove()
    post.remove()
    assert net(1) == 1 and len(calls) == 3


def test_hooks_with_keywords_and_order():
    class Add(nn.Module):
        def forward(self, x, y=0):
            return x + y

    net = Add()
    net.register_forward_pre_hook(lambda m, a, k: (a, {"y": k["y"] * 2}), with_kwargs=True)
    net.register_forward_hook(lambda m, a, out: out * 2)
    net.register_forward_hook(lambda m, a, k, out: out + k["y"], prepend=True, with_kwargs=True)
    assert net(1, y=3) == (1 + 6 + 6) * 2
    net.register_forward_pre_hook(lambda m, a, k: 5, with_kwargs=True)
    with pytest.raises(RuntimeError, match="tuple of"):
        net(1, y=3)


def test_forward_is_required():
    with pytest.raises(NotImplementedError, match=r'\[Module\] is missing the required "forward"'):
        nn.Module()(1)


# --- printing


def test_repr():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(1, 2)
            self.b = nn.Sequential(nn.ReLU())

        def extra_repr(self):
            return "k=1"

    assert repr(Own()) == (
        "Own(\n  k=1\n  (a): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (b): Sequential(\n    (0): ReLU()\n  )\n)"
    )
    assert repr(nn.Identity()) == "Identity()"


# --- Parameter


def test_parameter_is_the_keras_variable_too():
    w = nn.Parameter(np.zeros((2, 3)), name="kernel", path="dense/kernel")
    assert (w.name, w.path, w.trainable, w.value is w) == ("kernel", "dense/kernel", True, True)
    assert w.dtype == "float32" and isinstance(w, fastdl.Tensor) and w.is_leaf
    w.trainable = False
    assert not w.requires_grad
    assert w.assign(np.ones((2, 3))) is w
    w.assign_add(np.ones((2, 3))).assign_sub(fastdl.full((2, 3), 0.5))
    assert w.tolist() == [[1.5] * 3] * 2
    with pytest.raises(
        ValueError, match=r"assign: parameter 'dense/kernel': .* \(2, 3\), got \(3,\)"
    ):
        w.assign(np.ones(3))
    assert repr(w).startswith("Parameter 'dense/kernel' containing:\ntensor([[1.5")


def test_parameter_shares_a_tensors_memory():
    t = fastdl.zeros(2)
    w = nn.Parameter(t)
    w.assign([1.0, 2.0])
    assert t.tolist() == [1.0, 2.0] and not t.requires_grad


def test_assign_isnt_recorded():
    w = nn.Parameter(fastdl.ones(1))
    w.assign(fastdl.ones(1, requires_grad=True) * 3)
    assert w.is_leaf and w.requires_grad and w.item() == 3
    assert fastdl.is_grad_enabled()


def test_integer_parameters_cannot_be_trained():
    with pytest.raises(RuntimeError, match="only tensors of floats can require a gradient"):
        nn.Parameter(fastdl.arange(3))
    assert not nn.Parameter(fastdl.arange(3), requires_grad=False).requires_grad
