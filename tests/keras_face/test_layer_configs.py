"""Layers' configs: what they hold, and the layers that they make again."""

import json

import pytest
from keras_samples import Scale

import fastdl
from fastdl import layers
from fastdl._base.registry import LAYERS

pytestmark = pytest.mark.usefixtures("fresh_names")


NAMES = sorted(
    {c.__name__ for c in LAYERS.objects.values() if c.__module__.startswith("fastdl.layers.")}
)


class TestConfig:
    # A config holds no code, so none has a module.
    @pytest.mark.parametrize("name", [n for n in NAMES if n != "TorchModuleWrapper"])
    def test_every_layer_is_rebuilt_from_its_config(self, name):
        given = {
            "Activation": {"activation": "tanh"},
            "AugMix": {"num_chains": 2, "factor": (0.1, 0.4), "seed": 3},
            "ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (2, 3)},
            "MaxNumBoundingBoxes": {"max_number": 3, "fill_value": -2},
            "CenterCrop": {"height": 2, "width": 3},
            "CutMix": {"factor": (0.2, 0.5), "seed": 3},
            "RandomBrightness": {"factor": 0.2, "value_range": (0, 1)},
            "RandomContrast": {"factor": (0.2, 0.5)},
            "RandomCrop": {"height": 2, "width": 3},
            "RandomErasing": {"factor": 0.2, "fill_value": [1.0, 2.0, 3.0]},
            "RandomColorDegeneration": {"factor": 0.2},
            "RandomColorJitter": {"hue_factor": 0.2, "contrast_factor": (0.1, 0.2)},
            "RandomGaussianBlur": {"kernel_size": (3, 5), "sigma": 0.5},
            "RandomGrayscale": {"factor": 0.2},
            "RandomHue": {"factor": 0.2},
            "RandomInvert": {"factor": 0.2},
            "RandomPosterization": {"factor": 3},
            "RandomSaturation": {"factor": 0.2},
            "RandomSharpness": {"factor": (0.2, 0.4)},
            "RandomShear": {"x_factor": 0.2, "y_factor": (0.1, 0.2)},
            "Pipeline": {"layers": [layers.RandomFlip("vertical"), layers.Rescaling(0.5)]},
            "Solarization": {"addition_factor": 0.2},
            "RandomRotation": {"factor": 0.2, "fill_mode": "wrap"},
            "RandomTranslation": {"height_factor": 0.2, "width_factor": (0.1, 0.3)},
            "RandomZoom": {"height_factor": 0.2},
            "Resizing": {"height": 2, "width": 3, "antialias": True},
            "Dense": {"units": 3, "kernel_regularizer": "l1", "kernel_constraint": "max_norm"},
            **{
                f"{kind}{rank}D{more}": {"filters": 2, "kernel_size": 3, "padding": "same"}
                for kind, ranks, more in (
                    ("Conv", (1, 2, 3), ""),
                    ("Conv", (1, 2, 3), "Transpose"),
                    ("SeparableConv", (1, 2), ""),
                )
                for rank in ranks
            },
            **{
                f"{name}{more}": {"units": 3, "bias_initializer": "ones", "dropout": 0.1}
                for name in ("SimpleRNN", "LSTM", "GRU")
                for more in ("", "Cell")
            },
            **{
                f"ConvLSTM{n}D": {"filters": 2, "kernel_size": 3, "stateful": True}
                for n in (1, 2, 3)
            },
            "Attention": {"score_mode": "concat", "dropout": 0.1},
            "GroupedQueryAttention": {
                "head_dim": 2,
                "num_query_heads": 4,
                "num_key_value_heads": 2,
            },
            "MultiHeadAttention": {"num_heads": 2, "key_dim": 3, "output_shape": (2, 3)},
            **{
                f"Transformer{name}": {"intermediate_dim": 3, "num_heads": 2, "dropout": 0.1}
                for name in ("Encoder", "Decoder")
            },
            "RNN": {"cell": layers.GRUCell(2, name="c"), "return_sequences": True},
            "Bidirectional": {"layer": layers.GRU(2, name="g"), "merge_mode": "sum"},
            "StackedRNNCells": {"cells": [layers.GRUCell(2, name="c"), layers.LSTMCell(1)]},
            "DepthwiseConv1D": {"kernel_size": 3, "depth_multiplier": 2},
            "DepthwiseConv2D": {"kernel_size": (2, 3), "dilation_rate": (1, 2)},
            "Embedding": {"input_dim": 5, "output_dim": 2, "mask_zero": True},
            "ReversibleEmbedding": {"input_dim": 5, "output_dim": 2, "logit_soft_cap": 3.0},
            "Masking": {"mask_value": -1.0},
            "EinsumDense": {"equation": "abc,cd->abd", "output_shape": (None, 4), "bias_axes": "d"},
            "TimeDistributed": {"layer": layers.Dense(2)},
            "PositionEmbedding": {"sequence_length": 7},
            "RotaryEmbedding": {"sequence_axis": 2, "scaling_factor": 2.0},
            "Dot": {"axes": 1},
            "Dropout": {"rate": 0.3},
            "AlphaDropout": {"rate": 0.3, "noise_shape": (None, 1)},
            "BatchNormalization": {"axis": 1, "renorm": True, "renorm_clipping": {"rmax": 2.0}},
            "GaussianDropout": {"rate": 0.3},
            "GaussianNoise": {"stddev": 0.3},
            "GroupNormalization": {"groups": -1, "gamma_constraint": "non_neg"},
            "LayerNormalization": {"axis": [1, 2], "beta_regularizer": "l2"},
            "SpectralNormalization": {"layer": layers.Dense(2), "power_iterations": 3},
            "Wrapper": {"layer": layers.Dense(2)},
            "HashedCrossing": {"num_bins": 5, "output_mode": "one_hot"},
            "Hashing": {"num_bins": 5, "mask_value": "", "salt": [1, 2]},
            "InputLayer": {"shape": (3,)},
            "IntegerLookup": {"vocabulary": [3, 1], "output_mode": "count"},
            "Lambda": {"function": abs},
            "Permute": {"dims": (2, 1)},
            "TextVectorization": {"vocabulary": ["b", "a"], "ngrams": (1, 3)},
            "StringLookup": {"vocabulary": ["b", "a"], "mask_token": ""},
            "STFTSpectrogram": {"frame_length": 8, "window": [1.0] * 8, "scaling": None},
            "MelSpectrogram": {"fft_length": 64, "sequence_length": 2, "window": [0.5, 1.0]},
            "MFCC": {"num_mfcc": 5, "lifter": 22, "top_db": None, "window": None},
            "CategoryEncoding": {"num_tokens": 4},
            "Discretization": {"bin_boundaries": [0.0, 1.5]},
            "RepeatVector": {"n": 2},
            "Rescaling": {"scale": 0.5},
            "Reshape": {"target_shape": (2, -1)},
        }
        for axes in "123":
            given |= {
                f"AdaptiveAveragePooling{axes}D": {"output_size": 3},
                f"AdaptiveMaxPooling{axes}D": {"output_size": 3},
                f"AveragePooling{axes}D": {"pool_size": 3, "padding": "same"},
                f"SpatialDropout{axes}D": {"rate": 0.3},
            }
        layer = LAYERS.lookup(name)(**given.get(name, {}), name="it")
        config = layers.serialize(layer)
        twin = layers.deserialize(config)
        assert type(twin) is type(layer) and twin.name == "it"
        assert layers.serialize(twin) == config

    def test_custom_layers(self):
        layer = Scale(factor=3.0, name="mine")
        config = layer.get_config()
        assert config == {"name": "mine", "trainable": True, "dtype": "float32", "factor": 3.0}
        assert Scale.from_config(config).factor == 3.0
        with fastdl.utils.custom_object_scope({"Scale": Scale}):
            assert layers.deserialize(layers.serialize(layer)).factor == 3.0
        # A class of a module that is imported needs no registration, as in Keras.
        serialized = layers.serialize(layer)
        assert type(layers.deserialize(serialized)) is Scale
        with pytest.raises(ValueError, match=r"unknown layer 'Scale'.*'elsewhere'"):
            layers.deserialize({**serialized, "module": "elsewhere"})
        with pytest.raises(ValueError, match=r"unknown layer 'OrderedDict'"):
            layers.deserialize({"class_name": "OrderedDict", "module": "collections"})

    def test_arguments_that_are_no_values_need_get_config(self):
        class Holder(layers.Layer):
            def __init__(self, inner):
                super().__init__()

        with pytest.raises(NotImplementedError, match="'inner' is no plain value but Dense"):
            Holder(layers.Dense(1)).get_config()


def test_the_config_of_a_function_is_read_with_custom_objects():
    def double(x):
        return 2 * x

    config = layers.Lambda(double).get_config()
    again = layers.Lambda.from_config(config, safe_mode=False)
    assert again([1.0, 2.0]).tolist() == [2.0, 4.0]
    config["function"] = "double"
    named = layers.Lambda.from_config(config, {"double": double})
    assert named([1.0]).tolist() == [2.0]
    with pytest.raises(ValueError, match="double"):
        layers.Lambda.from_config(config)


def test_tuples_in_configs_stay_tuples():
    class Sized(layers.Layer):
        def __init__(self, sizes=(1, 2), rows=None, **options):
            super().__init__(**options)
            self.given = (sizes, rows)

        def call(self, x):
            return x

    with fastdl.utils.custom_object_scope({"Sized": Sized}):
        config = json.loads(json.dumps(fastdl.saving.serialize_keras_object(Sized((4,), [5]))))
        twin = fastdl.saving.deserialize_keras_object(config)
    assert twin.given == ((4,), [5])
    blur = layers.RandomGaussianBlur(sigma=0.0).get_config()
    assert str(blur["sigma"]) == "(0.0, 0.0)"


@pytest.mark.parametrize("config", [{"name": "a"}, {"layers": None}, {"layers": 3}])
def test_a_pipeline_without_layers_in_its_config(config):
    with pytest.raises(ValueError, match="Pipeline: layers: expected a list of configs, got"):
        layers.Pipeline.from_config(config)
