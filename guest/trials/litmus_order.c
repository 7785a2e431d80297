/*
 * Shapes over two words: in which order do other harts see what one hart does? Each comes plain, where weak memory shows, and with
 * the fences, annotations or dependencies that forbid it.
 */

#include "litmus.h"

/* Dependencies of what follows on a: its address, its value, whether it is reached. */
#define R_AFTER(value, word) "xor %[t], %[a], %[a]\n add %[t], %[t], %[" #word "]\n lw %[" #value "], 0(%[t])\n"
#define W_DATA(word) "xor %[t], %[a], %[a]\n addi %[t], %[t], 1\n sw %[t], 0(%[" #word "])\n"
#define W_ADDRESS(word, value) "xor %[t], %[a], %[a]\n add %[t], %[t], %[" #word "]\n sw %[" #value "], 0(%[t])\n"
#define BRANCH "beqz %[a], 1f\n 1:\n"

/* Stores and loads as atomics. */
#define W_RL(word, value) "amoswap.w.rl zero, %[" #value "], (%[" #word "])\n"
#define W_AQRL(word, value) "amoswap.w.aqrl zero, %[" #value "], (%[" #word "])\n"
#define R_LR_AQ(value, word) "lr.w.aq %[" #value "], (%[" #word "])\n"
#define R_AMO_AQ(value, word) "amoadd.w.aq %[" #value "], zero, (%[" #word "])\n"
#define TSO "fence.tso\n"

BODY(wx_wy, W(x, one) W(y, one))
BODY(wx_fww_wy, W(x, one) FENCE(w, w) W(y, one))
BODY(wx_tso_wy, W(x, one) TSO W(y, one))
BODY(wx_rl_wy, W(x, one) W_RL(y, one))
BODY(ry_rx, R(a, y) R(b, x))
BODY(ry_frr_rx, R(a, y) FENCE(r, r) R(b, x))
BODY(ry_tso_rx, R(a, y) TSO R(b, x))
BODY(ry_addr_rx, R(a, y) R_AFTER(b, x))
BODY(ry_lr_rx, R_LR_AQ(a, y) R(b, x))
BODY(ry_amo_rx, R_AMO_AQ(a, y) R(b, x))

BODY(wx_ry, W(x, one) R(a, y))
BODY(wy_rx, W(y, one) R(a, x))
BODY(wx_f_ry, W(x, one) FENCE(rw, rw) R(a, y))
BODY(wy_f_rx, W(y, one) FENCE(rw, rw) R(a, x))
BODY(wx_fwr_ry, W(x, one) FENCE(w, r) R(a, y))
BODY(wy_fwr_rx, W(y, one) FENCE(w, r) R(a, x))
BODY(wx_tso_ry, W(x, one) TSO R(a, y))
BODY(wy_tso_rx, W(y, one) TSO R(a, x))
BODY(wx_aqrl_ry, W_AQRL(x, one) R(a, y))
BODY(wy_aqrl_rx, W_AQRL(y, one) R(a, x))
BODY(wx_rl_ry_aq, W_RL(x, one) R_LR_AQ(a, y))
BODY(wy_rl_rx_aq, W_RL(y, one) R_LR_AQ(a, x))

BODY(rx_wy, R(a, x) W(y, one))
BODY(ry_wx, R(a, y) W(x, one))
BODY(rx_f_wy, R(a, x) FENCE(rw, rw) W(y, one))
BODY(ry_f_wx, R(a, y) FENCE(rw, rw) W(x, one))
BODY(rx_data_wy, R(a, x) W_DATA(y))
BODY(ry_data_wx, R(a, y) W_DATA(x))
BODY(rx_addr_wy, R(a, x) W_ADDRESS(y, one))
BODY(ry_addr_wx, R(a, y) W_ADDRESS(x, one))
BODY(rx_ctrl_wy, R(a, x) BRANCH W(y, one))
BODY(ry_ctrl_wx, R(a, y) BRANCH W(x, one))

BODY(w2x_wy, W(x, two) W(y, one))
BODY(w2x_f_wy, W(x, two) FENCE(rw, rw) W(y, one))
BODY(wx_f_wy, W(x, one) FENCE(rw, rw) W(y, one))
BODY(w2y_rx, W(y, two) R(a, x))
BODY(w2y_f_rx, W(y, two) FENCE(rw, rw) R(a, x))
BODY(wx_w2y, W(x, one) W(y, two))
BODY(wy_w2x, W(y, one) W(x, two))
BODY(wx_f_w2y, W(x, one) FENCE(rw, rw) W(y, two))
BODY(wy_f_w2x, W(y, one) FENCE(rw, rw) W(x, two))

BODY(wx, W(x, one))
BODY(wy, W(y, one))
BODY(rx_ry, R(a, x) R(b, y))
BODY(rx_frr_ry, R(a, x) FENCE(r, r) R(b, y))
BODY(rx_addr_ry, R(a, x) R_AFTER(b, y))

#define MP "1:a=1 1:b=0"
#define SB "0:a=0 1:a=0"
#define LB "0:a=1 1:a=1"
#define S "1:a=1 x=2"
#define R_ "1:a=0 y=2"
#define W22 "x=1 y=1"
#define IRIW "2:a=1 2:b=0 3:a=1 3:b=0"
#define WRC "1:a=1 2:a=1 2:b=0"

const struct litmus litmus_order[] = {
    /* Message passing: whoever sees the flag sees the message. */
    { "MP", { wx_wy, ry_rx }, NULL, MP },
    { "MP+fence.w.w+fence.r.r", { wx_fww_wy, ry_frr_rx }, MP, NULL },
    { "MP+fence.tso", { wx_tso_wy, ry_tso_rx }, MP, NULL },
    { "MP+fence.w.w+addr", { wx_fww_wy, ry_addr_rx }, MP, NULL },
    { "MP+amoswap.rl+lr.aq", { wx_rl_wy, ry_lr_rx }, MP, NULL },
    { "MP+amoswap.rl+amoadd.aq", { wx_rl_wy, ry_amo_rx }, MP, NULL },

    /* Store buffering: of two who announce themselves and then look, one sees the other. */
    { "SB", { wx_ry, wy_rx }, NULL, SB },
    { "SB+fence.tso", { wx_tso_ry, wy_tso_rx }, NULL, SB },
    { "SB+fence.rw.rw", { wx_f_ry, wy_f_rx }, SB, NULL },
    { "SB+fence.w.r", { wx_fwr_ry, wy_fwr_rx }, SB, NULL },
    { "SB+amoswap.aqrl", { wx_aqrl_ry, wy_aqrl_rx }, SB, NULL },
    { "SB+amoswap.rl+lr.aq", { wx_rl_ry_aq, wy_rl_rx_aq }, SB, NULL },

    /* Load buffering: no load sees a store that comes of it. */
    { "LB", { rx_wy, ry_wx }, NULL, LB },
    { "LB+fence.rw.rw", { rx_f_wy, ry_f_wx }, LB, NULL },
    { "LB+data", { rx_data_wy, ry_data_wx }, LB, NULL },
    { "LB+addr", { rx_addr_wy, ry_addr_wx }, LB, NULL },
    { "LB+ctrl", { rx_ctrl_wy, ry_ctrl_wx }, LB, NULL },

    /* Which of two stores to a word is the later one, against what was seen of another word. */
    { "S", { w2x_wy, ry_wx }, NULL, S },
    { "S+fence.rw.rw", { w2x_f_wy, ry_f_wx }, S, NULL },
    { "S+fence.rw.rw+data", { w2x_f_wy, ry_data_wx }, S, NULL },
    { "R", { wx_wy, w2y_rx }, NULL, R_ },
    { "R+fence.rw.rw", { wx_f_wy, w2y_f_rx }, R_, NULL },
    { "2+2W", { wx_w2y, wy_w2x }, NULL, W22 },
    { "2+2W+fence.rw.rw", { wx_f_w2y, wy_f_w2x }, W22, NULL },

    /* Independent readers agree in which order two stores happened. */
    { "IRIW", { wx, wy, rx_ry, ry_rx }, NULL, IRIW },
    { "IRIW+fence.r.r", { wx, wy, rx_frr_ry, ry_frr_rx }, IRIW, NULL },
    { "IRIW+addr", { wx, wy, rx_addr_ry, ry_addr_rx }, IRIW, NULL },

    /* What one has seen and passed on, the third sees too. */
    { "WRC", { wx, rx_wy, ry_rx }, NULL, WRC },
    { "WRC+fence.rw.rw+fence.r.r", { wx, rx_f_wy, ry_frr_rx }, WRC, NULL },
    { "WRC+data+addr", { wx, rx_data_wy, ry_addr_rx }, WRC, NULL },
    { NULL, { NULL }, NULL, NULL },
};
