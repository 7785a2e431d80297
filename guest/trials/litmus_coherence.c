/*
 * One word: all harts agree on the order of its values, a hart sees its own stores at once, and an aligned access is never torn.
 */

#include "litmus.h"

BODY(w1, W(x, one))
BODY(w2, W(x, two))
BODY(rr, R(a, x) R(b, x))
BODY(ww, W(x, one) W(x, two))
BODY(r_w1, R(a, x) W(x, one))
BODY(r_w2, R(a, x) W(x, two))
BODY(w1_r, W(x, one) R(a, x))

/* Counts up to 7 in x; and how often x was seen to go back. */
BODY(count_up, "li %[t], 1\n"
               "1: sw %[t], 0(%[x])\n"
               "addi %[t], %[t], 1\n"
               "sltiu %[b], %[t], 8\n"
               "bnez %[b], 1b\n")
BODY(watch, "li %[t], 12\n"
            "li %[a], 0\n"
            "1: lw %[b], 0(%[x])\n"
            "bge %[b], %[a], 2f\n"
            "j 3f\n"
            "2: mv %[a], %[b]\n"
            "addi %[t], %[t], -1\n"
            "bnez %[t], 1b\n"
            "li %[b], 0\n"
            "j 4f\n"
            "3: li %[b], 1\n"
            "4:\n")

/* A hart reads its own store before others see it. */
BODY(wx_rx_ry, W(x, one) R(a, x) R(b, y))
BODY(wy_ry_rx, W(y, one) R(a, y) R(b, x))
BODY(wx_rx_f_ry, W(x, one) R(a, x) FENCE(rw, rw) R(b, y))
BODY(wy_ry_f_rx, W(y, one) R(a, y) FENCE(rw, rw) R(b, x))

/* Parts of a word: b is 1 when the hart does not see its own stores put together. */
BODY(parts, "li %[t], 0x01010101\n"
            "sw %[t], 0(%[x])\n"
            "sb %[two], 2(%[x])\n"
            "lw %[a], 0(%[x])\n"
            "li %[t], 0x01020101\n"
            "xor %[a], %[a], %[t]\n"
            "snez %[b], %[a]\n"
            "lhu %[a], 2(%[x])\n"
            "addi %[a], %[a], -0x102\n"
            "snez %[a], %[a]\n")
BODY(parts_seen, "lw %[a], 0(%[x])\n"
                 "beqz %[a], 1f\n"
                 "li %[t], 0x01010101\n"
                 "beq %[a], %[t], 1f\n"
                 "li %[t], 0x01020101\n"
                 "beq %[a], %[t], 1f\n"
                 "li %[b], 1\n"
                 "1: snez %[a], %[a]\n")

/* Waits a while for something of a store of all ones: a is 1 when it came, b when the first of it was not all of it. */
#define WHOLE(load) \
    "li %[b], 40\n" \
    "1: " load \
    "addi %[b], %[b], -1\n" \
    "beqz %[b], 2f\n" \
    "beqz %[a], 1b\n" \
    "2: li %[b], 0\n" \
    "beqz %[a], 3f\n" \
    "addi %[t], %[a], 1\n" \
    "snez %[b], %[t]\n" \
    "3: snez %[a], %[a]\n"
BODY(store_half, "li %[t], -1\n sh %[t], 2(%[x])\n")
BODY(load_half, WHOLE("lh %[a], 2(%[x])\n"))
BODY(store_word, "li %[t], -1\n sw %[t], 4(%[x])\n")
BODY(load_word, WHOLE("lw %[a], 4(%[x])\n"))
BODY(store_double, "li %[t], -1\n sd %[t], 8(%[x])\n")
BODY(load_double, WHOLE("ld %[a], 8(%[x])\n"))
BODY(store_float, "li %[t], -1\n fmv.d.x ft0, %[t]\n fsd ft0, 8(%[x])\n")
BODY(load_float, WHOLE("fld ft0, 8(%[x])\n fmv.x.d %[a], ft0\n"))

/* Two readers disagree which store came first, or one goes back. */
#define TWO_ORDERS "2:a=1 2:b=2 3:a=2 3:b=1 | 2:a=2 2:b=1 3:a=1 3:b=2 | 2:a=1 2:b=0 | 2:a=2 2:b=0 | 3:a=1 3:b=0 | 3:a=2 3:b=0"

const struct litmus litmus_coherence[] = {
    { "CoRR", { w1, rr }, "1:a=1 1:b=0", NULL },
    { "CoRR+many", { count_up, watch }, "1:b=1", NULL },
    { "CoWW", { ww, rr }, "x=0 | x=1 | 1:a=2 1:b=1 | 1:a=2 1:b=0 | 1:a=1 1:b=0", NULL },
    { "CoRW1", { r_w1, rr }, "0:a=1 | 1:a=1 1:b=0", NULL },
    { "CoRW2", { r_w2, w1 }, "0:a=2 | 0:a=1 x=1", NULL },
    { "CoWR", { w1_r, w2 }, "0:a=0 | 0:a=2 x=1", NULL },
    { "CoRR+two+writers", { w1, w2, rr, rr }, TWO_ORDERS, NULL },
    { "forward", { wx_rx_ry, wy_ry_rx }, "0:a=0 | 1:a=0", "0:a=1 0:b=0 1:a=1 1:b=0" },
    { "forward+fence.rw.rw", { wx_rx_f_ry, wy_ry_f_rx }, "0:a=0 | 1:a=0 | 0:b=0 1:b=0", NULL },
    { "forward+parts", { parts, parts_seen }, "0:a=1 | 0:b=1 | 1:b=1", NULL },
    { "whole.h", { store_half, load_half }, "1:b=1", NULL },
    { "whole.w", { store_word, load_word }, "1:b=1", NULL },
    { "whole.d", { store_double, load_double }, "1:b=1", NULL },
    { "whole.fd", { store_float, load_float }, "1:b=1", NULL },
    { NULL, { NULL }, NULL, NULL },
};
