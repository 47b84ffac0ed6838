"""Conditions and loops whose results must be Keras's (golden/control.py runs them with Keras).

`ops` is keras.ops or fastdl.ops.
"""

import numpy as np

A = np.float32([[3.0, -1.0, 2.5], [0.5, 4.0, -2.0]])
V = np.float32([1.0, 2.0, 3.0, 4.0, 5.0])
NAMES = {"np": np, "A": A, "V": V}

LINES = """
ops.cond(np.array(True), lambda: ops.sum(A), lambda: ops.max(A))
ops.cond(ops.sum(A) < 0, lambda: ops.sum(A), lambda: ops.max(A))
ops.switch(1, [lambda x: x, lambda x: x * 2], A)
ops.switch(-3, [lambda x: x, lambda x: x * 2], A)
ops.switch(7, [lambda x, y: x, lambda x, y: x * y], A, A)
ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0)
ops.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, A))
ops.while_loop(lambda i, x: i < 9, lambda i, x: (i + 1, x * 2), (0, A), maximum_iterations=2)
ops.while_loop(lambda x: ops.sum(x) < 100, lambda x: x + 1, A)
ops.while_loop(lambda x: True, lambda x: x + 1, A, maximum_iterations=0)
ops.fori_loop(1, 5, lambda i, x: x * 2, A)
ops.fori_loop(3, 1, lambda i, x: x * 2, A)
ops.fori_loop(0, 4, lambda i, x: (x[0] + 1.0, x[1] * x[0]), (ops.convert_to_tensor(1.0), A))
ops.scan(lambda c, x: (c + x, c * x), np.float32(0.0), V)
ops.scan(lambda c, x: (c + x, c * x), np.float32(0.0), V, reverse=True)
ops.scan(lambda c, x: (c * 0.5 + x, c), np.zeros(3, "float32"), A)
ops.scan(lambda c, x: (c + 1.0, c), np.float32(2.0), length=3)
ops.scan(lambda c, x: ([c[0] + x[0], c[1] * x[1]], x[0]), [V[0], V[1]], [V, V])
ops.scan(lambda c, x: (c, c), 0.0)
ops.map(lambda x: ops.sum(x), A)
ops.map(lambda x: x * 2, A)
ops.map(lambda x: (x[0] + x[1], x[0]), [V, V])
ops.vectorized_map(lambda x: x - ops.mean(x), A)
ops.vectorized_map(lambda p: p[0] * ops.sum(p[1]), (A, A))
ops.associative_scan(lambda a, b: a + b, V)
ops.associative_scan(lambda a, b: a + b, V, reverse=True)
ops.associative_scan(lambda a, b: a * b, A, axis=1)
ops.associative_scan(lambda a, b: ops.maximum(a, b), A, axis=1, reverse=True)
ops.associative_scan(lambda a, b: [a[0] * b[0], a[1] * b[0] + b[1]], [V, V])
ops.associative_scan(lambda a, b: a + b, V[:1])
ops.vectorize(lambda a, b: a * b + 1)(A, V[:3])
ops.vectorize(lambda a, b: a + b)(V, 2.0)
ops.vectorize(lambda x: ops.sum(x), signature="(n)->()")(A)
ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(m,n),(n)->(m)")(A, V[:3])
ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(m,n),(n)->(m)")(A, V)
"""


def lines():
    return LINES.strip().splitlines()
