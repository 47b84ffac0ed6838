"""Names of PyTorch that older programs, and those for GPUs, use. The numbers are PyTorch 2.13's."""

import inspect
import re
from unittest import mock

import numpy as np
import pytest

import fastdl
from fastdl import autograd, nn
from fastdl._base import notices, printing
from fastdl.nn import functional as F


def test_variable_is_the_tensor_without_its_history():
    x = fastdl.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    v = autograd.Variable(y)
    assert v is not y and not v.requires_grad and v.is_leaf
    v[0] = 7.0  # the memory is the same
    assert y.detach().tolist() == [7.0, 4.0]
    assert isinstance(y, autograd.Variable) and not isinstance(3.0, autograd.Variable)
    w = autograd.Variable(fastdl.tensor([3.0]), requires_grad=True)
    (w * w).sum().backward()
    assert w.grad.tolist() == [6.0]
    with pytest.raises(TypeError, match=r"Variable: data: expected a tensor, got \[3.0\]"):
        autograd.Variable([3.0])
    with pytest.raises(RuntimeError, match="floats"):
        autograd.Variable(fastdl.tensor([1]), requires_grad=True)


def test_data_parallel():
    fastdl.manual_seed(0)
    inner = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    net = nn.DataParallel(inner, device_ids=[0, 1])
    assert [*net.state_dict()] == ["module.0.weight", "module.0.bias"]
    net.eval()
    x = fastdl.ones(4, 3)
    assert not inner.training and fastdl.equal(net(x), inner(x))
    assert fastdl.equal(nn.parallel.data_parallel(inner, (x,)), inner(x))
    assert fastdl.equal(nn.parallel.data_parallel(inner, x), inner(x))
    with pytest.raises(TypeError, match="DataParallel: module: expected a module, got 3"):
        nn.DataParallel(3)


def test_only_inputs():
    x = fastdl.tensor(3.0, requires_grad=True)
    assert autograd.grad(x * x, x, None, True, True, True)[0].item() == 6.0
    with pytest.raises(ValueError, match="grad: only_inputs: expected True, got False"):
        autograd.grad(x * x, x, only_inputs=False)


@pytest.mark.parametrize(
    ("dtype", "bits", "eps", "largest", "tiny", "resolution"),
    [
        (
            "float32",
            32,
            1.1920928955078125e-07,
            3.4028234663852886e38,
            1.1754943508222875e-38,
            1e-6,
        ),
        ("float16", 16, 0.0009765625, 65504.0, 6.103515625e-05, 1e-3),
        ("bfloat16", 16, 0.0078125, 3.3895313892515355e38, 1.1754943508222875e-38, 1e-2),
    ],
)
def test_limits_of_floats(dtype, bits, eps, largest, tiny, resolution):
    found = fastdl.finfo(getattr(fastdl, dtype))
    assert (found.dtype, found.bits, found.eps) == (dtype, bits, eps)
    assert (found.max, found.min) == (largest, -largest)
    assert found.tiny == found.smallest_normal == tiny
    assert found.resolution == pytest.approx(resolution, rel=1e-15)
    assert found == fastdl.finfo(dtype) and hash(found) == hash(fastdl.finfo(dtype))


def test_limits_of_types():
    assert fastdl.finfo() == fastdl.finfo("float32") != fastdl.finfo("float16")
    for dtype, low, high in (
        ("uint8", 0, 255),
        ("int8", -128, 127),
        ("int64", -(2**63), 2**63 - 1),
    ):
        found = fastdl.iinfo(dtype)
        assert (found.min, found.max, found.bits) == (low, high, 8 * np.dtype(dtype).itemsize)
    assert repr(fastdl.iinfo("int8")) == "iinfo(dtype=int8, bits=8, min=-128, max=127)"
    with pytest.raises(TypeError, match="finfo: type: expected one of floats, got 'int32'"):
        fastdl.finfo(fastdl.int32)
    for other in ("float32", "bool"):
        with pytest.raises(
            TypeError, match=f"iinfo: type: expected one of integers, got '{other}'"
        ):
            fastdl.iinfo(other)


def test_constants():
    assert fastdl.inf > 1e308 and fastdl.nan != fastdl.nan
    assert (fastdl.pi, fastdl.e) == (np.pi, np.e)
    assert fastdl.ones(2)[:, fastdl.newaxis].shape == fastdl.Size([2, 1])
    assert isinstance(fastdl.ones(2).shape, fastdl.Size)


def test_print_options(monkeypatch):
    monkeypatch.setattr(printing, "OPTIONS", {})
    x = fastdl.tensor([1 / 3, 1e-5])
    before = str(x)
    fastdl.set_printoptions(precision=2, sci_mode=False)
    assert str(x) == "tensor([0.33, 0.  ])" != before
    fastdl.set_printoptions(profile="short", edgeitems=1, threshold=3)
    assert str(fastdl.arange(9)) == "tensor([0, ..., 8])"
    fastdl.set_printoptions(threshold=fastdl.inf, linewidth=20)
    assert str(fastdl.arange(9)).count("\n") == 2 and "..." not in str(fastdl.arange(9))
    for name, wrong in (("precision", -1), ("edgeitems", 0.5), ("linewidth", 0), ("profile", "x")):
        with pytest.raises(ValueError, match=f"set_printoptions: {name}: expected"):
            fastdl.set_printoptions(**{name: wrong})


def test_compile_returns_what_it_gets():
    net = nn.Linear(2, 1)
    assert fastdl.compile(net, mode="max-autotune", fullgraph=True) is net

    @fastdl.compile
    def double(x):
        return x * 2

    @fastdl.compile(dynamic=True)
    def triple(x):
        return x * 3

    assert double(fastdl.ones(1)).item() == 2 and triple(fastdl.ones(1)).item() == 3
    with pytest.raises(TypeError, match="compile: model: expected a function, got 3"):
        fastdl.compile(3)


@pytest.mark.skipif(fastdl.cuda.is_available(), reason="this build runs on a GPU")
def test_questions_about_gpus():
    cuda = fastdl.cuda
    before = fastdl.get_rng_state()
    cuda.manual_seed(3)
    cuda.manual_seed_all(3)
    assert fastdl.get_rng_state() == before
    cuda.empty_cache()
    cuda.reset_peak_memory_stats()
    x = fastdl.ones(1)
    assert x.is_cpu and not (x.is_cuda or x.is_mps or x.is_xpu)
    assert not cuda.is_bf16_supported() and not cuda.is_initialized()
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.memory_reserved() == 0
    for name in ("synchronize", "current_device", "get_device_name", "FloatTensor"):
        with pytest.raises(
            RuntimeError, match=rf"cuda.{name}: this build of fastdl runs on no GPU"
        ):
            getattr(cuda, name)()
    # The device of another machine can be asked about.
    assert fastdl.device("cuda:1").type == "cuda" and fastdl.device("cuda:1").index == 1
    assert fastdl.ones(1).device.type != fastdl.device("mps").type
    with pytest.raises(RuntimeError, match="unknown device 'cuda'; possible: 'cpu'"):
        fastdl.ones(1).to(fastdl.device("cuda"))
    with pytest.raises(RuntimeError, match="unknown device 'mps'; possible: 'cpu'"):
        fastdl.Generator("mps")
    with pytest.raises(RuntimeError, match="unknown device 'nowhere'; possible: 'cpu'"):
        fastdl.device("nowhere")
    with pytest.raises(RuntimeError, match="unknown device 'cuda:0'; possible: 'cpu'"):
        fastdl.ones(1).cuda()
    with pytest.raises(RuntimeError, match="unknown device 'cuda:1'; possible: 'cpu'"):
        fastdl.ones(1).cuda(1)
    with pytest.raises(RuntimeError, match=re.escape("Linear.cuda: device: unknown device")):
        nn.Linear(1, 1).cuda()
    with pytest.raises(AttributeError, match=r"torch\.cuda\.Stream is not in fastdl"):
        cuda.Stream()
    with fastdl.backends.cudnn.flags(enabled=True, benchmark=False):
        pass
    with pytest.raises(TypeError, match="flags: unexpected argument 'speed'; possible: enabled"):
        with fastdl.backends.cudnn.flags(speed=1):
            pass


def test_types_by_the_old_names():
    """The names are those that PyTorch's `type()` gives."""
    for dtype, name in (
        ("float32", "FloatTensor"),
        ("float16", "HalfTensor"),
        ("bfloat16", "BFloat16Tensor"),
        ("int64", "LongTensor"),
        ("int32", "IntTensor"),
        ("int8", "CharTensor"),
        ("uint8", "ByteTensor"),
        ("bool", "BoolTensor"),
    ):
        x = fastdl.ones(2).type(dtype)
        assert x.type() == f"torch.{name}" and x.dtype == dtype
        assert fastdl.ones(2).type(x.type()).dtype == dtype
        kind = getattr(fastdl, name, None)
        if kind is not None:
            assert fastdl.ones(2).type(kind).dtype == fastdl.ones(2).to(kind).dtype == dtype
            assert isinstance(x, kind) and isinstance(kind([1]), kind)
            assert isinstance(fastdl.zeros(1, dtype="int8"), kind) == (dtype == "int8")
    x = fastdl.ones(2, requires_grad=True)
    assert x.type(fastdl.FloatTensor).requires_grad
    for wrong in ("torch.NoTensor", "warp", 3):
        with pytest.raises(
            TypeError, match=r"cast: .*possible: float32|expected a type of tensors"
        ):
            x.type(wrong)


def test_modules_by_their_files():
    for file, name in (("activation", "MultiheadAttention"), ("sparse", "Embedding")):
        assert getattr(getattr(nn.modules, file), name) is getattr(nn, name)
    assert nn.modules.linear.Linear is nn.modules.Linear is nn.Linear
    with pytest.raises(AttributeError, match=r"'fastdl\.nn\.modules' has no attribute 'warp'"):
        nn.modules.warp  # noqa: B018


OLDER = [
    ({"size_average": True}, "mean"),
    ({"size_average": False}, "sum"),
    ({"reduce": True}, "mean"),
    ({"reduce": False}, "none"),
    ({"size_average": False, "reduce": False}, "none"),
    ({"size_average": False, "reduce": True}, "sum"),
]
# Those of PyTorch 2.13 that have the arguments, and their inputs.
SCORES, ROWS = fastdl.tensor([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]), fastdl.tensor([0.3, -0.7])
BITS = fastdl.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
SIGNS, CLASSES = fastdl.tensor([1.0, -1.0]), fastdl.tensor([2, 0])
WITH_OLDER = {
    "binary_cross_entropy": ("BCELoss", (SCORES.sigmoid(), BITS)),
    "binary_cross_entropy_with_logits": ("BCEWithLogitsLoss", (SCORES, BITS)),
    "cosine_embedding_loss": ("CosineEmbeddingLoss", (SCORES, BITS, SIGNS)),
    "cross_entropy": ("CrossEntropyLoss", (SCORES, CLASSES)),
    "hinge_embedding_loss": ("HingeEmbeddingLoss", (ROWS, SIGNS)),
    "kl_div": ("KLDivLoss", (SCORES, BITS)),
    "l1_loss": ("L1Loss", (SCORES, BITS)),
    "margin_ranking_loss": ("MarginRankingLoss", (ROWS, ROWS + 1, SIGNS)),
    "mse_loss": ("MSELoss", (SCORES, BITS)),
    "multi_margin_loss": ("MultiMarginLoss", (SCORES, CLASSES - CLASSES)),
    "multilabel_margin_loss": ("MultiLabelMarginLoss", (SCORES, fastdl.tensor([[0, 2, -1]] * 2))),
    "multilabel_soft_margin_loss": ("MultiLabelSoftMarginLoss", (SCORES, BITS)),
    "nll_loss": ("NLLLoss", (SCORES, CLASSES)),
    "poisson_nll_loss": ("PoissonNLLLoss", (SCORES, BITS)),
    "smooth_l1_loss": ("SmoothL1Loss", (SCORES, BITS)),
    "soft_margin_loss": ("SoftMarginLoss", (ROWS, SIGNS)),
    "triplet_margin_loss": ("TripletMarginLoss", (SCORES, BITS, SCORES - 1)),
}


@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("name", WITH_OLDER)
def test_reductions_by_their_older_names(name):
    kind, inputs = WITH_OLDER[name]
    function = getattr(F, name)
    for older, reduction in OLDER:
        with mock.patch.object(notices, "_said", set()):
            with pytest.warns(UserWarning, match=f"{name}: .*use reduction='{reduction}'"):
                found = function(*inputs, **older)
            with pytest.warns(UserWarning, match=f"{kind}: .*use reduction='{reduction}'"):
                module = getattr(nn, kind)(**older)
        wanted = function(*inputs, reduction=reduction)
        assert fastdl.equal(found, wanted) and module.reduction == reduction
        assert fastdl.equal(module(*inputs), wanted)
    assert len({str(function(*inputs, reduction=r)) for _, r in OLDER}) == 3
    with pytest.raises(ValueError, match=f"{name}: size_average: expected"):
        function(*inputs, size_average="no")


def test_no_other_loss_has_the_older_names():
    having = {
        name
        for name in dir(F)
        if inspect.isfunction(getattr(F, name))
        and "size_average" in inspect.signature(getattr(F, name)).parameters
    }
    assert having == set(WITH_OLDER)
