"""Questions and switches of programs that choose a device."""

import pytest

import fastdl
import fastdl.backends.cudnn as cudnn


def test_programs_that_choose_a_device():
    if fastdl.accelerator.is_available():
        assert fastdl.accelerator.current_accelerator().type == "cuda"
    else:
        assert fastdl.accelerator.current_accelerator() is None
        assert fastdl.accelerator.device_count() == 0
    assert not fastdl.backends.mps.is_available() and not fastdl.backends.mps.is_built()
    assert not cudnn.is_available() and cudnn.version() is None


def test_switches_can_be_set(monkeypatch):
    for name in ("benchmark", "deterministic", "enabled", "allow_tf32"):
        assert isinstance(getattr(fastdl.backends.cudnn, name), bool)
        monkeypatch.setattr(cudnn, name, True)
    monkeypatch.setattr(fastdl.backends.cuda.matmul, "allow_tf32", True)
    assert fastdl.backends.cudnn.benchmark


def test_defaults():
    fastdl.set_default_device(fastdl.device("cpu"))
    fastdl.set_default_dtype("float32")
    assert fastdl.get_default_device().type == "cpu" and fastdl.get_default_dtype() == "float32"
    with pytest.raises(TypeError, match=r"set_default_dtype: expected float32, got 'float64'"):
        fastdl.set_default_dtype("float64")
    with pytest.raises(RuntimeError, match="possible: 'cpu'"):
        fastdl.set_default_device("tpu")
    with pytest.raises(ValueError, match="precision: expected"):
        fastdl.set_float32_matmul_precision("low")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("FloatTensor", "float32"),
        ("LongTensor", "int64"),
        ("IntTensor", "int32"),
        ("ByteTensor", "uint8"),
        ("BoolTensor", "bool"),
    ],
)
def test_typed_tensors(name, dtype):
    make = getattr(fastdl, name)
    t = make([[1, 0]])
    assert t.tolist() == [[1, 0]] and t.dtype == dtype
    assert make(2, 3).shape == (2, 3) and make().shape == (0,) and make(2).dtype == dtype
