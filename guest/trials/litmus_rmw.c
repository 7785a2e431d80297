/*
 * Every AMO against another hart's plain store: no store may vanish between an AMO's load and its store.
 *
 * Each AMO but the swap is given an operand that leaves 0 and 2 as they are. So the word ends as what was stored, whichever comes
 * first; unless the AMO has written back the 0 that it had loaded before.
 */

#include "litmus.h"

#define AMO(name, width, operand) \
    BODY(name##_##width, "li %[t], " #operand "\n amo" #name "." #width " %[a], %[t], (%[x])\n")

AMO(add, w, 0)
AMO(add, d, 0)
AMO(swap, w, 1)
AMO(swap, d, 1)
AMO(and, w, -1)
AMO(and, d, -1)
AMO(or, w, 0)
AMO(or, d, 0)
AMO(xor, w, 0)
AMO(xor, d, 0)
AMO(max, w, -1)
AMO(max, d, -1)
AMO(min, w, 7)
AMO(min, d, 7)
AMO(maxu, w, 0)
AMO(maxu, d, 0)
AMO(minu, w, -1)
AMO(minu, d, -1)
BODY(store_w, "sw %[two], 0(%[x])\n")
BODY(store_d, "sd %[two], 0(%[x])\n")

#define UNDONE "x=0 | 0:a=1"
#define UNDONE_SWAP "0:a=0 x=1 | 0:a=2 x=2 | x=0 | 0:a=1"

const struct litmus litmus_rmw[] = {
    { "amoadd.w+sw", { add_w, store_w }, UNDONE, NULL },
    { "amoadd.d+sd", { add_d, store_d }, UNDONE, NULL },
    { "amoswap.w+sw", { swap_w, store_w }, UNDONE_SWAP, NULL },
    { "amoswap.d+sd", { swap_d, store_d }, UNDONE_SWAP, NULL },
    { "amoand.w+sw", { and_w, store_w }, UNDONE, NULL },
    { "amoand.d+sd", { and_d, store_d }, UNDONE, NULL },
    { "amoor.w+sw", { or_w, store_w }, UNDONE, NULL },
    { "amoor.d+sd", { or_d, store_d }, UNDONE, NULL },
    { "amoxor.w+sw", { xor_w, store_w }, UNDONE, NULL },
    { "amoxor.d+sd", { xor_d, store_d }, UNDONE, NULL },
    { "amomax.w+sw", { max_w, store_w }, UNDONE, NULL },
    { "amomax.d+sd", { max_d, store_d }, UNDONE, NULL },
    { "amomin.w+sw", { min_w, store_w }, UNDONE, NULL },
    { "amomin.d+sd", { min_d, store_d }, UNDONE, NULL },
    { "amomaxu.w+sw", { maxu_w, store_w }, UNDONE, NULL },
    { "amomaxu.d+sd", { maxu_d, store_d }, UNDONE, NULL },
    { "amominu.w+sw", { minu_w, store_w }, UNDONE, NULL },
    { "amominu.d+sd", { minu_d, store_d }, UNDONE, NULL },
    { NULL, { NULL }, NULL, NULL },
};
