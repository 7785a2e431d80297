/*
 * How litmus tests are run: threads, the barrier that brings them together, the histogram of outcomes.
 *
 * A shape's rounds go by windows. Each round has words of its own, so that nothing but the shape's own accesses touches them;
 * before a window they are zeroed, each array by a thread chosen at random, for the caches that a word starts in decide what can
 * be seen.
 * Two threads meet before every round, and random delays make up for who leaves the meeting first. More threads meet only before a
 * window, since harts may outnumber the host's cores and then each meeting waits for the host's scheduler; of two threads, one
 * that finds itself in that case goes through the rest of the window alone.
 *
 * The barrier is made of plain stores and loads alone: what is tested (AMO, SC) must not decide whether the test works.
 */

#include <pthread.h>
#include <sched.h>

#include "litmus.h"

#define WINDOW 256
/* A contest goes by larger windows, and by more rounds: one takes a fraction of a shape's. */
#define CONTEST_WINDOW 2048
#define CONTEST_ROUNDS 2
#define LINE 128
#define OUTCOMES 64
/* So many meetings in a window may be slow before a thread goes on alone; fewer if it was so in the window before. */
#define SLOW_MEETINGS 4
/* Without progress for so many seconds, a test hangs. */
#define PATIENCE 30

/* Outcomes are numbers of four bits a field: a and b of each thread, then x and y. */
#define FIELDS (2 * LITMUS_THREADS + 2)
#define FIELD_X (2 * LITMUS_THREADS)

static uint32_t words[2][WINDOW][LINE / sizeof(uint32_t)] __attribute__((aligned(4096)));
static uint64_t reported[LITMUS_THREADS][WINDOW][2] __attribute__((aligned(4096)));

static struct {
    volatile uint32_t generation;
} __attribute__((aligned(LINE))) arrived[LITMUS_THREADS];

static struct {
    uint64_t outcome;
    long count;
} histogram[OUTCOMES];
static int outcomes;

static const struct litmus *shape;
static const struct contest *contest;
static int threads;
static long rounds;
static long errors[LITMUS_THREADS];
static volatile long progress;
static unsigned spins;

void litmus_relax(unsigned *turns)
{
    struct timespec moment = { 0, 30000 };
    if (++*turns < spins)
        return;
    /* The other thread may be waiting for this hart; and if that did not help, this hart's host thread for another's core. */
    if (*turns < spins + 32)
        sched_yield();
    else
        nanosleep(&moment, NULL);
}

/* Returns when all threads have called it as often: whether that took long, for the other was not running. */
static bool meet(int me, uint32_t *generation)
{
    uint32_t mine = ++*generation;
    bool slow = false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    arrived[me].generation = mine;
    for (int other = 0; other < threads; other++) {
        unsigned turns = 0;
        while ((int32_t)(arrived[other].generation - mine) < 0)
            litmus_relax(&turns);
        slow |= spins > 0 && turns >= spins;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return slow;
}

/* Counts as so many calls of meet, for which the others need not wait. */
static void skip_meetings(int me, uint32_t *generation, long meetings)
{
    *generation += (uint32_t)meetings;
    arrived[me].generation = *generation;
}

static void count_outcome(uint64_t outcome)
{
    int i = 0;
    while (i < outcomes && histogram[i].outcome != outcome)
        i++;
    if (i == outcomes) {
        CHECK(outcomes < OUTCOMES);
        histogram[outcomes].outcome = outcome;
        histogram[outcomes++].count = 0;
    }
    histogram[i].count++;
}

static uint64_t field(uint64_t value, int index)
{
    return (value < 15 ? value : 15) << 4 * index;
}

static void count_window(long count)
{
    for (long i = 0; i < count; i++) {
        uint64_t outcome = field(words[0][i][0], FIELD_X) | field(words[1][i][0], FIELD_X + 1);
        for (int t = 0; t < threads; t++)
            outcome |= field(reported[t][i][0], 2 * t) | field(reported[t][i][1], 2 * t + 1);
        count_outcome(outcome);
    }
}

static void *shape_thread(void *argument)
{
    int me = (int)(intptr_t)argument;
    litmus_body *body = shape->bodies[me];
    /* The same in all threads, and this one's own. */
    uint64_t common = 88172645463325252u, own = common + 77 * (uint64_t)(me + 1);
    uint32_t generation = 0;
    int allowed = SLOW_MEETINGS;

    if (on_hartbeat())
        pin_to(me);
    for (long done = 0; done < rounds; done += WINDOW) {
        long count = rounds - done < WINDOW ? rounds - done : WINDOW;
        int slow = 0;
        uint64_t choice = next_random(&common);
        uint64_t longest = (choice >> 40) % 48;
        for (int k = 0; k < 2; k++)
            if ((int)(choice >> 8 * k & 0xff) % threads == me)
                memset(words[k], 0, sizeof words[k]);
        meet(me, &generation);
        for (long i = 0; i < count; i++) {
            uint64_t delay = next_random(&own) % (longest + 1);
            if (threads == 2 && slow < allowed) {
                slow += meet(me, &generation);
                if (slow == allowed)
                    skip_meetings(me, &generation, count - 1 - i);
            }
            for (; delay > 0; delay--)
                __asm__ volatile("");
            body(words[0][i], words[1][i], reported[me][i]);
        }
        meet(me, &generation);
        if (me == 0) {
            count_window(count);
            progress++;
        }
        meet(me, &generation);
        allowed = slow < allowed ? SLOW_MEETINGS : 1;
    }
    return NULL;
}

static void *contest_thread(void *argument)
{
    int me = (int)(intptr_t)argument;
    uint32_t generation = 0;

    if (on_hartbeat())
        pin_to(me);
    for (long done = 0; done < rounds; done += CONTEST_WINDOW) {
        meet(me, &generation);
        errors[me] += contest->run(me, threads, done, rounds - done < CONTEST_WINDOW ? rounds - done : CONTEST_WINDOW);
        progress++;
    }
    return NULL;
}

/* Runs the threads to their end; a test that hangs ends the process. */
static void run_threads(const char *name, void *(*thread)(void *))
{
    pthread_t running[LITMUS_THREADS];

    /*
     * Two threads have a core each, and when the host has put both on one it moves them only if they keep it busy. Of more threads,
     * some may have none.
     */
    spins = hart_count() == 1 ? 0 : threads == 2 ? 20000 : 2000;
    memset(errors, 0, sizeof errors);
    for (int t = 0; t < threads; t++)
        arrived[t].generation = 0;
    for (intptr_t t = 0; t < threads; t++)
        CHECK_ZERO(pthread_create(&running[t], NULL, thread, (void *)t));
    for (int t = 0; t < threads; t++) {
        long seen;
        int status;
        do {
            struct timespec until;
            seen = progress;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += PATIENCE;
            status = pthread_timedjoin_np(running[t], NULL, &until);
        } while (status == ETIMEDOUT && progress != seen);
        if (status == ETIMEDOUT)
            FAIL("%s: hangs", name);
        CHECK_ZERO(status);
    }
}

/* Reads "1:a=" or "x=" at *text; the field's index. */
static int parse_field(const char **text)
{
    const char *s = *text;
    int index;
    if (*s == 'x' || *s == 'y') {
        index = FIELD_X + (*s - 'x');
        s += 1;
    } else {
        CHECK(*s >= '0' && *s < '0' + LITMUS_THREADS && s[1] == ':' && (s[2] == 'a' || s[2] == 'b'));
        index = 2 * (*s - '0') + (s[2] - 'a');
        s += 3;
    }
    CHECK(*s == '=');
    *text = s + 1;
    return index;
}

/* Whether an outcome meets a condition; adds the fields that the condition names to *named. */
static bool meets(const char *condition, uint64_t outcome, uint64_t *named)
{
    bool any = false, all = true;
    if (!condition)
        return false;
    for (const char *s = condition; *s;) {
        if (*s == ' ') {
            s++;
        } else if (*s == '|') {
            any |= all;
            all = true;
            s++;
        } else {
            int index = parse_field(&s);
            all &= (outcome >> 4 * index & 15) == strtoul(s, (char **)&s, 10);
            *named |= 15ull << 4 * index;
        }
    }
    return any | all;
}

static void print_outcome(uint64_t outcome, uint64_t named)
{
    const char *separator = "";
    for (int i = 0; i < FIELDS; i++) {
        if (!(named >> 4 * i & 15))
            continue;
        if (i < FIELD_X)
            printf("%s%d:%c=%d", separator, i / 2, 'a' + i % 2, (int)(outcome >> 4 * i & 15));
        else
            printf("%s%c=%d", separator, 'x' + (i - FIELD_X), (int)(outcome >> 4 * i & 15));
        separator = ",";
    }
}

bool litmus_run_shape(const struct litmus *test, long number, bool verbose)
{
    long forbidden = 0, weak = 0;
    uint64_t named = 0;

    shape = test;
    rounds = number;
    outcomes = 0;
    for (threads = 0; threads < LITMUS_THREADS && test->bodies[threads]; threads++) {
    }
    run_threads(test->name, shape_thread);
    for (int i = 0; i < outcomes; i++) {
        forbidden += meets(test->forbidden, histogram[i].outcome, &named) ? histogram[i].count : 0;
        weak += meets(test->weak, histogram[i].outcome, &named) ? histogram[i].count : 0;
        named |= histogram[i].outcome;
    }
    printf("%s: %s", test->name, forbidden ? "forbidden" : "ok");
    if (verbose || forbidden) {
        printf(" rounds=%ld forbidden=%ld weak=%ld", rounds, forbidden, weak);
        for (int i = 0; i < outcomes; i++) {
            printf(" ");
            print_outcome(histogram[i].outcome, named);
            printf(":%ld", histogram[i].count);
        }
    }
    printf("\n");
    return forbidden == 0;
}

bool litmus_run_contest(const struct contest *test, long number, bool verbose)
{
    long wrong = 0;

    contest = test;
    rounds = number * CONTEST_ROUNDS;
    threads = test->threads ? test->threads : hart_count();
    threads = threads < 2 ? 2 : threads > LITMUS_THREADS ? LITMUS_THREADS : threads;
    test->reset();
    run_threads(test->name, contest_thread);
    for (int t = 0; t < threads; t++)
        wrong += errors[t];
    wrong += test->wrong(threads, rounds);
    printf("%s: %s", test->name, wrong ? "forbidden" : "ok");
    if (verbose || wrong)
        printf(" rounds=%ld forbidden=%ld threads=%d", rounds, wrong, threads);
    printf("\n");
    return wrong == 0;
}
