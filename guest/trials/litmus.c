/*
 * Litmus tests of the memory model (litmus.h): litmus [-v] [name|all|list] [rounds].
 *
 * A line per test, `NAME: ok` or `NAME: forbidden …`; status 1 if one saw what RVWMO forbids. With -v the line goes on with
 * rounds=N forbidden=N weak=N and the histogram, OUTCOME:N each, where weak counts what is allowed but no interleaving explains.
 */

#include "litmus.h"

static const struct litmus *const shapes[] = { litmus_order, litmus_coherence, litmus_reservations, litmus_rmw };
static const struct contest *const contests[] = { litmus_amo, litmus_locks };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int litmus_trial(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    argc -= verbose;
    argv += verbose;
    const char *name = argc > 1 ? argv[1] : "all";
    bool all = strcmp(name, "all") == 0, list = strcmp(name, "list") == 0;
    long rounds = number_argument(argc, argv, 2, 500);
    int found = 0, failed = 0;

    for (size_t i = 0; i < COUNT(shapes); i++)
        for (const struct litmus *test = shapes[i]; test->name; test++) {
            if (list)
                printf("%s\n", test->name);
            else if (all || strcmp(name, test->name) == 0)
                found++, failed += !litmus_run_shape(test, rounds, verbose);
        }
    for (size_t i = 0; i < COUNT(contests); i++)
        for (const struct contest *test = contests[i]; test->name; test++) {
            if (list)
                printf("%s\n", test->name);
            else if (all || strcmp(name, test->name) == 0)
                found++, failed += !litmus_run_contest(test, rounds, verbose);
        }
    if (list)
        return 0;
    if (found == 0)
        FAIL("%s: no such litmus test", name);
    if (failed)
        FAIL("%d of %d litmus tests saw what is forbidden", failed, found);
    printf("litmus: ok\n");
    return 0;
}
