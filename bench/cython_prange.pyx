# cython: boundscheck=False, wraparound=False, cdivision=True
"""A program's own OpenMP code: prepares rows of pictures, one per thread at a time."""

from cython.parallel import prange


def standardize(const unsigned char[:, ::1] pictures, float[:, ::1] out, int threads):
    """Each row minus its mean, over its range."""
    cdef Py_ssize_t i, j
    cdef float low, high, total
    for i in prange(pictures.shape[0], nogil=True, num_threads=threads, schedule="static"):
        low = 255
        high = 0
        total = 0
        for j in range(pictures.shape[1]):
            low = min(low, <float>pictures[i, j])
            high = max(high, <float>pictures[i, j])
            total = total + pictures[i, j]
        total = total / pictures.shape[1]
        for j in range(pictures.shape[1]):
            out[i, j] = (pictures[i, j] - total) / (high - low + 1)
