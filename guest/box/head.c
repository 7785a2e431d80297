/* head: the first 10 lines, -n of them, or -c bytes, of each file. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

static long long count = 10;
static bool bytes, titles, began;

static int print_head(FILE *file, const char *name)
{
    int c;
    long long left = count;
    if (titles)
        printf("%s==> %s <==\n", began ? "\n" : "", strcmp(name, "-") == 0 ? "standard input" : name);
    began = true;
    while (left > 0 && (c = getc(file)) != EOF) {
        putchar(c);
        if (bytes || c == '\n')
            left--;
    }
    return 0;
}

int head_main(int argc, char **argv)
{
    /* -5 is -n 5. */
    if (argc > 1 && argv[1][0] == '-' && isdigit((unsigned char)argv[1][1])) {
        if (!parse_count(argv[1] + 1, &count))
            return usage("head");
        argv++;
        argc--;
    }
    for (int option; (option = getopt(argc, argv, "n:c:")) != -1;) {
        if (option == '?' || !parse_count(optarg, &count) || count < 0)
            return usage("head");
        bytes = option == 'c';
    }
    titles = argc - optind > 1;
    return each_input(argv + optind, print_head);
}
