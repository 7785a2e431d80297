/* sort: the lines of its input in order of their bytes; -n by the number they begin with, -r backwards, -u each only once. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

/* A decimal number as text: compared digit by digit, so that none is too long. */
struct number {
    bool negative;
    const char *whole, *fraction;
    size_t whole_length, fraction_length;
};

struct line {
    char *text;
    size_t order; /* in the input: of equals the first one stays */
    struct number number;
};

static struct line *all;
static size_t count, room;
static bool numeric, backwards, unique;

static struct number parse(const char *p)
{
    struct number n = { 0 };
    p += strspn(p, " \t");
    n.negative = *p == '-';
    p += n.negative;
    p += strspn(p, "0");
    n.whole = p;
    n.whole_length = strspn(p, "0123456789");
    p += n.whole_length;
    n.fraction = *p == '.' ? p + 1 : p;
    n.fraction_length = *p == '.' ? strspn(p + 1, "0123456789") : 0;
    while (n.fraction_length && n.fraction[n.fraction_length - 1] == '0')
        n.fraction_length--;
    if (!n.whole_length && !n.fraction_length)
        n.negative = false;
    return n;
}

static int read_lines(FILE *file, const char *name)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    (void)name;

    while ((length = getline(&text, &size, file)) > 0) {
        if (text[length - 1] == '\n')
            text[length - 1] = 0;
        if (count == room) {
            room = room ? room * 2 : 1024;
            all = realloc(all, room * sizeof *all);
        }
        char *kept = all ? strdup(text) : NULL;
        if (!kept)
            exit(fail("memory"));
        all[count] = (struct line){ .text = kept, .order = count };
        if (numeric)
            all[count].number = parse(kept);
        count++;
    }
    free(text);
    return 0;
}

static int compare_numbers(const struct number *x, const struct number *y)
{
    int order; /* of the sizes, whatever the signs */
    if (x->negative != y->negative)
        return x->negative ? -1 : 1;
    if (x->whole_length != y->whole_length) {
        order = x->whole_length < y->whole_length ? -1 : 1;
    } else {
        order = memcmp(x->whole, y->whole, x->whole_length);
        size_t shorter = x->fraction_length < y->fraction_length ? x->fraction_length : y->fraction_length;
        if (!order)
            order = memcmp(x->fraction, y->fraction, shorter);
        if (!order)
            order = (x->fraction_length > shorter) - (y->fraction_length > shorter);
    }
    return x->negative ? -order : order;
}

static int keys(const struct line *a, const struct line *b)
{
    return numeric ? compare_numbers(&a->number, &b->number) : strcmp(a->text, b->text);
}

static int compare(const void *first, const void *second)
{
    const struct line *a = first, *b = second;
    int order = keys(a, b);
    if (!order && unique)
        return a->order < b->order ? -1 : 1;
    if (!order && numeric)
        order = strcmp(a->text, b->text);
    return backwards ? -order : order;
}

int sort_main(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "nru")) != -1;) {
        if (option == '?')
            return usage("sort");
        numeric |= option == 'n';
        backwards |= option == 'r';
        unique |= option == 'u';
    }
    int status = each_input(argv + optind, read_lines);
    if (count)
        qsort(all, count, sizeof *all, compare);
    for (size_t i = 0; i < count; i++)
        if (!unique || i == 0 || keys(&all[i - 1], &all[i]) != 0)
            puts(all[i].text);
    return status ? 2 : 0;
}
