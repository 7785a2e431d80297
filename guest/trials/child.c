/*
 * What trials start as another process: ends, dies or computes as its argument says. The modes that talk through ports are in
 * port_child.c.
 */

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "ports.h"

static volatile int sink;

__attribute__((noinline)) static int recurse_for_ever(volatile char *above)
{
    volatile char frame[1024];
    frame[0] = *above;
    if (frame[0]) /* it never is, which the compiler cannot know */
        return 0;
    return recurse_for_ever(frame) + frame[0];
}

static int memory_fault(const char *what)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char c = 0;
    CHECK(page != MAP_FAILED);
    volatile char *volatile p = NULL;

    if (strcmp(what, "read-null") == 0)
        sink = *p;
    else if (strcmp(what, "write-null") == 0)
        *p = 1;
    else if (strcmp(what, "jump-null") == 0)
        ((void (*)(void))(uintptr_t)p)();
    else if (strcmp(what, "write-readonly") == 0)
        *(volatile char *)page = 1;
    else if (strcmp(what, "read-none") == 0)
        sink = mprotect(page, 4096, PROT_NONE) + *(volatile char *)page;
    else if (strcmp(what, "run-data") == 0)
        ((void (*)(void))(uintptr_t)page)();
    else if (strcmp(what, "read-unmapped") == 0)
        sink = munmap(page, 4096) + *(volatile char *)page;
    else if (strcmp(what, "write-code") == 0)
        *(volatile char *)(uintptr_t)child_trial = 1;
    else if (strcmp(what, "read-kernel") == 0)
        sink = *(volatile char *)0xffffffff80000000ul;
    else if (strcmp(what, "overflow-stack") == 0)
        sink = recurse_for_ever(&c);
    return 0;
}

static void *exit_in_thread(void *status)
{
    exit((int)(intptr_t)status);
}

static void *return_later(void *unused)
{
    sleep_ms(20);
    printf("the last thread\n");
    return unused;
}

int child_trial(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "";
    pthread_t thread;

    if (strcmp(mode, "exit") == 0)
        return atoi(argument);
    if (strcmp(mode, "_exit") == 0)
        _exit(atoi(argument));
    if (strcmp(mode, "thread-exit") == 0) {
        CHECK_ZERO(pthread_create(&thread, NULL, exit_in_thread, (void *)(intptr_t)atoi(argument)));
        for (;;)
            pause();
    }
    if (strcmp(mode, "main-leaves") == 0) {
        CHECK_ZERO(pthread_create(&thread, NULL, return_later, NULL));
        pthread_exit(NULL);
    }
    if (strcmp(mode, "raise") == 0) {
        raise(atoi(argument));
        return 0;
    }
    if (strcmp(mode, "ignored") == 0) {
        signal(atoi(argument), SIG_IGN);
        kill(getpid(), atoi(argument));
        return 3;
    }
    if (strcmp(mode, "sleep") == 0)
        for (;;)
            sleep_ms(1000);
    if (strcmp(mode, "spin") == 0)
        for (;;)
            sink++;
    if (strcmp(mode, "illegal") == 0)
        __asm__ volatile(".4byte 0xffffffff"); /* all ones: never an instruction */
    if (strcmp(mode, "break") == 0)
        __asm__ volatile("ebreak");
    if (strcmp(mode, "abort") == 0)
        abort();
    if (strcmp(mode, "csr") == 0)
        __asm__ volatile("csrr zero, mstatus"); /* not for user mode */
    if (strcmp(mode, "print") == 0) {
        for (int i = 2; i < argc; i++)
            printf("child: [%s]\n", argv[i]);
        return 0;
    }
    if (strcmp(mode, "memory") == 0)
        return memory_fault(argument);
    return port_child(argc, argv);
}
