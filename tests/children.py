"""Child processes for tests. They import the same fastdl as the tests."""

import os
import pathlib
import subprocess
import sys

import fastdl

_PLACE = str(pathlib.Path(fastdl.__file__).parent.parent)


def start(*arguments, cwd, env=None, **options):
    """Starts Python. By default its output is captured as text.

    Python looks for modules in `cwd` first. In the source tree it would find the package without
    its compiled part.
    """
    environment = {**os.environ, "PYTHONPATH": _PLACE, **(env or {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=cwd, env=environment, **{**pipes, **options}
    )


def output(code, cwd, timeout=120, **env):
    """The output of a program. Fails with the program's errors if its exit status isn't 0."""
    child = start("-X", "faulthandler", "-c", code, cwd=cwd, env=env)
    try:
        out, errors = child.communicate(timeout=timeout)
    finally:
        child.kill()
    assert child.returncode == 0, f"exit status {child.returncode}\n{errors}"
    return out
