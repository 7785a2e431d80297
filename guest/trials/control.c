/* Ways of control flow: callbacks, non-local jumps, computed jumps, variadic calls, functions chosen at run time. */

#include <setjmp.h>
#include <stdarg.h>

#include "check.h"

#define COUNT 5000

static jmp_buf place;

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

__attribute__((noinline)) static void dive(int depth)
{
    volatile char frame[64];
    frame[0] = (char)depth;
    if (depth == 0)
        longjmp(place, 42);
    if (frame[0])
        dive(depth - 1);
    frame[0]++;
}

static double mixed_sum(const char *kinds, ...)
{
    va_list list;
    double sum = 0;
    va_start(list, kinds);
    for (; *kinds; kinds++) {
        switch (*kinds) {
        case 'i': sum += va_arg(list, int); break;
        case 'l': sum += (double)va_arg(list, long); break;
        case 'd': sum += va_arg(list, double); break;
        case 'q': sum += (double)va_arg(list, long double); break;
        }
    }
    va_end(list);
    return sum;
}

/* A small interpreter with computed jumps: adds, doubles, subtracts, repeats. */
static long interpret(const char *program, long value)
{
    static void *const labels[] = { &&add, &&twice, &&less, &&end };
    const char *p = program;
    static const char order[] = "+*-.";
#define NEXT goto *labels[strchr(order, *p++) - order]
    NEXT;
add:
    value++;
    NEXT;
twice:
    value *= 2;
    NEXT;
less:
    value -= 3;
    NEXT;
end:
    return value;
}

int control_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static uint64_t numbers[COUNT];
    uint64_t seed = 9, sum = 0, after = 0;
    for (int i = 0; i < COUNT; i++)
        sum += numbers[i] = next_random(&seed) >> (i % 40);
    qsort(numbers, COUNT, sizeof *numbers, compare);
    for (int i = 0; i < COUNT; i++) {
        after += numbers[i];
        CHECK(i == 0 || numbers[i - 1] <= numbers[i]);
    }
    CHECK_EQ(sum, after);
    uint64_t *found = bsearch(&numbers[COUNT / 3], numbers, COUNT, sizeof *numbers, compare);
    CHECK(found && *found == numbers[COUNT / 3]);
    printf("median %016lx\n", numbers[COUNT / 2]);

    volatile int times = 0;
    int value = setjmp(place);
    times++;
    if (value == 0)
        dive(50);
    CHECK_EQ(value, 42);
    CHECK_EQ(times, 2);

    CHECK(mixed_sum("idlqidlqidlqid", 1, 2.5, 3l, 4.25L, 5, 6.5, 7l, 8.25L, 9, 10.5, 11l, 12.25L, 13, 14.5) == 107.75);
    CHECK_EQ(interpret("+*+*-.", 5), 23);
    long v = 1;
    for (int i = 0; i < 100; i++)
        v = interpret("*-+.", v) % 1000003;
    printf("interpreted %ld\n", v);
    printf("control: ok\n");
    return 0;
}
