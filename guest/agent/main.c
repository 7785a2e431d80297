/*
 * Who there is. The arguments, each a letter, '=' and a list (lists.c):
 *
 *   S=…   set-up of the leader, before anything else
 *   F=…   final list of the leader, when all processes have ended; behind S
 *   P=…   a process, and its set-up
 *   T=…   a thread of the process before it
 *
 * The leader only looks after the others: it starts the processes, each of which executes this program again with "@number" as its first
 * argument, and waits for them. The first thread of a process is its main thread. Set-ups are made and threads started one process after
 * the other, so that numbers (of ports, threads, processes) are the same in every run; for that they meet at the line aside. All threads
 * then meet at the main line. A thread ends after its list, a process with its last thread.
 *
 * With "!" as its first argument it ends at once: what `spawn` starts.
 *
 * Status of the leader: 0 if all processes ended with 0, 1 if not, 2 when the arguments are no good.
 */

#include <sys/syscall.h>

#include "agent.h"

#define STACK_BYTES 4096
#define NO_CHILD (-10) /* -ECHILD */

char words[WORDS * WORD_STRIDE] __attribute__((aligned(WORD_STRIDE)));
long *pids;
long processes;

static char **arguments; /* the lists, NULL behind the last */
static uint32_t threads; /* of all processes */

static bool is_list(const char *argument, char letter)
{
    return argument[0] == letter && argument[1] == '=';
}

static void count_all(void)
{
    bool empty = false;
    for (char **at = arguments; *at != NULL; at++) {
        if (is_list(*at, 'T')) {
            if (processes == 0)
                refuse("a thread before the first process", *at);
            empty = false;
            threads++;
        } else if (is_list(*at, 'P')) {
            if (empty)
                refuse("a process without a thread before", *at);
            empty = true;
            processes++;
        } else if (!is_list(*at, 'S') && !is_list(*at, 'F')) {
            refuse("no list", *at);
        }
    }
    if (processes == 0 || empty)
        refuse("usage: agent [S=LIST] [F=LIST] P=LIST T=LIST [T=LIST…] [P=LIST T=LIST…]", "");
    pids = allocate((unsigned long)(processes + 1) * sizeof *pids);
}

static struct performer *perform_list(uint32_t number, const char *text, const long *setup_results)
{
    struct performer *performer = new_performer(number, read_list(text), setup_results);
    perform(performer);
    return performer;
}

/* --- a process ---------------------------------------------------------------------------------------------------------------- */

/* Children of the leader, in the order of their birth, which is that of their numbers. */
static void find_pids(void)
{
    long parent = call2(SYS_getppid, 0, 0);
    long room = call2(SYS_HB_PROCESSES, 0, 0) + 16;
    struct hb_process *list = allocate((unsigned long)room * sizeof *list);
    long count = call2(SYS_HB_PROCESSES, (long)list, room);
    pids[processes] = parent;
    long found = 0;
    for (long i = 0; i < count && i < room && found < processes; i++) {
        if (list[i].ppid == parent)
            pids[found++] = list[i].pid;
    }
}

_Noreturn void thread_main(struct performer *performer)
{
    call2(SYS_HB_ARRIVE, threads, 0);
    perform(performer);
    for (;;)
        call2(SYS_exit, 0, 0);
}

/* Goes to the line aside so many times, with one thread of each process. */
static void meet(long times)
{
    while (times-- > 0)
        call2(SYS_HB_ARRIVE, processes | HB_LINE_ASIDE, 0);
}

_Noreturn static void be_process(long me)
{
    meet(me + 1);
    find_pids();
    struct performer *setup = NULL;
    struct performer *main_thread = NULL;
    long process = -1;
    uint32_t thread = 0;
    for (char **at = arguments; *at != NULL; at++) {
        if (is_list(*at, 'P') && ++process == me)
            setup = perform_list(SETUP_LIST | (uint32_t)me, *at + 2, NULL);
        if (!is_list(*at, 'T'))
            continue;
        uint32_t number = thread++;
        if (process != me)
            continue;
        struct performer *performer = new_performer(number, read_list(*at + 2), setup->results);
        if (main_thread == NULL)
            main_thread = performer;
        else if (start_thread((char *)allocate(STACK_BYTES) + STACK_BYTES, performer) < 0)
            refuse("a thread cannot be started", *at);
    }
    meet(processes - me - 1);
    thread_main(main_thread);
}

/* --- the leader --------------------------------------------------------------------------------------------------------------- */

static void check_setup_results(const char *argument, struct list list, uint32_t setup)
{
    for (uint32_t i = 0; i < list.count; i++) {
        const struct operation *operation = &list.operations[i];
        for (int j = 0; j < MAX_OPERANDS; j++) {
            if (operation->operand[j].source == SETUP_RESULT && operation->operand[j].value >= (long)setup)
                refuse("not an operation of the set-up", argument);
        }
    }
}

/* Reads all lists, so that a mistake is told once and before anything has happened. */
static void check_all(void)
{
    uint32_t leader_setup = 0;
    uint32_t setup = 0;
    for (char **at = arguments; *at != NULL; at++) {
        struct list list = read_list(*at + 2);
        if (is_list(*at, 'S'))
            leader_setup = list.count;
        else if (is_list(*at, 'P'))
            setup = list.count;
        check_setup_results(*at, list, is_list(*at, 'T') ? setup : is_list(*at, 'F') ? leader_setup : 0);
    }
}

static void start_process_number(long k, char **argv, char *name)
{
    char digits[20];
    int count = 0;
    for (long n = k; count == 0 || n > 0; n /= 10)
        digits[count++] = (char)('0' + n % 10);
    *name++ = '@';
    while (count > 0)
        *name++ = digits[--count];
    *name = 0;
    pids[k] = start_process("/bin/agent", argv);
    if (pids[k] < 0) {
        while (k-- > 0)
            call2(SYS_kill, pids[k], 9);
        refuse("a process cannot be started", argv[1]);
    }
    mark(MARK_PROCESS, (uint32_t)k, 0, (uint64_t)pids[k]);
}

static void start_all(void)
{
    long count = 0;
    while (arguments[count] != NULL)
        count++;
    char **argv = allocate((unsigned long)(count + 3) * sizeof *argv);
    char *name = allocate(24);
    argv[0] = "agent";
    argv[1] = name;
    for (long i = 0; i < count; i++)
        argv[i + 2] = arguments[i];
    for (long k = 0; k < processes; k++)
        start_process_number(k, argv, name);
}

/* Whether all ended with 0. */
static bool wait_for_all(void)
{
    bool well = true;
    for (;;) {
        uint32_t status = 0;
        long pid = call6(SYS_wait4, -1, (long)&status, 0, 0, 0, 0);
        if (pid == NO_CHILD)
            return well;
        for (long k = 0; k < processes; k++) {
            if (pids[k] == pid)
                mark(MARK_PROCESS_END, (uint32_t)k, status, (uint64_t)pid);
        }
        well = well && status == 0;
    }
}

_Noreturn static void be_leader(void)
{
    check_all();
    forget_all();
    processes = 0;
    threads = 0;
    count_all();
    pids[processes] = call2(SYS_getpid, 0, 0);
    const long *results = NULL;
    for (char **at = arguments; *at != NULL; at++) {
        if (is_list(*at, 'S'))
            results = perform_list(LEADER_SETUP_LIST, *at + 2, NULL)->results;
    }
    start_all();
    bool well = wait_for_all();
    for (char **at = arguments; *at != NULL; at++) {
        if (is_list(*at, 'F'))
            perform_list(FINAL_LIST, *at + 2, results);
    }
    end(well ? 0 : 1);
}

_Noreturn void agent_main(long *stack)
{
    char **argv = (char **)(stack + 1);
    if (stack[0] > 1 && argv[1][0] == '!')
        end(0);
    bool is_process = stack[0] > 1 && argv[1][0] == '@';
    arguments = argv + (is_process ? 2 : 1);
    count_all();
    if (!is_process)
        be_leader();
    long me = 0;
    for (const char *c = argv[1] + 1; *c != 0; c++)
        me = me * 10 + *c - '0';
    be_process(me);
}
