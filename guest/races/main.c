/*
 * races: the programs of list.h in one executable. The name it is called by, or else its first argument, chooses; `fixed` after it makes
 * the mistake go away.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "races.h"

bool fixed;

static const struct race {
    const char *name;
    void (*run)(void);
    const char *summary;
} races[] = {
#define RACE(name, function, summary) { #name, function, summary },
#include "list.h"
#undef RACE
};

#define COUNT (sizeof races / sizeof races[0])

pthread_t start(thread_main *body, void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        abort();
    return thread;
}

void await(pthread_t thread)
{
    if (pthread_join(thread, NULL) != 0)
        abort();
}

void compute(void)
{
    for (volatile int i = 0; i < 20000; i++) {
    }
}

static const struct race *find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(races[i].name, name) == 0)
            return &races[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const struct race *race = find(slash ? slash + 1 : argv[0]);

    if (!race && argc > 1) {
        argc--;
        argv++;
        race = find(argv[0]);
    }
    if (!race) {
        for (size_t i = 0; i < COUNT; i++)
            printf("%-16s %s\n", races[i].name, races[i].summary);
        return 2;
    }
    fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    race->run();
    return 0;
}
