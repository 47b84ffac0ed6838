"""Child processes for tests, which import the fastdl that the tests import."""

import os
import pathlib
import subprocess
import sys

import fastdl

_PLACE = str(pathlib.Path(fastdl.__file__).parent.parent)


def start(*arguments, cwd, env=None, **options):
    """Starts Python; its output is captured as text unless `options` say otherwise.

    `cwd` matters: Python looks there for modules first, and in the source tree it would find the
    package without its compiled part.
    """
    environment = {**os.environ, "PYTHONPATH": _PLACE, **(env or {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=cwd, env=environment, **{**pipes, **options}
    )


def output(code, cwd, timeout=120, **env):
    """What a program prints; fails with its errors if it doesn't end well, a crash included."""
    child = start("-X", "faulthandler", "-c", code, cwd=cwd, env=env)
    try:
        out, errors = child.communicate(timeout=timeout)
    finally:
        child.kill()
    assert child.returncode == 0, f"exit status {child.returncode}\n{errors}"
    return out
