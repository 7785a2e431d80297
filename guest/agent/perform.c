/*
 * Operations, and the marks around them. Between the mark of the beginning and that of the end there is nothing but the operation, and for a
 * message that has come, the look at it: so what the marks enclose is what really happened then. Little else is left to do (ready.c), for
 * every instruction is a place more where a schedule can preempt.
 */

#include <sys/syscall.h>

#include "agent.h"

#define SIGCHLD 17

/* Processes that sent a message, in marks. */
#define SENT_BY_LEADER 0xfffe
#define SENT_BY_STRANGER 0xffff
/* A size in a mark: the message is not as it was sent. */
#define DAMAGED 0x8000

void mark(enum mark kind, uint32_t number, uint32_t b, uint64_t cd)
{
    call2(SYS_HB_TRACE_MARK, (long)((uint32_t)kind << 16 | number | (uint64_t)b << 32), (long)cd);
}

/* What a call that has succeeded is worth: what it wrote, if that is the point of it. */
static long result_of(const struct performer *performer, const struct operation *operation, long result)
{
    if (result != 0)
        return result;
    if (operation->what == CLOCK)
        return operation->time->tv_sec * 1000000000 + operation->time->tv_nsec;
    if (operation->what == STAT)
        return performer->stat.queued | performer->stat.receivers << 16 | performer->stat.senders << 24;
    return result;
}

/* A child that executes this program and ends with status 0. */
static long spawn(void)
{
    static char *arguments[] = { "agent", "!", NULL };
    return start_process("/bin/agent", arguments);
}

/* Counts a signal: in the shared word that has its number. */
static void on_signal(int signal)
{
    __atomic_fetch_add((int32_t *)&words[signal * WORD_STRIDE], 1, __ATOMIC_SEQ_CST);
}

static long catch_signal(long signal, long flags)
{
    /* As the kernel has it: handler, flags, mask. */
    long action[3] = { (long)on_signal, flags, 0 };
    return call6(SYS_rt_sigaction, signal, (long)action, 0, 8, 0, 0);
}

/* What is no single system call. peek and poke have an address and an offset, the others an address, or nothing. */
static long perform_here(enum what what, long address, long a, long b)
{
    volatile int32_t *word = (volatile int32_t *)address;
    int32_t old;
    switch (what) {
    case LOAD:
        return *word;
    case STORE:
        *word = (int32_t)a;
        return 0;
    case ADD:
        return __atomic_fetch_add(word, (int32_t)a, __ATOMIC_SEQ_CST);
    case INC:
        old = *word;
        *word = old + (int32_t)a;
        return old;
    case CAS:
        old = (int32_t)a;
        __atomic_compare_exchange_n(word, &old, (int32_t)b, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        return old;
    case LOCK:
        return lock((int32_t *)address);
    case UNLOCK:
        return unlock((int32_t *)address);
    case AWAIT:
        while (*word != (int32_t)a)
            ;
        return 0;
    case SPAWN:
        return spawn();
    case CATCH:
        return catch_signal(address, a);
    case PEEK:
        return *(volatile int32_t *)(address + a);
    default:
        *(volatile int32_t *)(address + a) = (int32_t)b;
        return 0;
    }
}

/* Whether a message is one that `send` has made: body as its tag says, a type that fits a mark. */
static bool is_intact(const struct ipc_message *message)
{
    uint32_t size = message->size;
    if (size > sizeof message->data || message->type > 0xffff)
        return false;
    const uint32_t *data = (const uint32_t *)message->data;
    uint32_t i = 1;
    for (; i * 4 + 4 <= size; i++) {
        if (data[i] != body_word(data[0], i))
            return false;
    }
    uint32_t rest = size > 4 && size % 4 != 0 ? (1u << size % 4 * 8) - 1 : 0;
    return ((data[i] ^ body_word(data[0], i)) & rest) == 0;
}

static uint32_t sender_of(const struct ipc_message *message)
{
    for (long k = 0; k <= processes; k++) {
        if (pids[k] == (long)message->sender_pid)
            return k == processes ? SENT_BY_LEADER : (uint32_t)k;
    }
    return SENT_BY_STRANGER;
}

static void mark_received(const struct performer *performer, uint32_t index)
{
    const struct ipc_message *message = &performer->message;
    uint32_t size = message->size & (DAMAGED - 1);
    uint32_t tag = *(const uint32_t *)message->data;
    if (!is_intact(message))
        size |= DAMAGED;
    else if (size < 4)
        tag &= (1u << size * 8) - 1;
    uint32_t d = (message->type & 0xffff) | sender_of(message) << 16;
    mark(MARK_RECEIVED, performer->number, index | size << 16, tag | (uint64_t)d << 32);
}

/* What the last message was must not be taken for this one. */
static void forget_message(struct performer *performer)
{
    performer->message.sender_pid = 0;
    performer->message.size = ~0u;
    *(uint32_t *)performer->message.data = ~*(uint32_t *)performer->message.data;
}

static long perform_one(struct performer *performer, const struct operation *operation, uint32_t index)
{
    const struct operand *o = operation->operand;
    struct operand complete[MAX_OPERANDS];
    if (operation->waiting) {
        for (int i = 0; i < MAX_OPERANDS; i++)
            complete[i].value = o[i].source == OWN_RESULT ? performer->results[o[i].value] : o[i].value;
        o = complete;
    }
    if (operation->what == RECV)
        forget_message(performer);
    bool quiet = operation->quiet;
    if (!quiet)
        mark(MARK_BEGIN, performer->number, index, 0);
    if (operation->what == FORK) {
        long result = call6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
        if (!quiet && result != 0)
            mark(MARK_END, performer->number, index, (uint64_t)result);
        return result;
    }
    if (operation->what >= LOAD) {
        long result = perform_here(operation->what, o[0].value, o[1].value, o[2].value);
        if (!quiet)
            mark(MARK_END, performer->number, index, (uint64_t)result);
        return result;
    }
    long result = call6(o[6].value, o[0].value, o[1].value, o[2].value, o[3].value, o[4].value, o[5].value);
    result = result_of(performer, operation, result);
    if (quiet)
        return result;
    if (operation->what == RECV && result == 0)
        mark_received(performer, index);
    else
        mark(MARK_END, performer->number, index, (uint64_t)result);
    return result;
}

struct performer *new_performer(uint32_t number, struct list list, const long *setup_results)
{
    struct performer *performer = allocate(sizeof *performer);
    performer->number = number;
    performer->list = list;
    performer->results = allocate(list.count * sizeof(long));
    performer->setup_results = setup_results;
    make_ready(performer);
    return performer;
}

/* The operations from one place to another; those behind a fork are its child's, as many as it says. */
static void perform_range(struct performer *performer, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct operation *operation = &performer->list.operations[i];
        performer->results[i] = perform_one(performer, operation, i);
        if (operation->what != FORK)
            continue;
        uint32_t behind = i + 1 + (uint32_t)operation->operand[0].value;
        if (performer->results[i] == 0) {
            perform_range(performer, i + 1, behind < to ? behind : to);
            end(0);
        }
        i = behind - 1;
    }
}

void perform(struct performer *performer)
{
    perform_range(performer, 0, performer->list.count);
}
