/* uniq: of equal lines that follow each other, one; -c says how many there were, -d and -u leave only those that were several or one. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

static bool counted, repeated, single;

static void print(const char *line, unsigned long count)
{
    if (!count || (repeated && count == 1) || (single && count > 1))
        return;
    if (counted)
        printf("%7lu ", count);
    puts(line);
}

static int filter(FILE *file, const char *name)
{
    char *line = NULL, *last = NULL;
    size_t size = 0;
    unsigned long count = 0;
    ssize_t length;
    (void)name;

    while ((length = getline(&line, &size, file)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = 0;
        if (count && strcmp(line, last) == 0) {
            count++;
            continue;
        }
        print(last, count);
        free(last);
        last = line;
        line = NULL;
        size = 0;
        count = 1;
    }
    print(last, count);
    free(line);
    free(last);
    return 0;
}

int uniq_main(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "cdu")) != -1;) {
        if (option == '?')
            return usage("uniq");
        counted |= option == 'c';
        repeated |= option == 'd';
        single |= option == 'u';
    }
    if (argc - optind > 1)
        return usage("uniq");
    return each_input(argv + optind, filter);
}
