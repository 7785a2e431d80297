/* tail: the last 10 lines, -n of them, or -c bytes, of each file; with + before the number, all from there on. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

static long long count = 10;
static bool bytes, from_start, titles, began;

/* All from unit `count` on, the first being 1. */
static void print_from(FILE *file)
{
    int c;
    long long skip = count - 1;
    while ((c = getc(file)) != EOF) {
        if (skip <= 0)
            putchar(c);
        else if (bytes || c == '\n')
            skip--;
    }
}

/* The last `count` bytes or lines: all is kept, and what is older than wanted let go whenever it is half of it. */
static int print_last(FILE *file)
{
    char *text = NULL;
    size_t length = 0, room = 0, start = 0;
    int c;

    while ((c = getc(file)) != EOF) {
        if (length == room) {
            if (bytes && count >= 0 && length > 2 * (unsigned long long)count) {
                start = length - (size_t)count;
                memmove(text, text + start, length - start);
                length -= start;
            } else {
                room = room ? room * 2 : 4096;
                char *more = realloc(text, room);
                if (!more) {
                    free(text);
                    return fail("memory");
                }
                text = more;
            }
        }
        text[length++] = (char)c;
    }
    start = length;
    if (bytes) {
        start = length > (unsigned long long)count ? length - (size_t)count : 0;
    } else {
        /* The newline that ends the last line does not begin another one. */
        long long lines = 0;
        while (start > 0) {
            if (text[start - 1] == '\n' && start < length && ++lines == count)
                break;
            start--;
        }
        if (count == 0)
            start = length;
    }
    if (length > start)
        fwrite(text + start, 1, length - start, stdout);
    free(text);
    return 0;
}

static int print_tail(FILE *file, const char *name)
{
    if (titles)
        printf("%s==> %s <==\n", began ? "\n" : "", strcmp(name, "-") == 0 ? "standard input" : name);
    began = true;
    if (!from_start)
        return print_last(file);
    print_from(file);
    return 0;
}

static bool parse(const char *text)
{
    from_start = *text == '+';
    return parse_count(text + (*text == '+' || *text == '-'), &count) && count >= 0;
}

int tail_main(int argc, char **argv)
{
    /* -5 is -n 5, +5 is -n +5. */
    if (argc > 1 && (argv[1][0] == '-' || argv[1][0] == '+') && isdigit((unsigned char)argv[1][1])) {
        if (!parse(argv[1]))
            return usage("tail");
        argv++;
        argc--;
    }
    for (int option; (option = getopt(argc, argv, "n:c:")) != -1;) {
        if (option == '?' || !parse(optarg))
            return usage("tail");
        bytes = option == 'c';
    }
    titles = argc - optind > 1;
    return each_input(argv + optind, print_tail);
}
