/*
 * FractureOS's signals: its numbers, and its interface over those of Linux, for any Linux system.
 *
 * Where that document is vague or weak, this is what happens here:
 *   - All 19 of its signals have Linux's numbers and default actions; they are known under Linux's names. KILL and STOP cannot be caught,
 *     blocked or ignored.
 *   - Its queue of pending signals has no limit. Here standard signals (1 … 31) merge: of one that is pending already nothing more is
 *     kept. Real-time signals (32 … 64), which it does not have, queue up to a limit: see sigqueue(3), EAGAIN.
 *   - A handler belongs to the process that has set it. `pid` must be 0 or the caller's own: EPERM.
 *   - process_signals takes what is pending and blocked, one by one, the lowest first; what is not blocked has been delivered already.
 *
 * Functions return -1 with errno set when they fail: EINVAL no such signal (or KILL, STOP), ESRCH no such process, EPERM not allowed.
 */

#ifndef HARTBEAT_FRACTURE_H
#define HARTBEAT_FRACTURE_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* What a process does about a signal. */
enum fracture_action_kind { FRACTURE_DEFAULT, FRACTURE_IGNORE, FRACTURE_HANDLER };

struct fracture_action {
    enum fracture_action_kind kind;
    void (*handler)(int signal); /* of FRACTURE_HANDLER */
};

static inline int fracture_own_(pid_t pid)
{
    if (pid == 0 || pid == getpid())
        return 0;
    errno = EPERM;
    return -1;
}

/* Sends a signal to a process. The sender, which FractureOS names, is the caller. */
static inline int fracture_send_signal(pid_t target, int signal)
{
    if (signal < 1) {
        errno = EINVAL;
        return -1;
    }
    return kill(target, signal);
}

/* Says what is to be done at a signal. A call that it breaks off is made again; the signal is blocked while its handler runs. */
static inline int fracture_set_handler(pid_t pid, int signal, struct fracture_action action)
{
    struct sigaction how;
    if (fracture_own_(pid) != 0)
        return -1;
    memset(&how, 0, sizeof how);
    how.sa_handler = action.kind == FRACTURE_HANDLER ? action.handler : action.kind == FRACTURE_IGNORE ? SIG_IGN : SIG_DFL;
    how.sa_flags = SA_RESTART;
    return sigaction(signal, &how, NULL);
}

static inline int fracture_mask_(pid_t pid, int how, int signal)
{
    sigset_t set;
    if (fracture_own_(pid) != 0)
        return -1;
    sigemptyset(&set);
    return sigaddset(&set, signal) != 0 ? -1 : sigprocmask(how, &set, NULL);
}

/* From now on the signal waits until it is let through. */
static inline int fracture_block_signal(pid_t pid, int signal)
{
    return fracture_mask_(pid, SIG_BLOCK, signal);
}

static inline int fracture_unblock_signal(pid_t pid, int signal)
{
    return fracture_mask_(pid, SIG_UNBLOCK, signal);
}

/* Takes the first pending signal that is blocked: its number, and (unless NULL) what the process does about it. 0: there is none. */
static inline int fracture_process_signals(pid_t pid, struct fracture_action *action)
{
    struct timespec none = { 0, 0 };
    struct sigaction how;
    sigset_t pending;
    int signal;
    if (fracture_own_(pid) != 0 || sigpending(&pending) != 0)
        return -1;
    signal = sigtimedwait(&pending, NULL, &none);
    if (signal < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (action != NULL) {
        if (sigaction(signal, NULL, &how) != 0)
            return -1;
        action->kind = how.sa_handler == SIG_DFL ? FRACTURE_DEFAULT : how.sa_handler == SIG_IGN ? FRACTURE_IGNORE : FRACTURE_HANDLER;
        action->handler = action->kind == FRACTURE_HANDLER ? how.sa_handler : NULL;
    }
    return signal;
}

#endif
