"""Calls of Keras's helpers whose results must be Keras's (golden/helpers.py runs them with Keras).

`k` is keras or fastdl. A result is compared as text.
"""

from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np

Point = namedtuple("Point", ["x", "y"])
NAMES = {
    "np": np,
    "Point": Point,
    "OrderedDict": OrderedDict,
    "defaultdict": defaultdict,
    "deque": deque,
    "double": lambda x: x * 2,
    "total": lambda x: sum(x) if isinstance(x, tuple) else None,
    "gone": lambda k: lambda x: k.tree.MAP_TO_NONE if x == 1 else None,
}

LINES = """
k.tree.is_nested([1])
k.tree.is_nested({})
k.tree.is_nested(deque())
k.tree.is_nested(None)
k.tree.is_nested("abc")
k.tree.is_nested(np.ones(2))
k.tree.is_nested({1, 2})
k.tree.flatten(None)
k.tree.flatten([[1, 2, 3], [4, [5], [[6]]]])
k.tree.flatten({100: "world", 6: "hello"})
k.tree.flatten(OrderedDict([("b", 1), ("a", [2, 3])]))
k.tree.flatten(deque([1, (2, 3)]))
k.tree.flatten([])
k.tree.flatten_with_path([{"foo": 42}])
k.tree.flatten_with_path({"b": [1, (2,)], "a": None})
k.tree.flatten_with_path(Point(1, [2]))
k.tree.flatten_with_path(7)
k.tree.map_structure(double, [1, (2, {"a": 3})])
k.tree.map_structure(double, Point(1, 2))
k.tree.map_structure(double, deque([1, 2]))
k.tree.map_structure(double, OrderedDict([("b", 1), ("a", 2)]))
k.tree.map_structure(double, defaultdict(list, {"b": 1}))
k.tree.map_structure(lambda x, y: x - y, {"a": [3, 4]}, {"a": [1, 1]})
k.tree.map_structure(lambda x, y: x - y, [3, 4], (1, 1))
k.tree.map_structure(lambda x, y: x - y, [3, 4], [1])
k.tree.map_structure(lambda x, y: x - y, [3, 4], 1)
k.tree.map_structure(double)
k.tree.map_structure(double, [1, None], none_is_leaf=False)
k.tree.map_structure(lambda x: x is None, [1, None])
k.tree.map_structure_up_to([0, 0], len, [[1, 1], [2, 2]])
k.tree.map_structure_up_to([0, [0, 0]], str, [[1, 1], [2, 2]])
k.tree.map_structure_up_to([0, [0, 0]], str, [[1, 1], 2])
k.tree.assert_same_structure([(0, 1)], [(2, 3)])
k.tree.assert_same_structure([0, 1], (2, 3))
k.tree.assert_same_structure({"a": 1}, OrderedDict(a=2))
k.tree.assert_same_structure({"a": 1}, {"b": 1})
k.tree.assert_same_structure(Point(1, 2), (1, 2))
k.tree.assert_same_structure([1, 2], [1, [2]])
k.tree.assert_same_paths([0, (1, 2)], (0, [1, 2]))
k.tree.assert_same_paths([0, 1], [0, [1]])
k.tree.pack_sequence_as({"key3": "", "key1": "", "key2": ""}, ["v1", "v2", "v3"])
k.tree.pack_sequence_as((("a", "b"), ("c", "d", "e"), "f"), [1, 2, 3, 4, 5, 6])
k.tree.pack_sequence_as([1, 2], [1])
k.tree.pack_sequence_as([1, 2], [1, 2, 3])
k.tree.pack_sequence_as(5, ["a"])
k.tree.lists_to_tuples([1, {"a": [2, (3, [4])]}])
k.tree.map_shape_structure(len, {"a": (None, 3), "b": [(2, 2), (1,)]})
k.tree.traverse(total, [(1, 2), [3, (4, 5)]])
k.tree.traverse(total, [(1, 2), [3, (4, 5)]], top_down=False)
k.tree.traverse(gone(k), [1, [2, 1]])
k.tree.traverse(gone(k), [1, [2, 1]], top_down=False)
k.backend.standardize_dtype(None)
k.backend.standardize_dtype(int)
k.backend.standardize_dtype(float)
k.backend.standardize_dtype(bool)
k.backend.standardize_dtype("bfloat16")
k.backend.standardize_dtype(np.int16)
k.backend.standardize_dtype(np.dtype("uint8"))
k.backend.standardize_dtype("float33")
k.backend.is_float_dtype("float16")
k.backend.is_float_dtype("int8")
k.backend.is_int_dtype("uint8")
k.backend.is_int_dtype("bool")
k.backend.result_type()
k.backend.result_type(None)
k.backend.result_type("bool", int)
k.backend.result_type(int, float)
k.backend.result_type("uint8", "int8")
k.backend.result_type("uint8", "int32")
k.backend.result_type("int32", float)
k.backend.result_type("int8", int)
k.backend.result_type("uint8", int)
k.backend.result_type("bfloat16", "float16")
k.backend.result_type("float16", float)
k.backend.result_type("int32", "float16")
k.backend.result_type("bool", "float16")
k.backend.result_type("float16", "float32", "int32")
k.backend.get_uid("never")
k.config.is_interactive_logging_enabled()
k.config.max_epochs()
k.config.max_steps_per_epoch()
k.backend.is_keras_tensor(k.Input((3,)))
k.backend.is_keras_tensor(np.ones(3))
k.utils.img_to_array(np.arange(4).reshape(2, 2)).tolist()
k.utils.img_to_array(np.ones((2, 3, 4)), "channels_first").shape
k.utils.img_to_array(np.ones(3))
np.asarray(k.utils.array_to_img(np.arange(12.0).reshape(2, 2, 3))).tolist()
np.asarray(k.utils.array_to_img(np.arange(12.0).reshape(2, 2, 3), scale=False)).tolist()
np.asarray(k.utils.array_to_img(np.arange(12.0).reshape(3, 2, 2), "channels_first")).tolist()
np.asarray(k.utils.array_to_img(np.arange(4.0).reshape(2, 2, 1))).tolist()
k.utils.array_to_img(np.full((2, 2, 1), 300.0), scale=False).mode
k.utils.array_to_img(np.ones((2, 2)))
k.utils.array_to_img(np.ones((2, 2, 2)))
k.preprocessing.image.smart_resize(np.arange(24.0).reshape(2, 4, 3), (2, 2)).round(4).tolist()
k.preprocessing.image.smart_resize(np.arange(24.0).reshape(1, 4, 2, 3), (1, 2)).round(4).tolist()
k.preprocessing.sequence.pad_sequences([[1], [2, 3]]).tolist()
[x.name for x in k.utils.get_source_inputs(k.Input((2,), name="a") + k.Input((2,), name="b"))]
list(k.utils.Config(b=1, a=2))
k.utils.Config(b=1).as_dict()
k.utils.Config(b=1).get("c", 5)
k.utils.Config(b=1).b
k.utils.Config(b=1).c
k.utils.Config(b=1).to_json()
k.dtype_policies.get("float32").name
k.dtype_policies.get("mixed_bfloat16").compute_dtype
k.dtype_policies.get({"class_name": "DTypePolicy", "config": {"name": "float32"}}).name
k.dtype_policies.DTypePolicyMap("float32", {"a/.*": k.DTypePolicy("mixed_bfloat16")})["a/b"].name
k.dtype_policies.DTypePolicyMap("float32")["a"].name
k.dtype_policies.DTypePolicyMap("float32").name
k.Variable([1, 2]).trainable is not None
str(k.backend.standardize_dtype(k.Variable([1.0, 2]).dtype))
str(k.backend.standardize_dtype(k.Variable([1, 2], trainable=False).dtype))
k.Variable("zeros", shape=(2, 3)).shape
k.Variable("zeros")
k.Variable(k.initializers.Ones(), shape=(2,), dtype="int32", trainable=False).numpy().tolist()
k.Variable([1.0], name="a/b")
k.Variable([1.0], aggregation="other")
k.Variable([1.0], name="scale").path
"""


def lines():
    return LINES.strip().splitlines()


def shown(line, k):
    """The result as text, or the kind of error."""
    try:
        found = eval(line, {"k": k, **NAMES})
    except Exception as error:
        known = (IndexError, AttributeError, TypeError, ValueError)
        return next((f"error {kind.__name__}" for kind in known if isinstance(error, kind)), "?")
    return repr(found)
