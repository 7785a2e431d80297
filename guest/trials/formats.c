/* Numbers to text and back; long doubles are software quad precision, a hard test of integer code. */

#include <inttypes.h>
#include <math.h>

#include "check.h"

static void doubles(void)
{
    static const double values[] = { 0.0, -0.0, 1.0, 0.1, 1.0 / 3, 2.5, 1e300, 1e-300, 5e-324, 1.7976931348623157e308, 123456789.125,
                                     M_PI };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double v = values[i];
        printf("%.17g %a %e %.3f %g\n", v, v, v, fabs(v) < 1e20 ? v : 0, v);
        char text[64];
        snprintf(text, sizeof text, "%.17g", v);
        double back = strtod(text, NULL);
        CHECK(memcmp(&back, &v, sizeof v) == 0);
    }
    printf("%f %f %f\n", (double)INFINITY, -(double)INFINITY, (double)NAN);
}

static void round_trips(void)
{
    uint64_t seed = 42;
    for (int i = 0; i < 2000; i++) {
        union { uint64_t bits; double value; } u = { .bits = next_random(&seed) };
        char text[64];
        if (!isfinite(u.value))
            continue;
        snprintf(text, sizeof text, "%.16e", u.value);
        double back = strtod(text, NULL);
        if (memcmp(&back, &u.value, sizeof back) != 0)
            FAIL("%s came back as %.16e", text, back);
    }
}

int formats_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("[%d] [%5d] [%-5d] [%05d] [%+d] [%x] [%#X] [%o] [%u]\n", -42, 42, 42, 42, 42, 0xbeef, 0xbeef, 8, 3000000000u);
    printf("%" PRId64 " %" PRIu64 " %" PRIx64 " %zu %c %s %.3s|%10s|%-10s|%%\n", INT64_MIN, UINT64_MAX, UINT64_MAX, sizeof(long), 'x',
           "string", "cut here", "right", "left");
    doubles();
    round_trips();
    long double third = 1.0L / 3, big = 1e4000L;
    printf("%.33Lg %.20Le %La\n", third, big, third);
    printf("%.30Lf\n", 4 * atanl(1));
    int a, n;
    double d;
    char word[16];
    CHECK_EQ(sscanf("12 0x1p-3 word rest", "%d %lf %15s %n", &a, &d, word, &n), 3);
    CHECK(a == 12 && d == 0.125 && strcmp(word, "word") == 0 && n == 15);
    printf("formats: ok\n");
    return 0;
}
