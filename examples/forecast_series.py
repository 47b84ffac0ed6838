"""Forecasting a series: an LSTM reads a window of the past and gives the values that come next.

    python forecast_series.py                    a generated series: the load of each hour, 20 weeks
    python forecast_series.py load.csv           the last column of a CSV file, a row for each hour
    python forecast_series.py load.csv --column total --season 7 --window 28 --step 7 --horizon 7

The errors are those on the last fifth of the series, which no model has seen, beside those of two
forecasts that a network should beat: "as one season ago", and a linear model of the same window by
least squares. The picture, forecast.png, needs matplotlib.
"""

import argparse
import csv

import numpy as np

from fastdl import Input, Sequential, layers, optimizers
from fastdl.utils import set_random_seed

parser = argparse.ArgumentParser(description="An LSTM forecasts a series.")
parser.add_argument(
    "file", nargs="?", help="a CSV file with a header; a generated series if absent"
)
parser.add_argument("--column", help="the name of the column; the last one if absent")
parser.add_argument("--season", type=int, default=168, help="rows after which values come again")
parser.add_argument("--window", type=int, default=168, help="rows that the models see")
parser.add_argument("--step", type=int, default=24, help="rows that the LSTM reads in one step")
parser.add_argument("--horizon", type=int, default=24, help="rows to forecast")
parser.add_argument("--units", type=int, default=64)
parser.add_argument("--epochs", type=int, default=60)
args = parser.parse_args()


def generated(weeks, rng):
    """The load of each hour: it grows, and has a season of a day, one of a week, and noise."""
    hours = np.arange(weeks * 168)
    hour, weekend = hours % 24, hours // 24 % 7 >= 5
    morning = np.exp(-(((hour - 9) / 3) ** 2))
    evening = np.exp(-(((hour - 19) / 2) ** 2))
    day = np.where(weekend, 0.3 * morning + 0.8 * evening, morning + 0.6 * evening)
    noise = 0.03 * rng.standard_normal(len(hours))
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]  # what disturbs one hour lasts for some
    return 100 * np.exp(hours / 6000) * (0.6 + day) * np.exp(noise)


def read(path, column):
    """The numbers of one column of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or [""]
        name = names[-1] if column is None else column
        if name not in names:
            raise SystemExit(f"{path}: expected a column {name!r}, got {', '.join(names)}")
        try:
            return np.array([float(row[name]) for row in rows])
        except (TypeError, ValueError) as error:
            raise SystemExit(f"{path}: line {rows.line_num}, column {name!r}: {error}") from None


def parts(series, length, times):
    """The stretch of the series from each time on: (times, length)."""
    return np.lib.stride_tricks.sliding_window_view(series, length)[times]


set_random_seed(0)
series = read(args.file, args.column) if args.file else generated(20, np.random.default_rng(0))
window, horizon, season = args.window, args.horizon, args.season
if window % args.step or min(window, args.step, horizon, season, args.epochs) < 1:
    raise SystemExit("expected positive sizes, and a window of whole steps")
first, split = max(window, season), int(0.8 * len(series))
if split < first + 2 * horizon or len(series) < split + horizon:
    raise SystemExit(f"expected at least {2 * (first + 3 * horizon)} rows, got {len(series)}")

# No target of the training lies in the last fifth. Each window is seen relative to its own mean and
# deviation: what is learned then holds for a series that has grown since.
times = np.arange(first, split - horizon + 1)
times_test = np.arange(split, len(series) - horizon + 1)
past, past_test = (parts(series, window, t - window) for t in (times, times_test))
future, future_test = (parts(series, horizon, t) for t in (times, times_test))
mean, mean_test = (p.mean(axis=1, keepdims=True) for p in (past, past_test))
scale, scale_test = (p.std(axis=1, keepdims=True) + 1e-6 for p in (past, past_test))
x, x_test = (past - mean) / scale, (past_test - mean_test) / scale_test
y = (future - mean) / scale

weights = np.linalg.lstsq(np.insert(x, 0, 1, axis=1), y, rcond=None)[0]

model = Sequential(
    [
        Input((window,)),
        layers.Reshape((-1, args.step)),
        layers.LSTM(args.units),
        layers.Dense(horizon),
    ]
)
rate = optimizers.schedules.CosineDecay(3e-3, decay_steps=args.epochs * -(-len(x) // 32))
model.compile(optimizers.Adam(rate), "mean_absolute_error")
model.summary()
model.fit(x, y, batch_size=32, epochs=args.epochs, verbose=0)

shift = np.arange(horizon) % season - season  # the same place in the last season that is known
forecasts = {
    "as one season ago": series[times_test[:, np.newaxis] + shift],
    "linear model": np.insert(x_test, 0, 1, axis=1) @ weights * scale_test + mean_test,
    "LSTM": model.predict(x_test, verbose=0) * scale_test + mean_test,
}
print(f"{len(x)} windows to learn from, {len(x_test)} forecasts of {horizon} rows:")
errors = {}
for name, forecast in forecasts.items():
    distance = forecast - future_test
    errors[name] = np.mean(np.abs(distance))
    relative = errors[name] / np.mean(np.abs(future_test))
    print(
        f"  {name:18s} mean absolute error {errors[name]:.4g} ({relative:.1%} of the values), "
        f"root mean squared error {np.sqrt(np.mean(distance**2)):.4g}"
    )

try:
    from matplotlib.figure import Figure
except ImportError:
    print("no picture: it needs matplotlib, pip install 'fastdl[plot]'")
else:
    figure = Figure(figsize=(10, 5), layout="constrained")
    above, below = figure.subplots(2)
    above.plot(series, color="gray", linewidth=0.6)
    above.axvspan(split, len(series), alpha=0.2, label="not seen in training")
    above.legend(loc="upper left")
    last = times_test[-1]
    shown = np.arange(max(last - 2 * horizon, 0), last + horizon)
    below.plot(shown, series[shown], color="black", label="series")
    for name, forecast in forecasts.items():
        below.plot(np.arange(last, last + horizon), forecast[-1], label=name)
    below.legend(loc="upper left")
    figure.savefig("forecast.png", dpi=120)
    print("wrote forecast.png")

assert args.file or args.epochs < 60 or errors["LSTM"] < errors["linear model"]
