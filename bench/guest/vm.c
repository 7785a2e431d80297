/*
 * An interpreter in the guest: a register machine whose instructions are fetched and switched over one by one. It looks for the number
 * below 3000 with the longest Collatz sequence, which is 2919 with 216 steps.
 */

#include "bench.h"

#define BELOW 3000
#define BEST 2919
#define STEPS 216

enum op { SET, MOVE, ADD, MULTIPLY, SHIFT, AND, JUMP, JUMP_IF_ZERO, JUMP_IF_LESS, JUMP_IF_SAME, HALT };

struct instruction {
    uint8_t op, to, left, right;
    /* Constant, or where to jump. */
    int32_t value;
};

enum { N, X, LENGTH, LONGEST, WINNER, LIMIT, BIT, ONE, REGISTERS };

static const struct instruction program[] = {
    /*  0 */ {SET, N, 0, 0, 1},
    /*  1 */ {SET, LONGEST, 0, 0, 0},
    /*  2 */ {SET, LIMIT, 0, 0, BELOW},
    /*  3 */ {SET, ONE, 0, 0, 1},
    /* next number */
    /*  4 */ {MOVE, X, N, 0, 0},
    /*  5 */ {SET, LENGTH, 0, 0, 0},
    /* next step */
    /*  6 */ {JUMP_IF_SAME, 0, X, ONE, 15},
    /*  7 */ {ADD, LENGTH, LENGTH, 0, 1},
    /*  8 */ {AND, BIT, X, 0, 1},
    /*  9 */ {JUMP_IF_ZERO, 0, BIT, 0, 13},
    /* 10 */ {MULTIPLY, X, X, 0, 3},
    /* 11 */ {ADD, X, X, 0, 1},
    /* 12 */ {JUMP, 0, 0, 0, 6},
    /* 13 */ {SHIFT, X, X, 0, 1},
    /* 14 */ {JUMP, 0, 0, 0, 6},
    /* arrived at 1 */
    /* 15 */ {JUMP_IF_LESS, 0, LONGEST, LENGTH, 19},
    /* 16 */ {ADD, N, N, 0, 1},
    /* 17 */ {JUMP_IF_LESS, 0, N, LIMIT, 4},
    /* 18 */ {HALT, 0, 0, 0, 0},
    /* the longest so far */
    /* 19 */ {MOVE, LONGEST, LENGTH, 0, 0},
    /* 20 */ {MOVE, WINNER, N, 0, 0},
    /* 21 */ {JUMP, 0, 0, 0, 16},
};

static NOINLINE void interpret(const struct instruction *code, int64_t *r) {
    for (const struct instruction *pc = code;; pc++) {
        switch (pc->op) {
        case SET:
            r[pc->to] = pc->value;
            break;
        case MOVE:
            r[pc->to] = r[pc->left];
            break;
        case ADD:
            r[pc->to] = r[pc->left] + pc->value;
            break;
        case MULTIPLY:
            r[pc->to] = r[pc->left] * pc->value;
            break;
        case SHIFT:
            r[pc->to] = r[pc->left] >> pc->value;
            break;
        case AND:
            r[pc->to] = r[pc->left] & pc->value;
            break;
        case JUMP:
            pc = code + pc->value - 1;
            break;
        case JUMP_IF_ZERO:
            if (r[pc->left] == 0)
                pc = code + pc->value - 1;
            break;
        case JUMP_IF_LESS:
            if (r[pc->left] < r[pc->right])
                pc = code + pc->value - 1;
            break;
        case JUMP_IF_SAME:
            if (r[pc->left] == r[pc->right])
                pc = code + pc->value - 1;
            break;
        case HALT:
            return;
        }
    }
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    int64_t registers[REGISTERS] = {0};
    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        registers[WINNER] = 0;
        FORGET();
        interpret(program, registers);
        EXPECT(registers[WINNER], BEST);
        EXPECT(registers[LONGEST], STEPS);
    }
    report(BEST, now_ns() - begin);
    return 0;
}
