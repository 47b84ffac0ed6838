"""Keras's helpers: structures, settings, types, policies, images, downloads, progress.

The golden values are results of Keras (golden/helpers.py).
"""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import helper_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import backend, config, layers, losses, random, utils

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/helpers.json").read_text("utf-8"))


@pytest.mark.parametrize("line", cases.lines())
def test_results_are_those_of_keras(line):
    backend.clear_session()
    found, expected = cases.shown(line, fastdl), GOLDEN[line]
    if expected.startswith("error"):
        assert found.startswith("error"), found
    else:
        assert found == expected


# --- settings


def test_epsilon_reaches_losses_and_recorded_steps():
    model = fastdl.Sequential([layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.compile("sgd", losses.MeanAbsolutePercentageError())
    x = np.zeros((2, 3), "float32")
    y = np.full((2, 1), 1e-3, "float32")
    try:
        first = model.evaluate(x, y, verbose=0)
        backend.set_epsilon(1e-2)
        second = model.evaluate(x, y, verbose=0)
        assert first == pytest.approx(100.0) and second == pytest.approx(10.0)
        with pytest.raises(ValueError, match="set_epsilon: value"):
            backend.set_epsilon(0)
    finally:
        backend.set_epsilon(1e-7)


def test_image_data_format_is_the_default_of_layers():
    try:
        backend.set_image_data_format("channels_first")
        layer = layers.Conv2D(4, 1)
        assert layer(np.zeros((2, 3, 5, 5), "float32")).shape == (2, 4, 5, 5)
        assert layer.get_config()["data_format"] == "channels_first"
    finally:
        backend.set_image_data_format("channels_last")
    assert layers.Conv2D(4, 1)(np.zeros((2, 5, 5, 3), "float32")).shape == (2, 5, 5, 4)
    with pytest.raises(ValueError, match="set_image_data_format: data_format"):
        backend.set_image_data_format("last")


def test_limits_of_epochs_and_steps_hold_and_warn():
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    try:
        config.set_max_epochs(2)
        config.set_max_steps_per_epoch(3)
        with (
            pytest.warns(UserWarning, match="2 of 5 epochs"),
            pytest.warns(UserWarning, match="3 steps"),
        ):
            history = model.fit(x, y, batch_size=2, epochs=5, verbose=0)
        assert history.epoch == [0, 1] and int(model.optimizer.iterations) == 4
        with pytest.warns(UserWarning, match="3 steps"):
            assert model.predict(x, batch_size=2, verbose=0).shape == (6, 1)
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    model.fit(x, y, batch_size=2, epochs=3, verbose=0)
    assert int(model.optimizer.iterations) == 16


def test_without_interactive_logging_auto_is_a_line_for_each_epoch():
    from fastdl._base.progress import mode_from_verbose

    assert mode_from_verbose("auto") == "auto"
    config.disable_interactive_logging()
    try:
        assert (mode_from_verbose("auto"), mode_from_verbose(1)) == ("lines", "auto")
        assert not utils.is_interactive_logging_enabled()
    finally:
        utils.enable_interactive_logging()


def test_uids_count_by_prefix():
    backend.clear_session()
    assert [backend.get_uid(p) for p in ("a", "b", "a")] == [1, 1, 2]
    backend.clear_session()
    assert backend.get_uid("a") == 1


def mixed(*paths):
    return fastdl.dtype_policies.DTypePolicyMap("float32", dict.fromkeys(paths, "mixed_bfloat16"))


def rounded(model):
    """The paths of the layers that round their operands to bfloat16."""
    layers = model._flatten_layers()
    return {layer.path for layer in layers if layer._dtype_policy._precision == "bfloat16"}


def test_a_layer_takes_the_policy_of_its_path():
    """The paths are those of Keras 3.15, which gives these layers the type bfloat16."""
    policies = mixed("enc/dense", "enc/block/.*", "mha/query", "lstm/.*", "head", "d1")
    options = {"dtype": policies}
    inner = fastdl.Sequential([layers.Dense(3, name=n, **options) for n in "ab"], name="block")
    first = layers.Dense(3, name="dense", **options)
    assert first._dtype_policy.name == "float32"  # its path is not known
    model = fastdl.Sequential([layers.Input((4,)), first, inner], name="enc")
    assert rounded(model) == {"enc/dense", "enc/block/a", "enc/block/b"}
    x = layers.Input((5, 4))
    y = layers.MultiHeadAttention(2, 3, name="mha", **options)(x, x)
    y = layers.LSTM(3, name="lstm", **options)(y)
    y = layers.Dense(2, name="head", **options)(y)
    model = fastdl.Model(x, layers.Dense(2, name="d2", **options)(y), name="net")
    assert rounded(model) == {"mha/query", "lstm/lstm_cell", "head"}
    for layer in ("head", "d2"):
        assert model.get_layer(layer).dtype_policy is policies


def test_a_policy_that_a_layer_is_given_goes_into_its_map():
    policies = mixed("wide")
    wide, late = layers.Dense(2, dtype=policies, name="wide"), layers.Dense(2, dtype=policies)
    late.dtype_policy = "mixed_bfloat16"  # without a path it takes the place of the map
    assert late.dtype_policy == fastdl.DTypePolicy("mixed_bfloat16") and len(policies) == 1
    wide.build((None, 3))
    assert rounded(wide) == {"wide"}
    wide.dtype_policy = "float32"
    assert rounded(wide) == set()
    assert wide.dtype_policy is policies and policies["wide"].name == "float32"
    wide.dtype_policy = other = mixed("w.*")
    assert wide.dtype_policy is other and rounded(wide) == {"wide"}


def test_configs_and_files_keep_maps_of_policies(tmp_path):
    policies = mixed("enc/w.*")
    stack = [layers.Dense(2, dtype=policies, name=name) for name in ("wide", "x")]
    model = fastdl.Sequential([layers.Input((3,)), *stack], name="enc")
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.fastdl")
    copies = [fastdl.models.clone_model(model)]
    copies += [fastdl.models.load_model(tmp_path / f"model.{end}") for end in ("keras", "fastdl")]
    for copy in copies:
        assert rounded(copy) == {"enc/wide"}
        assert [layer.dtype_policy for layer in copy.layers] == [policies] * 2


def test_maps_of_policies():
    policies = mixed("wide.*")
    back = fastdl.dtype_policies.deserialize(fastdl.dtype_policies.serialize(policies))
    assert back == policies and len(back) == 1
    policies["wide_."] = "float32"
    with pytest.raises(ValueError, match="several of its paths"):
        policies["wide_1"]
    with pytest.raises(ValueError, match=r"'wide_1' fits several of its paths"):
        layers.Dense(2, dtype=policies, name="wide_1")(np.ones((1, 2), "float32"))
    after = layers.Dense(2, name="after")
    after(np.ones((1, 2), "float32"))
    assert after.path == "after"


# --- random numbers


def test_moments_of_distributions():
    """Means within 5 standard errors of what the formulas say."""
    n = 20000
    drawn = {
        "gamma": (random.gamma((n,), 3.0, seed=1), 3.0, 3.0),
        "beta": (random.beta((n,), 2.0, 3.0, seed=1), 0.4, 0.04),
        "binomial": (random.binomial((n,), 10, 0.3, seed=1), 3.0, 2.1),
        "categorical": (random.categorical([[0.0, np.log(3.0)]], n, seed=1), 0.75, 0.1875),
    }
    for name, (values, mean, variance) in drawn.items():
        assert abs(values.numpy().mean() - mean) < 5 * np.sqrt(variance / n), name
        assert abs(values.numpy().var() - variance) < 0.1 * variance, name


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: random.gamma((3,), [1.0, 2.0, 0.5], seed=seed),
        lambda seed: random.beta((2, 3), [1.0, 2.0, 0.5], 2.0, seed=seed),
        lambda seed: random.binomial((3,), 10**6, [0.1, 0.5, 0.9], seed=seed),
        lambda seed: random.categorical(np.zeros((2, 9)), 5, seed=seed),
    ],
)
def test_seeds_of_distributions(draw):
    assert fastdl.equal(draw(3), draw(3)) and not fastdl.equal(draw(3), draw(4))
    generator = random.SeedGenerator(3)
    one, two = draw(generator), draw(generator)
    assert not fastdl.equal(one, two) and fastdl.equal(draw(random.SeedGenerator(3)), one)
    utils.set_random_seed(1)
    one = draw(None)
    utils.set_random_seed(1)
    assert fastdl.equal(draw(None), one)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.gamma((2,), 0.0), "gamma: alpha: expected numbers above 0"),
        (lambda: random.beta((2,), 1.0, -1.0), "beta: beta: expected numbers above 0"),
        (lambda: random.binomial((2,), 3, 1.5), "binomial: probabilities"),
        (lambda: random.binomial((2,), -3, 0.5), "binomial: counts"),
        (lambda: random.gamma((2,), [1.0, 2.0, 3.0]), "gamma: "),
        (lambda: random.categorical([1.0, 2.0], 3), "categorical: logits"),
    ],
)
def test_parameters_of_distributions_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- files of images


@pytest.fixture
def picture(tmp_path):
    pytest.importorskip("PIL")
    path = tmp_path / "a.png"
    values = np.random.default_rng(0).integers(0, 256, (6, 8, 3))
    utils.save_img(path, values, scale=False)
    return path, values.astype("float32")


def test_images_go_to_a_file_and_back(picture):
    path, values = picture
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(path)), values)
    np.testing.assert_array_equal(
        utils.img_to_array(utils.load_img(io.BytesIO(path.read_bytes()))), values
    )
    assert utils.load_img(path, color_mode="grayscale").mode == "L"
    assert utils.load_img(path, color_mode="rgba").size == (8, 6)
    assert utils.load_img(path, target_size=(3, 5)).size == (5, 3)
    small = utils.load_img(path, target_size=(3, 3), keep_aspect_ratio=True)
    expected = values[1::2, 2:7:2]  # the nearest pixels of the middle part of 6 x 6
    np.testing.assert_array_equal(utils.img_to_array(small), expected)


def test_files_of_images_are_checked(picture, tmp_path):
    path, _ = picture
    with pytest.raises(ValueError, match="cannot read the image"):
        utils.load_img(tmp_path / "none.png")
    with pytest.raises(ValueError, match="load_img: color_mode"):
        utils.load_img(path, color_mode="hsv")
    with pytest.warns(UserWarning, match="no alpha channel"):
        utils.save_img(tmp_path / "b.jpg", np.zeros((2, 2, 4)))


# --- downloads, from files of this machine


def test_a_file_is_downloaded_once_and_checked(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc" * 100)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    path = Path(utils.get_file(origin=source.as_uri(), cache_dir=tmp_path, file_hash=digest))
    assert path == tmp_path / "datasets" / "source.bin"
    source.write_bytes(b"new")
    utils.get_file(origin=source.as_uri(), cache_dir=tmp_path)
    assert path.read_bytes() == b"abc" * 100  # it is there already
    path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="another sha256 digest"):
        with pytest.raises(ValueError, match="its sha256 digest is"):
            utils.get_file(origin=source.as_uri(), cache_dir=tmp_path, file_hash=digest)
    assert path.read_bytes() == b"damaged" and not list(path.parent.glob(".fastdl*"))
    utils.get_file(origin=source.as_uri(), cache_dir=tmp_path, force_download=True)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archives_are_unpacked_and_stay_in_their_folder(tmp_path, kind):
    archive = tmp_path / f"data.{kind}"

    def pack(name):
        if kind == "zip":
            with zipfile.ZipFile(archive, "w") as file:
                file.writestr(name, "text")
            return
        with tarfile.open(archive, "w:gz") as file:
            info = tarfile.TarInfo(name)
            info.size = 4
            file.addfile(info, io.BytesIO(b"text"))

    pack("folder/a.txt")
    arguments = {"origin": archive.as_uri(), "cache_dir": tmp_path / "cache", "extract": True}
    for name in (None, "data.x"):
        folder = Path(utils.get_file(name, **arguments))
        assert (folder / "folder" / "a.txt").read_text() == "text"
    pack("../outside.txt")
    with pytest.raises(ValueError, match="get_file: "):
        utils.get_file(force_download=True, **arguments)
    assert not list(tmp_path.rglob("outside.txt"))
    assert (folder / "folder" / "a.txt").exists()


def test_downloads_say_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="origin"):
        utils.get_file("a")
    with pytest.raises(OSError, match=r"get_file: file:///none\.x: "):
        utils.get_file(origin="file:///none.x", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="file_hash: expected 32 digits"):
        utils.get_file(origin="file:///none.x", cache_dir=tmp_path, file_hash="12")
    with pytest.raises(ValueError, match="fname"):
        utils.get_file("../a", origin="file:///none.x", cache_dir=tmp_path)


# --- sounds in folders


def write_wave(path, values, width, rate=8000):
    """Whole numbers, (samples, channels), of so many bytes."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((values.shape[1], width, rate, 0, "NONE", ""))
        offset = 128 if width == 1 else 0
        signed = width > 1
        raw = [int(v + offset).to_bytes(width, "little", signed=signed) for v in values.ravel()]
        file.writeframes(b"".join(raw))


def test_sounds_in_folders(tmp_path):
    expected = {}
    for number, (width, count) in enumerate([(1, 5), (2, 7), (3, 4), (4, 6)]):
        folder = tmp_path / ("even", "odd")[number % 2]
        folder.mkdir(exist_ok=True)
        top = 2 ** (8 * width - 1)
        values = np.random.default_rng(number).integers(-top, top, (count, 2))
        values[0] = -top
        path = folder / f"{number}.wav"
        write_wave(path, values, width)
        expected[str(path)] = np.float32(values / top)
    options = {"shuffle": False, "verbose": False}
    data = utils.audio_dataset_from_directory(tmp_path, **options)
    assert data.class_names == ["even", "odd"] and len(data) == 1
    ((x, y),) = data
    assert x.shape == (4, 7, 2) and y.tolist() == [0, 0, 1, 1]
    for sound, path in zip(x.numpy(), data.file_paths, strict=True):
        wanted = expected[path]
        np.testing.assert_array_equal(sound[: len(wanted)], wanted)
        assert not sound[len(wanted) :].any()
    more = {**options, "labels": None, "output_sequence_length": 5, "batch_size": 3}
    assert [x.shape for x in utils.audio_dataset_from_directory(tmp_path, **more)] == [
        (3, 5, 2),
        (1, 5, 2),
    ]
    with pytest.raises(ValueError, match="8000 samples a second, not 16000"):
        list(utils.audio_dataset_from_directory(tmp_path, sampling_rate=16000, **options))
    with pytest.raises(ValueError, match="ragged"):
        utils.audio_dataset_from_directory(tmp_path, ragged=True)
    (tmp_path / "odd" / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"cannot read the sound .*broken\.wav"):
        list(utils.audio_dataset_from_directory(tmp_path, **options))


# --- progress


def test_progbar_shows_means_and_states(capsys):
    bar = utils.Progbar(3, verbose=2, stateful_metrics=["b"])
    for i in range(2):
        bar.add(1, [("a", float(i)), ("b", float(i))])
    assert bar._sums == {"a": (1.0, 2), "b": (1.0, 1)}
    bar.update(3, [("a", 5.0)])
    line = capsys.readouterr().out
    assert line.startswith("3/3") and "a: 5.0000" in line and "b: 1.0000" in line
    with pytest.raises(ValueError, match="at most one"):
        utils.Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


def test_element_types_of_pytorch_have_names():
    class Type:  # PyTorch's own print like this, and have no name
        def __repr__(self):
            return "torch.bfloat16"

    assert backend.standardize_dtype(Type()) == "bfloat16"
    with pytest.raises(ValueError, match="dtype: expected the name of an element type"):
        backend.standardize_dtype(object())


def test_configs_of_policies_are_types():
    """As in the configs that Keras saves."""
    name = {"name": "mixed_bfloat16"}
    half = {"module": "keras", "class_name": "DTypePolicy", "config": name, "registered_name": None}
    single = {**half, "config": {"name": "float32"}}
    several = {"class_name": "DTypePolicyMap", "config": {"policy_map": {"wide.*": half}}}
    layers = fastdl.layers
    assert layers.Dense(2, dtype=half).dtype_policy.name == "mixed_bfloat16"
    wide = layers.Dense.from_config({"units": 2, "dtype": several, "name": "wide_1"})
    wide.build((None, 3))
    assert wide.dtype_policy["wide_1"].name == wide._dtype_policy.name == "mixed_bfloat16"
    for given in (single, fastdl.DTypePolicy("float32")):
        assert fastdl.metrics.Mean(dtype=given).dtype == "float32"
        assert fastdl.losses.MeanSquaredError(dtype=given).dtype == "float32"
    for wrong in ({}, {"class_name": "DTypePolicy", "config": 3}, {**half, "class_name": "Other"}):
        with pytest.raises(ValueError, match="Dense: "):
            layers.Dense(2, dtype=wrong)
    for kind in (fastdl.metrics.Mean, fastdl.losses.MeanSquaredError):
        with pytest.raises(ValueError, match=f"{kind.__name__}: dtype: expected"):
            kind(dtype={"config": {"name": "float8"}})


def test_functions_of_arrays_give_tensors_for_tensors():
    x = fastdl.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    for order in (1, 2, 3):
        found = utils.normalize(x, order=order)
        assert isinstance(found, fastdl.Tensor)
        np.testing.assert_allclose(found.tolist(), utils.normalize(x.tolist(), order=order), 1e-6)
    utils.normalize(x).sum().backward()
    np.testing.assert_allclose(x.grad[0].tolist(), [0.032, -0.024], atol=1e-6)
    rows = utils.to_categorical(fastdl.tensor([0, 2]), 3)
    assert isinstance(rows, fastdl.Tensor) and rows.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert isinstance(utils.to_categorical([0, 2], 3), np.ndarray)


def test_a_progress_bar_takes_means_of_lists(capsys):
    bar = utils.Progbar(1, verbose=2)
    bar.update(1, [("values", [0.0, 1.0, 5.0]), ("one", np.array(1.0))])
    assert "values: 2.0000 - one: 1.0000" in capsys.readouterr().out


def test_a_wrong_config_is_both_errors():
    """As in Keras a TypeError, and a ValueError as from the constructor."""
    for kind in (TypeError, ValueError):
        with pytest.raises(kind, match="Embedding: input_dim: expected an integer"):
            fastdl.layers.Embedding.from_config({"input_dim": 3.7, "output_dim": 8})
