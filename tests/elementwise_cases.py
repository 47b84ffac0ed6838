"""Elementwise and special functions, reductions and statistics: calls as those of faces_cases.py.

`grad(f, x, ...)` is the gradients of the sum of `f(x, ...)` with weights that differ. `made(x)` is
x after a method has changed it in place.
"""

import numpy as np
from faces_cases import flat as flat
from faces_cases import lines as lines

A = np.float32([[0.3, -0.1, 0.95], [0.5, 0.75, -0.6]])
P = np.float32([[1.3, 2.0, 4.5], [1.0, 7.25, 3.5]])  # above 1
B = np.float32([[1.0, -2.0, 2.5], [-0.5, 4.0, 3.0]])
C = np.random.RandomState(6).standard_normal((2, 3, 4)).round(3).astype("float32")
E = np.float32([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])  # edges
F = np.float32([1.0, 0.0, np.nan, -2.0, np.inf, 3.0, np.nan])
N = np.float32([[1.0, np.nan, 3.0, 2.0], [np.nan, 5.0, np.nan, 4.0]])
U = np.float32([[np.nan, np.nan], [1.0, np.nan]])
D = np.float32([[2.0, 1.0, 2.0, 2.0], [1.0, 1.0, 3.0, 0.0]])
Z = np.float32([[2.0, 0.0, 3.0], [0.0, 0.0, 4.0]])
V = np.float32([1.0, 2.0, 4.0, 7.0])
I = np.int32([[5, -7, 2], [12, 0, -3]])  # noqa: E741
J = np.int32([[3, 2, -2], [8, 6, 5]])
K = np.int32([[1, 3, 0], [2, 5, 31]])
L = np.int64([4, 1, 4, 2, 2])
M = np.array([[True, False, True], [False, False, True]])
T3 = np.int32([2, 0, 1])
S = np.float32(3.0)
ARRAYS = {k: v for k, v in list(globals().items()) if isinstance(v, (np.ndarray, np.float32))}

_ONE = """
arccos arccosh arcsin arcsinh arctan arctanh cosh sinh tan deg2rad rad2deg sinc cbrt exp2 erfc
erfinv fabs i0 isneginf isposinf isreal signbit real conj conjugate imag nan_to_num copy
""".split()
_TWO = """
arctan2 hypot nextafter fmod fmax fmin logaddexp logaddexp2 divide_no_nan heaviside
""".split()
_WITHOUT_NAN = "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian".split()

KERAS = "\n".join(
    [f"ops.{name}(A)" for name in _ONE]
    + [f"ops.{name}(P)" for name in _ONE]
    + [f"ops.{name}(E)" for name in _ONE]
    + [f"ops.{name}(I)" for name in _ONE]
    + [f"ops.{name}(B, A)" for name in _TWO]
    + [f"ops.{name}(E, F)" for name in _TWO]
    + [f"ops.{name}(B, 2.0)" for name in _TWO]
    + [f"ops.{name}(I, J)" for name in _TWO if name not in ("nextafter",)]
    + [f"ops.{name}(N)" for name in _WITHOUT_NAN]
    + [f"ops.{name}(N, axis=1)" for name in _WITHOUT_NAN]
    + [f"ops.{name}(C, axis=(0, 2), keepdims=True)" for name in _WITHOUT_NAN]
    + [f"ops.{name}(U, 1)" for name in _WITHOUT_NAN]
    + [f"ops.bitwise_{name}(I, J)" for name in ("and", "or", "xor")]
    + [f"ops.bitwise_{name}(M, M[0])" for name in ("and", "or", "xor")]
)
KERAS += """
ops.ldexp(A, K)
ops.angle(E)
ops.angle(I)
ops.ldexp(B, 2)
ops.gcd(I, J)
ops.lcm(I, J)
ops.bitwise_not(I)
ops.bitwise_invert(I)
ops.bitwise_left_shift(I, K % 4)
ops.left_shift(J, K)
ops.bitwise_right_shift(I, K)
ops.right_shift(I, 1)
ops.bitwise_not(M)
ops.nan_to_num(E, nan=1.0, posinf=2.0, neginf=3.0)
ops.saturate_cast(B * 100, "uint8")
ops.saturate_cast(I * 100, "int8")
ops.saturate_cast(I, "uint8")
ops.saturate_cast(M, "int32")
ops.isin(I, [5, 0])
ops.isin(I, J, invert=True)
ops.isin(A, A[0], assume_unique=True)
ops.median(A)
ops.median(C, axis=1)
ops.median(C, axis=(0, 2), keepdims=True)
ops.median(I)
ops.median(N, axis=1)
ops.quantile(A, 0.3)
ops.quantile(C, [0.0, 0.4, 1.0], axis=1)
ops.quantile(C, [0.25], axis=(0, 2), keepdims=True)
ops.quantile(C, 0.4, axis=2, method="lower")
ops.quantile(C, 0.4, axis=2, method="higher")
ops.quantile(C, 0.4, axis=2, method="midpoint")
ops.quantile(C, 0.4, axis=2, method="nearest")
ops.quantile(I, 0.5, 0)
ops.quantile(N, 0.5, 1)
ops.percentile(C, 40, axis=1)
ops.percentile(C, [10.0, 80.0], axis=1, method="nearest", keepdims=True)
ops.nanquantile(N, [0.2, 0.7], axis=1)
ops.nanquantile(N, 0.4, axis=1, method="lower", keepdims=True)
ops.nanpercentile(N, 30)
ops.nanargmax(N)
ops.nanargmax(N, axis=1)
ops.nanargmin(N, axis=0)
ops.nanargmin(N, axis=1, keepdims=True)
ops.nanargmax(U, axis=1)
ops.nancumsum(N)
ops.nancumsum(N, axis=1)
ops.nancumprod(N, axis=0)
ops.nancumprod(N, axis=1, dtype="float32")
ops.floor(I)
ops.ceil(I)
ops.floor(M)
ops.square(M)
ops.clip(M, 0, 1)
ops.max(M, initial=0)
ops.min(M, axis=0, initial=1)
ops.cumsum(np.uint8([200, 100]))
ops.cumprod(np.uint8([200, 100]))
ops.cumsum(M, axis=0)
ops.cumprod(M, axis=1)
ops.average(A, axis=(1,), weights=np.float32([1.0, 2.0, 3.0]))
ops.cumprod(D)
ops.cumprod(D, axis=1)
ops.cumprod(I, axis=0)
ops.cumprod(D, axis=-1, dtype="int32")
ops.count_nonzero(Z)
ops.count_nonzero(Z, axis=0)
ops.count_nonzero(M, axis=(0, 1))
ops.ptp(A)
ops.ptp(C, axis=1)
ops.ptp(C, axis=(0, 1), keepdims=True)
ops.ptp(I, 1)
ops.argpartition(V, 2)
ops.average(A)
ops.average(A, axis=1)
ops.average(A, axis=1, weights=np.float32([1.0, 2.0, 3.0]))
ops.average(A, weights=P)
ops.average(I, axis=0, weights=np.float32([1.0, 3.0]))
ops.corrcoef(C[0])
ops.corrcoef(V)
ops.correlate(V, np.float32([1.0, 2.0]))
ops.correlate(V, np.float32([1.0, 2.0]), mode="same")
ops.correlate(V, np.float32([1.0, 2.0, -1.0]), mode="same")
ops.correlate(V, np.float32([1.0, 2.0, -1.0]), "full")
ops.correlate(np.float32([1.0, 2.0]), V, mode="full")
ops.correlate(np.float32([1.0, 2.0]), V, mode="valid")
ops.diff(V)
ops.diff(C, n=2, axis=1)
ops.diff(V, n=0)
ops.diff(V, 5)
ops.diff(I, axis=0)
ops.trapezoid(V)
ops.trapezoid(C, axis=1)
ops.trapezoid(C, dx=0.5, axis=0)
ops.trapezoid(V, x=np.float32([0.0, 1.0, 3.0, 3.5]))
ops.trapezoid(C, x=np.float32([0.0, 1.0, 3.0]), axis=1)
ops.trapezoid(I)
ops.digitize(A, [0.0, 0.5])
ops.digitize(V, np.float32([1.0, 2.0, 4.0]))
ops.digitize(I, [0, 5])
ops.in_top_k(T3, C[0, :, :3], 1)
ops.in_top_k(T3, C[0, :, :3], k=2)
ops.in_top_k(T3, np.float32([[1, 1, 1], [0, 1, 1], [2, 2, 3]]), 1)
ops.bartlett(5)
ops.blackman(6)
ops.hamming(5)
ops.hanning(7)
ops.kaiser(6, 5.0)
ops.bartlett(1)
ops.hanning(1)
"""

_TORCH_ONE = """
acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh cosh sinh tan deg2rad
rad2deg sinc exp2 erfc erfinv frac fix sgn i0 isneginf isposinf isreal signbit conj positive lgamma
digamma nan_to_num logit special.entr special.erfcx special.expit special.gammaln special.i0e
special.i1 special.i1e special.log_ndtr special.modified_bessel_i0 special.modified_bessel_i1
special.ndtr special.ndtri special.psi special.spherical_bessel_j0
""".split()
_SMOOTH = """
acos asin asinh atan atanh cosh sinh tan deg2rad sinc exp2 erfc erfinv i0 nan_to_num frac
special.erfcx special.i0e special.i1 special.i1e special.log_ndtr special.ndtr
""".split()
_POSITIVE = "acosh lgamma digamma special.entr special.ndtr rsqrt".split()
_TORCH_TWO = """
atan2 arctan2 copysign hypot nextafter fmod fmax fmin logaddexp logaddexp2 xlogy heaviside
special.xlog1py
""".split()
_TWO_SMOOTH = "atan2 copysign hypot fmax fmin logaddexp logaddexp2".split()
_POLYNOMIALS = """
chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
shifted_chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l
legendre_polynomial_p
""".split()
_IN_PLACE = """
abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil cos
cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac i0 lgamma log log10 log1p log2
logical_not logit nan_to_num neg negative rad2deg reciprocal relu round rsqrt sgn sigmoid sign sin
sinc sinh sqrt square tan tanh trunc
""".split()
_IN_PLACE_TWO = """
add atan2 arctan2 clamp_max clamp_min copysign div divide eq ge greater greater_equal gt heaviside
hypot le less less_equal logical_and logical_or logical_xor lt mul multiply ne nextafter not_equal
remainder fmod sub subtract true_divide floor_divide xlogy
""".split()

TORCH = "\n".join(
    [f"torch.{name}(T(A))" for name in _TORCH_ONE]
    + [f"torch.{name}(T(P))" for name in _TORCH_ONE]
    + [f"torch.{name}(T(E))" for name in _TORCH_ONE if name != "sgn"]  # NaN: differences.txt
    + [f"torch.{name}(T(I))" for name in _TORCH_ONE if name != "frac"]
    + [f"T(A).{name}()" for name in _TORCH_ONE if "special" not in name]
    + [f"grad(torch.{name}, A)" for name in _SMOOTH]
    + [f"grad(torch.{name}, P)" for name in _POSITIVE]
    + [f"torch.{name}(T(B), T(A))" for name in _TORCH_TWO]
    + [f"torch.{name}(T(E), T(F))" for name in _TORCH_TWO]
    + [f"torch.{name}(T(E), T(E)[:, None])" for name in _TORCH_TWO]
    + [f"T(B).{name}(T(A[0]))" for name in _TORCH_TWO if "special" not in name]
    + [f"grad(torch.{name}, B, A)" for name in _TWO_SMOOTH]
    + [f"torch.special.{name}(T(B), {n})" for name in _POLYNOMIALS for n in (0, 1, 2, 5)]
    + [f"made(T(P)).{name}_()" for name in _IN_PLACE]
    + [f"made(T(B)).{name}_(T(A))" for name in _IN_PLACE_TWO]
    + [f"torch.bitwise_{name}(T(I), T(J))" for name in ("and", "or", "xor")]
    + [f"torch.bitwise_{name}(T(M), T(M[0]))" for name in ("and", "or", "xor")]
    + [f"made(T(I)).bitwise_{name}_(T(J))" for name in ("and", "or", "xor")]
)
TORCH += """
T(I) & T(J)
T(I) | 6
3 ^ T(I)
T(I) << 2
T(I) >> T(K)
~T(I)
~T(np.uint8([0, 7, 255]))
T(M) & T(M[0])
T(M) ^ True
T(I) & T(M)
T(A) & T(I)
T(A) << 1
torch.fmod(T(I), 3)
torch.nextafter(T(A), T(A) * 2)
grad(torch.nextafter, V, np.float32([1.0, 3.0, 3.0, 7.0]))
grad(torch.fmod, B, P)
torch.fmod(T(J), T(J) * 0 - 2)
torch.ldexp(T(A), T(K))
torch.gcd(T(I), T(J))
torch.lcm(T(I), T(J))
torch.bitwise_not(T(I))
torch.bitwise_not(T(M))
torch.bitwise_left_shift(T(I), T(K % 4))
torch.bitwise_right_shift(T(I), T(K))
made(T(I)).gcd_(T(J))
made(T(I)).lcm_(T(J))
made(T(I)).bitwise_not_()
made(T(I)).bitwise_left_shift_(2)
made(T(I)).bitwise_right_shift_(1)
made(T(A)).lerp_(T(B), 0.25)
made(T(A)).addcmul_(T(B), T(P), value=2)
made(T(A)).addcdiv_(T(B), T(P), value=0.5)
made(T(A)).clamp_(0.1, 0.6)
made(T(A)).clip_(max=0.4)
made(T(A)).cumsum_(1)
made(T(D)).cumprod_(0)
made(T(P)).div_(2.0, rounding_mode="floor")
made(T(P)).pow_(2)
made(T(P)).mvlgamma_(2)
made(T(P)).polygamma_(1)
made(T(A)).tril_()
made(T(A)).triu_(1)
made(T(P)).round_(decimals=1)
made(T(P)).igamma_(T(B).abs())
made(T(P)).ldexp_(T(K % 4))
made(T(I)).add_(T(B))
made(T(I)).sin_()
made(T(I)).pow_(2)
made(T(I)).lt_(3)
torch.igamma(T(P), T(B).abs())
torch.igammac(T(P), T(B).abs())
torch.special.gammainc(T(P), T(P))
torch.special.gammaincc(T(P), T(P))
torch.special.zeta(T(P) + 1, T(P))
torch.special.multigammaln(T(P), 2)
torch.mvlgamma(T(P), 2)
torch.mvlgamma(T(P), p=1)
torch.polygamma(0, T(P))
torch.polygamma(2, T(P))
T(P).polygamma(1)
grad(lambda x: torch.polygamma(1, x), P)
grad(lambda x: torch.igamma(torch.tensor(2.0), x), P)
grad(lambda x: torch.mvlgamma(x, 2), P)
torch.logit(T(A), 0.1)
torch.logit(T(A), eps=0.4)
grad(lambda x: torch.logit(x, 0.1), A)
torch.nan_to_num(T(E), nan=1.0, posinf=2.0, neginf=3.0)
grad(lambda x, y: torch.xlogy(x, y), A, P)
grad(lambda x, y: torch.special.xlog1py(x, y), A, P)
grad(lambda x: torch.xlogy(x, x), np.float32([0.5, 1.0, 2.0]))
torch.frexp(T(B))
torch.frexp(T(np.float32([0.0, 1.0, 1e-42, 3e38, -7.5])))
T(B).frexp().exponent
torch.float_power(T(P), 2).float()
torch.lerp(T(A), T(B), 0.3)
torch.lerp(T(A), T(B), T(P))
T(A).lerp(T(B), weight=1.0)
grad(lambda a, b: torch.lerp(a, b, 0.3), A, B)
grad(lambda a, b, w: torch.lerp(a, b, w), A, B, P)
torch.addcmul(T(A), T(B), T(P), value=0.5)
torch.addcdiv(T(A), T(B), T(P), value=0.5)
T(A).addcmul(T(B), T(P))
torch.addcdiv(T(I), T(I), T(J))
torch.clamp_max(T(A), 0.4)
torch.clamp_min(T(A), T(B))
T(I).clamp_min(0)
torch.isin(T(I), T(J))
torch.isin(T(I), torch.tensor([5, 0]), invert=True)
torch.dist(T(A), T(B))
torch.dist(T(A), T(B), 1)
T(A).dist(T(B), p=3.5)
torch.is_nonzero(torch.tensor([0.0]))
torch.is_nonzero(T(A))
torch.is_floating_point(T(A))
torch.is_complex(T(A))
torch.median(T(A))
torch.median(T(C), 1)
torch.median(T(C), dim=2, keepdim=True)
torch.median(T(N), 1).values
torch.median(T(I))
T(D).median(0).values
torch.median(torch.tensor(3.0), 0)
torch.nanmedian(T(N))
torch.nanmedian(T(N), 1).values
T(N).nanmedian(dim=0, keepdim=True).values
grad(lambda x: torch.median(x, 1).values, C)
grad(torch.median, A)
torch.quantile(T(A), 0.3)
torch.quantile(T(C), torch.tensor([0.0, 0.4, 1.0]), dim=1)
torch.quantile(T(C), torch.tensor([0.25]), dim=2, keepdim=True)
torch.quantile(T(C), 0.4, 2, interpolation="lower")
torch.quantile(T(C), 0.4, 2, interpolation="higher")
torch.quantile(T(C), 0.4, 2, interpolation="midpoint")
torch.quantile(T(C), 0.4, 2, interpolation="nearest")
torch.quantile(T(N), 0.5, dim=1)
torch.quantile(T(A), 1.5)
torch.nanquantile(T(N), 0.4, dim=1)
torch.nanquantile(T(N), torch.tensor([0.2, 0.9]), 1, True)
T(N).nanquantile(0.5)
grad(lambda x: torch.quantile(x, 0.4, dim=1), C)
torch.mode(T(D)).values
torch.mode(T(D), 0).values
torch.mode(T(L)).values
T(D).mode(1, True).values
torch.kthvalue(T(C), 2)
torch.kthvalue(T(C), 3, dim=1, keepdim=True)
torch.kthvalue(T(V), 5)
torch.kthvalue(torch.tensor(2.0), 1)
grad(lambda x: torch.kthvalue(x, 2, 1).values, C)
torch.msort(T(C))
T(V).msort()
torch.aminmax(T(A))
torch.aminmax(T(A), dim=1)
torch.aminmax(T(A), dim=0, keepdim=True)
torch.aminmax(T(N), dim=1)
T(I).aminmax()
torch.aminmax(torch.tensor(3.0), dim=0)
torch.cummax(T(D), 1)
torch.cummax(T(C), dim=1)
torch.cummin(T(D), 0)
torch.cummin(T(C), -1)
torch.cummax(T(N), 1)
torch.cummin(T(L), 0)
torch.cummax(torch.tensor(3.0), 0)
grad(lambda x: torch.cummax(x, 1).values, C)
torch.cumprod(T(D), 1)
torch.cumprod(T(C), dim=0)
torch.cumprod(T(I), 1)
torch.cumprod(T(M), 0)
torch.cumprod(T(D), 1, dtype=torch.int32)
torch.cumprod(torch.tensor(3.0), 0)
grad(lambda x: torch.cumprod(x, 1), D)
grad(lambda x: torch.cumprod(x, 1), Z)
grad(lambda x: torch.cumprod(x, 0), C)
torch.logcumsumexp(T(C), 1)
torch.logcumsumexp(T(A * 100), dim=-1)
torch.logcumsumexp(T(np.float32([-np.inf, -np.inf, 1.0])), 0)
grad(lambda x: torch.logcumsumexp(x, 1), C)
torch.cumsum(T(I), 0, dtype=torch.float32)
torch.cumsum(torch.tensor(3.0), -1)
torch.count_nonzero(T(Z))
torch.count_nonzero(T(Z), dim=0)
torch.count_nonzero(T(M), (0, 1))
T(Z).count_nonzero(1)
torch.nansum(T(N))
torch.nansum(T(N), 1)
torch.nansum(T(N), dim=0, keepdim=True, dtype=torch.int32)
torch.nanmean(T(N))
torch.nanmean(T(N), dim=1, keepdim=True)
torch.nanmean(T(U), 1)
grad(torch.nanmean, N)
grad(torch.nansum, N)
torch.std_mean(T(A))
torch.std_mean(T(C), dim=1)
torch.std_mean(T(C), (0, 2), keepdim=True, correction=0)
torch.var_mean(T(A), False)
torch.var_mean(T(C), 1, True, True)
torch.cov(T(C[0]))
torch.cov(T(V))
torch.cov(T(C[0]), correction=0)
torch.cov(T(C[0]), fweights=torch.tensor([1, 2, 1, 3]))
torch.cov(T(C[0]), aweights=torch.tensor([1.0, 0.5, 2.0, 1.0]))
torch.cov(T(C[0]), fweights=torch.tensor([1, 2, 1, 3]), aweights=torch.tensor([1.0, 0.5, 2.0, 1.0]))
torch.corrcoef(T(C[0]))
torch.corrcoef(T(V))
grad(torch.cov, A)
torch.diff(T(V))
torch.diff(T(C), 2, dim=1)
torch.diff(T(V), prepend=torch.tensor([0.0]), append=torch.tensor([9.0, 9.0]))
torch.diff(T(M), dim=1)
T(I).diff(dim=0)
torch.trapezoid(T(V))
torch.trapezoid(T(C), dx=0.5, dim=1)
torch.trapezoid(T(C), torch.tensor([0.0, 1.0, 3.0]), dim=1)
torch.trapz(T(V), torch.tensor([0.0, 1.0, 3.0, 4.0]))
torch.cumulative_trapezoid(T(V))
torch.cumulative_trapezoid(T(C), dim=1, dx=2.0)
torch.histc(T(C), bins=5)
torch.histc(T(V), 4, 0, 8)
torch.histogram(T(V), 3)
torch.histogram(T(V), 3, range=(0.0, 9.0), density=True)
torch.histogram(T(V), torch.tensor([0.0, 2.0, 5.0]))
torch.histogram(T(V), 2, weight=torch.tensor([1.0, 2.0, 0.5, 1.0]))
torch.argwhere(T(Z))
torch.gradient(T(V))
torch.gradient(T(V), edge_order=2)
torch.gradient(T(C), spacing=0.5, dim=1)
torch.gradient(T(C), spacing=(0.5, 2.0), dim=(1, 2), edge_order=2)
torch.gradient(T(V), spacing=(torch.tensor([0.0, 1.0, 3.0, 3.5]),), edge_order=2)
torch.gradient(T(V[:1]))
torch.renorm(T(C), 2, 1, 1.5)
torch.renorm(T(C), 1, dim=-1, maxnorm=0.5)
made(T(A)).renorm_(2, 0, 0.5)
torch.angle(T(E))
torch.angle(T(I))
T(A).angle()
torch.resolve_conj(T(A))
torch.is_conj(T(A))
torch.diff(T(V), 0, 0, torch.tensor([1.0]))
torch.cov(T(C[0, :1]))
torch.corrcoef(T(C[0, :1]))
torch.quantile(torch.tensor(2.0), 0.5, 0)
torch.nanquantile(torch.tensor(2.0), torch.tensor([0.5]), -1, True)
torch.isclose(T(M), T(M[0]))
torch.tril(T(M))
torch.nonzero(torch.tensor(3.0))
torch.argwhere(torch.tensor(0.0))
torch.special.legendre_polynomial_p(T(B), torch.tensor([0, 3, -1]))
torch.special.chebyshev_polynomial_t(torch.tensor(0.5), torch.tensor([[4], [2]]))
T(A).bernoulli(p=1.0)
torch.bernoulli(T(A), 0.0)
torch.bartlett_window(5)
torch.bartlett_window(5, periodic=False)
torch.blackman_window(6)
torch.blackman_window(6, False)
torch.hamming_window(5)
torch.hamming_window(5, True, 0.6, 0.4)
torch.hann_window(6)
torch.hann_window(6, False)
torch.kaiser_window(6)
torch.kaiser_window(6, False, beta=5.0)
torch.hann_window(1)
torch.hann_window(0)
torch.range(0, 3)
torch.range(1, 2, 0.25)
torch.range(3, 0, -1)
torch.special.logsumexp(T(A), 1)
torch.special.softmax(T(A), 0)
torch.special.log_softmax(T(A), 1)
torch.special.round(T(P))
torch.special.round(T(P), decimals=1)
torch.special.sinc(T(A))
torch.special.exp2(T(A))
torch.special.logit(T(A))
torch.special.polygamma(1, T(P))
torch.tensor(3.0).mean(-1)
torch.tensor(3.0).sum(dim=0)
torch.tensor(3.0).softmax(-1)
torch.tensor(3.0).sort()
torch.tensor(3.0).topk(1)
torch.tensor(3.0).argsort(-1)
torch.tensor(3.0).logsumexp(0)
torch.tensor(3.0).max(0)
torch.tensor(3.0).prod(0)
torch.tensor(3.0).std(0, False)
torch.sum(T(I), dtype=torch.float32)
torch.sum(T(M), 0, dtype=torch.int32)
torch.mean(T(I), dtype=torch.float32)
torch.prod(T(I), 1, dtype=torch.int32)
torch.round(T(P), decimals=-1)
torch.sort(T(D), stable=True, dim=1)
torch.sort(T(D), dim=0, stable=True, descending=True)
torch.argsort(T(D), dim=1, stable=True)
torch.topk(T(C), 2, 1, False, True)
torch.topk(T(C), 2, largest=True, sorted=True)
torch.unique(T(L), sorted=True)
"""


def helpers(torch, tensor):
    """What the lines of PyTorch use beside its names."""

    def grad(function, *arrays):
        given = [tensor(array) for array in arrays]
        for x in given:
            x.requires_grad_()
        result = function(*given)
        weights = np.cos(np.arange(result.numel())).reshape(tuple(result.shape))
        (result * tensor(weights.astype("float32"))).sum().backward()
        return [x.grad for x in given]

    return {"grad": grad, "made": lambda x: x}
