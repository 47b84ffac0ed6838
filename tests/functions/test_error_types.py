"""The types of errors: a program in either style catches what its library would raise.

Shapes that do not fit are a ValueError, as in Keras, and a RuntimeError, as in PyTorch. An axis
that is not there is an IndexError and a ValueError, as NumPy's AxisError. The tables are calls,
divided by semicolons: a has shape (2, 3), b (4, 5), one (3).
"""

import pickle
import re

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, losses, metrics, nn, ops
from fastdl._base.checks import KindError
from fastdl.nn import functional as F

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # about shapes that broadcast

SHAPES = """
    fastdl.add(a, b) ; a.add(b) ; fastdl.sub(a, b) ; a.sub(b) ; fastdl.mul(a, b) ; a.mul(b)
    fastdl.div(a, b) ; a.div(b) ; fastdl.pow(a, b) ; a.pow(b) ; fastdl.maximum(a, b)
    a.maximum(b) ; fastdl.minimum(a, b) ; a.minimum(b) ; fastdl.eq(a, b) ; a.eq(b)
    fastdl.lt(a, b) ; a.lt(b) ; fastdl.atan2(a, b) ; a.atan2(b) ; fastdl.hypot(a, b)
    a.hypot(b) ; fastdl.fmod(a, b) ; a.fmod(b) ; fastdl.remainder(a, b) ; a.remainder(b)
    fastdl.floor_divide(a, b) ; a.floor_divide(b) ; fastdl.logical_and(a, b) ; a.logical_and(b)
    fastdl.fmax(a, b) ; a.fmax(b) ; fastdl.fmin(a, b) ; a.fmin(b) ; fastdl.copysign(a, b)
    a.copysign(b) ; fastdl.xlogy(a, b) ; a.xlogy(b) ; fastdl.logaddexp(a, b) ; a.logaddexp(b)
    fastdl.ldexp(a, b) ; a.ldexp(b) ; fastdl.nextafter(a, b) ; a.nextafter(b)
    fastdl.heaviside(a, b) ; a.heaviside(b) ; fastdl.true_divide(a, b) ; a+b ; a-b ; a*b ; a/b
    a**b ; a//b ; a%b ; a==b ; a<b ; a@b ; a.add_(b) ; a.mul_(b) ; a.copy_(b)
    fastdl.where(a>0, a, b) ; fastdl.matmul(a, b) ; fastdl.mm(a, b) ; fastdl.mm(one, a)
    fastdl.bmm(a, b) ; fastdl.mv(a, b) ; fastdl.dot(a, b) ; fastdl.dot(one, fastdl.ones(4))
    fastdl.cat([a, b]) ; fastdl.stack([a, b]) ; fastdl.hstack([a, b]) ; fastdl.vstack([a, b])
    fastdl.outer(a, b) ; a.reshape(5) ; a.view(4) ; a.expand(4, 3) ; a.repeat(2) ; a.permute(0)
    a.permute(0, 0) ; a.transpose(0, 1).view(7) ; a.unflatten(0, (3,)) ; a.gather(0, T([0]))
    a.scatter(0, T([0]), 1.) ; a.index_select(0, T([[0]])) ; a.masked_fill(fastdl.ones(4)>0, 0.)
    a.masked_select(fastdl.ones(4)>0) ; a.take_along_dim(T([0]), 0)
    fastdl.einsum('ij, jk', a, b) ; fastdl.einsum('ijk', a) ; fastdl.tensordot(a, b)
    fastdl.addmm(a, a, b) ; fastdl.baddbmm(a, a, b) ; fastdl.cdist(a, b) ; fastdl.cross(a, b)
    fastdl.lerp(a, b, .5) ; fastdl.addcmul(a, b, b) ; fastdl.t(fastdl.ones(2, 2, 2))
    fastdl.diag(fastdl.ones(2, 2, 2)) ; fastdl.trace(one) ; fastdl.tril(one) ; fastdl.triu(one)
    fastdl.broadcast_to(a, (4,)) ; fastdl.broadcast_tensors(a, b)
    fastdl.broadcast_shapes((2,), (3,)) ; fastdl.split(a, [1, 2], 0) ; fastdl.zeros(-1)
    fastdl.ones(2, -1) ; fastdl.empty(-1) ; fastdl.full((-1,), 1.) ; fastdl.rand(-1)
    fastdl.randn(-1) ; a.item() ; bool(a) ; float(a) ; int(a)
    fastdl.bincount(a.long()) ; fastdl.topk(a, 9) ; fastdl.kthvalue(a, 9)
    fastdl.cov(fastdl.ones(1, 1, 1)) ; fastdl.searchsorted(a, b) ; fastdl.bucketize(a, b)
    fastdl.index_add(a, 0, T([0]), b) ; fastdl.index_copy(a, 0, T([0]), b)
    fastdl.index_fill(a, 0, T([0]), one) ; fastdl.scatter_add(a, 0, T([[0]]), fastdl.ones(0))
    fastdl.linalg.inv(a) ; fastdl.linalg.det(a) ; fastdl.linalg.cholesky(a)
    fastdl.linalg.solve(a, b) ; fastdl.linalg.eigh(a) ; fastdl.linalg.matrix_power(a, 2)
    fastdl.linalg.multi_dot([a, b]) ; fastdl.linalg.lstsq(a, b)
    fastdl.linalg.svd(one) ; fastdl.linalg.qr(one)
    fastdl.linalg.matrix_norm(one) ; fastdl.linalg.cross(a, b) ; fastdl.linalg.tensorinv(a)
    fastdl.cartesian_prod(a, b) ; fastdl.combinations(a)
    fastdl.block_diag(fastdl.ones(1, 1, 1)) ; fastdl.trapezoid(a, b)
    fastdl.cumulative_trapezoid(a, b) ; fastdl.vdot(a, b) ; fastdl.inner(a, b)
    a.unfold(0, 9, 1) ; fastdl.narrow(a, 0, 1, 5) ; F.linear(a, b)
    F.linear(a, fastdl.ones(5, 3), fastdl.ones(2)) ; F.mse_loss(a, b) ; F.l1_loss(a, b)
    F.smooth_l1_loss(a, b) ; F.huber_loss(a, b) ; F.cross_entropy(a, T([0]))
    F.cross_entropy(a, b) ; F.nll_loss(a, T([0])) ; F.binary_cross_entropy(a, b)
    F.binary_cross_entropy_with_logits(a, b) ; F.kl_div(a, b) ; F.cosine_similarity(a, b)
    F.cosine_embedding_loss(a, b, T([1])) ; F.margin_ranking_loss(a, b, a)
    F.triplet_margin_loss(a, b, a) ; F.hinge_embedding_loss(a, b) ; F.soft_margin_loss(a, b)
    F.multi_margin_loss(a, T([0])) ; F.multilabel_margin_loss(a, b.long())
    F.multilabel_soft_margin_loss(a, b) ; F.poisson_nll_loss(a, b)
    F.gaussian_nll_loss(a, b, a) ; F.conv1d(a, b) ; F.conv2d(a, b) ; F.conv3d(a, b)
    F.conv_transpose2d(a, b) ; F.max_pool2d(one, 2) ; F.avg_pool1d(one, 2)
    F.adaptive_avg_pool2d(one, 2) ; F.max_pool1d(a, 9) ; F.batch_norm(a, one[:2], one[:2])
    F.layer_norm(a, (4,)) ; F.group_norm(a, 2) ; F.instance_norm(a)
    F.local_response_norm(one, 2) ; F.rms_norm(a, (4,)) ; F.embedding(T([0]), one)
    F.embedding_bag(T([0]), one) ; F.pad(a, (1,)) ; F.pad(a, (1, 1, 1, 1, 1, 1))
    F.pad(one, (9, 9), mode='reflect') ; F.interpolate(a, 2) ; F.grid_sample(a, b)
    F.affine_grid(a, (1, 1, 2, 2)) ; F.pixel_shuffle(a, 2) ; F.pixel_unshuffle(a, 2)
    F.fold(a, 2, 2) ; F.unfold(a, 2) ; F.scaled_dot_product_attention(a, b, b)
    F.bilinear(a, b, a) ; F.glu(a) ; F.prelu(a, one[:2]) ; F.pairwise_distance(a, b)
    F.pdist(one) ; F.channel_shuffle(a, 2) ; nn.Linear(4, 2)(a) ; nn.Conv2d(1, 1, 2)(a)
    nn.Conv1d(1, 1, 2)(fastdl.ones(1, 2, 5)) ; nn.ConvTranspose2d(1, 1, 2)(a)
    nn.BatchNorm1d(4)(a) ; nn.BatchNorm2d(3)(a) ; nn.LayerNorm(4)(a) ; nn.GroupNorm(2, 4)(a)
    nn.InstanceNorm1d(4)(one) ; nn.LSTM(4, 2)(a) ; nn.GRU(4, 2)(a) ; nn.RNN(4, 2)(a)
    nn.LSTMCell(4, 2)(a) ; nn.LSTM(3, 2)(a, (b, b)) ; nn.MultiheadAttention(4, 2)(a, a, a)
    nn.TransformerEncoderLayer(4, 2)(a) ; nn.Bilinear(1, 2, 3)(a, b)
    nn.Unflatten(1, (2, 2))(a) ; nn.PixelShuffle(2)(a) ; nn.CosineSimilarity()(a, b)
    nn.PReLU(4)(a) ; nn.Fold(2, 2)(a) ; nn.MSELoss()(a, b) ; nn.CrossEntropyLoss()(a, b)
    nn.NLLLoss()(a, b) ; a.sub_(b)
    fastdl.autograd.grad(nn.Parameter(a).sum(), [nn.Parameter(a)], b)
    nn.BatchNorm1d(4)(a)
    nn.utils.rnn.pad_sequence([a, b])
"""

AXES = """
    a.sum(5) ; fastdl.sum(a, dim=5) ; a.mean(5) ; fastdl.mean(a, dim=5) ; a.prod(5)
    fastdl.prod(a, dim=5) ; a.any(5) ; fastdl.any(a, dim=5) ; a.all(5) ; fastdl.all(a, dim=5)
    a.max(5) ; fastdl.max(a, dim=5) ; a.min(5) ; fastdl.min(a, dim=5) ; a.amax(5)
    fastdl.amax(a, dim=5) ; a.amin(5) ; fastdl.amin(a, dim=5) ; a.argmax(5)
    fastdl.argmax(a, dim=5) ; a.argmin(5) ; fastdl.argmin(a, dim=5) ; fastdl.var(a, dim=5)
    fastdl.std(a, dim=5) ; a.cumsum(5) ; fastdl.cumsum(a, dim=5) ; a.cumprod(5)
    fastdl.cumprod(a, dim=5) ; a.logsumexp(5) ; fastdl.logsumexp(a, dim=5) ; a.softmax(5)
    fastdl.softmax(a, dim=5) ; a.log_softmax(5) ; fastdl.log_softmax(a, dim=5) ; a.sort(5)
    fastdl.sort(a, dim=5) ; a.argsort(5) ; fastdl.argsort(a, dim=5) ; a.median(5)
    fastdl.median(a, dim=5) ; a.nanmedian(5) ; fastdl.nanmedian(a, dim=5) ; a.mode(5)
    fastdl.mode(a, dim=5) ; a.cummax(5) ; fastdl.cummax(a, dim=5) ; a.cummin(5)
    fastdl.cummin(a, dim=5) ; a.logcumsumexp(5) ; fastdl.logcumsumexp(a, dim=5) ; a.nansum(5)
    fastdl.nansum(a, dim=5) ; a.nanmean(5) ; fastdl.nanmean(a, dim=5) ; a.count_nonzero(5)
    fastdl.count_nonzero(a, dim=5) ; a.unsqueeze(5) ; fastdl.unsqueeze(a, dim=5) ; a.squeeze(5)
    fastdl.squeeze(a, dim=5) ; a.unbind(5) ; fastdl.unbind(a, dim=5) ; a.flip(5)
    fastdl.flip(a, (5,)) ; a.aminmax(dim=5) ; a.norm(dim=5) ; a.diff(dim=5)
    a.unique_consecutive(dim=5) ; a.nanquantile(.5, 5) ; a.quantile(.5, 5)
    fastdl.cat([a, a], 5) ; fastdl.stack([a, a], 5) ; a.transpose(0, 5) ; a.permute(0, 5)
    a.movedim(0, 5) ; a.roll(1, 5) ; a.flatten(0, 5) ; a.unflatten(5, (2,)) ; a.gather(5, i)
    a.scatter(5, i, 1.) ; a.scatter_add(5, i, a) ; a.index_select(5, i) ; a.index_add(5, i, a)
    a.index_copy(5, i, a) ; a.index_fill(5, i, 1.) ; a.take_along_dim(i, 5) ; a.narrow(5, 0, 1)
    a.select(5, 0) ; a.split(1, 5) ; a.chunk(2, 5) ; a.tensor_split(2, 5)
    a.repeat_interleave(2, 5) ; a.unfold(5, 1, 1) ; a.diagonal(0, 0, 5) ; a.diag_embed(0, 0, 5)
    a.rot90(1, (0, 5)) ; a.swapaxes(0, 5) ; a.topk(1, 5) ; a.kthvalue(1, 5) ; a.renorm(2, 5, 1.)
    a.size(5) ; fastdl.cross(a, a, 5) ; fastdl.linalg.norm(a, dim=5)
    fastdl.linalg.vector_norm(a, dim=5) ; fastdl.linalg.cross(a, a, dim=5)
    fastdl.trapezoid(a, dim=5) ; fastdl.gradient(a, dim=5) ; fastdl.cosine_similarity(a, a, 5)
    fastdl.tensordot(a, a, dims=([5], [5])) ; fastdl.vmap(lambda x:x, in_dims=5)(a)
    fastdl.index_reduce(a, 5, i, a, 'prod') ; fastdl.select_scatter(a, a, 5, 0)
    fastdl.slice_scatter(a, a, 5) ; fastdl.diagonal_scatter(a, a, 0, 0, 5)
    fastdl.unique(a, dim=5) ; a.amax((0, 5)) ; F.softmax(a, 5) ; F.log_softmax(a, 5)
    F.softmin(a, 5) ; F.gumbel_softmax(a, dim=5) ; F.glu(a, 5) ; F.normalize(a, dim=5)
    F.cosine_similarity(a, a, 5) ; nn.Softmax(5)(a) ; nn.LogSoftmax(5)(a) ; nn.Flatten(0, 5)(a)
    nn.Unflatten(5, (2,))(a) ; nn.GLU(5)(a) ; nn.CosineSimilarity(5)(a, a) ; nn.Softmin(5)(a)
"""

KERAS_SHAPES = """
    ops.add(a, b) ; ops.subtract(a, b) ; ops.multiply(a, b) ; ops.divide(a, b) ; ops.power(a, b)
    ops.maximum(a, b) ; ops.minimum(a, b) ; ops.equal(a, b) ; ops.less(a, b) ; ops.arctan2(a, b)
    ops.mod(a, b) ; ops.floor_divide(a, b) ; ops.logical_and(a, b) ; ops.true_divide(a, b)
    ops.logaddexp(a, b) ; ops.matmul(a, b) ; ops.dot(a, b) ; ops.where(a>0, a, b)
    ops.concatenate([a, b]) ; ops.stack([a, b]) ; ops.hstack([a, b]) ; ops.vstack([a, b])
    ops.reshape(a, (5,)) ; ops.broadcast_to(a, (4,)) ; ops.transpose(a, (0,))
    ops.einsum('ij, jk->ik', a, b) ; ops.tensordot(a, b) ; ops.squeeze(a, 0)
    ops.split(fastdl.ones(5), 2) ; ops.take_along_axis(a, i, 0) ; ops.cross(a, b)
    ops.trace(one) ; ops.diag(fastdl.ones(2, 2, 2)) ; ops.conv(a, b) ; ops.max_pool(a, 2)
    ops.binary_crossentropy(a, b) ; ops.categorical_crossentropy(a, b)
    ops.sparse_categorical_crossentropy(T([0]), a) ; ops.vdot(a, b) ; ops.linalg.inv(a)
    ops.linalg.solve(a, b) ; ops.linalg.det(a) ; ops.cholesky(a) ; ops.zeros((-1,))
    ops.ones((-1,)) ; ops.full((-1,), 1) ; ops.slice(a, (0,), (1,))
    ops.scatter([[0]], b, (2, 3)) ; ops.average(a, weights=b) ; ops.inner(a, b)
    ops.top_k(a, 9) ; ops.moveaxis(a, (0, 1), (0,)) ; ops.rot90(one) ; ops.searchsorted(a, b)
    ops.dot_product_attention(a, b, b) ; layers.Dense(2).build((None, None))
    (lambda l:(l(a), l(b)))(layers.Dense(2)) ; layers.Add()([a, b])
    layers.Concatenate()([a, b]) ; layers.Dot(1)([a, b]) ; layers.Reshape((5,))(a)
    layers.Permute((1, 2))(a) ; layers.RepeatVector(2)(one) ; layers.Conv2D(1, 2)(a)
    layers.LSTM(2)(a) ; layers.MaxPooling2D()(a) ; layers.Cropping1D(9)(fastdl.ones(1, 2, 2))
    layers.Multiply()([a, b]) ; layers.Average()([a, b]) ; layers.Subtract()([a, b])
    losses.mean_squared_error(a, b) ; losses.MeanSquaredError()(a, b)
    losses.binary_crossentropy(a, b) ; losses.categorical_crossentropy(a, b)
    losses.sparse_categorical_crossentropy(a, b) ; metrics.MeanSquaredError().update_state(a, b)
    metrics.BinaryAccuracy().update_state(a, b) ; metrics.AUC().update_state(a, b)
"""

KERAS_AXES = """
    ops.sum(a, axis=5) ; ops.mean(a, axis=5) ; ops.prod(a, axis=5) ; ops.any(a, axis=5)
    ops.all(a, axis=5) ; ops.max(a, axis=5) ; ops.min(a, axis=5) ; ops.argmax(a, axis=5)
    ops.argmin(a, axis=5) ; ops.var(a, axis=5) ; ops.std(a, axis=5) ; ops.cumsum(a, axis=5)
    ops.cumprod(a, axis=5) ; ops.logsumexp(a, axis=5) ; ops.softmax(a, axis=5)
    ops.log_softmax(a, axis=5) ; ops.sort(a, axis=5) ; ops.argsort(a, axis=5)
    ops.median(a, axis=5) ; ops.expand_dims(a, axis=5) ; ops.squeeze(a, axis=5)
    ops.flip(a, axis=5) ; ops.count_nonzero(a, axis=5) ; ops.average(a, axis=5)
    ops.nanmean(a, axis=5) ; ops.diff(a, axis=5) ; ops.unstack(a, axis=5)
    ops.normalize(a, axis=5) ; ops.concatenate([a, a], 5) ; ops.stack([a, a], 5)
    ops.swapaxes(a, 0, 5) ; ops.moveaxis(a, 0, 5) ; ops.transpose(a, (0, 5)) ; ops.roll(a, 1, 5)
    ops.repeat(a, 2, 5) ; ops.take(a, i, 5) ; ops.take_along_axis(a, i, 5) ; ops.split(a, 2, 5)
    ops.norm(a, axis=5) ; ops.one_hot([1], 3, axis=5) ; ops.quantile(a, .5, axis=5)
    ops.tensordot(a, a, ([5], [5])) ; ops.diagonal(a, 0, 0, 5) ; ops.trace(a, 0, 0, 5)
    ops.cross(a, a, axis=5) ; ops.array_split(a, 2, 5) ; ops.rot90(a, 1, (0, 5))
    ops.flip(a, (0, 5)) ; ops.glu(a, 5) ; ops.max(a, (0, 5)) ; ops.moments(a, [5])
    ops.linalg.norm(a, axis=5) ; ops.logsumexp(a, (0, 5)) ; ops.trapezoid(a, axis=5)
    ops.categorical_crossentropy(a, a, axis=5) ; layers.Concatenate(axis=5)([a, a])
    layers.Softmax(axis=5)(a) ; layers.BatchNormalization(axis=5)(a)
    layers.LayerNormalization(axis=5)(a) ; layers.UnitNormalization(axis=5)(a)
    layers.GroupNormalization(1, axis=5)(a) ; layers.Dot(axes=5)([a, a])
    layers.Normalization(axis=5).adapt(np.ones((2, 3))) ; layers.RMSNormalization(axis=5)(a)
    losses.CategoricalCrossentropy(axis=5)(a, a) ; losses.categorical_crossentropy(a, a, axis=5)
    losses.CosineSimilarity(axis=5)(a, a) ; losses.binary_crossentropy(a, a, axis=5)
    fastdl.utils.normalize(np.ones((2, 3)), axis=5)
    metrics.CosineSimilarity(axis=5).update_state(a, a)
"""


# What PyTorch raises for arguments that are wrong otherwise.
VALUES = """
    fastdl.arange(0, 3, 0) ; fastdl.arange(0, -3, 2) ; fastdl.arange(0, float('inf'), 2)
    a.cauchy_(0, 0) ; a.exponential_(0) ; a.log_normal_(0, 0) ; a.geometric_(-1)
    a.uniform_(3, -1) ; a.normal_(0, -1) ; fastdl.diff(a, -1) ; fastdl.cov(one, fweights=one)
    fastdl.cov(one, aweights=-one) ; fastdl.linspace(0, 3, -1) ; fastdl.logspace(0, 3, -1)
    fastdl.linspace(T([1, 2]), T([3, 4]), 1) ; fastdl.gradient(a, edge_order=3)
    a.masked_fill(a>0, one[:1]) ; a.masked_scatter(a, a) ; fastdl.isclose(a, a, rtol=-.4)
    fastdl.as_strided_scatter(a, one, (3,), (9,)) ; F.adaptive_avg_pool1d(x3, [])
    F.adaptive_avg_pool2d(a[None], (-1, 0)) ; F.adaptive_max_pool1d(x3, [-1])
    F.avg_pool1d(x3, 2, padding=-1) ; F.avg_pool1d(x3, 2, padding=4)
    F.avg_pool2d(x3, 2, divisor_override=0) ; F.max_pool1d(x3, 2, stride=0)
    F.max_pool1d(x3, 0) ; F.max_pool1d(x3, 1, dilation=0) ; F.max_pool1d(fastdl.ones(0, 9), 1)
    F.max_pool3d(fastdl.ones(0, 1, 2, 3), 1) ; F.avg_pool2d(fastdl.ones(0, 2, 3), 1)
    F.rrelu(a, .3, .1) ; F.softshrink(a, -.5) ; F.gelu(a, approximate='asdf')
    fastdl.narrow(a.sum(), 0, 0, 1) ; a.narrow(0, T(True), 1) ; -(a>0)
    fastdl.ormqr(a, one[:1], a) ; a.roll([]) ; a.roll((2, 1), 0) ; a.roll(1, (0, 1))
    a.roll((1, 1)) ; one.rot90() ; a.gather(1, T([[9]])) ; a.scatter(0, T([[9]]), a)
    fastdl.empty_permuted((2, 3), (0, 0)) ; fastdl.eye(-1) ; fastdl.eye(1, -3)
    fastdl.hstack([]) ; fastdl.cat([a.sum(), a.sum()]) ; a.sum().renorm(.5, 0, 1.)
    fastdl.multinomial(T([1., -1.]), 2) ; fastdl.multinomial(T([0., 0.]), 1)
    fastdl.amax(a, 0, out=i) ; a.mean(dtype=fastdl.int64) ; F.huber_loss(a, a, delta=0)
    nn.MaxPool2d(3, padding=5)(x3) ; nn.Embedding(3, 2)(one) ; nn.Embedding(-1, 2)
    F.cross_entropy(a, a, ignore_index=1) ; F.cross_entropy(a, T([0, 1]), label_smoothing=1.5)
    nn.RNNCell(3, 2, 'relu') ; a.index_add(0, one, a) ; a.expand(2, -2) ; fastdl.zeros(2, -1)
    fastdl.exp(a.to(fastdl.float16)) ; fastdl.bitwise_not(a)
    a.take(T([99])) ; fastdl.bincount(one)
"""

KINDS = """
    fastdl.linspace(0, 3, 1.5) ; fastdl.logspace(0, 3, 1.5) ; a.vsplit('abc') ; a.hsplit('abc')
    nn.LSTM(3, 5, bias='True') ; nn.LSTM(3, 5, 1, 2) ; nn.GRU(3, 5, batch_first=1)
    nn.RNN(3., 5) ; nn.RNN(3, '5') ; nn.RNN(3, 5, bias=0)
"""

NO_PLACES = """
    a[:, :0].amax(1) ; a[:, :0].amin(1) ; a[:, :0].aminmax(dim=1) ; a[:, :0].max(1)
    a[:, :0].argmax(1) ; a[:, :0].min(1) ; a.narrow(1, 4, 0) ; a.narrow(1, -4, 0) ; a[5]
    a[:, :0].cummax(2)
"""


def calls(table):
    return [call.strip() for line in table.strip().splitlines() for call in line.split(" ; ")]


def run(call):
    a, b, one = fastdl.ones(2, 3), fastdl.ones(4, 5), fastdl.ones(3)
    names = {
        "a": a,
        "b": b,
        "one": one,
        "x3": fastdl.ones(3, 3, 3),
        "i": fastdl.tensor([0]),
        "T": fastdl.tensor,
        "np": np,
    }
    modules = {"fastdl": fastdl, "nn": nn, "F": F, "ops": ops}
    rest = {"layers": layers, "losses": losses, "metrics": metrics}
    return eval(call, {**names, **modules, **rest})


@pytest.mark.parametrize("call", calls(SHAPES))
def test_shapes_of_the_torch_face(call):
    with pytest.raises(RuntimeError) as caught:
        run(call)
    assert isinstance(caught.value, ValueError)
    assert re.search(r"\d|axes|axis|scalar", str(caught.value)), caught.value


@pytest.mark.parametrize("call", calls(VALUES))
def test_values_that_a_function_cannot_use(call):
    with pytest.raises(RuntimeError, match=r"[a-z]{2}.* .*[a-z]") as error:
        run(call)
    assert isinstance(error.value, (ValueError, TypeError, IndexError))


@pytest.mark.parametrize("call", calls(KINDS))
def test_values_of_a_wrong_kind(call):
    with pytest.raises(TypeError, match=r"expected .*got"):
        run(call)


@pytest.mark.parametrize("call", calls(NO_PLACES))
def test_places_that_are_not_there(call):
    with pytest.raises(IndexError):
        run(call)


@pytest.mark.parametrize("call", calls(KERAS_SHAPES))
def test_shapes_of_the_keras_face(call):
    with pytest.raises(ValueError, match=r"\d|axes|axis"):
        run(call)


@pytest.mark.parametrize("call", calls(AXES) + calls(KERAS_AXES))
def test_axes(call):
    with pytest.raises(IndexError, match="5") as caught:
        run(call)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("cls", [fastdl.tensor, fastdl.Variable])
@pytest.mark.parametrize("convert", [bool, int, float, lambda x: x.item()])
def test_one_value_is_needed(convert, cls):
    # NumPy raises a TypeError or a ValueError, Keras a TypeError, PyTorch a RuntimeError
    for kind in (TypeError, ValueError, RuntimeError):
        with pytest.raises(kind, match=r"with 4 elements|shape \(2, 2\)"):
            convert(cls(np.ones((2, 2), "float32")))


def test_the_classes_travel():
    for cls, bases in (
        (_core.ArgumentError, (ValueError, RuntimeError)),
        (_core.ShapeError, (ValueError, RuntimeError)),
        (_core.ScalarError, (TypeError, ValueError, RuntimeError)),
        (_core.DTypeError, (TypeError, RuntimeError)),
        (_core.RangeError, (IndexError, RuntimeError)),
        (_core.AxisError, (IndexError, ValueError, RuntimeError)),
        (KindError, (TypeError, ValueError, RuntimeError)),
    ):
        assert all(issubclass(cls, base) for base in bases)
        copy = pickle.loads(pickle.dumps(cls("a message")))
        assert type(copy) is cls and copy.args == ("a message",)


def test_a_layer_is_named_in_front_of_both():
    dense = layers.Dense(2, name="d")
    dense(fastdl.ones(2, 3))
    with pytest.raises(ValueError, match=r"layer 'd' \(Dense\): .*3.*\(4, 5\)"):
        dense(fastdl.ones(4, 5))
    net = fastdl.Sequential([layers.Lambda(lambda x: fastdl.sum(x, dim=5), name="s")])
    with pytest.raises(IndexError, match=r"'s'.*axis 5") as caught:
        net(fastdl.ones(2, 3))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("function", [fastdl.max, fastdl.min])
def test_the_largest_of_two_numbers_is_for_python(function):
    with pytest.raises(TypeError, match="input: expected a tensor with an axis 3, got the number"):
        function(2, 3)


def test_where_axes_are_the_error_names_the_argument():
    x = fastdl.ones(2, 3)
    for call in (lambda: x.unsqueeze(1.5), lambda: x.squeeze("a"), lambda: x.squeeze(0.5)):
        with pytest.raises(TypeError, match=r"squeeze: argument 'dim': expected an integer"):
            call()
    with pytest.raises(TypeError, match="flip: argument 'dims': expected an integer"):
        x.flip("a")
    with pytest.raises(TypeError, match="diagonal: argument 'offset': expected an integer"):
        x.diagonal(0.5)
    for call in (lambda: x.flip(0, -2), lambda: x.squeeze((0, 0)), lambda: x.diagonal(0, 1, -1)):
        with pytest.raises(ValueError, match=r"occurs twice|two different axes"):
            call()


@pytest.mark.parametrize("given", [1j, [1j, 2.0], np.ones(2, "complex64")])
def test_complex_numbers_are_refused_with_what_to_do(given):
    for function in (fastdl.tensor, fastdl.as_tensor, fastdl.sin):
        with pytest.raises(TypeError, match="no complex tensors: pass its real and imag as two"):
            function(given)
