"""Writes losses.json: Keras's losses and metrics for given targets, outputs and weights.

Keras computes in float64, so that the numbers are the formulas' own.

    KERAS_BACKEND=torch python losses.py
"""

import json
import warnings
from pathlib import Path

import keras
import numpy as np

keras.config.set_floatx("float64")
warnings.simplefilter("ignore")

random = np.random.RandomState(7)


def _numbers(*shape):
    return random.standard_normal(shape).round(3)


def _softmax(x):
    e = np.exp(x)
    return (e / e.sum(-1, keepdims=True)).round(3)


def _inputs():
    logits, wide = _numbers(6, 4), _numbers(3, 2, 4)
    labels = random.randint(0, 4, 6)
    return {
        "real": (_numbers(6, 3), _numbers(6, 3)),
        "positive": (np.abs(_numbers(6, 3)), np.abs(_numbers(6, 3))),
        "column": (_numbers(6), _numbers(6, 1)),
        "signs": (np.sign(_numbers(6, 3)), _numbers(6, 3)),
        "bits": (random.randint(0, 2, (6, 3)), _numbers(6, 3)),
        "binary": (random.randint(0, 2, (6, 3)), (1 / (1 + np.exp(-_numbers(6, 3)))).round(3)),
        "binary_column": (random.randint(0, 2, 6), (1 / (1 + np.exp(-_numbers(6, 1)))).round(3)),
        "one_hot": (np.eye(4)[labels], _softmax(logits)),
        "one_hot_logits": (np.eye(4)[labels], logits),
        "sparse": (labels, _softmax(logits)),
        "sparse_logits": (labels, logits),
        "sparse_column": (labels[:, None], logits),
        "sparse_wide": (random.randint(0, 4, (3, 2)), wide),
        "one_hot_axis": (
            np.eye(4)[random.randint(0, 4, (3, 2))].swapaxes(1, 2),
            wide.swapaxes(1, 2),
        ),
        "certain": (np.eye(4)[labels], np.eye(4)[(labels + 1) % 4]),
    }


def _more_inputs():
    """Inputs of their own random numbers, so that those above stay as they were."""
    random = np.random.RandomState(8)
    units = random.standard_normal((6, 3))
    labels = random.randint(1, 4, (6, 3))
    labels[1, 1:], labels[4, 2:] = 0, 0  # padding
    logits = random.standard_normal((6, 7, 4)).round(3)
    return {
        "masks": (random.randint(0, 2, (6, 2, 3)), random.uniform(0, 1, (6, 2, 3)).round(3)),
        "sequences": (labels, logits),
        "groups": (
            np.array([0, 1, 0, 2, 1, 0]),
            (units / np.linalg.norm(units, axis=-1, keepdims=True)).round(3),
        ),
    }


FROM_LOGITS = {"from_logits": True}
LOSSES = [
    ("MeanSquaredError", {}, "real"),
    ("MeanSquaredError", {}, "column"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "real"),
    ("Huber", {}, "real"),
    ("Huber", {"delta": 0.3}, "real"),
    ("LogCosh", {}, "real"),
    ("Poisson", {}, "positive"),
    ("KLDivergence", {}, "one_hot"),
    ("KLDivergence", {}, "positive"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 0}, "real"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "bits"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one_hot"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {}, "binary_column"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "binary"),
    ("BinaryCrossentropy", FROM_LOGITS, "bits"),
    ("BinaryCrossentropy", FROM_LOGITS | {"label_smoothing": 0.2, "axis": 0}, "bits"),
    ("BinaryFocalCrossentropy", {}, "binary"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}, "binary"),
    ("BinaryFocalCrossentropy", FROM_LOGITS | {"label_smoothing": 0.1}, "bits"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one_hot"),
    ("CategoricalCrossentropy", FROM_LOGITS, "one_hot_logits"),
    ("CategoricalCrossentropy", FROM_LOGITS | {"label_smoothing": 0.1}, "one_hot_logits"),
    ("CategoricalCrossentropy", FROM_LOGITS | {"axis": 1}, "one_hot_axis"),
    ("CategoricalCrossentropy", {}, "certain"),
    ("CategoricalFocalCrossentropy", {}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"gamma": 0.5, "label_smoothing": 0.1}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4]}, "one_hot"),
    ("CategoricalFocalCrossentropy", FROM_LOGITS, "one_hot_logits"),
    ("CategoricalFocalCrossentropy", FROM_LOGITS | {"axis": 1}, "one_hot_axis"),
    ("CategoricalFocalCrossentropy", {}, "certain"),
    ("CategoricalGeneralizedCrossEntropy", {}, "sparse"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.9}, "sparse"),
    ("Dice", {}, "masks"),
    ("Dice", {"axis": [1, 2]}, "masks"),
    ("Dice", {"axis": -1}, "masks"),
    ("Tversky", {}, "masks"),
    ("Tversky", {"alpha": 0.3, "beta": 0.9, "axis": [1, 2]}, "masks"),
    ("Circle", {"gamma": 4.0}, "groups"),
    ("Circle", {"gamma": 8.0, "margin": 0.2, "remove_diagonal": False}, "groups"),
    ("CTC", {}, "sequences"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS, "sparse_logits"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS, "sparse_column"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS, "sparse_wide"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS | {"ignore_class": 2}, "sparse_logits"),
]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]
METRICS = [
    ("Accuracy", {}, "sparse_pairs"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary_column"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("SparseCategoricalAccuracy", {}, "sparse_column"),
    ("SparseCategoricalAccuracy", {}, "sparse_wide"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("MeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "column"),
    ("CosineSimilarity", {}, "real"),
    ("LogCoshError", {}, "real"),
    ("Hinge", {}, "signs"),
    ("BinaryCrossentropy", {}, "binary"),
    ("CategoricalCrossentropy", FROM_LOGITS, "one_hot_logits"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS, "sparse_logits"),
    ("SparseCategoricalCrossentropy", FROM_LOGITS | {"ignore_class": 2}, "sparse_logits"),
    ("Precision", {}, "binary"),
    ("Precision", {"thresholds": [0.2, 0.5, 0.8]}, "binary"),
    ("Precision", {"top_k": 2}, "one_hot"),
    ("Precision", {"class_id": 1}, "one_hot"),
    ("Recall", {}, "binary"),
    ("Recall", {"top_k": 2, "class_id": 0}, "one_hot"),
    ("TruePositives", {}, "binary"),
    ("TrueNegatives", {"thresholds": [0.3, 0.6]}, "binary"),
    ("FalsePositives", {}, "binary"),
    ("FalseNegatives", {}, "binary"),
    ("AUC", {}, "binary"),
    ("AUC", {"curve": "PR"}, "binary"),
    ("AUC", {"curve": "PR", "summation_method": "majoring", "num_thresholds": 20}, "binary"),
    ("AUC", {"summation_method": "minoring", "thresholds": [0.1, 0.4, 0.7]}, "binary"),
    ("AUC", {"multi_label": True, "num_labels": 3}, "binary"),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 3.0]}, "binary"),
    ("AUC", {"from_logits": True}, "bits"),
    ("F1Score", {}, "one_hot"),
    ("F1Score", {"average": "weighted"}, "one_hot"),
    ("F1Score", {"average": "micro", "threshold": 0.4}, "one_hot"),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, "one_hot"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "real"),
    ("R2Score", {"num_regressors": 2}, "real"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 3]}, "sparse_pairs"),
    ("MeanIoU", {"num_classes": 4}, "sparse_pairs"),
    ("MeanIoU", {"num_classes": 3, "ignore_class": 0}, "sparse_pairs"),
    ("BinaryIoU", {}, "binary_column"),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, "binary_column"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1]}, "one_hot"),
    ("OneHotMeanIoU", {"num_classes": 4}, "one_hot"),
    ("OneHotMeanIoU", {"num_classes": 4, "ignore_class": 3}, "one_hot"),
    ("PrecisionAtRecall", {"recall": 0.6}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 1}, "binary"),
    ("RecallAtPrecision", {"precision": 0.5}, "binary"),
    ("RecallAtPrecision", {"precision": 0.4, "class_id": 2}, "one_hot"),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, "binary"),
    ("SensitivityAtSpecificity", {"specificity": 0.7, "num_thresholds": 2}, "binary"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 11}, "binary"),
]


def rounded(x):
    x = np.asarray(x, np.float64)
    return float(f"{float(x):.12g}") if x.ndim == 0 else [rounded(v) for v in x]


def loss_case(name, options, key, inputs, weights):
    y_true, y_pred = inputs[key]
    results = {}
    for reduction in REDUCTIONS:
        loss = getattr(keras.losses, name)(reduction=reduction, **options)
        results[reduction] = rounded(keras.ops.convert_to_numpy(loss(y_true, y_pred)))
        if results["sum_over_batch_size"] is not None and np.size(weights[: len(y_true)]):
            try:
                weighted = loss(y_true, y_pred, weights[: len(y_true)])
            except Exception:  # losses without a batch axis (axis=0) take no weights for samples
                continue
            results[f"weighted_{reduction}"] = rounded(keras.ops.convert_to_numpy(weighted))
    return {"name": name, "options": options, "inputs": key, "results": results}


def metric_case(name, options, key, inputs, weights):
    y_true, y_pred = inputs[key]
    results = []
    for sample_weight in (None, weights[: len(y_true)]):
        # Keras counts in integers and cuts weights off unless it is told otherwise.
        more = {"dtype": "float64"} if name.endswith("IoU") else {}
        metric = getattr(keras.metrics, name)(**options, **more)
        half = len(y_true) // 2
        for part in (slice(0, half), slice(half, None)):  # state is carried over batches
            w = None if sample_weight is None else sample_weight[part]
            metric.update_state(y_true[part], y_pred[part], sample_weight=w)
        results.append(rounded(keras.ops.convert_to_numpy(metric.result())))
    return {"name": name, "options": options, "inputs": key, "results": results}


if __name__ == "__main__":
    inputs = _inputs()
    labels = inputs["sparse"][0]
    inputs["sparse_pairs"] = (labels, np.where(np.arange(6) % 3 == 0, (labels + 1) % 4, labels))
    weights = np.abs(_numbers(6))
    inputs |= _more_inputs()
    golden = {
        "inputs": [{key: [np.asarray(a).tolist() for a in pair]} for key, pair in inputs.items()],
        "weights": [weights.tolist()],
        "losses": [loss_case(n, o, k, inputs, weights) for n, o, k in LOSSES],
        "metrics": [metric_case(n, o, k, inputs, weights) for n, o, k in METRICS],
    }
    text = ",\n".join(
        f'"{key}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"
        for key, cases in golden.items()
    )
    Path(__file__).with_name("losses.json").write_text("{\n" + text + "\n}\n")
