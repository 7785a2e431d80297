/* Signals within one process: handlers and their flags, masks, pending sets, queues, waiting, the alternate stack. */

#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

#define LOG_SIZE 64

/* What handlers saw, in the order of their beginning. */
static struct {
    int signal, code, value;
} log_of[LOG_SIZE];
static volatile int logged;
static volatile int depth, deepest, raises;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int i = logged++;
    log_of[i].signal = signal;
    log_of[i].code = info->si_code;
    log_of[i].value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
    CHECK_EQ(info->si_signo, signal);
}

static void show(const char *what)
{
    printf("%s:", what);
    for (int i = 0; i < logged; i++)
        printf(" %d/%d/%d", log_of[i].signal, log_of[i].code, log_of[i].value);
    printf("\n");
    logged = 0;
}

static void set(int signal, void (*handler)(int, siginfo_t *, void *), int flags, int masked)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    if (masked)
        sigaddset(&action.sa_mask, masked);
    CHECK_OK(sigaction(signal, &action, NULL));
}

static void mask(int how, int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    CHECK_OK(sigprocmask(how, &set, NULL));
}

static int is_blocked(int signal)
{
    sigset_t set;
    CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &set));
    return sigismember(&set, signal);
}

static int is_pending(int signal)
{
    sigset_t set;
    CHECK_OK(sigpending(&set));
    return sigismember(&set, signal);
}

static void queue(int signal, int value)
{
    CHECK_OK(sigqueue(getpid(), signal, (union sigval){ .sival_int = value }));
}

static void handlers(void)
{
    set(SIGUSR1, note, 0, 0);
    set(SIGUSR2, note, 0, 0);
    CHECK_OK(kill(getpid(), SIGUSR1));
    CHECK_OK(raise(SIGUSR2));
    CHECK_OK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
    queue(SIGUSR1, 42);
    show("senders");
    CHECK_OK(kill(getpid(), 0));
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
    CHECK_ERRNO(kill(getpid(), -1), EINVAL);
    CHECK_ERRNO(kill(INT32_MIN, SIGTERM), ESRCH);
    CHECK_ERRNO(kill(4194303, SIGTERM), ESRCH);
    CHECK_ERRNO(syscall(SYS_tkill, 0, SIGTERM), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), -1, SIGTERM), EINVAL);
    CHECK_ERRNO(syscall(SYS_tgkill, 4194303, syscall(SYS_gettid), SIGTERM), ESRCH);
    printf("handlers: ok\n");
}

static void actions(void)
{
    struct sigaction action, old;
    CHECK_ERRNO(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL);
    CHECK_ERRNO(sigaction(SIGSTOP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL);
    CHECK_ERRNO(sigaction(0, NULL, &old), EINVAL);
    CHECK_ERRNO(sigaction(65, NULL, &old), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, &old, 8), EFAULT);
    CHECK_OK(sigaction(SIGKILL, NULL, &old));
    memset(&action, 0, sizeof action);
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
    sigfillset(&action.sa_mask);
    CHECK_OK(sigaction(SIGHUP, &action, NULL));
    CHECK_OK(sigaction(SIGHUP, NULL, &old));
    CHECK(old.sa_sigaction == note);
    printf("flags %x, TERM %d masked\n", (unsigned)(old.sa_flags & (SA_SIGINFO | SA_RESTART | SA_NODEFER)),
           sigismember(&old.sa_mask, SIGTERM));
    /* Linux takes these out; user-mode qemu shows what it was given. */
    if (on_hartbeat())
        CHECK(sigismember(&old.sa_mask, SIGKILL) == 0 && sigismember(&old.sa_mask, SIGSTOP) == 0);
    /* Ignoring forgets what is pending; so does a default action that does nothing. */
    mask(SIG_BLOCK, SIGHUP);
    raise(SIGHUP);
    CHECK_EQ(is_pending(SIGHUP), 1);
    signal(SIGHUP, SIG_IGN);
    CHECK_EQ(is_pending(SIGHUP), 0);
    mask(SIG_UNBLOCK, SIGHUP);
    signal(SIGHUP, SIG_DFL);
    set(SIGCHLD, note, 0, 0);
    mask(SIG_BLOCK, SIGCHLD);
    raise(SIGCHLD);
    CHECK_EQ(is_pending(SIGCHLD), 1);
    signal(SIGCHLD, SIG_DFL);
    CHECK_EQ(is_pending(SIGCHLD), 0);
    mask(SIG_UNBLOCK, SIGCHLD);
    printf("actions: ok\n");
}

static void again(int signal)
{
    if (++depth > deepest)
        deepest = depth;
    if (raises-- > 0)
        raise(signal);
    depth--;
}

static void count(int signal)
{
    (void)signal;
    logged++;
}

static void sees_mask(int signal)
{
    printf("in handler of %d: USR1 %d, TERM %d\n", signal, is_blocked(SIGUSR1), is_blocked(SIGTERM));
    /* qemu-riscv64 7.2 reads sa_mask from the wrong place. */
    if (on_hartbeat())
        CHECK_EQ(is_blocked(SIGUSR2), 1);
}

static void flags(void)
{
    struct sigaction action = { .sa_handler = again }, old;
    deepest = 0;
    raises = 2;
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK_EQ(deepest, 1);
    action.sa_flags = SA_NODEFER;
    deepest = 0;
    raises = 2;
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK_EQ(deepest, 3);
    logged = 0;
    action.sa_handler = count;
    action.sa_flags = SA_RESETHAND;
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK_EQ(logged, 1);
    CHECK_OK(sigaction(SIGUSR1, NULL, &old));
    CHECK(old.sa_handler == SIG_DFL);
    memset(&action, 0, sizeof action);
    action.sa_handler = sees_mask;
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK_EQ(is_blocked(SIGUSR1) + is_blocked(SIGUSR2), 0);
    logged = 0;
    printf("flags: ok\n");
}

static void masks(void)
{
    sigset_t set;
    sigfillset(&set);
    CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
    printf("all blocked: KILL %d, STOP %d, TERM %d\n", is_blocked(SIGKILL), is_blocked(SIGSTOP), is_blocked(SIGTERM));
    /* qemu has no signal 64: it needs some itself. */
    if (on_hartbeat())
        CHECK_EQ(is_blocked(64), 1);
    sigemptyset(&set);
    CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
    CHECK_ERRNO(sigprocmask(3, &set, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, (void *)8, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigpending, &set, 16), EINVAL);
    printf("masks: ok\n");
}

/* Standard signals merge, real-time ones queue; the lowest number goes first. */
static void queues(void)
{
    int rt = SIGRTMIN + 2;
    set(SIGUSR1, note, 0, 0);
    set(SIGUSR2, note, 0, 0);
    for (int i = rt; i < rt + 3; i++)
        set(i, note, 0, 0);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
    for (int i = 1; i <= 3; i++) {
        queue(rt + 1, i);
        queue(SIGUSR2, 10 * i);
        queue(rt, 100 * i);
        kill(getpid(), SIGUSR1);
    }
    kill(getpid(), rt + 2);
    CHECK_EQ(is_pending(rt), 1);
    CHECK_EQ(is_pending(rt + 2), 1);
    siginfo_t info;
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, rt + 1);
    CHECK_EQ(sigwaitinfo(&wanted, &info), rt + 1);
    printf("accepted: code %d, value %d, own pid %d, uid %d\n", info.si_code, info.si_value.sival_int, info.si_pid == getpid(),
           info.si_uid == getuid());
    sigaddset(&wanted, SIGUSR1);
    CHECK_EQ(sigwaitinfo(&wanted, &info), SIGUSR1);
    CHECK_EQ(sigwaitinfo(&wanted, &info), rt + 1);
    CHECK_EQ(info.si_value.sival_int, 2);
    CHECK_EQ(is_pending(SIGUSR1), 0);
    /* Each handler is begun before the one before has done anything: all are stacked, the last one runs first. */
    CHECK_OK(sigprocmask(SIG_SETMASK, &none, NULL));
    printf("%d delivered\n", logged);
    int sum = 0, firsts[2] = { 0, 0 };
    for (int i = 0; i < logged; i++) {
        sum += log_of[i].value;
        if (log_of[i].signal == rt && firsts[0]++ == 0)
            CHECK_EQ(log_of[i].value, 100);
    }
    CHECK_EQ(sum, 3 + 10 + 600);
    logged = 0;
    printf("queues: ok\n");
}

static void waiting(void)
{
    sigset_t set, all;
    siginfo_t info;
    struct timespec zero = { 0, 0 }, brief = { 0, 20000000 }, bad = { 0, 1000000000 }, past = { -1, 0 };
    sigfillset(&all);
    CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
    uint64_t begin = now_ns();
    CHECK_ERRNO(sigtimedwait(&set, &info, &brief), EAGAIN);
    CHECK(now_ns() - begin >= 20000000);
    CHECK_ERRNO(sigtimedwait(&set, &info, &bad), EINVAL);
    CHECK_ERRNO(sigtimedwait(&set, &info, &past), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, (void *)8, &info, &zero, 8), EFAULT);
    raise(SIGUSR1);
    CHECK_EQ(sigtimedwait(&set, &info, &zero), SIGUSR1);
    CHECK_EQ(is_pending(SIGUSR1), 0);
    int got;
    raise(SIGUSR1);
    CHECK_ZERO(sigwait(&set, &got));
    CHECK_EQ(got, SIGUSR1);
    /* sigsuspend lets through what waits, and the mask is back then. */
    set = all;
    sigdelset(&set, SIGUSR2);
    raise(SIGUSR2);
    CHECK_ERRNO(sigsuspend(&set), EINTR);
    CHECK_EQ(logged, 1);
    CHECK_EQ(is_blocked(SIGUSR2), 1);
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &set, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, (void *)8, 8), EFAULT);
    sigemptyset(&set);
    CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
    logged = 0;
    printf("waiting: ok\n");
}

static void user_info(void)
{
    siginfo_t info, got;
    memset(&info, 0, sizeof info);
    info.si_code = -7;
    info.si_pid = 12345;
    info.si_uid = 77;
    info.si_value.sival_ptr = (void *)0x123456789abcdef0;
    int rt = SIGRTMIN + 1;
    mask(SIG_BLOCK, rt);
    CHECK_OK(syscall(SYS_rt_sigqueueinfo, getpid(), rt, &info));
    CHECK_OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), rt, &info));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, rt);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(sigwaitinfo(&set, &got), rt);
        printf("told: %d %d %d %d %lx\n", got.si_signo - rt, got.si_code, got.si_pid, got.si_uid, (unsigned long)got.si_value.sival_ptr);
    }
    mask(SIG_UNBLOCK, rt);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), rt, (void *)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 4194303, rt, &info), ESRCH);
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, rt, &info), EINVAL);
    printf("information: ok\n");
}

/* Registers survive a handler, whatever it does to them, and can be changed through its context. */
static volatile uint64_t trampled;

static void tramples(int signal)
{
    double x = 1.5;
    (void)signal;
    for (int i = 0; i < 100; i++) {
        x = x * 1.25 + i;
        trampled += (uint64_t)x ^ trampled << 3;
    }
}

static void changes(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ucontext_t *uc = context;
    /* s3, which the interrupted code has put a value into. */
    uc->uc_mcontext.__gregs[19] += 1000;
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void registers(void)
{
    signal(SIGUSR1, tramples);
    uint64_t a = 0x1111, b = 0x2222;
    double f = 3.25, g = -7.5;
    long tid = syscall(SYS_gettid);
    register long a0 __asm__("a0") = tid;
    register long a1 __asm__("a1") = SIGUSR1;
    register long a7 __asm__("a7") = SYS_tkill;
    __asm__ volatile("mv s3, %1\nmv s4, %2\nfmv.d fs2, %3\nfmv.d ft7, %4\necall\nmv %1, s3\nmv %2, s4\nfmv.d %3, fs2\nfmv.d %4, ft7"
                     : "+r"(a0), "+r"(a), "+r"(b), "+f"(f), "+f"(g)
                     : "r"(a1), "r"(a7)
                     : "s3", "s4", "fs2", "ft7", "memory");
    CHECK_EQ(a0, 0);
    CHECK(a == 0x1111 && b == 0x2222 && f == 3.25 && g == -7.5);
    set(SIGUSR1, changes, 0, 0);
    a0 = tid;
    a1 = SIGUSR1;
    a7 = SYS_tkill;
    __asm__ volatile("mv s3, %1\necall\nmv %1, s3" : "+r"(a0), "+r"(a) : "r"(a1), "r"(a7) : "s3", "memory");
    CHECK_EQ(a, 0x1111 + 1000);
    CHECK_EQ(is_blocked(SIGUSR2), 1);
    mask(SIG_UNBLOCK, SIGUSR2);
    printf("registers: ok\n");
}

static char alternate[65536] __attribute__((aligned(16)));

static void on_alternate(int signal)
{
    char here;
    stack_t stack;
    (void)signal;
    CHECK_OK(sigaltstack(NULL, &stack));
    printf("handler on the alternate stack: %d, flags %d\n", &here > alternate && &here < alternate + sizeof alternate, stack.ss_flags);
    stack.ss_flags = 0;
    CHECK_ERRNO(sigaltstack(&stack, NULL), EPERM);
}

static void not_on_alternate(int signal)
{
    char here;
    (void)signal;
    printf("handler without SA_ONSTACK on it: %d\n", &here > alternate && &here < alternate + sizeof alternate);
}

static void alternate_stack(void)
{
    stack_t stack, old;
    CHECK_OK(sigaltstack(NULL, &old));
    CHECK_EQ(old.ss_flags, SS_DISABLE);
    stack = (stack_t){ .ss_sp = alternate, .ss_size = 1024, .ss_flags = 0 };
    CHECK_ERRNO(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_size = sizeof alternate;
    stack.ss_flags = 77;
    CHECK_ERRNO(sigaltstack(&stack, NULL), EINVAL);
    stack.ss_flags = 0;
    CHECK_OK(sigaltstack(&stack, NULL));
    CHECK_OK(sigaltstack(NULL, &old));
    CHECK(old.ss_sp == alternate && old.ss_size == sizeof alternate && old.ss_flags == 0);
    CHECK_ERRNO(syscall(SYS_sigaltstack, (void *)8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_sigaltstack, NULL, (void *)8), EFAULT);
    struct sigaction action = { .sa_handler = on_alternate, .sa_flags = SA_ONSTACK };
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    signal(SIGUSR1, not_on_alternate);
    raise(SIGUSR1);
    stack.ss_flags = SS_DISABLE;
    CHECK_OK(sigaltstack(&stack, &old));
    CHECK_EQ(old.ss_flags, 0);
    CHECK_OK(sigaltstack(NULL, &old));
    CHECK_EQ(old.ss_flags, SS_DISABLE);
    printf("alternate stack: ok\n");
}

static sigjmp_buf back;

static void leaps(int signal)
{
    siglongjmp(back, signal);
}

static void jumps(void)
{
    signal(SIGUSR1, leaps);
    for (volatile int i = 0; i < 10; i++) {
        if (sigsetjmp(back, 1) == 0) {
            raise(SIGUSR1);
            FAIL("the handler has returned");
        }
        CHECK_EQ(is_blocked(SIGUSR1), 0);
    }
    signal(SIGUSR1, SIG_DFL);
    printf("jumps: ok\n");
}

extern char **environ;

/* What of signals a program hands on to the one that it executes: ignored ones, the mask, what is pending. */
static int before_execve(void)
{
    char *const again[] = { "trials", "signals", "after", NULL };
    timer_t timer;
    signal(SIGUSR1, count);
    signal(SIGUSR2, SIG_IGN);
    mask(SIG_BLOCK, SIGTERM);
    CHECK_OK(raise(SIGTERM));
    CHECK_OK(sigaltstack(&(stack_t){ .ss_sp = alternate, .ss_size = sizeof alternate }, NULL));
    CHECK_OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    execve("/bin/trials", again, environ);
    return 1;
}

static int after_execve(void)
{
    struct sigaction action;
    stack_t stack;
    CHECK_OK(sigaction(SIGUSR1, NULL, &action));
    CHECK(action.sa_handler == SIG_DFL);
    CHECK_OK(sigaction(SIGUSR2, NULL, &action));
    CHECK(action.sa_handler == SIG_IGN);
    CHECK_EQ(is_blocked(SIGTERM), 1);
    CHECK_EQ(is_pending(SIGTERM), 1);
    CHECK_OK(sigaltstack(NULL, &stack));
    CHECK_EQ(stack.ss_flags, SS_DISABLE);
    CHECK_ERRNO(syscall(SYS_timer_delete, 0), EINVAL);
    signal(SIGTERM, SIG_IGN);
    return 0;
}

int signals_trial(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(argv[1], "before") == 0 ? before_execve() : after_execve();
    handlers();
    actions();
    flags();
    masks();
    queues();
    waiting();
    user_info();
    registers();
    alternate_stack();
    jumps();
    /* A process of qemu cannot execute a program of RISC-V. */
    if (on_hartbeat())
        CHECK_EQ(wait_status_of(spawn_self("signals", "before", NULL)), 0);
    printf("signals: ok\n");
    return 0;
}
