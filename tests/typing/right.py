"""A user's program. `mypy --strict` finds no error in it and the types that it names."""

# ruff: noqa: F821

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastdl
from fastdl import Tensor, callbacks, layers, losses, metrics, nn, ops, optim, optimizers
from fastdl.data import DataLoader, TensorDataset
from fastdl.models import Model, Sequential
from fastdl.nn import functional as F


class Net(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(20, hidden)
        self.last = nn.Linear(hidden, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.first(x))
        return self.last(h.view(h.size(0), -1))


class Scale(layers.Layer):
    def build(self, input_shape: tuple[int, ...]) -> None:
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * self.factor


class Block(layers.Layer):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = [layers.Dense(units, name=f"dense_{i}", trainable=True) for i in range(2)]

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        for layer in self.inner:
            inputs = layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.inner[0].units}


class Regressor(Model):
    def __init__(self, units: int) -> None:
        super().__init__(name="regressor")
        self.block = Block(units)
        self.last = layers.Dense(3)

    def call(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.last(self.block(inputs))
        return outputs

    def train_step(self, data: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x, y = data
        loss = self.compute_loss(x, y, self(x, training=True))
        loss.backward()
        weights = self.trainable_weights
        self.optimizer.apply([weight.grad for weight in weights], weights)
        for weight in weights:
            weight.grad = None
        return {"loss": loss.detach()}


class Cubic(losses.Loss):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ((y_true - y_pred).abs() ** 3).mean(-1)


class Largest(metrics.Metric):
    def __init__(self, name: str = "largest") -> None:
        super().__init__(name=name)
        self.value = self.add_variable((), "zeros")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        self.value.assign(ops.maximum(self.value, y_pred.abs().max()))

    def result(self) -> Tensor:
        return self.value


class Report(callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None and logs["loss"] < 1e-6:
            self.model.stop_training = True


def batches(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, x.shape[0], size):
        yield x[start : start + size], y[start : start + size]


def train(net: Net, x: Tensor, y: Tensor) -> float:
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    total = fastdl.zeros(())
    for inputs, targets in batches(x, y, 32):
        optimizer.zero_grad()
        loss = F.cross_entropy(net.forward(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return float(total)


class Stack(nn.Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        pairs = [(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1)]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)
        self.heads = nn.ModuleDict({"a": nn.Linear(sizes[-1], 1), "b": nn.Identity()})
        self.scales = nn.ParameterList([fastdl.ones(1)])
        self.register_forward_hook(lambda module, args, output: None)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = F.relu(layer(x))
        out: Tensor = self.heads["a"](x) * self.scales[0]
        return out


def torch_face(x: Tensor) -> Tensor:
    net = Stack([20, 16, 16])
    reveal_type(net.layers[0])  # N: Module
    reveal_type(net.layers[:1])  # N: ModuleList
    reveal_type(net.heads.items())  # N: ItemsView[str, Module]
    reveal_type(net.scales[0])  # N: Parameter
    reveal_type(nn.Sequential(nn.Linear(20, 3), nn.ReLU())[:1])  # N: Sequential
    optimizer = optim.Adam([{"params": net.parameters(), "lr": 1e-3}], betas=(0.9, 0.99))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(net.forward(x), x[:, :1])
        loss.backward()
        return loss

    reveal_type(optimizer.step(closure))  # N: Tensor
    optimizer.step()
    state = copy.deepcopy(net.state_dict())
    reveal_type(state)  # N: dict[str, Tensor]
    reveal_type(net.load_state_dict(state).missing_keys)  # N: list[str]
    net.load_state_dict({name: value.numpy() for name, value in state.items()})
    optimizer.load_state_dict(optimizer.state_dict())
    reveal_type(net.get_parameter("layers.0.weight"))  # N: Parameter
    net.to("cpu", dtype=fastdl.float32)

    @fastdl.plan
    def scores(x: Tensor, factor: float) -> Tensor:
        return net.forward(x) * factor

    reveal_type(scores(x, 2.0))  # N: Tensor
    return scores(x, 2.0)


class Tagger(nn.Module):
    def __init__(self, words: int, tags: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 8, num_layers=2, batch_first=True, bidirectional=True)
        layer = nn.TransformerEncoderLayer(16, nhead=2, dim_feedforward=32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, norm=nn.LayerNorm(16))
        self.tags = nn.Linear(16, tags)

    def forward(self, words: Tensor, lengths: list[int]) -> Tensor:
        x = nn.utils.rnn.pack_padded_sequence(self.table(words), lengths, batch_first=True)
        reveal_type(x.batch_sizes)  # N: Tensor
        packed, _ = self.lstm(x)
        y, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        y = self.encoder(y, src_key_padding_mask=words == 0)
        reveal_type(y)  # N: Tensor
        return self.tags(y)


def sequences(words: Tensor) -> Tensor:
    x = nn.Embedding.from_pretrained(fastdl.randn(20, 8), freeze=False)(words)
    reveal_type(x)  # N: Tensor
    reveal_type(nn.EmbeddingBag(20, 8, mode="sum")(words, None))  # N: Tensor
    y, h = nn.GRU(8, 16, batch_first=True)(x)
    reveal_type(h)  # N: Any
    reveal_type(nn.GRUCell(8, 16)(x[:, 0]))  # N: Tensor
    reveal_type(nn.LSTMCell(8, 16)(x[:, 0], (h[0], h[0])))  # N: tuple[Tensor, Tensor]
    y, weights = nn.MultiheadAttention(16, 2, batch_first=True)(y, y, y, need_weights=True)
    reveal_type(weights)  # N: Tensor | None
    reveal_type(F.scaled_dot_product_attention(y, y, y, is_causal=True, scale=0.5))  # N: Tensor
    reveal_type(nn.Transformer.generate_square_subsequent_mask(4))  # N: Tensor
    reveal_type(nn.Transformer(16, 2, 1, 1, 32, batch_first=True)(y, y))  # N: Tensor
    reveal_type(nn.utils.rnn.pad_sequence([x[0], x[1, :2]], batch_first=True))  # N: Tensor
    return Tagger(20, 5).forward(words, [3, 2])


def evaluate(net: Net, x: Tensor, y: Tensor) -> float:
    with fastdl.no_grad():
        scores = net.eval().forward(x).softmax(dim=-1)
    best = scores.max(1)
    return float(best.indices.eq(y).float().mean())


def keras_face(x: NDArray[np.float32], y: NDArray[np.float32]) -> dict[str, list[float]]:
    model = Sequential([layers.Input((20,)), layers.Dense(16, activation="relu"), Scale()])
    model.add(layers.Dense(3, ops.tanh, kernel_initializer=fastdl.initializers.HeNormal(seed=1)))
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    stop = callbacks.EarlyStopping("loss", patience=2)
    history = model.fit(x, y, epochs=3, batch_size=32, verbose=0, callbacks=[stop])
    reveal_type(history)  # N: History
    reveal_type(history.history["loss"])  # N: list[float | Any]
    last: float = history.history["loss"][-1]
    reveal_type(model.predict(x, verbose=0))  # N: Any
    inputs = layers.Input(shape=(20,))
    outputs = layers.Dense(3)(ops.relu(inputs * 2.0) + 1.0)
    functional = Model(inputs, outputs, name="functional")
    functional.summary()
    reveal_type(functional.output_shape)  # N: tuple[int | None, ...] | Any
    reveal_type(functional.weights)  # N: list[Parameter]
    return {**history.history, "last": [last]}


def keras_sequences(ids: NDArray[np.int64]) -> Tensor:
    words = layers.Input((None,), dtype="int64")
    x = layers.Embedding(20, 8, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.1))(x)
    x = layers.RNN([layers.LSTMCell(8), layers.GRUCell(8)], return_sequences=True)(x)
    x = layers.MultiHeadAttention(2, key_dim=4, dropout=0.1)(x, x, use_causal_mask=True)
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    model = Model(words, layers.TransformerEncoder(16, 2)(x))
    reveal_type(ops.dot_product_attention([[[[1.0]]]], [[[[1.0]]]], [[[[2.0]]]]))  # N: Tensor
    padded = fastdl.utils.pad_sequences([[1, 2], [3]], maxlen=4, padding="post")
    out: Tensor = model(np.concatenate([ids[:, :4], padded[:, : ids.shape[1]]]))
    return out


def keras_classes(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    def stream() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        while True:
            yield x, y

    model = Regressor(8)
    rate = optimizers.schedules.CosineDecay(0.01, decay_steps=20)
    model.compile(optimizers.Adam(rate, clipnorm=1.0), Cubic(), metrics=[Largest(), "mae"])
    model.fit(stream(), steps_per_epoch=2, epochs=2, verbose=0, callbacks=[Report()])
    model.fit(DataLoader(TensorDataset(x, y), batch_size=32), verbose=0)
    reveal_type(model.optimizer.iterations)  # N: Parameter
    reveal_type(model.metrics)  # N: list[Metric]
    return float(model.evaluate(x, y, verbose=0, return_dict=True)["loss"])


@fastdl.no_grad()
def scaled(t: Tensor, factor: float) -> Tensor:
    return t * factor


def tensors(t: Tensor) -> None:
    reveal_type(t.sum(dim=(0, 1), keepdim=True))  # N: Tensor
    reveal_type(t.max())  # N: Tensor
    reveal_type(t.max(dim=0).indices)  # N: Tensor
    reveal_type(t.size())  # N: tuple[int, ...]
    reveal_type(t.size(0))  # N: int
    reveal_type(t.split(2)[0].relu().T)  # N: Tensor
    reveal_type(t.nonzero(as_tuple=True))  # N: tuple[Tensor, ...]
    reveal_type(t.numpy())  # N: ndarray[Any, Any]
    reveal_type(t.data.device)  # N: device
    reveal_type(fastdl.cat([t, t.add(1, alpha=2)], dim=1))  # N: Tensor
    reveal_type(ops.where([True, False], t, 0))  # N: Tensor
    reveal_type(fastdl.stack([t, t]).permute(1, 0, 2).mul_(2))  # N: Tensor
    reveal_type(t.to("int64").tolist())  # N: Any
    reveal_type(t.to(t, copy=True)[..., None, 0])  # N: Tensor
    reveal_type(t[t > 0])  # N: Tensor
    t[[0, 1], 1:] = [1.0, 2.0]
    reveal_type(ops.linspace(0, 1, 3))  # N: Tensor
    reveal_type(ops.unique([1, 2, 1]))  # N: Tensor
    reveal_type(scaled)  # N: def (t: Tensor, factor: float) -> Tensor
    fastdl.tensor([[1.0, 2.0], [3.0, 4.0]]).matmul(np.eye(2)).add_(1).clamp(min=0)


if __name__ == "__main__":
    fastdl.manual_seed(0)
    data = fastdl.randn(64, 20)
    labels = data[:, :3].argmax(dim=1)
    network = Net(hidden=16)
    print(train(network, data, labels), evaluate(network, data, labels))
    print(torch_face(data).shape)
    print(sequences(fastdl.tensor([[4, 2, 7], [3, 1, 0]])).shape)
    print(keras_sequences(np.array([[4, 2, 7], [3, 1, 0]])).shape)
    print(keras_face(data.numpy(), data[:, :3].numpy())["loss"])
    print(keras_classes(data.numpy(), data[:, :3].numpy()))
