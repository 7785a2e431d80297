/* Every way to use ports wrongly, and its errno; the table when it is full; names of ports that are gone. */

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

static void unknown(void)
{
    static const uint32_t numbers[] = { IPC_MAX_PORTS - 1, 1000000, 0x7fffffff, 0x80000000, 0xffffffff };
    struct ipc_message msg;
    struct ipc_port_stat stat;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (ipc_port_stat(numbers[i], &stat) == 0)
            continue; /* somebody's */
        CHECK_ERRNO(ipc_send(numbers[i], 1, "x", 1), ENOENT);
        CHECK_ERRNO(ipc_send_wait(numbers[i], 1, "x", 1), ENOENT);
        CHECK_ERRNO(ipc_recv(numbers[i], &msg), ENOENT);
        CHECK_ERRNO(ipc_try_recv(numbers[i], &msg), ENOENT);
        CHECK_ERRNO(ipc_destroy_port(numbers[i]), ENOENT);
        CHECK_ERRNO(ipc_port_name(numbers[i]), ENOENT);
        CHECK_ERRNO(ipc_port_stat(numbers[i], &stat), ENOENT);
    }
    printf("unknown ports: ok\n");
}

static void arguments(uint32_t port)
{
    struct ipc_message msg;
    struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 }, none = { 0, 0 };
    char big[4096];

    memset(big, 1, sizeof big);
    CHECK_ERRNO(ipc_send(port, 1, big, IPC_MAX_DATA + 1), EMSGSIZE);
    CHECK_ERRNO(ipc_send(port, 1, big, 0xffffffff), EMSGSIZE);
    CHECK_ERRNO(ipc_send_wait(port, 1, big, 4096), EMSGSIZE);
    CHECK_ERRNO(syscall(SYS_IPC_SEND_FLAGS, port, 1, "x", 1, 2), EINVAL);
    CHECK_ERRNO(syscall(SYS_IPC_SEND_FLAGS, port, 1, "x", 1, -1l), EINVAL);
    CHECK_ERRNO(syscall(SYS_IPC_RECV_FLAGS, port, &msg, 2, NULL), EINVAL);
    CHECK_ERRNO(ipc_recv_timeout(port, &msg, &bad), EINVAL);
    CHECK_ERRNO(ipc_recv_timeout(port, &msg, &negative), EINVAL);
    CHECK_ERRNO(ipc_recv_timeout(port, &msg, &none), ETIMEDOUT);
    CHECK_ERRNO(ipc_try_recv(port, &msg), EAGAIN);
    printf("arguments: ok\n");
}

static void pointers(uint32_t port)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK_OK(mprotect(pages + 4096, 4096, PROT_NONE));
    void *const bad[] = { NULL, (void *)16, pages + 4096, (void *)0xffffffff80000000ul, pages + 4090 };
    struct ipc_message msg;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_ERRNO(ipc_send(port, 1, bad[i], 64), EFAULT);
        CHECK_ERRNO(ipc_port_stat(port, bad[i]), EFAULT);
        /* A message that cannot be delivered stays in the queue. */
        CHECK_OK(ipc_send(port, 77, "stays", 6));
        CHECK_ERRNO(ipc_recv(port, bad[i]), EFAULT);
        CHECK_ERRNO(ipc_try_recv(port, bad[i]), EFAULT);
        CHECK_OK(ipc_recv(port, &msg));
        CHECK(msg.type == 77 && strcmp(msg.data, "stays") == 0);
        CHECK_ERRNO(ipc_try_recv(port, &msg), EAGAIN);
        if (bad[i])
            CHECK_ERRNO(ipc_recv_timeout(port, &msg, bad[i]), EFAULT);
    }
    /* Data up to the very end of a page is fine. */
    memset(pages, 'e', 4096);
    CHECK_OK(ipc_send(port, 1, pages + 4096 - 64, 64));
    CHECK_OK(ipc_recv(port, (struct ipc_message *)(pages + 4096 - sizeof msg)));
    /* The buffer of the specification holds 256 bytes; never-touched pages are as good as others. */
    char *fresh = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_OK(ipc_send(port, 1, "fresh", 6));
    CHECK_OK(ipc_recv(port, (struct ipc_message *)(fresh + 4096 - 16)));
    CHECK(strcmp(((struct ipc_message *)(fresh + 4096 - 16))->data, "fresh") == 0);
    printf("pointers: ok\n");
}

static void *receive_into_nothing(void *port)
{
    CHECK_ERRNO(ipc_recv((uint32_t)(uintptr_t)port, (struct ipc_message *)16), EFAULT);
    return NULL;
}

/* A receiver whose buffer turns out bad only when the message comes: it gets EFAULT, the message stays for the next. */
static void late_fault(uint32_t port)
{
    pthread_t thread;
    struct ipc_message msg;
    struct ipc_port_stat stat;
    CHECK_ZERO(pthread_create(&thread, NULL, receive_into_nothing, (void *)(uintptr_t)port));
    sleep_ms(20); /* it may have been refused already: both are right */
    CHECK_OK(ipc_port_stat(port, &stat));
    CHECK_OK(ipc_send(port, 88, "late", 5));
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK_OK(ipc_try_recv(port, &msg));
    CHECK(msg.type == 88 && strcmp(msg.data, "late") == 0);
    printf("late fault: ok\n");
}

static void exhaustion(void)
{
    uint32_t ports[4096];
    size_t count = 0;
    int port;
    while (count < 4096 && (port = ipc_create_port()) != -1)
        ports[count++] = (uint32_t)port;
    CHECK_EQ(errno, ENOSPC);
    CHECK(count >= 1);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(ports[i] != ports[k]);
    CHECK_OK(ipc_destroy_port(ports[count / 2]));
    CHECK_EQ(ipc_create_port(), ports[count / 2]); /* the only free one */
    CHECK_ERRNO(ipc_create_port(), ENOSPC);
    for (size_t i = 0; i < count; i++)
        CHECK_OK(ipc_destroy_port(ports[i]));
    printf("exhaustion: ok\n");
}

static void names(void)
{
    /* A tagged name dies with its port, however often the slot is used again; the longest-free slot comes first. */
    uint32_t old_id = new_port(), old = name_of(old_id), first_again = 0;
    struct ipc_message msg;
    CHECK(old >= IPC_MAX_PORTS);
    CHECK_EQ(name_of(old), old);
    CHECK_OK(ipc_send(old, 1, "by name", 8));
    CHECK_OK(ipc_recv(old, &msg));
    CHECK_OK(ipc_destroy_port(old));
    CHECK_ERRNO(ipc_destroy_port(old), ENOENT);

    uint32_t next = new_port();
    CHECK(next != old_id); /* others have been free for longer */
    CHECK_OK(ipc_destroy_port(next));
    for (uint32_t i = 0; i < 3 * IPC_MAX_PORTS; i++) {
        uint32_t port = new_port();
        if (port == old_id) {
            first_again++;
            CHECK(name_of(port) != old);
            CHECK_OK(ipc_send(port, 1, "new", 4));
        }
        CHECK_ERRNO(ipc_send(old, 1, "late", 5), ENOENT);
        CHECK_ERRNO(ipc_recv(old, &msg), ENOENT);
        CHECK_ERRNO(ipc_destroy_port(old), ENOENT);
        CHECK_OK(ipc_destroy_port(port));
    }
    CHECK(first_again >= 1);
    printf("names: ok\n");
}

int ports_errors_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    unknown();
    uint32_t port = new_port();
    arguments(port);
    pointers(port);
    late_fault(port);
    CHECK_OK(ipc_destroy_port(port));
    exhaustion();
    names();
    printf("ports_errors: ok\n");
    return 0;
}
