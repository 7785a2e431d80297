/*
 * agent: performs lists of system calls, as its arguments say (docs/agent.md). No C library: few instructions from its start to the
 * starting line, and none between two operations but its own.
 *
 *   system.c    entry, system calls, births of threads and processes
 *   lists.c     from text to operations
 *   ready.c     from operations to the registers of system calls: all that can be done before the starting line
 *   perform.c   one operation, and the marks around it
 *   mutex.c     lock and unlock, on futexes
 *   main.c      the leader, the processes, the threads
 */

#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "hartbeat.h"
#include "vros.h"

/* --- system.c ------------------------------------------------------------------------------------------------------------------ */

/* A system call as it is: the result, or a negative errno. */
static inline long call6(long number, long a0, long a1, long a2, long a3, long a4, long a5)
{
    register long r0 __asm__("a0") = a0;
    register long r1 __asm__("a1") = a1;
    register long r2 __asm__("a2") = a2;
    register long r3 __asm__("a3") = a3;
    register long r4 __asm__("a4") = a4;
    register long r5 __asm__("a5") = a5;
    register long r7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
    return r0;
}

/* One that takes two arguments. */
static inline long call2(long number, long a0, long a1)
{
    register long r0 __asm__("a0") = a0;
    register long r1 __asm__("a1") = a1;
    register long r7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r7) : "memory");
    return r0;
}

/* A thread of this process that runs `thread_main(argument)` and never returns; its tid or a negative errno. */
long start_thread(void *stack_top, void *argument);
/* A child process that executes a program; its pid or a negative errno. The child ends with status 127 if there is no such program. */
long start_process(const char *path, char **argv);
/* Bytes that are zero, for ever. Says so and ends the process when there are none left. */
void *allocate(unsigned long bytes);
/* Forgets all that `allocate` has given out. */
void forget_all(void);
_Noreturn void end(int status);
/* A line on standard error, and status 2. */
_Noreturn void refuse(const char *why, const char *where);

/* --- lists.c ------------------------------------------------------------------------------------------------------------------- */

#define MAX_OPERANDS 7
/* What a performer has to itself. */
#define BUFFER_BYTES 512
/* Words of memory that the threads of a process share, each on a cache line of its own. */
#define WORDS 64
#define WORD_STRIDE 64
/* Largest body that `send` prepares: more than a message may have. */
#define MAX_BODY 512

/* Word i of the body that belongs to a tag. Word 0 is the tag. */
static inline uint32_t body_word(uint32_t tag, uint32_t i)
{
    uint32_t x = tag + i * 0x9e3779b9u;
    return i == 0 ? tag : x ^ x >> 15;
}

/* Single system calls first; what is more or less than that from LOAD on. */
enum what { CALL, SEND, RECV, STAT, WAIT, SLEEP, CLOCK, LOAD, STORE, ADD, INC, CAS, PEEK, POKE, LOCK, UNLOCK, SPAWN, AWAIT, FORK, CATCH };

/* Where an operand comes from; for all but CONSTANT the value says which one. */
enum source { CONSTANT, BUFFER, WORD, PID, OWN_RESULT, SETUP_RESULT };

struct operand {
    long value;
    enum source source;
};

struct operation {
    uint8_t what;
    bool quiet;   /* leaves no marks */
    bool waiting; /* for an earlier result of its list */
    /* As in the text; once ready: a0 … a5 and the number of the call, or what the access to memory takes. */
    struct operand operand[MAX_OPERANDS];
    union {
        void *body;            /* SEND: as it goes out */
        struct timespec *time; /* CLOCK: as it comes back */
    };
};

struct list {
    struct operation *operations;
    uint32_t count;
};

/* The operations of a text; refuses one that is none. */
struct list read_list(const char *text);

/* --- ready.c ------------------------------------------------------------------------------------------------------------------- */

struct performer;

/* Puts into the operations of a list what is known by now: all but earlier results of the same list. */
void make_ready(struct performer *performer);

/* --- perform.c ----------------------------------------------------------------------------------------------------------------- */

/* Numbers of lists in marks: threads count from 0, set-ups of processes from here. */
#define SETUP_LIST 0x8000
#define LEADER_SETUP_LIST 0xfffe
#define FINAL_LIST 0xffff

/* What kind of mark it is: the high half of its first word. */
enum mark { MARK_BEGIN = 0x4842, MARK_END, MARK_RECEIVED, MARK_PROCESS, MARK_PROCESS_END };

struct performer {
    uint32_t number; /* of the list, in marks */
    struct list list;
    long *results;
    const long *setup_results;
    struct ipc_message message;
    struct ipc_port_stat stat;
    char buffer[BUFFER_BYTES]; /* &0 … */
};

/* A performer of the list, ready to begin, with the results of the set-up that it may refer to. */
struct performer *new_performer(uint32_t number, struct list list, const long *setup_results);
/* Performs the list from its first operation to its last. */
void perform(struct performer *performer);
void mark(enum mark kind, uint32_t number, uint32_t b, uint64_t cd);

/* --- mutex.c ------------------------------------------------------------------------------------------------------------------- */

/* How often the caller has slept before it had the mutex. */
long lock(int32_t *word);
/* How many it has woken. */
long unlock(int32_t *word);

/* --- main.c -------------------------------------------------------------------------------------------------------------------- */

extern char words[WORDS * WORD_STRIDE];
/* Of process k; the leader's is behind the last. */
extern long *pids;
extern long processes;

#endif
