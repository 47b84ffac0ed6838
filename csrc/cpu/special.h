// Functions of one or two numbers for which speed matters less than every digit: in double, one value at a time. Where
// the C library has a function, that one is used.
#pragma once

namespace fastdl::scalars {

double erfcx(double x);                             // e^(x^2) erfc(x)
double erfinv(double x);                            // NaN beyond [-1, 1]
double erfcinv(double x);                           // NaN outside of [0, 2]
double ndtri(double p);                             // the x at which the normal distribution function is p
double log_ndtr(double x);                          // the logarithm of the normal distribution function
double digamma(double x);                           // NaN at negative integers, -infinity at 0
double zeta(double s, double q);                    // Hurwitz's: the sum of (q + n)^-s over n >= 0
double polygamma(int order, double x);              // derivative number `order` of digamma
double bessel_i(int order, double x, bool scaled);  // I_0 or I_1, times e^-|x| if scaled
double bessel_j(int order, double x);               // J_0 or J_1
double bessel_y(int order, double x);               // Y_0 or Y_1; NaN below 0
double bessel_k(int order, double x, bool scaled);  // K_0 or K_1, times e^x if scaled; NaN below 0
double airy_ai(double x, bool derivative);          // Airy's function Ai or its derivative
double gamma_p(double a, double x);                 // the lower regularized incomplete gamma function
double gamma_q(double a, double x);                 // 1 - gamma_p(a, x), precise where that is small

}  // namespace fastdl::scalars
