/* Floating point: sums over libm, every conversion's edges, NaN boxing and propagation, min and max, fused multiply-add. */

#include <fenv.h>
#include <float.h>
#include <math.h>

#include "check.h"

static uint64_t bits(double value)
{
    uint64_t b;
    memcpy(&b, &value, sizeof b);
    return b;
}

static uint32_t bits_f(float value)
{
    uint32_t b;
    memcpy(&b, &value, sizeof b);
    return b;
}

static void sums(void)
{
    double s = 0, p = 1;
    float f = 0;
    for (int i = 1; i <= 3000; i++) {
        double x = i * 0.037;
        s += sin(x) * exp(-x / 50) + log(x) / sqrt(x) + atan2(x, 3) + pow(x, 0.3) + cbrt(x) + tanh(x / 100);
        p *= 1 + 1 / (double)(i * (double)i);
        f += sinf((float)x) + expf((float)-x) + sqrtf((float)x);
    }
    printf("sums %a %a %a\n", s, p, (double)f);
    printf("gamma %a erf %a hypot %a fmod %a remainder %a\n", tgamma(5.5), erf(0.7), hypot(3e200, 4e200), fmod(1e300, 7.1),
           remainder(10, 3.3));
    printf("scalbn %a frexp %a nextafter %a\n", scalbn(1.5, -1060), frexp(1e-310, &(int){ 0 }), nextafter(1, 2));
}

#define CONVERT(instruction, type, constraint, value) \
    ({ type r; __asm__ volatile(instruction : "=r"(r) : constraint(value)); (long)r; })

static void conversions(void)
{
    static const double values[] = { 0.5, -0.5, 1.5, 2.5, -1.5, 2147483647.5, -2147483649.0, 4294967296.0, 9.3e18, -9.3e18, 1.9e19, -1,
                                     INFINITY, -INFINITY, NAN, 1e-320 };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double v = values[i];
        printf("%a: w %ld wu %ld l %ld lu %lu rne %ld rtz %ld rup %ld rdn %ld\n", isnan(v) ? 0 : v,
               CONVERT("fcvt.w.d %0, %1, rtz", long, "f", v), CONVERT("fcvt.wu.d %0, %1, rtz", long, "f", v),
               CONVERT("fcvt.l.d %0, %1, rtz", long, "f", v), (unsigned long)CONVERT("fcvt.lu.d %0, %1, rtz", long, "f", v),
               CONVERT("fcvt.l.d %0, %1, rne", long, "f", v), CONVERT("fcvt.l.d %0, %1, rtz", long, "f", v),
               CONVERT("fcvt.l.d %0, %1, rup", long, "f", v), CONVERT("fcvt.l.d %0, %1, rdn", long, "f", v));
    }
    /* Integers that a double or a float cannot hold are rounded to nearest, ties to even. */
    volatile int64_t big = INT64_MAX, odd = (1ll << 53) + 1;
    volatile uint64_t all = UINT64_MAX;
    printf("from integers %a %a %a %a %a\n", (double)big, (double)odd, (double)all, (double)(float)big, (double)(float)all);
    volatile double tiny = 1e-310, over = 1e300, half = 1.00000005960464477539;
    printf("to float %a %a %a\n", (double)(float)tiny, (double)(float)over, (double)(float)half);
}

static void special(void)
{
    volatile double zero = 0, nan1 = NAN, inf = INFINITY;
    double r;
    /* Operations that produce a NaN produce the canonical one. */
    CHECK_EQ(bits(zero / zero) & 0x7fffffffffffffff, 0x7ff8000000000000);
    CHECK_EQ(bits(nan1 + 1), 0x7ff8000000000000);
    CHECK_EQ(bits(inf - inf), 0x7ff8000000000000);
    __asm__("fmin.d %0, %1, %2" : "=f"(r) : "f"(-0.0), "f"(0.0));
    CHECK_EQ(bits(r), 0x8000000000000000);
    __asm__("fmax.d %0, %1, %2" : "=f"(r) : "f"(-0.0), "f"(0.0));
    CHECK_EQ(bits(r), 0);
    __asm__("fmin.d %0, %1, %2" : "=f"(r) : "f"(nan1), "f"(3.0));
    CHECK_EQ(bits(r), bits(3.0));
    CHECK(!(nan1 == nan1) && nan1 != nan1 && !(nan1 < 1) && !(nan1 >= 1));

    /* A float that is not properly boxed reads as the canonical NaN. */
    uint64_t unboxed = 0x000000003f800000, word;
    __asm__("fmv.d.x ft0, %1\n fadd.s ft1, ft0, ft0\n fmv.x.w %0, ft1" : "=r"(word) : "r"(unboxed) : "ft0", "ft1");
    CHECK_EQ((uint32_t)word, 0x7fc00000);
    __asm__("fmv.w.x ft0, %1\n fmv.x.d %0, ft0" : "=r"(word) : "r"(0x3f800000ul) : "ft0");
    CHECK_EQ(word, 0xffffffff3f800000);
    __asm__("fmv.w.x ft0, %1\n fmv.x.w %0, ft0" : "=r"(word) : "r"(0x80000000ul) : "ft0");
    CHECK_EQ(word, 0xffffffff80000000);

    static const double classes[] = { -INFINITY, -1, -1e-310, -0.0, 0.0, 1e-310, 1, INFINITY };
    for (int i = 0; i < 8; i++) {
        long class;
        __asm__("fclass.d %0, %1" : "=r"(class) : "f"(classes[i]));
        CHECK_EQ(class, 1 << i);
    }
}

static void fused(void)
{
    volatile double a = 1 + DBL_EPSILON, b = 1 - DBL_EPSILON;
    volatile float c = 1 + FLT_EPSILON, d = 1 - FLT_EPSILON;
    CHECK_EQ(bits(fma(a, b, -1)), bits(-DBL_EPSILON * DBL_EPSILON)); /* rounded once */
    CHECK_EQ(bits_f(fmaf(c, d, -1)), bits_f(-FLT_EPSILON * FLT_EPSILON));
    uint64_t seed = 3, hash = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t x[3] = { next_random(&seed), next_random(&seed), next_random(&seed) };
        double v[3], r[4];
        memcpy(v, x, sizeof v);
        /* Exponents near each other, so that the addend matters. */
        for (int k = 0; k < 3; k++)
            v[k] = ldexp(copysign(frexp(isfinite(v[k]) ? v[k] : 1.5, &(int){ 0 }), v[k]), (int)(x[k] % 40) * (k == 2 ? 2 : 1));
        __asm__("fmadd.d %0, %1, %2, %3" : "=f"(r[0]) : "f"(v[0]), "f"(v[1]), "f"(v[2]));
        __asm__("fmsub.d %0, %1, %2, %3" : "=f"(r[1]) : "f"(v[0]), "f"(v[1]), "f"(v[2]));
        __asm__("fnmadd.d %0, %1, %2, %3" : "=f"(r[2]) : "f"(v[0]), "f"(v[1]), "f"(v[2]));
        __asm__("fnmsub.d %0, %1, %2, %3" : "=f"(r[3]) : "f"(v[0]), "f"(v[1]), "f"(v[2]));
        for (int k = 0; k < 4; k++)
            hash = hash * 31 + bits(r[k]);
        hash = hash * 31 + bits_f(fmaf((float)v[0], (float)v[1], (float)v[2])) + bits(v[0] / v[1]) + bits(sqrt(fabs(v[2])));
    }
    printf("fused %016lx\n", hash);
}

/* Operations on all kinds of bit patterns, subnormals and NaNs among them. */
static void patterns(void)
{
    uint64_t seed = 11, hash = 0, hash_f = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t x = next_random(&seed), y = next_random(&seed);
        if (i % 5 == 0)
            x &= 0x800fffffffffffff; /* subnormal */
        volatile double a, b;
        memcpy((void *)&a, &x, 8);
        memcpy((void *)&b, &y, 8);
        hash = hash * 31 + bits(a + b) + 3 * bits(a - b) + 5 * bits(a * b) + 7 * bits(a / b) + 11 * bits(sqrt(fabs(a)));
        hash = hash * 31 + (a < b) + 2 * (a <= b) + 4 * (a == b);
        uint32_t xf = (uint32_t)x, yf = (uint32_t)y;
        volatile float c, d;
        memcpy((void *)&c, &xf, 4);
        memcpy((void *)&d, &yf, 4);
        hash_f = hash_f * 31 + bits_f(c + d) + 3 * bits_f(c - d) + 5 * bits_f(c * d) + 7 * bits_f(c / d) + 11 * bits_f(sqrtf(fabsf(c)));
        hash_f = hash_f * 31 + bits((double)c) + bits_f((float)a) + (c < d);
    }
    printf("patterns %016lx %016lx\n", hash, hash_f);
}

int floats_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    sums();
    conversions();
    special();
    fused();
    patterns();
    printf("floats: ok\n");
    return 0;
}
