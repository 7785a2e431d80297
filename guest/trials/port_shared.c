/* What the port trials share: see ports.h. */

#include "ports.h"

/* How long to wait for what must come, in milliseconds. */
#define PATIENCE 20000

uint32_t new_port(void)
{
    int port = ipc_create_port();
    CHECK_OK(port);
    return (uint32_t)port;
}

uint32_t name_of(uint32_t port)
{
    int name = ipc_port_name(port);
    CHECK_OK(name);
    return (uint32_t)name;
}

void await_receivers(uint32_t port, uint32_t count)
{
    struct ipc_port_stat stat;
    for (int i = 0; i < PATIENCE; i++) {
        CHECK_OK(ipc_port_stat(port, &stat));
        if (stat.receivers == count)
            return;
        sleep_ms(1);
    }
    FAIL("%u threads wait to receive, not %u", stat.receivers, count);
}

void await_senders(uint32_t port, uint32_t count)
{
    struct ipc_port_stat stat;
    for (int i = 0; i < PATIENCE; i++) {
        CHECK_OK(ipc_port_stat(port, &stat));
        if (stat.senders == count)
            return;
        sleep_ms(1);
    }
    FAIL("%u threads wait to send, not %u", stat.senders, count);
}

struct hb_stats stats_now(void)
{
    struct hb_stats stats = { 0 };
    CHECK(hb_stats(&stats, sizeof stats) > 0);
    return stats;
}

static bool same(const struct hb_stats *a, const struct hb_stats *b)
{
    return a->processes == b->processes && a->threads == b->threads && a->spaces == b->spaces && a->areas == b->areas &&
           a->ports == b->ports && a->timers == b->timers && a->messages_queued == b->messages_queued && a->frames_free == b->frames_free;
}

/*
 * Brings in all pages of this program that may be written, so that none of them is counted as a leak because it is first needed
 * between two counts.
 */
static void own_all_pages(void)
{
    extern char data_start[], _end[];
    for (uintptr_t at = (uintptr_t)data_start; at < (uintptr_t)_end; at = (at | 4095) + 1) {
        volatile char *byte = (volatile char *)at;
        *byte = *byte;
    }
    volatile char stack[16 * 4096];
    for (size_t at = 0; at < sizeof stack; at += 4096)
        stack[at] = 0;
    (void)stack[0];
}

struct hb_stats settled_stats(void)
{
    own_all_pages();
    struct hb_stats stats = stats_now(), next;
    for (int calm = 0; calm < 10; stats = next) {
        sleep_ms(3);
        next = stats_now();
        calm = same(&stats, &next) ? calm + 1 : 0;
    }
    return stats;
}

void check_no_leak(const struct hb_stats *before)
{
    struct hb_stats now = settled_stats();
#define SAME(field) CHECK_EQ(now.field, before->field)
    SAME(processes);
    SAME(threads);
    SAME(spaces);
    SAME(areas);
    SAME(ports);
    SAME(timers);
    SAME(messages_queued);
    SAME(frames_free);
#undef SAME
}

int send_number(uint32_t port, uint32_t type, uint64_t number)
{
    return ipc_send_wait(port, type, &number, sizeof number);
}

uint64_t receive_number(uint32_t port, uint32_t *type)
{
    struct ipc_message msg;
    uint64_t number;
    CHECK_OK(ipc_recv(port, &msg));
    CHECK_EQ(msg.size, sizeof number);
    memcpy(&number, msg.data, sizeof number);
    if (type)
        *type = msg.type;
    return number;
}

const char *text_of(uint64_t number)
{
    static char ring[16][24];
    static int next;
    char *text = ring[next++ % 16];
    snprintf(text, sizeof ring[0], "%llu", (unsigned long long)number);
    return text;
}
