/*
 * LR/SC against another hart: a store-conditional succeeds only if no store came between, whatever kind of store it was.
 *
 * The other store always changes the value. One that stores what was there already is not tested: ARCHITECTURE.md says why.
 */

#include "litmus.h"

/* a: what LR read. b: whether SC failed. */
#define LRSC(width, between, value) \
    "lr." width " %[a], (%[x])\n" between "sc." width " %[b], %[" #value "], (%[x])\n" \
    "snez %[b], %[b]\n"
#define A_WHILE "li %[t], 12\n 1: addi %[t], %[t], -1\n bnez %[t], 1b\n"

BODY(pair_w1, LRSC("w", "", one))
BODY(pair_w, LRSC("w", "", two))
BODY(pair_w_late, LRSC("w", A_WHILE, two))
BODY(pair_w1_late, LRSC("w", A_WHILE, one))
BODY(pair_d, LRSC("d", "", two))
BODY(pair_d_late, LRSC("d", A_WHILE, two))
BODY(store_b, "sb %[one], 1(%[x])\n")
BODY(store_h, "sh %[one], 2(%[x])\n")
BODY(store_w, W(x, one))
BODY(store_d, "sd %[one], 0(%[x])\n")
BODY(swap_w, "amoswap.w %[a], %[one], (%[x])\n")
BODY(add_d, "amoadd.d %[a], %[one], (%[x])\n")

/* LR/SC of one word guards another: the release of the first publishes the second. */
BODY(publish, W(y, one) "1: lr.w %[a], (%[x])\n sc.w.rl %[t], %[one], (%[x])\n bnez %[t], 1b\n")
BODY(acquire, "lr.w.aq %[a], (%[x])\n" R(b, y))
/* Announce by LR/SC, then look: with aq and rl on both, a store-conditional is no store that waits in a buffer. */
BODY(announce_x, "1: lr.w.aqrl %[a], (%[x])\n sc.w.aqrl %[t], %[one], (%[x])\n bnez %[t], 1b\n lr.w.aqrl %[a], (%[y])\n")
BODY(announce_y, "1: lr.w.aqrl %[a], (%[y])\n sc.w.aqrl %[t], %[one], (%[y])\n bnez %[t], 1b\n lr.w.aqrl %[a], (%[x])\n")

/* SC stored 2 over a store that LR had not seen; or it stored though it said that it failed. */
#define LOST "0:a=0 0:b=0 x=2 | 0:b=1 x=2"
/* The same when the other adds: it must see what SC stored, or SC what it added. */
#define LOST_SUM "0:a=0 0:b=0 x=2 | 0:b=1 x=2 | 0:b=0 x=1 | 0:b=1 x=3"
/* Of two pairs, both succeeded from the same value, or the last value is of one that failed. */
#define BOTH "0:a=0 0:b=0 1:a=0 1:b=0 | 0:b=1 x=1 | 1:b=1 x=2 | 0:b=0 1:b=1 x=0 | 0:b=1 1:b=0 x=0"

const struct litmus litmus_reservations[] = {
    { "LRSC.w+sw", { pair_w, store_w }, LOST, NULL },
    { "LRSC.w+sw+late", { pair_w_late, store_w }, LOST, NULL },
    { "LRSC.w+sb", { pair_w_late, store_b }, LOST, NULL },
    { "LRSC.w+sh", { pair_w_late, store_h }, LOST, NULL },
    { "LRSC.w+sd", { pair_w_late, store_d }, LOST, NULL },
    { "LRSC.w+amoswap", { pair_w_late, swap_w }, LOST, NULL },
    { "LRSC.d+sw", { pair_d_late, store_w }, LOST, NULL },
    { "LRSC.d+sd", { pair_d, store_d }, LOST, NULL },
    { "LRSC.d+sd+late", { pair_d_late, store_d }, LOST, NULL },
    { "LRSC.d+amoadd", { pair_d_late, add_d }, LOST_SUM, NULL },
    { "LRSC+LRSC", { pair_w1, pair_w }, BOTH, NULL },
    { "LRSC+LRSC+late", { pair_w1_late, pair_w_late }, BOTH, NULL },
    { "MP+sc.rl+lr.aq", { publish, acquire }, "1:a=1 1:b=0", NULL },
    { "SB+lrsc.aqrl", { announce_x, announce_y }, "0:a=0 1:a=0", NULL },
    { NULL, { NULL }, NULL, NULL },
};
