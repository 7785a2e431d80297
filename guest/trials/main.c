/*
 * trials: programs that test a machine, in one executable.
 *
 *   trials NAME [arguments]    one of them
 *   trials list                all names with their group
 *   trials all [group]         each as a process of its own (without arguments); status 1 if one fails
 */

#include <sys/wait.h>

#include "check.h"

const struct trial trials[] = {
#define TRIAL(name, group, arguments, summary) { #name, group, arguments, summary, name##_trial },
#include "trials.h"
#undef TRIAL
    { NULL, NULL, NULL, NULL, NULL },
};

static int list(void)
{
    for (const struct trial *t = trials; t->name; t++)
        printf("%-14s %-6s %-28s %s\n", t->name, t->group, t->arguments, t->summary);
    return 0;
}

static int run_all(const char *group)
{
    int failed = 0, passed = 0;
    for (const struct trial *t = trials; t->name; t++) {
        if (strcmp(t->group, "helper") == 0 || (group && strcmp(t->group, group) != 0))
            continue;
        int status = wait_status_of(spawn_self(t->name, NULL));
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            passed++;
            continue;
        }
        failed++;
        if (WIFEXITED(status))
            printf("FAILED %s: status %d\n", t->name, WEXITSTATUS(status));
        else
            printf("FAILED %s: signal %d\n", t->name, WTERMSIG(status));
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "list";

    if (strcmp(name, "list") == 0)
        return list();
    if (strcmp(name, "all") == 0)
        return run_all(argc > 2 ? argv[2] : NULL);
    for (const struct trial *t = trials; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t->main(argc - 1, argv + 1);
    fprintf(stderr, "trials: %s: no such trial\n", name);
    return 127;
}
