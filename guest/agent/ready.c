/*
 * From operations to the registers of system calls: what only this process knows (addresses, pids, results of the set-up) is put in, and
 * operands are brought into the order in which the kernel takes them. Results of the same list stay to be filled in.
 */

#include <sys/syscall.h>

#include "agent.h"

/* How recv waits. */
enum { RECV_WAIT, RECV_NOWAIT, RECV_DEADLINE };

static const struct operand zero;

static struct operand constant(long value)
{
    return (struct operand){ value, CONSTANT };
}

static struct operand resolve(struct performer *performer, struct operand operand)
{
    switch (operand.source) {
    case BUFFER: return constant((long)&performer->buffer[operand.value]);
    case WORD: return constant((long)&words[operand.value * WORD_STRIDE]);
    case PID: return constant(pids[operand.value]);
    case SETUP_RESULT: return constant(performer->setup_results[operand.value]);
    default: return operand;
    }
}

static struct timespec *new_time(long ns)
{
    struct timespec *time = allocate(sizeof *time);
    time->tv_sec = ns / 1000000000;
    time->tv_nsec = ns % 1000000000;
    return time;
}

/* The registers of a system call: a0 … a5 in o[0] … o[5], the number in o[6]. */
static void arrange(struct performer *performer, struct operation *operation)
{
    struct operand *o = operation->operand;
    struct operand number = o[0];
    long how = o[1].value;
    switch (operation->what) {
    case CALL:
        for (int i = 0; i < 6; i++)
            o[i] = o[i + 1];
        o[6] = number;
        break;
    case SEND:
        /* port, type, tag, size, whether to wait */
        o[6] = constant(o[4].value != 0 ? SYS_IPC_SEND_FLAGS : SYS_IPC_SEND);
        o[4] = constant(IPC_SEND_WAIT);
        o[2] = constant((long)operation->body);
        break;
    case RECV:
        /* port, how, nanoseconds */
        o[6] = constant(how == RECV_WAIT ? SYS_IPC_RECV : SYS_IPC_RECV_FLAGS);
        o[3] = how == RECV_DEADLINE ? constant((long)new_time(o[2].value)) : zero;
        o[2] = constant(how == RECV_NOWAIT ? IPC_RECV_NOWAIT : 0);
        o[1] = constant((long)&performer->message);
        break;
    case STAT:
        o[6] = constant(SYS_IPC_PORT_STAT);
        o[1] = constant((long)&performer->stat);
        break;
    case WAIT:
        /* address, expected value, nanoseconds (none: for ever) */
        o[6] = constant(SYS_futex);
        o[3] = o[2].value > 0 ? constant((long)new_time(o[2].value)) : zero;
        o[2] = o[1];
        o[1] = zero;
        break;
    case SLEEP:
        o[6] = constant(SYS_nanosleep);
        o[0] = constant((long)new_time(o[0].value));
        o[1] = zero;
        break;
    case CLOCK:
        o[6] = constant(SYS_clock_gettime);
        operation->time = new_time(0);
        o[1] = constant((long)operation->time);
        break;
    default:
        break;
    }
}

void make_ready(struct performer *performer)
{
    for (uint32_t i = 0; i < performer->list.count; i++) {
        struct operation *operation = &performer->list.operations[i];
        for (int j = 0; j < MAX_OPERANDS; j++) {
            operation->operand[j] = resolve(performer, operation->operand[j]);
            operation->waiting |= operation->operand[j].source == OWN_RESULT;
        }
        arrange(performer, operation);
    }
}
