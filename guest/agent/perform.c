/*
 * Operations, and the marks around them. Between the mark of the beginning and that of the end there is nothing but the operation, and for a
 * message that has come, the look at it: so what the marks enclose is what really happened then.
 */

#include <sys/syscall.h>

#include "agent.h"

/* Processes that sent a message, in marks. */
#define SENT_BY_LEADER 0xfffe
#define SENT_BY_STRANGER 0xffff
/* A size in a mark: the message is not as it was sent. */
#define DAMAGED 0x8000
/* How recv waits. */
enum { RECV_WAIT, RECV_NOWAIT, RECV_DEADLINE };

void mark(enum mark kind, uint32_t number, uint32_t b, uint64_t cd)
{
    call2(SYS_HB_TRACE_MARK, (long)((uint32_t)kind << 16 | number | (uint64_t)b << 32), (long)cd);
}

static long value_of(const struct performer *performer, const struct operation *operation, int i)
{
    long value = operation->operand[i];
    switch (operation->source[i]) {
    case BUFFER: return (long)&performer->buffer[value];
    case WORD: return (long)&words[value * WORD_STRIDE];
    case PID: return pids[value];
    case OWN_RESULT: return performer->results[value];
    case SETUP_RESULT: return performer->setup_results[value];
    default: return value;
    }
}

static void set_time(struct performer *performer, long ns)
{
    performer->time.tv_sec = ns / 1000000000;
    performer->time.tv_nsec = ns % 1000000000;
}

/* Turns operands into the registers of a system call, a[6] being its number. Accesses to memory have none: false. */
static bool prepare(struct performer *performer, const struct operation *operation, long *a)
{
    long time = (long)&performer->time;
    switch (operation->what) {
    case CALL: {
        long number = a[0];
        for (int i = 0; i < 6; i++)
            a[i] = a[i + 1];
        a[6] = number;
        return true;
    }
    case SEND:
        /* port, type, tag, size, whether to wait */
        a[6] = a[4] != 0 ? SYS_IPC_SEND_FLAGS : SYS_IPC_SEND;
        a[4] = IPC_SEND_WAIT;
        a[2] = (long)operation->body;
        return true;
    case RECV:
        /* port, how, nanoseconds */
        set_time(performer, a[2]);
        a[6] = a[1] == RECV_WAIT ? SYS_IPC_RECV : SYS_IPC_RECV_FLAGS;
        a[3] = a[1] == RECV_DEADLINE ? time : 0;
        a[2] = a[1] == RECV_NOWAIT ? IPC_RECV_NOWAIT : 0;
        a[1] = (long)&performer->message;
        /* What the last message was must not be taken for this one. */
        performer->message.sender_pid = 0;
        performer->message.size = ~0u;
        *(uint32_t *)performer->message.data = ~*(uint32_t *)performer->message.data;
        return true;
    case STAT:
        a[6] = SYS_IPC_PORT_STAT;
        a[1] = (long)&performer->stat;
        return true;
    case WAIT:
        /* address, expected value, nanoseconds (none: for ever) */
        set_time(performer, a[2]);
        a[6] = SYS_futex;
        a[3] = a[2] > 0 ? time : 0;
        a[2] = a[1];
        a[1] = 0;
        return true;
    case SLEEP:
        set_time(performer, a[0]);
        a[6] = SYS_nanosleep;
        a[0] = time;
        a[1] = 0;
        return true;
    case CLOCK:
        a[6] = SYS_clock_gettime;
        a[1] = time;
        return true;
    default:
        return false;
    }
}

/* What a call that has succeeded is worth: what it wrote, if that is the point of it. */
static long result_of(const struct performer *performer, const struct operation *operation, long result)
{
    if (result != 0)
        return result;
    if (operation->what == CLOCK)
        return performer->time.tv_sec * 1000000000 + performer->time.tv_nsec;
    if (operation->what == STAT)
        return performer->stat.queued | performer->stat.receivers << 16 | performer->stat.senders << 24;
    return result;
}

static long access_memory(const struct operation *operation, const long *a)
{
    /* peek and poke have an address and an offset, the others an address. */
    volatile int32_t *word = (volatile int32_t *)a[0];
    int32_t old;
    switch (operation->what) {
    case LOAD:
        return *word;
    case STORE:
        *word = (int32_t)a[1];
        return 0;
    case ADD:
        return __atomic_fetch_add(word, (int32_t)a[1], __ATOMIC_SEQ_CST);
    case INC:
        old = *word;
        *word = old + (int32_t)a[1];
        return old;
    case CAS:
        old = (int32_t)a[1];
        __atomic_compare_exchange_n(word, &old, (int32_t)a[2], false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        return old;
    case PEEK:
        return *(volatile int32_t *)(a[0] + a[1]);
    default:
        *(volatile int32_t *)(a[0] + a[1]) = (int32_t)a[2];
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

static long perform_one(struct performer *performer, const struct operation *operation, uint32_t index)
{
    long a[MAX_OPERANDS];
    for (int i = 0; i < MAX_OPERANDS; i++)
        a[i] = value_of(performer, operation, i);
    bool is_call = prepare(performer, operation, a);
    if (!operation->quiet)
        mark(MARK_BEGIN, performer->number, index, 0);
    long result = is_call ? call6(a[6], a[0], a[1], a[2], a[3], a[4], a[5]) : access_memory(operation, a);
    if (is_call)
        result = result_of(performer, operation, result);
    if (operation->quiet)
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
    return performer;
}

void perform(struct performer *performer)
{
    for (uint32_t i = 0; i < performer->list.count; i++)
        performer->results[i] = perform_one(performer, &performer->list.operations[i], i);
}
