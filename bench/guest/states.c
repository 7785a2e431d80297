/*
 * A state machine reads numbers in a text: which of them are integers, decimal fractions, numbers with an exponent, or none at all?
 * A switch and data-dependent branches for every byte, as in a parser. The text's author knows how many of each kind there are.
 */

#include "bench.h"

#define BYTES 32768
#define CHANGES 30763 /* of state in the whole text, each weighted with the number of the state; gcc's and qemu's agree */

enum kind { INTEGER, FRACTION, SCIENTIFIC, INVALID, KINDS };
enum state { START, SIGN, DIGITS, POINT, DECIMALS, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS, WRONG };

static char text[BYTES + 1];

/* Reads one field and what ends it; counts how often each state is entered. */
static inline const char *field(const char *p, enum kind *kind, uint32_t *entered) {
    enum state state = START;
    char c;
    for (; (c = *p) != '\0'; p++) {
        if (c == ',') {
            p++;
            break;
        }
        enum state next = state;
        int digit = c >= '0' && c <= '9';
        switch (state) {
        case START:
            next = digit ? DIGITS : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : WRONG;
            break;
        case SIGN:
            next = digit ? DIGITS : c == '.' ? POINT : WRONG;
            break;
        case DIGITS:
            next = digit ? DIGITS : c == '.' ? DECIMALS : c == 'e' || c == 'E' ? EXPONENT : WRONG;
            break;
        case POINT:
            next = digit ? DECIMALS : WRONG;
            break;
        case DECIMALS:
            next = digit ? DECIMALS : c == 'e' || c == 'E' ? EXPONENT : WRONG;
            break;
        case EXPONENT:
            next = digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : WRONG;
            break;
        case EXPONENT_SIGN:
        case EXPONENT_DIGITS:
            next = digit ? EXPONENT_DIGITS : WRONG;
            break;
        case WRONG:
            break;
        }
        if (next != state) {
            entered[next]++;
            state = next;
        }
    }
    *kind = state == DIGITS ? INTEGER : state == DECIMALS ? FRACTION : state == EXPONENT_DIGITS ? SCIENTIFIC : INVALID;
    return p;
}

static NOINLINE void classify(const char *p, uint32_t *counts, uint32_t *entered) {
    while (*p != '\0') {
        enum kind kind;
        p = field(p, &kind, entered);
        counts[kind]++;
    }
}

static char *digits(char *p, uint64_t *state) {
    for (uint64_t n = 1 + next_random(state) % 7; n > 0; n--)
        *p++ = (char)('0' + next_random(state) % 10);
    return p;
}

/* Writes fields and returns how many of each kind. */
static void write_text(uint32_t counts[KINDS]) {
    uint64_t state = 161803;
    char *p = text;
    while (p < text + BYTES - 64) {
        enum kind kind = (enum kind)(next_random(&state) % KINDS);
        counts[kind]++;
        if (next_random(&state) % 3 == 0)
            *p++ = next_random(&state) % 2 ? '-' : '+';
        p = digits(p, &state);
        if (kind != INTEGER) {
            *p++ = '.';
            p = digits(p, &state);
        }
        if (kind == SCIENTIFIC) {
            *p++ = next_random(&state) % 2 ? 'e' : 'E';
            if (next_random(&state) % 2)
                *p++ = '-';
            p = digits(p, &state);
        }
        if (kind == INVALID) {
            *p++ = "xe.+"[next_random(&state) % 4];
            if (p[-1] != 'e')
                p = digits(p, &state);
        }
        *p++ = ',';
    }
    *p = '\0';
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    uint32_t written[KINDS] = {0};
    write_text(written);

    uint32_t counts[KINDS] = {0}, entered[WRONG + 1] = {0};
    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        classify(text, counts, entered);
        FORGET();
    }
    uint64_t ns = now_ns() - begin;
    for (int i = 0; i < KINDS; i++)
        EXPECT(counts[i], (uint32_t)repetitions * written[i]);
    uint32_t changes = 0;
    for (uint32_t i = 0; i <= WRONG; i++)
        changes += i * entered[i];
    EXPECT(changes, (uint32_t)repetitions * CHANGES);
    report(written[INTEGER] + written[FRACTION] + written[SCIENTIFIC], ns);
    return 0;
}
