"""The extension that lends OpenMP's threads; not there where the compiler has no OpenMP."""

threading: object  # a capsule for _core.set_threading
