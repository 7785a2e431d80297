/*
 * From text to operations: "send:0,1,7,16,1 -call:124 recv:^0". Words with operands behind a colon; a minus before one: without marks.
 * An operand is a number (decimal, or hexadecimal after 0x, with a sign) after a letter that says what it means:
 *
 *   n     the number            %n    pid of process n
 *   &n    address of byte n of the performer's buffer
 *   $n    address of word n of the process's shared memory
 *   @n    result of operation n of this list, one before this one
 *   ^n    result of operation n of the process's set-up
 *
 * Bodies of messages are made here, so that nothing is left to do between two operations.
 */

#include "agent.h"

struct name {
    char text[7];
    uint8_t least; /* operands */
    uint8_t plain; /* from this one on they are numbers and nothing else */
};

#define ANY MAX_OPERANDS

/* In the order of `enum what`. */
static const struct name names[] = {
    { "call", 1, ANY }, { "send", 4, 2 },    { "recv", 1, 1 },  { "stat", 1, ANY }, { "wait", 2, 2 },
    { "sleep", 1, 0 },  { "clock", 1, ANY }, { "load", 1, ANY }, { "store", 2, ANY }, { "add", 2, ANY },
    { "inc", 2, ANY },  { "cas", 3, ANY },   { "peek", 1, ANY }, { "poke", 2, ANY },
    { "lock", 1, ANY }, { "unlock", 1, ANY }, { "spawn", 0, ANY },
    { "await", 2, ANY }, { "fork", 1, 0 }, { "catch", 1, ANY },
};

static bool is_end(char c)
{
    return c == 0 || c == ' ';
}

static const char *read_number(const char *at, long *value, const char *word)
{
    bool negative = *at == '-';
    if (negative)
        at++;
    unsigned long base = 10;
    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    unsigned long n = 0;
    const char *first = at;
    for (;; at++) {
        unsigned long digit = *at >= 'a' ? (unsigned long)(*at - 'a') + 10 : (unsigned long)*at - '0';
        if (digit >= base)
            break;
        n = n * base + digit;
    }
    if (at == first)
        refuse("not a number", word);
    *value = (long)(negative ? -n : n);
    return at;
}

static enum source source_of(char c)
{
    switch (c) {
    case '&': return BUFFER;
    case '$': return WORD;
    case '%': return PID;
    case '@': return OWN_RESULT;
    case '^': return SETUP_RESULT;
    default: return CONSTANT;
    }
}

/* What an operand of this kind and value refers to must be there. */
static void check(const struct operation *operation, int i, uint32_t index, const char *word)
{
    long value = operation->operand[i].value;
    switch (operation->operand[i].source) {
    case BUFFER:
        if (value < 0 || value >= BUFFER_BYTES)
            refuse("beyond the end", word);
        break;
    case WORD:
        if (value < 0 || value >= WORDS)
            refuse("beyond the end", word);
        break;
    case PID:
        if (value < 0 || value >= processes)
            refuse("no such process", word);
        break;
    case OWN_RESULT:
        if (value < 0 || value >= (long)index)
            refuse("not an operation before this one", word);
        break;
    case SETUP_RESULT:
        if (value < 0)
            refuse("not an operation of the set-up", word);
        break;
    case CONSTANT:
        break;
    }
}

/* A body that follows from its tag: the tag, then numbers made from it. */
static void *body_of(uint32_t tag, long size, const char *word)
{
    if (size < 0 || size > MAX_BODY)
        refuse("no such size", word);
    uint32_t *body = allocate((unsigned long)size + 4);
    for (long i = 0; i * 4 < size; i++)
        body[i] = body_word(tag, (uint32_t)i);
    return body;
}

static const char *read_operation(struct operation *operation, const char *word, uint32_t index)
{
    const char *at = word;
    if (*at == '-') {
        operation->quiet = true;
        at++;
    }
    uint8_t what = 0;
    for (;; what++) {
        if (what == sizeof names / sizeof names[0])
            refuse("no such operation", word);
        const char *c = names[what].text;
        int length = 0;
        while (c[length] != 0 && c[length] == at[length])
            length++;
        if (c[length] == 0 && (is_end(at[length]) || at[length] == ':')) {
            at += length;
            break;
        }
    }
    operation->what = what;
    int count = 0;
    while (!is_end(*at)) {
        if (count == MAX_OPERANDS || (*at != ':' && *at != ','))
            refuse("too many operands, or something between them", word);
        at++;
        struct operand *operand = &operation->operand[count];
        operand->source = source_of(*at);
        if (operand->source != CONSTANT) {
            if (count >= names[what].plain)
                refuse("a reference where only a number can be", word);
            at++;
        }
        at = read_number(at, &operand->value, word);
        check(operation, count++, index, word);
    }
    if (count < names[what].least)
        refuse("too few operands", word);
    if (what == SEND)
        operation->body = body_of((uint32_t)operation->operand[2].value, operation->operand[3].value, word);
    return at;
}

struct list read_list(const char *text)
{
    struct list list = { 0 };
    uint32_t count = 0;
    for (const char *c = text; *c != 0; c++)
        count += *c != ' ' && is_end(c[1]);
    list.operations = allocate(count * sizeof *list.operations);
    for (const char *at = text; *at != 0;) {
        if (*at == ' ') {
            at++;
            continue;
        }
        at = read_operation(&list.operations[list.count], at, list.count);
        list.count++;
    }
    return list;
}
