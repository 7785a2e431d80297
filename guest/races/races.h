/*
 * Small programs with one race each: right in nearly every run, wrong under the right schedule. `npx tsx src/explore.ts NAME` finds it;
 * `NAME fixed` is the same program without the mistake.
 *
 * One race a file; each checks itself, and ends with 0, by a failed assertion, or not at all.
 */

#ifndef RACES_H
#define RACES_H

#include <pthread.h>
#include <stdbool.h>

/* Whether the program is to run without its mistake. */
extern bool fixed;

typedef void *thread_main(void *argument);

/* pthread_create and pthread_join, which must succeed. */
pthread_t start(thread_main *body, void *argument);
void await(pthread_t thread);

/* Computes for a while: programs do, and that is why their mistakes show so seldom. */
void compute(void);

#define RACE(name, function, summary) void function(void);
#include "list.h"
#undef RACE

#endif
