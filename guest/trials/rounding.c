/* Rounding modes and exception flags: what they change, what raises them, and that they belong to the thread. */

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "check.h"

static const struct {
    int mode;
    const char *name;
} modes[] = { { FE_TONEAREST, "nearest" }, { FE_TOWARDZERO, "zero" }, { FE_DOWNWARD, "down" }, { FE_UPWARD, "up" } };

static volatile double one = 1, three = 3, tenth = 0.1, big = 1e308, small = 1e-308, zero = 0, minus = -1;
static volatile float one_f = 1, three_f = 3;

static void print_flags(const char *what)
{
    int flags = fetestexcept(FE_ALL_EXCEPT);
    printf("%s:%s%s%s%s%s\n", what, flags & FE_INVALID ? " invalid" : "", flags & FE_DIVBYZERO ? " divide" : "",
           flags & FE_OVERFLOW ? " overflow" : "", flags & FE_UNDERFLOW ? " underflow" : "", flags & FE_INEXACT ? " inexact" : "");
    feclearexcept(FE_ALL_EXCEPT);
}

static void results(void)
{
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(fesetround(modes[i].mode), 0);
        CHECK_EQ(fegetround(), modes[i].mode);
        double third = one / three, minus_third = minus / three, sum = tenth + tenth * three, over = big * big, root = sqrt(three);
        float third_f = one_f / three_f;
        printf("%-8s %a %a %a %a %a %a lrint %ld %ld %ld\n", modes[i].name, third, minus_third, sum, over, root, (double)third_f,
               lrint(2.5), lrint(-2.5), lrint(1.4999));
    }
    fesetround(FE_TONEAREST);
    /* Ties away from zero: only an instruction's own rounding mode can ask for it here. */
    long away;
    __asm__("fcvt.l.d %0, %1, rmm" : "=r"(away) : "f"(2.5));
    CHECK_EQ(away, 3);
    __asm__("fcvt.l.d %0, %1, rmm" : "=r"(away) : "f"(-2.5));
    CHECK_EQ(away, -3);
}

static void flags(void)
{
    volatile double r;
    volatile long n;
    volatile int truth;
    feclearexcept(FE_ALL_EXCEPT);
    r = one / three;
    print_flags("1/3");
    r = one / zero;
    print_flags("1/0");
    r = zero / zero;
    print_flags("0/0");
    r = sqrt(minus);
    print_flags("sqrt -1");
    r = big * big;
    print_flags("1e308 squared");
    r = small * small;
    print_flags("1e-308 squared");
    r = one + one;
    print_flags("1+1");
    n = (long)big;
    print_flags("1e308 to integer");
    n = (long)tenth;
    print_flags("0.1 to integer");
    truth = r < (double)NAN;
    print_flags("2 < NaN");
    truth = r == (double)NAN;
    print_flags("2 == NaN");
    r = (float)tenth;
    print_flags("0.1 to float");
    r = small / 3;
    print_flags("1e-308 / 3");
    feraiseexcept(FE_INVALID | FE_OVERFLOW);
    print_flags("raised");
    (void)n;
    (void)truth;
}

static void *in_thread(void *argument)
{
    int i = (int)(intptr_t)argument;
    fesetround(modes[i].mode);
    double first = one / three;
    for (int k = 0; k < 200; k++) {
        sched_yield(); /* others run with other modes meanwhile */
        double again = one / three;
        CHECK(memcmp(&first, &again, sizeof first) == 0);
        CHECK_EQ(fegetround(), modes[i].mode);
    }
    feclearexcept(FE_ALL_EXCEPT);
    sleep_ms(5);
    CHECK_EQ(fetestexcept(FE_ALL_EXCEPT), 0);
    return NULL;
}

int rounding_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[4];

    results();
    flags();
    for (intptr_t i = 0; i < 4; i++)
        CHECK_ZERO(pthread_create(&threads[i], NULL, in_thread, (void *)i));
    for (int i = 0; i < 4; i++)
        CHECK_ZERO(pthread_join(threads[i], NULL));
    CHECK_EQ(fegetround(), FE_TONEAREST);
    printf("rounding: ok\n");
    return 0;
}
