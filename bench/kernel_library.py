"""The library of kernel cases (cpp/kernels.cc), built by CMake into build/bench and called through
ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

from . import ROOT


def build() -> ctypes.CDLL:
    """Builds what is not up to date and loads it.

    Raises:
        FileNotFoundError: CMake is not there.
        subprocess.CalledProcessError: it does not compile; the message is on the standard error.
        ValueError: FASTDL_ISA names an instruction set that this CPU or build lacks.
    """
    folder = ROOT / "build" / "bench"
    cmake = shutil.which("cmake")
    if cmake is None:
        raise FileNotFoundError("the kernel benchmarks are built with CMake, which is not here")
    configure = [cmake, "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    configure += ["-DFASTDL_BENCH=ON", "-DFASTDL_PYTHON=OFF"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    make = [cmake, "--build", folder, "--target", "kernel_bench", "--parallel"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)

    library = ctypes.CDLL(str(folder / "libkernel_bench.so"))
    for name, result, arguments in (
        ("bench_start", ctypes.c_char_p, []),
        ("bench_count", ctypes.c_int, []),
        ("bench_name", ctypes.c_char_p, [ctypes.c_int]),
        ("bench_isa", ctypes.c_char_p, []),
        ("bench_open_data", ctypes.c_void_p, [ctypes.c_int64]),
        ("bench_close_data", None, [ctypes.c_void_p]),
        ("bench_open", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]),
        ("bench_bytes", ctypes.c_double, [ctypes.c_void_p]),
        ("bench_flops", ctypes.c_double, [ctypes.c_void_p]),
        ("bench_run", None, [ctypes.c_void_p, ctypes.c_int64]),
        ("bench_close", None, [ctypes.c_void_p]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    problem = library.bench_start()
    if problem:
        raise ValueError(problem.decode())
    return library
