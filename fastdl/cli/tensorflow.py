"""Functions of TensorFlow and `tf.keras.backend` that are in `fastdl.ops`, for `convert`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache

# Each line has a name of TensorFlow, the place here and the arguments, in TensorFlow's order, with
# Keras's name after a colon; those after a bar by name alone. Other arguments are not there. After
# "=" stands what a call must say here, since the default is another. "#number" asks for a number in
# the program's text, "#float" for no type of integers. Of two places the first is a function of the
# second's result. NONE lists devices: there is no GPU. Names of `tf` are those of `tf.math`, too.
_TABLE = """
Variable Variable initial_value:initializer | trainable name dtype
argmax ops.argmax input:x axis=0
argmin ops.argmin input:x axis=0
argsort ops.argsort values:x axis
broadcast_to ops.broadcast_to input:x shape
cast ops.cast x dtype
clip_by_value ops.clip t:x clip_value_min:x_min clip_value_max:x_max
concat ops.concatenate values:xs axis
config.experimental.list_physical_devices NONE device_type
config.list_logical_devices NONE device_type
config.list_physical_devices NONE device_type
cond ops.cond pred true_fn false_fn
constant ops.convert_to_tensor value:x dtype
convert_to_tensor ops.convert_to_tensor value:x dtype
cumsum ops.cumsum x axis=0
divide ops.divide x:x1 y:x2
einsum ops.einsum equation:subscripts *
equal ops.equal x:x1 y:x2
expand_dims ops.expand_dims input:x axis
eye ops.eye num_rows:N num_columns:M
fill ops.full dims:shape value:fill_value
function compile func:model | jit_compile:fullgraph reduce_retracing:dynamic
gather ops.take params:x indices | axis=0
greater ops.greater x:x1 y:x2
greater_equal ops.greater_equal x:x1 y:x2
identity ops.copy input:x
image.resize ops.image.resize images size method:interpolation
image.rgb_to_grayscale ops.image.rgb_to_grayscale images
is_tensor ops.is_tensor x
less ops.less x:x1 y:x2
less_equal ops.less_equal x:x1 y:x2
linalg.cholesky ops.linalg.cholesky input:x
linalg.det ops.linalg.det input:x
linalg.einsum ops.einsum equation:subscripts *
linalg.inv ops.linalg.inv input:x
linalg.matmul ops.matmul a:x1 b:x2
linalg.norm ops.linalg.norm tensor:x | axis keepdims
linalg.qr ops.linalg.qr input:x
linalg.solve ops.linalg.solve matrix:a rhs:b
linspace ops.linspace start stop num
logical_and ops.logical_and x:x1 y:x2
logical_not ops.logical_not x
logical_or ops.logical_or x:x1 y:x2
map_fn ops.map fn:f elems:xs
math.add ops.add x:x1 y:x2
math.cumprod ops.cumprod x axis=0
math.count_nonzero ops.count_nonzero input:x axis
math.divide_no_nan ops.divide_no_nan x:x1 y:x2
math.floordiv ops.floor_divide x:x1 y:x2
math.floormod ops.mod x:x1 y:x2
math.in_top_k ops.in_top_k targets predictions k
math.is_finite ops.isfinite x
math.is_inf ops.isinf x
math.is_nan ops.isnan x
math.l2_normalize ops.normalize x axis
math.log_sigmoid ops.log_sigmoid x
math.log_softmax ops.log_softmax logits:x axis
math.logical_xor ops.logical_xor x:x1 y:x2
math.mod ops.mod x:x1 y:x2
math.multiply ops.multiply x:x1 y:x2
math.reduce_euclidean_norm ops.norm input_tensor:x | axis keepdims
math.reduce_std ops.std input_tensor:x axis keepdims
math.reduce_variance ops.var input_tensor:x axis keepdims
math.rsqrt ops.rsqrt x
math.squared_difference ops.square|ops.subtract x:x1 y:x2
math.softmax ops.softmax logits:x axis
math.subtract ops.subtract x:x1 y:x2
math.unsorted_segment_max ops.segment_max data segment_ids num_segments
math.unsorted_segment_sum ops.segment_sum data segment_ids num_segments
math.top_k ops.top_k input:x k=1 sorted
matmul ops.matmul a:x1 b:x2
maximum ops.maximum x:x1 y:x2
meshgrid ops.meshgrid *
minimum ops.minimum x:x1 y:x2
multiply ops.multiply x:x1 y:x2
newaxis None
nn.dropout random.dropout x:inputs rate noise_shape seed
nn.elu ops.elu features:x
nn.gelu ops.gelu features:x approximate=False
nn.l2_normalize ops.normalize x axis
nn.leaky_relu ops.leaky_relu features:x alpha:negative_slope
nn.log_softmax ops.log_softmax logits:x axis
nn.moments ops.moments x axes | keepdims
nn.relu ops.relu features:x
nn.relu6 ops.relu6 features:x
nn.selu ops.selu features:x
nn.sigmoid ops.sigmoid x
nn.silu ops.silu features:x
nn.softmax ops.softmax logits:x axis
nn.softplus ops.softplus features:x
nn.softsign ops.softsign features:x
nn.swish ops.silu features:x
nn.tanh ops.tanh x
nn.top_k ops.top_k input:x k=1 sorted
norm ops.norm tensor:x | axis keepdims
not_equal ops.not_equal x:x1 y:x2
one_hot ops.one_hot indices:x depth:num_classes | axis dtype
ones ops.ones shape dtype
ones_like ops.ones_like input:x dtype
pad ops.pad tensor:x paddings:pad_width | constant_values
pow ops.power x:x1 y:x2
random.categorical random.categorical logits num_samples dtype seed
random.normal random.normal shape mean stddev dtype seed
random.set_seed utils.set_random_seed seed
random.shuffle random.shuffle value:x | seed
random.truncated_normal random.truncated_normal shape mean stddev dtype seed
random.uniform random.uniform shape minval maxval dtype#float seed
range ops.arange start limit:stop delta:step dtype
rank ops.ndim input:x
reduce_all ops.all input_tensor:x axis keepdims
reduce_any ops.any input_tensor:x axis keepdims
reduce_logsumexp ops.logsumexp input_tensor:x axis keepdims
reduce_max ops.max input_tensor:x axis keepdims
reduce_mean ops.mean input_tensor:x axis keepdims
reduce_min ops.min input_tensor:x axis keepdims
reduce_prod ops.prod input_tensor:x axis | keepdims
reduce_sum ops.sum input_tensor:x axis keepdims
repeat ops.repeat input:x repeats axis
reshape ops.reshape tensor:x shape:newshape
reverse ops.flip tensor:x axis
roll ops.roll input:x shift axis
scatter_nd ops.scatter indices updates:values shape
shape ops.shape input:x
size ops.size input:x
slice ops.slice input_:inputs begin:start_indices size:shape
sort ops.sort values:x axis
split ops.split value:x num_or_size_splits:indices_or_sections#number axis
squeeze ops.squeeze input:x axis
stack ops.stack values:x axis
stop_gradient ops.stop_gradient input:variable
subtract ops.subtract x:x1 y:x2
tensor_scatter_nd_update ops.scatter_update tensor:inputs indices updates
tensordot ops.tensordot a:x1 b:x2 axes
tile ops.tile input:x multiples:repeats
transpose ops.transpose a:x perm:axes
unstack ops.unstack value:x num axis
vectorized_map ops.vectorized_map fn:function elems:elements
where ops.where condition x:x1 y:x2
while_loop ops.while_loop cond body loop_vars
zeros ops.zeros shape dtype
zeros_like ops.zeros_like input:x dtype
"""
# Those of `tf.keras.backend` and Keras 2's `keras.backend`.
_BACKEND = """
all ops.all x axis keepdims
any ops.any x axis keepdims
arange ops.arange start stop step dtype
argmax ops.argmax x axis=-1
argmin ops.argmin x axis=-1
binary_crossentropy ops.binary_crossentropy target output from_logits
cast ops.cast x dtype
categorical_crossentropy ops.categorical_crossentropy target output from_logits axis
clip ops.clip x min_value:x_min max_value:x_max
concatenate ops.concatenate tensors:xs axis=-1
constant ops.convert_to_tensor value:x dtype='float32'
cumprod ops.cumprod x axis=0
cumsum ops.cumsum x axis=0
dot ops.dot x:x1 y:x2
dropout random.dropout x:inputs level:rate noise_shape seed
elu ops.elu x alpha
equal ops.equal x:x1 y:x2
eval ops.convert_to_numpy x
expand_dims ops.expand_dims x axis=-1
eye ops.eye size:N
flatten ops.ravel x
gather ops.take reference:x indices | axis=0
get_value ops.convert_to_numpy x
greater ops.greater x:x1 y:x2
greater_equal ops.greater_equal x:x1 y:x2
int_shape ops.shape x
less ops.less x:x1 y:x2
less_equal ops.less_equal x:x1 y:x2
max ops.max x axis keepdims
maximum ops.maximum x:x1 y:x2
mean ops.mean x axis keepdims
min ops.min x axis keepdims
minimum ops.minimum x:x1 y:x2
not_equal ops.not_equal x:x1 y:x2
one_hot ops.one_hot indices:x num_classes
ones ops.ones shape dtype
ones_like ops.ones_like x dtype
permute_dimensions ops.transpose x pattern:axes
pow ops.power x:x1 a:x2
prod ops.prod x axis keepdims
random_normal random.normal shape mean stddev dtype seed
random_uniform random.uniform shape minval maxval dtype#float seed
repeat_elements ops.repeat x rep:repeats axis
reshape ops.reshape x shape:newshape
reverse ops.flip x axes:axis
softmax ops.softmax x axis
sparse_categorical_crossentropy ops.sparse_categorical_crossentropy target output from_logits axis
squeeze ops.squeeze x axis
stack ops.stack x axis
std ops.std x axis keepdims
sum ops.sum x axis keepdims
tile ops.tile x n:repeats
truncated_normal random.truncated_normal shape mean stddev dtype seed
var ops.var x axis keepdims
zeros ops.zeros shape dtype
zeros_like ops.zeros_like x dtype
"""
_ALIKE_IN_BACKEND = (
    "abs cos exp log ndim relu round shape sigmoid sign sin softplus softsign sqrt square tanh "
    "transpose".split()
)
# Those of one argument that are called alike.
_ALIKE = "abs cos cosh exp floor negative round sigmoid sign sin sinh sqrt square tan tanh".split()
_ALIKE += [f"math.{name}" for name in "ceil erf erfinv expm1 log log1p reciprocal".split()]
_LOSSES = {
    "sigmoid": "binary",
    "softmax": "categorical",
    "sparse_softmax": "sparse_categorical",
}
_INVERSE = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh"}
_INVERSE.update({"atan": "arctan", "atanh": "arctanh"})


@dataclass
class Function:
    """What a function of TensorFlow is here.

    Attributes:
        place: the name here, after "fastdl.".
        around: a function of the result, if there is another.
        arguments: the names of its arguments here, by TensorFlow's.
        positional: how many of them may be given by position; None for any number.
        added: what a call has to say, by the names of arguments here, unless it says it.
        kinds: what an argument has to be.
    """

    place: str
    arguments: dict[str, str] = field(default_factory=dict)
    positional: int | None = 0
    added: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    around: str = ""

    def obstacle(self, call: ast.Call) -> str | None:
        """What keeps a call from being rewritten, such as an argument that is not here."""
        given = [a for a in call.args if not isinstance(a, ast.Starred)]
        names = list(self.arguments)
        if self.positional is not None and len(given) > self.positional:
            return f"takes {self.positional} arguments by position here"
        if self.added and any(isinstance(a, ast.Starred) for a in call.args):
            return "has other defaults here: write its arguments one by one"
        values = dict(zip(names, given, strict=False))
        for keyword in call.keywords:
            if keyword.arg is None:
                return "has other names of arguments here: write them one by one"
            if keyword.arg not in self.arguments:
                return f"takes no argument {keyword.arg} here"
            values[keyword.arg] = keyword.value
        for name, kind in self.kinds.items():
            if name in values and not _is_of(kind, values[name]):
                hint = "sizes are split points" if kind == "number" else "use random.randint"
                return f"has another meaning of {name} here: {hint}"
        return None

    def missing(self, call: ast.Call) -> list[str]:
        """What to write into a call besides its arguments."""
        by_place = list(self.arguments.values())[: len(call.args)]
        given = {*by_place, *(self.arguments.get(k.arg or "") for k in call.keywords)}
        return [f"{name}={value}" for name, value in self.added.items() if name not in given]


def _is_of(kind: str, value: ast.expr) -> bool:
    if kind == "number":
        return isinstance(value, ast.Constant) and isinstance(value.value, int)
    text = value.attr if isinstance(value, ast.Attribute) else getattr(value, "value", "")
    return "int" not in str(text)


@cache
def functions() -> dict[str, Function]:
    """The functions of TensorFlow by their names after "tensorflow."."""
    of_one = {name: f"ops.{name.rpartition('.')[2]}" for name in _ALIKE}
    found = {name: Function(place, {"x": "x"}, 1) for name, place in of_one.items()}
    found.update((k, Function(f"ops.{v}", {"x": "x"}, 1)) for k, v in _INVERSE.items())
    for name, place in _LOSSES.items():
        arguments = {"labels": "target", "logits": "output"}
        added = {"from_logits": "True"}
        loss = Function(f"ops.{place}_crossentropy", arguments, 2, added)
        found[f"nn.{name}_cross_entropy_with_logits"] = loss
    found.update(_read(_TABLE))
    found.update({f"math.{name}": f for name, f in found.items() if "." not in name})
    return found


@cache
def backend_functions() -> dict[str, Function]:
    """The functions of `keras.backend` by their names."""
    found = {name: Function(f"ops.{name}", {"x": "x"}, 1) for name in _ALIKE_IN_BACKEND}
    found.update(_read(_BACKEND))
    return found


def _read(table: str) -> dict[str, Function]:
    found = {}
    for line in table.strip().splitlines():
        name, place, *words = line.split()
        around, _, place = place.rpartition("|")
        function = found[name] = Function(place, around=around)
        for word in words:
            if word == "|":  # the others by name alone
                function.positional = len(function.arguments)
                continue
            if word == "*":
                function.positional = None
                continue
            word, _, default = word.partition("=")
            word, _, kind = word.partition("#")
            theirs, _, ours = word.partition(":")
            function.arguments[theirs] = ours or theirs
            if default:
                function.added[ours or theirs] = default
            if kind:
                function.kinds[theirs] = kind
        if "|" not in words and "*" not in words:
            function.positional = len(function.arguments)
    return found
