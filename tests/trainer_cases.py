"""Trainings described once, for Keras and for fastdl: `k` is either package.

`golden/trainer.py` runs them with Keras and stores the results. test_trainer_golden.py runs them
with fastdl and compares. Each returns logs, lists and arrays. Weights and data are formulas.
"""

import numpy as np
from keras_cases import filled, weights_for

SAMPLES, BATCH = 40, 8

OPTIMIZERS = {
    "sgd": lambda k: k.optimizers.SGD(0.05),
    "momentum": lambda k: k.optimizers.SGD(0.02, momentum=0.9),
    "nesterov": lambda k: k.optimizers.SGD(0.02, momentum=0.9, nesterov=True),
    "adam": lambda k: k.optimizers.Adam(0.01),
    "amsgrad": lambda k: k.optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda k: k.optimizers.AdamW(0.01, weight_decay=0.05),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.005, momentum=0.5, centered=True),
    "adagrad": lambda k: k.optimizers.Adagrad(0.05),
}

# name: (activation and size of the output, loss, metrics)
PROBLEMS = {
    "regression": (None, 2, "mse", ["mae"]),
    "classes": ("softmax", 3, "sparse_categorical_crossentropy", ["accuracy"]),
    "one_hot": ("softmax", 3, "categorical_crossentropy", ["accuracy", "mse"]),
    "binary": ("sigmoid", 1, "binary_crossentropy", ["accuracy"]),
}


def inputs(features, seed=0):
    return filled((SAMPLES, features), seed + 20, 1.5)


def classes(count, seed=0):
    return np.abs(filled((SAMPLES,), seed + 40, 997.0)).astype(np.int64) % count


def targets(problem):
    _, size, loss, _ = PROBLEMS[problem]
    if loss == "mse":
        return filled((SAMPLES, size), 30)
    labels = classes(max(size, 2))
    return np.eye(size, dtype=np.float32)[labels] if problem == "one_hot" else labels


def fill(model):
    model.set_weights(weights_for([w.shape for w in model.weights]))
    return model


def network(k, problem):
    activation, size, _, _ = PROBLEMS[problem]
    stack = [k.layers.Dense(6, activation="tanh"), k.layers.Dense(size, activation=activation)]
    return fill(k.Sequential([k.Input((5,)), *stack]))


def steps(k, problem, optimizer):
    """Twenty steps on batches, then the weights."""
    _, _, loss, metrics = PROBLEMS[problem]
    model = network(k, problem)
    model.compile(OPTIMIZERS[optimizer](k), loss, metrics=metrics)
    x, y = inputs(5), targets(problem)
    weight = np.abs(filled((SAMPLES,), 50)) + 0.5
    logs = []
    for step in range(20):
        part = slice(step * BATCH % SAMPLES, step * BATCH % SAMPLES + BATCH)
        logs.append(model.train_on_batch(x[part], y[part], sample_weight=weight[part]))
    return [logs, model.get_weights()]


def two(k):
    a = k.Input((4,), name="a")
    b = k.Input((3,), name="b")
    both = k.layers.concatenate([k.layers.Dense(5, activation="tanh")(a), b])
    score = k.layers.Dense(1, name="score")(both)
    kind = k.layers.Dense(3, activation="softmax", name="kind")(both)
    return fill(k.Model([a, b], [score, kind]))


def two_data():
    return [inputs(4), inputs(3, 1)], [filled((SAMPLES, 1), 31), classes(3, 1)]


TWO_LOSSES = {"score": "mse", "kind": "sparse_categorical_crossentropy"}


def two_by_name(k):
    """Losses, weights and metrics by name; sample weights; validation data with weights."""
    model, (x, y) = two(k), two_data()
    model.compile(
        k.optimizers.Adam(0.01),
        loss=TWO_LOSSES,
        loss_weights={"score": 0.5, "kind": 2.0},
        metrics={"score": ["mae", "mse"], "kind": "accuracy"},
        weighted_metrics={"score": "mae"},
    )
    weight = np.abs(filled((SAMPLES,), 51)) + 0.5
    validation = ([v[:16] for v in x], [v[:16] for v in y], [weight[:16]] * 2)
    history = model.fit(
        x,
        y,
        BATCH,
        4,
        shuffle=False,
        sample_weight=[weight] * 2,
        validation_data=validation,
        verbose=0,
    )
    return [
        history.history,
        model.evaluate(x, y, BATCH, verbose=0),
        model.evaluate(x, y, BATCH, sample_weight=[weight] * 2, verbose=0, return_dict=True),
        model.predict(x, verbose=0),
        model.train_on_batch(x, y),
        model.train_on_batch(x, y, [weight, weight]),
        model.test_on_batch(x, y, return_dict=True),
        model.get_weights(),
    ]


def two_by_position(k):
    """Lists instead of dicts, different weights for the outputs, inputs by name."""
    model, (x, y) = two(k), two_data()
    model.compile(
        k.optimizers.SGD(0.05, momentum=0.9),
        loss=["mae", k.losses.SparseCategoricalCrossentropy()],
        loss_weights=[1.0, 0.25],
        metrics=[["mse"], [k.metrics.SparseTopKCategoricalAccuracy(2, name="top"), "acc"]],
    )
    weights = [np.abs(filled((SAMPLES,), 52)), np.abs(filled((SAMPLES,), 53)) + 0.1]
    named = {"a": x[0], "b": x[1]}
    history = model.fit(
        named, y, BATCH, 3, shuffle=False, sample_weight=weights, validation_split=0.2, verbose=0
    )
    return [history.history, model.evaluate(named, y, verbose=0), model.get_weights()]


def two_outputs_one_loss(k):
    """A loss for one of two outputs. The other output has no loss."""
    model, (x, y) = two(k), two_data()
    model.compile("sgd", loss=[None, "sparse_categorical_crossentropy"])
    history = model.fit(x, [y[1]], BATCH, 2, shuffle=False, verbose=0)
    return [history.history, model.predict(x, BATCH, verbose=0)]


def dict_outputs(k):
    x = k.Input((5,), name="x")
    hidden = k.layers.Dense(4, activation="tanh")(x)
    outputs = {
        "zeta": k.layers.Dense(1, name="zeta")(hidden),
        "beta": k.layers.Dense(2, name="beta")(hidden),
    }
    model = fill(k.Model(x, outputs))
    model.compile(
        "adam",
        loss={"zeta": "mse", "beta": "mae"},
        loss_weights={"zeta": 3.0, "beta": 0.5},
        metrics={"beta": ["mse"], "zeta": ["mae"]},
    )
    y = {"beta": filled((SAMPLES, 2), 32), "zeta": filled((SAMPLES, 1), 33)}
    history = model.fit(inputs(5), y, BATCH, 2, shuffle=False, verbose=0)
    predicted = model.predict(inputs(5), verbose=0)
    return [history.history, model.evaluate(inputs(5), y, verbose=0), sorted(predicted.items())]


def zeal(y_true, y_pred):
    return (y_pred - 0.5) ** 2


def metrics_of_one_output(k):
    """Names, order and values of all kinds of metrics; class weights; validation split."""
    model = network(k, "binary")
    model.compile(
        k.optimizers.RMSprop(0.01),
        k.losses.BinaryCrossentropy(),
        metrics=[
            zeal,
            "accuracy",
            k.metrics.BinaryAccuracy(name="above", threshold=0.6),
            k.metrics.Precision(name="precision"),
            k.metrics.MeanSquaredError(),
            "mse",
            "accuracy",
        ],
        weighted_metrics=["accuracy", "mae"],
    )
    x, y = inputs(5), targets("binary")
    history = model.fit(
        x,
        y,
        BATCH,
        3,
        shuffle=False,
        class_weight={0: 0.5, 1: 2.0},
        validation_split=0.3,
        verbose=0,
    )
    return [
        history.history,
        model.evaluate(x, y, verbose=0),
        model.evaluate(x, y, verbose=0, return_dict=True),
        model.train_on_batch(x[:8], y[:8], class_weight={0: 0.5, 1: 2.0}),
        model.metrics_names,
    ]


def class_weights(k):
    """Rows of one-hot targets and a column of class indices."""
    results = []
    for y in (targets("one_hot"), targets("classes")[:, None]):
        model = network(k, "one_hot")
        loss = "categorical_crossentropy" if y.shape[1] > 1 else PROBLEMS["classes"][2]
        model.compile("sgd", loss, weighted_metrics=["accuracy"])
        results.append(
            model.fit(
                inputs(5),
                y,
                BATCH,
                2,
                shuffle=False,
                class_weight={0: 2.0, 2: 0.1},
                validation_split=0.25,
                verbose=0,
            ).history
        )
    return results


def epochs_of_steps(k):
    """Epochs that are a part of the data, with and without a batch size."""
    results = []
    for batch_size, steps_per_epoch, samples in ((4, 5, 40), (8, 2, 40), (None, 4, 30)):
        model = network(k, "regression")
        model.compile("sgd", "mse")
        history = model.fit(
            inputs(5)[:samples],
            targets("regression")[:samples],
            batch_size,
            2,
            shuffle=False,
            steps_per_epoch=steps_per_epoch,
            validation_data=(inputs(5), targets("regression")),
            validation_steps=2,
            validation_freq=[2],
            verbose=0,
        )
        evaluated = model.evaluate(inputs(5), targets("regression"), batch_size, 0, steps=2)
        predicted = model.predict(inputs(5)[:30], batch_size, 0, steps=2)
        results.append([history.history, evaluated, predicted])
    return results


def batches():
    x, y = inputs(5), targets("regression")
    while True:
        for start in range(0, SAMPLES, BATCH):
            yield x[start : start + BATCH], y[start : start + BATCH]


def generators(k):
    model = network(k, "regression")
    model.compile("adam", "mse")
    history = model.fit(
        batches(),
        epochs=4,
        initial_epoch=1,
        steps_per_epoch=3,
        validation_data=(inputs(5), targets("regression")),
        validation_batch_size=16,
        validation_freq=2,
        verbose=0,
    )
    return [
        history.history,
        history.epoch,
        model.evaluate(batches(), steps=3, verbose=0),
        model.predict(batches(), steps=2, verbose=0),
    ]


def penalties(k):
    """Regularizers of weights and of outputs add to the loss, in training and in validation."""
    model = k.Sequential(
        [
            k.Input((5,)),
            k.layers.Dense(
                4,
                activation="tanh",
                kernel_regularizer=k.regularizers.L2(0.03),
                bias_regularizer="l1",
                activity_regularizer=k.regularizers.L1(0.02),
            ),
            k.layers.Dense(2, kernel_constraint=k.constraints.MaxNorm(0.7)),
        ]
    )
    fill(model)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mse"])
    x, y = inputs(5), targets("regression")
    history = model.fit(x, y, BATCH, 3, shuffle=False, validation_split=0.2, verbose=0)
    return [history.history, model.get_weights()]


def learning_rates(k):
    """Learning rates that callbacks and schedules set: the logged values and their effect."""
    schedule = k.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.7)
    runs = [
        (0.1, [k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)]),
        (0.5, [k.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=1, min_delta=0.05)]),
        (schedule, []),
    ]
    results = []
    for rate, callbacks in runs:
        model = network(k, "classes")
        model.compile(k.optimizers.SGD(rate), PROBLEMS["classes"][2])
        history = model.fit(
            inputs(5),
            targets("classes"),
            BATCH,
            6,
            shuffle=False,
            callbacks=callbacks,
            verbose=0,
        )
        results.append([history.history, model.get_weights()])
    return results


def early_stopping(k):
    """Training ends when the validation loss rises, and the best weights are restored."""
    model = network(k, "regression")
    model.compile(k.optimizers.SGD(0.3, momentum=0.95), "mse")
    stop = k.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(
        inputs(5),
        targets("regression"),
        BATCH,
        12,
        shuffle=False,
        validation_split=0.5,
        callbacks=[stop],
        verbose=0,
    )
    return [history.history, history.epoch, stop.stopped_epoch, model.get_weights()]


TRAININGS = [
    two_by_name,
    two_by_position,
    two_outputs_one_loss,
    dict_outputs,
    metrics_of_one_output,
    class_weights,
    epochs_of_steps,
    generators,
    penalties,
    learning_rates,
    early_stopping,
]
