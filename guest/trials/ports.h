/*
 * What the port trials share.
 */

#ifndef PORTS_H
#define PORTS_H

#include "check.h"
#include "hartbeat.h"
#include "vros.h"

/* The modes of `child` that talk through ports; returns the status of the process. */
int port_child(int argc, char **argv);

/* Creates a port, which must succeed. */
uint32_t new_port(void);

/* Its tagged name. */
uint32_t name_of(uint32_t port);

/* Waits until `count` threads wait to receive (or send) at a port; fails after some seconds. */
void await_receivers(uint32_t port, uint32_t count);
void await_senders(uint32_t port, uint32_t count);

/* Counts of objects in use. */
struct hb_stats stats_now(void);

/*
 * The counts once they have stood still for a moment: what has been joined or waited for may still be on its way out, and this
 * process may be touching a page for the first time.
 */
struct hb_stats settled_stats(void);

/* Fails unless what is in use, once settled, is what `before` says. */
void check_no_leak(const struct hb_stats *before);

/* Sends and receives a message that holds one number. */
int send_number(uint32_t port, uint32_t type, uint64_t number);
uint64_t receive_number(uint32_t port, uint32_t *type);

/* A number as an argument of spawn_self: a small ring of buffers, good for one call. */
const char *text_of(uint64_t number);

#endif
