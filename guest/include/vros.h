/*
 * VROS ports: typed messages of up to 256 bytes, queued at ports.
 *
 * A port belongs to the process that created it: only its owner receives from it and destroys it, anyone may send. The first four
 * functions, the structure and their names are those of the VROS specification; the others are extensions. Every function returns
 * -1 with errno set when it fails:
 *
 *   ENOENT    no such port, or the tagged name of one that is gone
 *   EPERM     receive, destroy: not the owner
 *   EMSGSIZE  send: more than 256 bytes
 *   EAGAIN    send: the queue is full; ipc_try_recv: it is empty
 *   ENOSPC    create: all ports are taken
 *   EIDRM     the port was destroyed while the caller waited
 *   ETIMEDOUT ipc_recv_timeout: no message in time
 *   EFAULT    a bad pointer
 *   EINVAL    unknown flags, a bad timeout
 *   ENOSYS    this is not Hartbeat (but qemu, say)
 *
 * A port is named by its id (0-31 unless booted otherwise), which a later owner may get again, or by its tagged name (see
 * ipc_port_name), which never reaches a later owner. Every function takes both.
 */

#ifndef HARTBEAT_VROS_H
#define HARTBEAT_VROS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* BEGIN generated from src/syscalls/abi.ts by npm run guest:build: do not edit */

#define SYS_IPC_CREATE_PORT  0x1008
#define SYS_IPC_DESTROY_PORT 0x1009
#define SYS_IPC_SEND         0x100a
#define SYS_IPC_RECV         0x100b
#define SYS_IPC_SEND_FLAGS   0x1020
#define SYS_IPC_RECV_FLAGS   0x1021
#define SYS_IPC_PORT_NAME    0x1022
#define SYS_IPC_PORT_STAT    0x1023

#define IPC_SEND_WAIT   1
#define IPC_RECV_NOWAIT 1

#define IPC_MAX_PORTS   32
#define IPC_QUEUE_DEPTH 16
#define IPC_MAX_DATA    256

struct ipc_message {
    uint32_t sender_pid; /* process that sent it, stamped by the kernel */
    uint32_t type; /* chosen by the sender */
    uint32_t size; /* bytes of data that are valid */
    char data[256];
};
#ifndef __cplusplus
_Static_assert(sizeof(struct ipc_message) == 268, "size of ipc_message");
#endif

struct ipc_port_stat {
    uint32_t port_id; /* number of the slot, from 0 */
    uint32_t name; /* tagged name: never reaches a later owner of the slot */
    uint32_t owner_pid;
    uint32_t queued; /* messages in the queue */
    uint32_t capacity; /* messages the queue holds */
    uint32_t receivers; /* threads waiting to receive */
    uint32_t senders; /* threads waiting to send */
    uint32_t reserved;
    uint64_t sent; /* messages sent since the port was created */
    uint64_t received; /* messages received since the port was created */
};
#ifndef __cplusplus
_Static_assert(sizeof(struct ipc_port_stat) == 48, "size of ipc_port_stat");
#endif

/* END generated */

#ifdef __cplusplus
extern "C" {
#else
/* unistd.h hides it from strict ISO C (-std=c11). */
extern long syscall(long number, ...);
#endif

/* Creates a port of this process; returns its id. */
static inline int ipc_create_port(void)
{
    return (int)syscall(SYS_IPC_CREATE_PORT);
}

/* Destroys a port of this process; whoever waits on it gets EIDRM. */
static inline int ipc_destroy_port(uint32_t port_id)
{
    return (int)syscall(SYS_IPC_DESTROY_PORT, port_id);
}

/* Queues a message; never waits. `type` is the caller's own; returns 0. */
static inline int ipc_send(uint32_t dest_port, uint32_t type, const void *data, uint32_t size)
{
    return (int)syscall(SYS_IPC_SEND, dest_port, type, data, size);
}

/* Takes the oldest message, waiting for one while there is none; returns 0. */
static inline int ipc_recv(uint32_t port_id, struct ipc_message *msg)
{
    return (int)syscall(SYS_IPC_RECV, port_id, msg);
}

/* As ipc_send, but waits while the queue is full. */
static inline int ipc_send_wait(uint32_t dest_port, uint32_t type, const void *data, uint32_t size)
{
    return (int)syscall(SYS_IPC_SEND_FLAGS, dest_port, type, data, size, IPC_SEND_WAIT);
}

/* As ipc_recv, but fails with EAGAIN instead of waiting. */
static inline int ipc_try_recv(uint32_t port_id, struct ipc_message *msg)
{
    return (int)syscall(SYS_IPC_RECV_FLAGS, port_id, msg, IPC_RECV_NOWAIT, NULL);
}

/* As ipc_recv, but waits no longer than `timeout` (relative; NULL: for ever). */
static inline int ipc_recv_timeout(uint32_t port_id, struct ipc_message *msg, const struct timespec *timeout)
{
    return (int)syscall(SYS_IPC_RECV_FLAGS, port_id, msg, 0, timeout);
}

/* The tagged name of a port: id + 32 * generation, never given to a later port. */
static inline int ipc_port_name(uint32_t port_id)
{
    return (int)syscall(SYS_IPC_PORT_NAME, port_id);
}

/* Who owns a port and what happens at it; anyone may ask. */
static inline int ipc_port_stat(uint32_t port_id, struct ipc_port_stat *stat)
{
    return (int)syscall(SYS_IPC_PORT_STAT, port_id, stat);
}

#ifdef __cplusplus
}
#endif

#endif
