"""Questions and switches of programs that choose a device."""

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
