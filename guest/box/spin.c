/* spin: burns CPU time for some seconds of the clock, 1 unless told otherwise. */

#include <time.h>

#include "box.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int spin_main(int argc, char **argv)
{
    double seconds = 1;
    if (argc > 2 || (argc == 2 && !parse_seconds(argv[1], &seconds)))
        return usage("spin");
    for (double end = now() + seconds; now() < end;)
        for (volatile int i = 0; i < 10000; i++) {
        }
    return 0;
}
