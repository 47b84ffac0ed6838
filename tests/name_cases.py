"""Names of PyTorch: top-level functions of layers and losses, methods, creation. golden/names.py.

A call is a line of Python, as in faces_cases.py. `made(x)` is x after a method has changed it.
"""

import numpy as np
from faces_cases import flat as flat
from faces_cases import lines as lines

_random = np.random.RandomState(11)


def _normal(*shape):
    return _random.standard_normal(shape).round(2).astype("float32")


A, B = _normal(2, 3), _normal(2, 3)
X1, X2, X3 = _normal(2, 4, 6), _normal(2, 4, 6, 6), _normal(1, 2, 5, 5, 5)
W1, W2, W3 = _normal(4, 4, 3), _normal(4, 4, 2, 2), _normal(2, 2, 2, 2, 2)
V = _normal(4)
I = np.int64([[1, 0, 2], [2, 2, 0]])  # noqa: E741
M = np.array([[True, False, True], [False, False, True]])
P = np.abs(A) / 4
U2 = _random.uniform(0, 1, (2, 4, 2)).astype("float32")
U3 = _random.uniform(0, 1, (1, 2, 3)).astype("float32")
S = np.array([[1.0], [-1.0]], "float32")
E3 = np.float32([-2, 0, 2])
ARRAYS = {n: v for n, v in list(globals().items()) if isinstance(v, np.ndarray)}

TORCH = """
torch.conv1d(T(X1), T(W1), T(V), padding=1)
torch.conv2d(T(X2), T(W2), T(V), 2, 1)
torch.conv3d(T(X3), T(W3))
torch.conv_tbc(T(X1), T(W1.transpose(2, 0, 1).copy()[:, :, :3].repeat(2, 1)[:, :6]), T(V[:3]), 1)
torch.conv_tbc(T(X1[0]), T(W1), T(V))
torch.conv_transpose1d(T(X1), T(W1), None, 2)
torch.conv_transpose2d(T(X2), T(W2), T(V), 2, 1, 1)
torch.conv_transpose3d(T(X3), T(W3))
torch.avg_pool1d(T(X1), 2)
torch.avg_pool1d(T(X1), 3, 1, 1, False, False)
torch.max_pool1d(T(X1), 2)
torch.max_pool1d_with_indices(T(X1), 3, 2, 1)
torch.max_pool2d(T(X2), 3, 2, 1)
torch.max_pool3d(T(X3), 2)
torch.adaptive_avg_pool1d(T(X1), 4)
torch.adaptive_max_pool1d(T(X1), 4)
torch.nn.functional.fractional_max_pool2d(T(X2), 2, 4, _random_samples=T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2), (2, 3), (3, 2), _random_samples=T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2), 3, output_ratio=(0.5, 0.4), _random_samples=T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2), 2, 4, None, True, T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2[0]), 2, (1, 5), None, True, T(U2[:1]))
torch.nn.functional.fractional_max_pool2d_with_indices(T(X2), 2, 4, _random_samples=T(U2))
torch.nn.functional.fractional_max_pool3d(T(X3), 2, 3, _random_samples=T(U3))
torch.nn.functional.fractional_max_pool3d(T(X3), (2, 1, 3), (3, 4, 2), None, True, T(U3))
torch.nn.functional.fractional_max_pool3d_with_indices(T(X3), 2, 3, _random_samples=T(U3))
torch.nn.functional.fractional_max_pool2d(T(X2), 4, 4, _random_samples=T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2), 2)
torch.nn.functional.fractional_max_pool2d(T(X2), 2, 4, 0.5, False, T(U2))
torch.nn.functional.fractional_max_pool2d(T(X2), 2, output_ratio=(1.0, 1.0))
torch.nn.FractionalMaxPool2d(2, 4, 0.5)
torch.nn.FractionalMaxPool2d(2, 4, _random_samples=T(U2))(T(X2))
torch.nn.FractionalMaxPool3d(2, output_ratio=0.5, _random_samples=T(U3))(T(X3))
torch.dropout(T(A), 0.5, False)
torch.dropout(T(A), 1.0, True)
torch.alpha_dropout(T(A), 0.5, False)
torch.feature_alpha_dropout(T(X2), 0.5, False)
torch.embedding(T(A), T(I % 2))
torch.embedding(T(A), T(I % 2), 1)
torch.batch_norm(T(X1), T(V), None, T(V), T(np.abs(V)), False, 0.1, 1e-3, True)
torch.batch_norm(T(X1), None, T(V), None, None, True, 0.1, 1e-3, True)
torch.instance_norm(T(X1), T(V), T(V), None, None, True, 0.1, 1e-5, True)
torch.group_norm(T(X1), 2, T(V), T(V))
torch.layer_norm(T(X1), (6,))
torch.layer_norm(T(A), (3,), T(V[:3]), T(V[:3]), 1e-2)
torch.rms_norm(T(A), (3,), T(V[:3]), 1e-2)
torch.celu(T(A), 0.5)
torch.prelu(T(A), T(V[:3]))
torch.hardshrink(T(A), 0.3)
torch.threshold(T(A), 0.1, -1.0)
torch.rrelu(T(A), 0.1, 0.3)
torch.bilinear(T(A), T(B), T(W1[:, :3, :3].copy()), T(V))
torch.channel_shuffle(T(X2), 2)
torch.native_channel_shuffle(T(X2), 2)
torch.pixel_shuffle(T(X2), 2)
torch.pixel_unshuffle(T(X2), 3)
torch.pairwise_distance(T(A), T(B), 1.0)
made(lambda x: torch.relu_(x), T(A))
made(lambda x: torch.selu_(x), T(A))
made(lambda x: torch.celu_(x, 0.5), T(A))
made(lambda x: torch.rrelu_(x, 0.2, 0.2), T(A))
made(lambda x: torch.threshold_(x, 0.1, -1.0), T(A))
torch.binary_cross_entropy_with_logits(T(A), T(P))
torch.binary_cross_entropy_with_logits(T(A), T(P), None, T(V[:3]), 0)
torch.cosine_embedding_loss(T(A), T(B), T(S[:, 0]), 0.1, 2)
torch.ctc_loss(T(X1).log_softmax(2), T([[1, 2], [3, 1], [2, 2], [5, 1]]), [2] * 4, [1] * 4, 0, 0)
torch.hinge_embedding_loss(T(A), T(np.sign(B)), 0.5, 1)
torch.kl_div(T(A), T(P), 2)
torch.kl_div(T(A), T(B), log_target=True)
torch.margin_ranking_loss(T(A), T(B), T(S), 0.1)
torch.poisson_nll_loss(T(A), T(P), True, False, 1e-8, 0)
torch.triplet_margin_loss(T(A), T(B), T(P), 0.5, 2, 1e-6, True, 0)
T(A).t_()
T(A).transpose_(0, 1)
T(X1).transpose_(-1, 0)
T(X1).swapaxes_(0, 2)
T(X1).swapdims_(1, 2)
T(A[None, :, None]).squeeze_()
T(A[None, :, None]).squeeze_(2)
T(A[None, :, None]).squeeze_((0, 1))
T(A).unsqueeze_(-1)
T(A).resize_(3, 1)
T(A).resize_((2,))
T(A).resize_(0)
T(A).resize_as_(T(V))
T(X1).t_()
T(A).transpose_(0, 2)
made(lambda x: x.t_().add_(1), T(A))
T(A).where(T(M), T(B))
T(A).where(T(M), 0.5)
T(A).hardshrink(0.3)
T(A).prelu(T(V[:3]))
T(A).prelu(T(V[:1]))
T(A).prelu(T(V))
made(lambda x: x.apply_(lambda v: 2 * v + 1), T(A))
made(lambda x: x.map_(T(B), lambda v, w: v - w), T(A))
made(lambda x: x.map2_(T(B), T(P), lambda v, w, u: v - w * u), T(A))
T(A).unsafe_split_with_sizes((1, 2), 1)
T(A).nonzero_static(size=4)
T(M).nonzero_static(size=5, fill_value=7)
T(A).new([1, 2])
T(I).new(T(I))
T(A).to_dense()
T(A).get_device()
T(A).dim_order()
T(A).storage_offset()
T(A).is_signed()
T(M).is_signed()
T(A).is_set_to(T(A))
T(A).is_inference()
T(A).is_neg()
T(A).is_shared()
T(A).is_pinned()
T(A).is_cpu
T(A).is_meta
T(A).is_sparse
T(A).is_quantized
T(A).new_zeros(2, 3, device="cpu", requires_grad=True).requires_grad
T(I).new_ones((2,), dtype=torch.float32, device="cpu")
T(A).new_full((2, 2), 3.5, device="cpu")
T(I).new_full((2, 2), 3)
T(A).new_tensor([1, 2], device="cpu", requires_grad=True)
T(A).new_empty(2, 3, device="cpu").shape
T(I).type(torch.float32)
T(I).type("torch.FloatTensor")
T(A).type(torch.LongTensor)
T(A).type(torch.half)
torch.tril_indices(3, 3, device="cpu")
torch.triu_indices(3, 4, 1, dtype=torch.int32, device="cpu")
torch.randint_like(T(A), 1)
torch.randint_like(T(A), 3, 4)
torch.randint_like(T(I), 5, 6, dtype=torch.float32)
torch.randint_like(T(A), 3, 3)
torch.normal(2.0, 0.0, (3,), dtype=torch.float16)
torch.randint(0, 1, (2,), dtype=torch.float32, requires_grad=True)
torch.randperm(1, device="cpu")
torch.as_strided(T(X1), (3, 2), (2, 5))
torch.as_strided(T(X1), (2, 2, 2), (1, 0, 3), 7)
torch.as_strided(T(X1), (), ())
torch.as_strided(T(X1), (2,), (100,))
torch.as_strided(T(X1), (2,), (1, 1))
torch.as_strided_copy(T(A), (2, 2), (1, 2), 1)
torch.as_strided_scatter(T(A), T(B[:, :2].copy()), (2, 2), (3, 1), 1)
T(A).as_strided((2, 2), (1, 2))
torch.nonzero_static(T(A), size=2)
torch.histogramdd(T(A.reshape(3, 2)), [2, 3])[0]
torch.histogramdd(T(A.reshape(3, 2)), [2, 3])[1]
torch.histogramdd(T(A.reshape(3, 2)), 2, range=[-1.0, 1.0, 0.0, 2.0], weight=T(V[:3]))[0]
torch.histogramdd(T(A.reshape(3, 2)), [T(E3), T(E3[1:])], density=True)[0]
torch.segment_reduce(T(X1[0]), "sum", lengths=T(np.int64([1, 0, 3])))
torch.segment_reduce(T(X1[0]), "mean", lengths=T(np.int64([1, 0, 3])))
torch.segment_reduce(T(X1[0]), "max", lengths=T(np.int64([1, 1, 2])))
torch.segment_reduce(T(X1[0]), "min", offsets=T(np.int64([0, 1, 4])))
torch.segment_reduce(T(X1[0]), "prod", offsets=T(np.int64([0, 1, 4])))
torch.segment_reduce(T(X1[0]), "max", lengths=T(np.int64([4, 0])), initial=0.5)
torch.segment_reduce(T(X1), "sum", lengths=T(np.int64([[1, 3], [2, 2]])), axis=1)
torch.segment_reduce(T(X1[0]), "sum", lengths=T(np.int64([1, 1])))
torch.segment_reduce(T(X1[0]), "median", lengths=T(np.int64([4])))
str(torch.promote_types(torch.float32, torch.int64)).split(".")[-1]
str(torch.promote_types(torch.bool, torch.uint8)).split(".")[-1]
str(torch.promote_types(torch.int8, torch.int32)).split(".")[-1]
str(torch.promote_types(torch.float16, torch.int64)).split(".")[-1]
str(torch.promote_types(torch.float16, torch.bfloat16)).split(".")[-1]
str(torch.result_type(T(A), T(I))).split(".")[-1]
str(torch.result_type(T(I), 1.5)).split(".")[-1]
str(torch.result_type(T(I).int(), 1)).split(".")[-1]
str(torch.result_type(T(I).int(), T(np.int64(3)))).split(".")[-1]
str(torch.result_type(1, 2.5)).split(".")[-1]
str(torch.result_type(True, T(M))).split(".")[-1]
str(torch.result_type(T(M), 3)).split(".")[-1]
torch.can_cast(torch.float32, torch.int64)
torch.can_cast(torch.int64, torch.float16)
torch.can_cast(torch.int64, torch.bool)
torch.can_cast(torch.bool, torch.uint8)
torch.asarray(A)
torch.asarray([1, 2], dtype=torch.float32)
torch.asarray(A, copy=True)
torch.asarray(T(A), requires_grad=True).requires_grad
torch.frombuffer(bytearray(b"abcdefgh"), dtype=torch.uint8)
torch.frombuffer(bytearray(b"abcdefgh"), dtype=torch.int32, count=1, offset=4)
torch.frombuffer(bytearray(b"abcdefgh"), dtype=torch.int32, count=3)
torch.frombuffer(bytearray(b"abcdefg"), dtype=torch.int32)
torch.frombuffer(bytearray(b""), dtype=torch.int32)
torch.empty_strided((2, 3), (3, 1)).shape == (2, 3)
torch.empty_permuted((2, 3), (0, 1)).shape == (2, 3)
torch.typename([])
torch.alias_copy(T(A))
torch.detach_copy(T(A))
torch.diagonal_copy(T(A), 1)
torch.expand_copy(T(V), (2, 4))
torch.permute_copy(T(X1), (2, 0, 1))
torch.select_copy(T(X1), 1, 2)
torch.slice_copy(T(X1), 1, 1, 4, 2)
torch.slice_copy(T(X1), 2, -3)
torch.split_copy(T(X1), 3, 1)
torch.split_with_sizes_copy(T(X1), (1, 3), 1)
torch.squeeze_copy(T(A[None]))
torch.squeeze_copy(T(A[None]), 0)
torch.t_copy(T(A))
torch.transpose_copy(T(X1), 0, 2)
torch.unbind_copy(T(A), 1)
torch.unfold_copy(T(X1), 2, 3, 2)
torch.unsqueeze_copy(T(A), 1)
torch.view_copy(T(A), (3, 2))
torch.pi
torch.e
torch.inf
torch.nan
"""
