/*
 * Follows a linked list whose nodes, a cache line each, lie about in memory in random order. NODES decides which cache they fit into:
 * 4096 nodes are 256 KiB, 262144 are 16 MiB.
 */

#include "bench.h"

struct node {
    struct node *next;
    uint64_t value;
    uint64_t unused[6];
};

/* Once around the ring: the sum of its values. `end` is where it ended. */
static NOINLINE uint64_t chase(const struct node *node, long steps, const struct node **end) {
    uint64_t sum = 0;
    for (; steps > 0; steps--) {
        sum += node->value;
        node = node->next;
    }
    *end = node;
    return sum;
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    long nodes = argument(argc, argv, 2, 4096);
    struct node *node = aligned_alloc(64, (size_t)nodes * sizeof *node);
    uint32_t *order = malloc((size_t)nodes * sizeof *order);
    if (node == NULL || order == NULL)
        fail("chase: no memory for %ld nodes", nodes);

    for (long i = 0; i < nodes; i++)
        order[i] = (uint32_t)i;
    uint64_t state = 271828;
    for (long i = nodes - 1; i > 0; i--) {
        long j = (long)(next_random(&state) % (uint64_t)(i + 1));
        uint32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (long i = 0; i < nodes; i++) {
        node[order[i]].next = &node[order[(i + 1) % nodes]];
        node[order[i]].value = (uint64_t)i;
    }

    uint64_t sum = 0;
    const struct node *end = &node[order[0]];
    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        sum += chase(end, nodes, &end);
        FORGET();
    }
    uint64_t ns = now_ns() - begin;
    EXPECT(end - node, order[0]);
    EXPECT(sum, (uint64_t)repetitions * ((uint64_t)nodes * (uint64_t)(nodes - 1) / 2));
    report((uint64_t)nodes, ns);
    return 0;
}
