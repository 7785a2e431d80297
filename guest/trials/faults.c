/* Signals that instructions bring about: codes and addresses, blocked and ignored ones, stacks that are too small, frames that are garbage. */

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096

static sigjmp_buf back;
static volatile int seen_signal, seen_code;
static void *volatile seen_address;
/* An address that is never mapped; the compiler must not know it. */
static volatile char *volatile nowhere = (volatile char *)16;
static char alternate[65536] __attribute__((aligned(16)));

static void caught(int signal, siginfo_t *info, void *context)
{
    (void)context;
    seen_signal = signal;
    seen_code = info->si_code;
    seen_address = info->si_addr;
    siglongjmp(back, 1);
}

static void catch(int signal, int flags)
{
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | flags };
    CHECK_OK(sigaction(signal, &action, NULL));
}

static void expect(const char *what, int signal, int code, const void *address)
{
    CHECK_EQ(seen_signal, signal);
    CHECK_EQ(seen_code, code);
    if (address)
        CHECK(seen_address == address);
    printf("%s: SIG%s, code %d\n", what, sigabbrev_np(seen_signal), seen_code);
    seen_signal = 0;
}

static void codes(void)
{
    char *page = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK_OK(munmap(page + PAGE, PAGE));
    catch (SIGSEGV, 0);
    catch (SIGILL, 0);
    catch (SIGTRAP, 0);
    if (sigsetjmp(back, 1) == 0)
        *nowhere = 1;
    expect("store to nowhere", SIGSEGV, SEGV_MAPERR, (void *)16);
    if (sigsetjmp(back, 1) == 0)
        (void)*(volatile char *)(page + PAGE + 5);
    expect("load behind a mapping", SIGSEGV, SEGV_MAPERR, page + PAGE + 5);
    if (sigsetjmp(back, 1) == 0)
        page[7] = 1;
    expect("store to what can only be read", SIGSEGV, SEGV_ACCERR, page + 7);
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))(uintptr_t)page)();
    expect("call of what is no code", SIGSEGV, SEGV_ACCERR, page);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile(".word 0");
    expect("no instruction", SIGILL, ILL_ILLOPC, NULL);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("ebreak");
    expect("breakpoint", SIGTRAP, TRAP_BRKPT, NULL);
    CHECK_OK(munmap(page, PAGE));
}

/* The handler mends what was wrong, and the instruction is tried again. */
static char *volatile mended;

static void mend(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    CHECK_OK(mprotect(mended, PAGE, PROT_READ | PROT_WRITE));
    seen_code++;
}

static void mending(void)
{
    struct sigaction action = { .sa_sigaction = mend, .sa_flags = SA_SIGINFO };
    CHECK_OK(sigaction(SIGSEGV, &action, NULL));
    seen_code = 0;
    for (int i = 0; i < 10; i++) {
        mended = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile int *)mended = i;
        CHECK_EQ(*(volatile int *)mended, i);
        CHECK_OK(munmap(mended, PAGE));
    }
    CHECK_EQ(seen_code, 10);
    printf("mending: ok\n");
}

/* Each frame knows the one before, so that they are no loop. */
__attribute__((noinline)) static int deep(volatile char *before)
{
    volatile char room[1024];
    room[0] = *before;
    return *before == 1 ? 0 : deep(room) + room[0] + *before;
}

static void *overflows(void *unused)
{
    (void)unused;
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate };
    CHECK_OK(sigaltstack(&stack, NULL));
    if (sigsetjmp(back, 1) == 0)
        deep((volatile char *)alternate);
    CHECK_EQ(seen_signal, SIGSEGV);
    return NULL;
}

static void overflow(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    catch (SIGSEGV, SA_ONSTACK);
    CHECK_ZERO(pthread_attr_init(&attributes));
    CHECK_ZERO(pthread_attr_setstacksize(&attributes, 256 * 1024));
    for (int i = 0; i < 3; i++) {
        CHECK_ZERO(pthread_create(&thread, &attributes, overflows, NULL));
        CHECK_ZERO(pthread_join(thread, NULL));
    }
    printf("stack overflow: caught on the alternate stack\n");
}

static void *with_bad_sp(void *unused)
{
    (void)unused;
    register long a0 __asm__("a0") = syscall(SYS_getpid);
    register long a1 __asm__("a1") = syscall(SYS_gettid);
    register long a2 __asm__("a2") = SIGUSR1;
    register long a7 __asm__("a7") = SYS_tgkill;
    __asm__ volatile("mv s3, sp\nli sp, 64\necall\nmv sp, s3" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "s3", "memory");
    return NULL;
}

static void nothing(int signal)
{
    (void)signal;
}

/* What ends its process: a mode of the child. */
static int ends(const char *how)
{
    sigset_t set;
    sigfillset(&set);
    if (strcmp(how, "blocked") == 0) {
        catch (SIGSEGV, 0);
        CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
        *nowhere = 1;
    } else if (strcmp(how, "ignored") == 0) {
        signal(SIGSEGV, SIG_IGN);
        *nowhere = 1;
    } else if (strcmp(how, "no-frame") == 0) {
        signal(SIGUSR1, nothing);
        with_bad_sp(NULL);
    } else if (strcmp(how, "sigreturn") == 0) {
        __asm__ volatile("li sp, 64\nli a7, 139\necall");
    } else if (strcmp(how, "ill") == 0) {
        __asm__ volatile(".word 0");
    } else if (strcmp(how, "queued") == 0) {
        CHECK_OK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 1 }));
    } else if (strcmp(how, "twice") == 0) {
        /* A fault in the handler of faults. */
        struct sigaction action = { .sa_handler = (void (*)(int))(uintptr_t)16 };
        CHECK_OK(sigaction(SIGSEGV, &action, NULL));
        *nowhere = 1;
    }
    return 0;
}

static void ending(void)
{
    static const char *const ways[] = { "blocked", "ignored", "no-frame", "sigreturn", "ill", "queued", "twice" };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int status = wait_status_of(spawn_self("faults", ways[i], NULL));
        CHECK(WIFSIGNALED(status));
        printf("%s: signal %d, core %d\n", ways[i], WTERMSIG(status) >= 32 ? 0 : WTERMSIG(status), WCOREDUMP(status) != 0);
    }
}

int faults_trial(int argc, char **argv)
{
    if (argc > 1)
        return ends(argv[1]);
    codes();
    mending();
    overflow();
    ending();
    printf("faults: ok\n");
    return 0;
}
