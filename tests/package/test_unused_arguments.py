"""No argument is ignored in silence.

What a public function's body never reads, or only stores, is found in the source. Each such
argument stands in the tables below with the reason why no result depends on it.
"""

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import data, layers, nn, optim, utils
from fastdl._base import notices

ROOT = Path(fastdl.__file__).parent

HOOK = "an argument of a method that users override and the library calls"
ORDER = "the results are in order whatever it says"
DEVICES = "no other device has a random state"
STATES = "the states have the sizes of the cell"
QUERY = "the output has the shape of the query"
MASK = "the output's mask is that of the input"
SPEED = "a hint for speed; the documentation says that it changes no result"

# (module, function, argument): why the body need not read it.
SPEED = "it chooses how PyTorch computes the same values"
NEVER_READ = {
    ("_functions.indexing", "argsort", "stable"): ORDER,
    ("_functions.indexing", "sort", "stable"): ORDER,
    ("_functions.indexing", "topk", "sorted"): ORDER,
    ("_functions.indexing", "unique", "sorted"): ORDER,
    ("_functions.pairs", "isin", "assume_unique"): SPEED,
    ("ops.elementary", "isin", "assume_unique"): SPEED,
    ("random", "fork_rng", "devices"): DEVICES,
    ("random", "fork_rng", "device_type"): DEVICES,
    ("ops.indexing", "top_k", "sorted"): ORDER,
    ("ops.indexing", "unique", "sorted"): ORDER,
    ("random", "next", "ordered"): ORDER,
    ("_base.module", "to_empty", "recurse"): "no parameter is anywhere else than on the CPU",
    ("autograd.functional", "jacobian", "vectorize"): SPEED,
    ("autograd.functional", "jacobian", "strategy"): SPEED,
    ("autograd.functional", "hessian", "vectorize"): SPEED,
    ("autograd.functional", "hessian", "outer_jacobian_strategy"): SPEED,
    **{
        ("ops.scattering", f"segment_{kind}", "sorted"): SPEED
        for kind in "sum prod max min".split()
    },
    ("_functions.products", "cdist", "compute_mode"): SPEED,
    ("func.batches", "vmap", "chunk_size"): SPEED,
    ("func.derivatives", "jacrev", "chunk_size"): SPEED,
    ("func.derivatives", "jacfwd", "randomness"): "the function is called once",
    **{
        ("utils.checkpoint", "checkpoint", name): SPEED
        for name in ("use_reentrant", "determinism_check", "debug", "early_stop")
    },
    **{
        ("_base.defaults", "compile", name): "nothing is translated"
        for name in ("fullgraph", "dynamic", "backend", "mode", "options", "disable")
    },
    **{
        ("cuda", name, "device"): "there is no GPU"
        for name in (
            "memory_allocated",
            "max_memory_allocated",
            "memory_reserved",
        )
    },
    ("cuda", "is_bf16_supported", "including_emulation"): "there is no GPU",
    ("_functions.methods", "to_cuda", "non_blocking"): SPEED,
    ("_functions.methods", "type_of", "non_blocking"): SPEED,
    **{
        ("nn.parallel", function, name): "there is one device"
        for function, names in (
            ("__init__", ("device_ids", "output_device")),
            ("data_parallel", ("device_ids", "output_device", "dim")),
        )
        for name in names
    },
    ("utils._batches", "map", "num_parallel_calls"): SPEED,
    ("utils._batches", "map", "deterministic"): ORDER,
    **{
        ("utils.tensorboard", function, name): "files are written at once, at the time of the call"
        for function, names in (
            ("__init__", ("purge_step", "max_queue", "flush_secs", "filename_suffix")),
            ("add_scalar", ("walltime", "new_style", "double_precision")),
            ("add_scalars", ("walltime",)),
            ("add_histogram", ("walltime", "max_bins")),
            ("add_text", ("walltime",)),
        )
        for name in names
    },
    ("layers.layer", "build", "input_shape"): HOOK,
    ("_base.dtype_policy", "of_layer", "path"): "one policy for all; a map has others",
    ("_base.dtype_policy", "with_layer", "path"): "one policy for all; a map has others",
    (
        "layers.multi_head_attention",
        "call",
        "query_mask",
    ): "masked queries are computed like others",
    ("layers.attention", "compute_mask", "inputs"): MASK,
    ("layers.transformer", "compute_output_shape", "shapes"): QUERY,
    ("layers.sound", "build", "input_shape"): HOOK,
    ("layers.bidirectional", "build", "initial_state_shape"): STATES,
    ("layers.bidirectional", "compute_output_shape", "initial_state_shape"): STATES,
    ("layers.bidirectional", "compute_mask", "inputs"): MASK,
    ("layers.contrasting", "call", "training"): "the layers take it from the call around them",
    ("layers.contrasting", "transform_images", "training"): "it is no random change",
    ("layers.contrasting", "transform_images", "transformation"): "it is no random change",
    **{
        ("layers.resizing", name, argument): "it is no random change"
        for name, arguments in {
            "transform_images": ("training", "transformation"),
            "transform_segmentation_masks": ("training", "transformation"),
        }.items()
        for argument in arguments
    },
    ("layers.equalizing", "transform_images", "training"): "it is no random change",
    ("layers.equalizing", "transform_images", "transformation"): "it is no random change",
    ("utils.bounding_boxes", "pad", "height"): "rows below change no box",
    ("utils.bounding_boxes", "pad", "width"): "columns to the right change no box",
    ("layers.conv_recurrent", "build", "initial_state_shape"): STATES,
    ("layers.conv_recurrent", "compute_output_shape", "initial_state_shape"): STATES,
    ("layers.conv_recurrent", "fused_name", "training"): "it has no operation for all steps",
    ("layers.recurrent", "build", "initial_state_shape"): STATES,
    ("layers.recurrent", "compute_output_shape", "initial_state_shape"): STATES,
    ("layers.recurrent", "compute_mask", "inputs"): MASK,
    ("layers.recurrent_cells", "initialize", "shape"): "a bias has one shape",
    ("layers.recurrent_cells", "initialize", "dtype"): "weights are float32",
    ("layers.layer", "compute_mask", "inputs"): HOOK,
    ("layers.embedding", "build", "input_shape"): HOOK,
    ("layers.text_vectorization", "adapt", "batch_size"): "data in memory is taken at once",
    ("layers.embedding", "compute_mask", "mask"): HOOK,
    ("layers.sequences", "compute_mask", "mask"): HOOK,
    ("models.trainer", "compute_loss", "x"): HOOK,
    ("models.trainer", "compute_loss", "training"): HOOK,
    ("models.trainer", "compute_metrics", "x"): HOOK,
    ("data.loader", "next_batch", "task"): "a stream gives its batches in its own order",
    ("utils.__init__", "clear_session", "free_memory"): "unused memory is free at once",
    ("data.loader", "__init__", "pin_memory_device"): SPEED,
    ("layers._state", "add_weight", "autocast"): "weights are float32 in any case",
    ("models.trainer", "compile", "auto_scale_loss"): "float32 losses need no scaling",
    ("saving.api", "deserialize_keras_object", "safe_mode"): "configs hold no code",
    ("models.sequential", "add", "rebuild"): "a model is built as far as its input is known",
    ("models.sequential", "pop", "rebuild"): "a model is built as far as its input is known",
    ("nn._more_activations", "gumbel_softmax", "eps"): "it has no effect in PyTorch, either",
    **{
        ("nn._other_names", f"{kind}{n}d_with_indices", "return_indices"): "the name says it"
        for kind in ("max_pool", "adaptive_max_pool")
        for n in (1, 2, 3)
    },
    ("nn.linear", "__init__", "args"): "Identity takes any arguments, as PyTorch's",
    ("nn.linear", "__init__", "kwargs"): "Identity takes any arguments, as PyTorch's",
    ("cli.bench", "run", "options"): "it has none; all commands are called alike",
    ("cli.info", "run", "options"): "it has none; all commands are called alike",
    ("tabular.encoders", "fitted", "bins"): "of numbers; all encoders are fitted alike",
    ("tabular.encoders", "fitted", "column"): "of dates; all encoders are fitted alike",
    ("optimizers.optimizer", "finalize_variable_values", "var_list"): "the optimizer knows them",
    ("_base.defaults", "compile", "backend"): "nothing is compiled",
    ("_base.defaults", "compile", "disable"): "nothing is compiled",
    ("_base.defaults", "compile", "dynamic"): "nothing is compiled",
    ("_base.defaults", "compile", "fullgraph"): "nothing is compiled",
    ("_base.defaults", "compile", "isolate_recompiles"): "nothing is compiled",
    ("_base.defaults", "compile", "mode"): "nothing is compiled",
    ("_base.defaults", "compile", "name"): "nothing is compiled",
    ("_base.defaults", "compile", "options"): "nothing is compiled",
    ("_base.defaults", "compile", "recompile_limit"): "nothing is compiled",
    ("_base.defaults", "compile", "shapes_spec"): "nothing is compiled",
    ("_functions.methods", "copy_", "non_blocking"): SPEED,
    ("_functions.more", "pca_lowrank", "niter"): "values are exact",
    ("_functions.more", "segment_reduce", "unsafe"): "lengths are checked in any case",
    ("_functions.more", "svd_lowrank", "niter"): "values are exact",
    ("_functions.more_methods", "dim_order", "ambiguity_check"): "PyTorch asks for other tensors",
    ("_functions.more_methods", "is_pinned", "device"): "PyTorch asks for other tensors",
    ("_functions.more_methods", "to_dense", "masked_grad"): "PyTorch asks for other tensors",
    ("distributions.transforms", "log_abs_det_jacobian", "y"): "a formula needs one of the two",
    ("nn._fractional", "fractional_max_pool2d_with_indices", "return_indices"): "the name says it",
    ("nn._fractional", "fractional_max_pool3d_with_indices", "return_indices"): "the name says it",
    ("nn.functions", "batch_norm", "cudnn_enabled"): "there is no cuDNN",
    ("nn.functions", "group_norm", "cudnn_enabled"): "there is no cuDNN",
    ("nn.functions", "instance_norm", "cudnn_enabled"): "there is no cuDNN",
    ("nn.functions", "layer_norm", "cudnn_enable"): "there is no cuDNN",
    ("nn.utils.prune", "compute_mask", "t"): "all methods are called alike",
}
# (module, argument): why no place need read the attribute.
ONLY_STORED = {
    ("data.loader", "pin_memory"): SPEED,
}


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


SOURCES = {dotted(path): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}


def is_docstring(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def functions():
    """Public functions and methods, and `__init__`, that have a body of their own."""
    for module, tree in SOURCES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            if node.name.startswith("_") and node.name != "__init__":
                continue
            body = [s for s in node.body if not is_docstring(s)]
            if not all(isinstance(s, ast.Raise | ast.Pass) for s in body):
                yield module, node, body


def arguments(node):
    a = node.args
    found = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    found += [v for v in (a.vararg, a.kwarg) if v is not None]
    return [v.arg for v in found if v.arg not in ("self", "cls") and not v.arg.startswith("_")]


# What the caller of a callback or of a special method passes.
DICTATED = {"logs", "epoch", "memo", "protocol", "types"}
# What programs for PyTorch pass: values lie in the order of the axes, in the memory of the CPU.
DICTATED |= {"layout", "pin_memory", "memory_format"}


def test_every_argument_is_read_or_need_not_be():
    found = set()
    for module, node, body in functions():
        read = {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}
        found |= {(module, node.name, a) for a in arguments(node) if a not in read | DICTATED}
    assert found == NEVER_READ.keys()


def test_every_argument_that_is_stored_is_read_somewhere():
    """`self.a = a` in `__init__`, where no place of the package reads `.a` or `"a"`."""
    read = set()
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                read.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                read.add(node.value)
    found = set()
    for module, node, body in functions():
        for statement in body if node.name == "__init__" else ():
            match statement:
                case ast.Assign([ast.Attribute(ast.Name("self"), name)], ast.Name(argument)):
                    stored = [argument] if name == argument else []
                case ast.Expr(ast.Call(ast.Attribute(ast.Attribute(_, "__dict__")), _, keywords)):
                    stored = [k.arg for k in keywords if ast.unparse(k.value) == k.arg]
                case _:
                    stored = []
            for name in ({*stored} - read) & {*arguments(node)}:
                uses = [n for s in body for n in ast.walk(s) if getattr(n, "id", None) == name]
                if len(uses) == 1:
                    found.add((module, name))
    assert found == ONLY_STORED.keys()


# --- what becomes of each


def parameter():
    return nn.Parameter(np.ones(3, "float32"))


def after_steps(kind, **options):
    p = parameter()
    optimizer = kind([p], lr=0.1, **options)
    for _ in range(3):
        p.grad = fastdl.tensor([1.0, -2.0, 0.5])
        optimizer.step()
    return p.tolist()


KINDS = [
    optim.SGD,
    optim.Adam,
    optim.AdamW,
    optim.Adagrad,
    optim.RMSprop,
    optim.Adamax,
    optim.NAdam,
    optim.RAdam,
    optim.Adadelta,
    optim.Rprop,
    optim.ASGD,
]


@pytest.mark.parametrize("kind", KINDS)
def test_hints_for_speed_change_no_step(kind):
    hints = {"foreach", "fused", "capturable"} & set(kind.__init__.__code__.co_varnames)
    assert "foreach" in hints
    for hint in hints:
        for value in (True, False):
            assert after_steps(kind, **{hint: value}) == after_steps(kind)
    assert after_steps(kind, maximize=True) != after_steps(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_differentiable_step_is_refused_in_every_group(kind):
    for make in (
        lambda: kind([parameter()], differentiable=True),
        lambda: kind([{"params": [parameter()], "differentiable": True}]),
    ):
        with pytest.raises(ValueError, match=f"{kind.__name__}: differentiable: expected False"):
            make()


def compiled(**options):
    model = fastdl.Sequential([layers.Input((3,)), layers.Dense(2, kernel_initializer="ones")])
    model.compile("sgd", "mse", **options)
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.Adam([parameter()], foreach=True, fused=True), "cannot be True together"),
        (lambda: data.DataLoader([1, 2], timeout=-1), "timeout: expected a number of at least 0"),
        (lambda: data.DataLoader([1, 2], timeout=5), "timeout=5 needs num_workers > 0"),
        (lambda: data.DataLoader([1], prefetch_factor=2), "prefetch_factor=2 needs num_workers"),
        (lambda: data.DataLoader([1], persistent_workers=True), "persistent_workers=True needs"),
        (lambda: data.DataLoader([1], multiprocessing_context="fork"), "needs num_workers > 0"),
        (lambda: compiled(steps_per_execution=0), "steps_per_execution: expected an integer"),
        (lambda: compiled(jit_compile="yes"), "jit_compile: expected 'auto', True, False or None"),
        (lambda: layers.Layer().add_weight((2,), aggregation="max"), "aggregation of weight"),
        (
            lambda: fastdl.ops.convert_to_tensor([1.0], sparse=True),
            "sparse, ragged: expected False",
        ),
        (lambda: fastdl.ops.one_hot([1], 2, sparse=True), "sparse"),
    ],
)
def test_values_whose_effect_is_missing_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_of_compile_change_no_weight():
    x, y = np.ones((8, 3), "float32"), np.zeros((8, 2), "float32")
    weights = []
    for options in (
        {},
        {"steps_per_execution": 4},
        {"jit_compile": True},
        {"jit_compile": False},
        {"auto_scale_loss": False},
    ):
        model = compiled(**options)
        model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        weights.append(model.layers[0].kernel.tolist())
    assert weights[1:] == weights[:-1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: utils.PyDataset(use_multiprocessing=True), "threads make the batches"),
        (lambda: layers.Embedding(2, 3, input_length=4), "input_length has no effect"),
    ],
)
def test_values_whose_effect_is_missing_warn_once(make, message, monkeypatch):
    monkeypatch.setattr(notices, "_said", set())
    utils.clear_session()
    with pytest.warns(UserWarning, match=message):
        make()
    utils.clear_session()  # so that names are the same again
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make()


def test_a_loader_with_the_options_of_workers_gives_the_same_batches():
    rows = data.TensorDataset(fastdl.arange(6))
    plain = [x.tolist() for (x,) in data.DataLoader(rows, 4)]
    options = {"prefetch_factor": 3, "persistent_workers": True}
    options |= {"pin_memory": True, "timeout": 1, "in_order": False}
    loader = data.DataLoader(rows, 4, num_workers=2, **options)
    assert [x.tolist() for (x,) in loader] == plain
