# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The primitives of plain_mlp.py in plain Cython: typed loops, one thread, no blocking.

Inner loops run over contiguous memory, as in a careful first version.
"""

import numpy as np

from libc.math cimport expf, logf, sqrtf


def matmul(const float[:, ::1] a, const float[:, ::1] b):
    """a b"""
    out = np.zeros((a.shape[0], b.shape[1]), np.float32)
    cdef float[:, ::1] c = out
    cdef Py_ssize_t i, j, l
    cdef float s
    for i in range(a.shape[0]):
        for l in range(a.shape[1]):
            s = a[i, l]
            for j in range(b.shape[1]):
                c[i, j] += s * b[l, j]
    return out


cdef matmul_ta(const float[:, ::1] a, const float[:, ::1] b):
    """a^T b"""
    out = np.zeros((a.shape[1], b.shape[1]), np.float32)
    cdef float[:, ::1] c = out
    cdef Py_ssize_t i, j, l
    cdef float s
    for l in range(a.shape[0]):
        for i in range(a.shape[1]):
            s = a[l, i]
            for j in range(b.shape[1]):
                c[i, j] += s * b[l, j]
    return out


cdef matmul_tb(const float[:, ::1] a, const float[:, ::1] b):
    """a b^T"""
    out = np.empty((a.shape[0], b.shape[0]), np.float32)
    cdef float[:, ::1] c = out
    cdef Py_ssize_t i, j, l
    cdef float s
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            s = 0
            for l in range(a.shape[1]):
                s += a[i, l] * b[j, l]
            c[i, j] = s
    return out


def dense(const float[:, ::1] x, const float[:, ::1] w, const float[::1] b, bint relu):
    out = matmul(x, w)
    cdef float[:, ::1] y = out
    cdef Py_ssize_t i, j
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] += b[j]
            if relu and y[i, j] < 0:
                y[i, j] = 0
    return out


def dense_grads(const float[:, ::1] x, const float[:, ::1] w, const float[:, ::1] dy, bint need_dx):
    sums = np.zeros(dy.shape[1], np.float32)
    cdef float[::1] db = sums
    cdef Py_ssize_t i, j
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            db[j] += dy[i, j]
    return matmul_ta(x, dy), sums, matmul_tb(dy, w) if need_dx else None


def relu_grad(float[:, ::1] dy, const float[:, ::1] y):
    cdef Py_ssize_t i, j
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            if not y[i, j] > 0:
                dy[i, j] = 0
    return np.asarray(dy)


def mse_grad(const float[:, ::1] z, const float[:, ::1] y):
    out = np.empty((z.shape[0], z.shape[1]), np.float32)
    cdef float[:, ::1] dz = out
    cdef Py_ssize_t i, j
    cdef double loss = 0
    cdef float d, scale = 2.0 / (z.shape[0] * z.shape[1])
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            d = z[i, j] - y[i, j]
            loss += d * d
            dz[i, j] = d * scale
    return loss / (z.shape[0] * z.shape[1]), out


def xent_grad(const float[:, ::1] z, const long long[::1] labels):
    out = np.empty((z.shape[0], z.shape[1]), np.float32)
    cdef float[:, ::1] dz = out
    cdef Py_ssize_t i, j
    cdef double loss = 0
    cdef float largest, total, n = z.shape[0]
    for i in range(z.shape[0]):
        largest = z[i, 0]
        for j in range(1, z.shape[1]):
            if z[i, j] > largest:
                largest = z[i, j]
        total = 0
        for j in range(z.shape[1]):
            dz[i, j] = expf(z[i, j] - largest)
            total += dz[i, j]
        loss += logf(total) - (z[i, labels[i]] - largest)
        for j in range(z.shape[1]):
            dz[i, j] /= total * n
        dz[i, labels[i]] -= 1 / n
    return loss / n, out


def adam(p_array, g_array, m_array, v_array, float alpha):
    cdef float[::1] p = p_array.reshape(-1), m = m_array.reshape(-1), v = v_array.reshape(-1)
    cdef const float[::1] g = g_array.reshape(-1)
    cdef Py_ssize_t i
    for i in range(p.shape[0]):
        m[i] += <float>0.1 * (g[i] - m[i])
        v[i] += <float>0.001 * (g[i] * g[i] - v[i])
        p[i] -= alpha * m[i] / (sqrtf(v[i]) + <float>1e-7)
