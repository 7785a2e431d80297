/*
 * The bottom: entry, system calls, births, memory that is only taken.
 */

#include <sys/syscall.h>

#include "agent.h"

/* The entry: the stack pointer is at argc, argv and environment. gp is for the linker's relaxed accesses; threads inherit it. */
__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        ".option push\n"
        ".option norelax\n"
        "    la gp, __global_pointer$\n"
        ".option pop\n"
        "    mv a0, sp\n"
        "    andi sp, sp, -16\n"
        "    call agent_main\n");

/* CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM; what a7 … of the caller hold the child has too. */
__asm__(".text\n"
        ".globl start_thread\n"
        "start_thread:\n"
        "    mv a5, a1\n"
        "    mv a1, a0\n"
        "    li a0, 0x50f00\n"
        "    li a2, 0\n"
        "    li a3, 0\n"
        "    li a4, 0\n"
        "    li a7, 220\n"
        "    ecall\n"
        "    bnez a0, 1f\n"
        "    mv a0, a5\n"
        "    call thread_main\n"
        "1:  ret\n");

/* CLONE_VM | CLONE_VFORK | SIGCHLD: the child has the parent's memory, stack included, until it executes, so it touches neither. */
__asm__(".text\n"
        ".globl start_process\n"
        "start_process:\n"
        "    mv t0, a0\n"
        "    mv t1, a1\n"
        "    li a0, 0x4111\n"
        "    li a1, 0\n"
        "    li a2, 0\n"
        "    li a3, 0\n"
        "    li a4, 0\n"
        "    li a7, 220\n"
        "    ecall\n"
        "    bnez a0, 1f\n"
        "    mv a0, t0\n"
        "    mv a1, t1\n"
        "    li a2, 0\n"
        "    li a7, 221\n"
        "    ecall\n"
        "    li a0, 127\n"
        "    li a7, 94\n"
        "    ecall\n"
        "1:  ret\n");

/* Pages that are not used cost nothing. */
#define ARENA_BYTES (16ul << 20)

static char *arena;
static unsigned long used;

void *allocate(unsigned long bytes)
{
    if (arena == NULL) {
        /* PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS */
        long address = call6(SYS_mmap, 0, ARENA_BYTES, 3, 0x22, -1, 0);
        if (address < 0)
            refuse("no memory", "");
        arena = (char *)address;
    }
    unsigned long from = used;
    used += (bytes + 15) & ~15ul;
    if (used > ARENA_BYTES)
        refuse("lists that are too long", "");
    return arena + from;
}

void forget_all(void)
{
    for (unsigned long i = 0; i < used; i += sizeof(long))
        *(long *)(arena + i) = 0;
    used = 0;
}

_Noreturn void end(int status)
{
    for (;;)
        call2(SYS_exit_group, status, 0);
}

static void say(const char *text)
{
    unsigned long length = 0;
    while (text[length] != 0)
        length++;
    call6(SYS_write, 2, (long)text, (long)length, 0, 0, 0);
}

_Noreturn void refuse(const char *why, const char *where)
{
    say("agent: ");
    say(why);
    if (*where != 0) {
        say(": ");
        say(where);
    }
    say("\n");
    end(2);
}
