/* cat: files, or standard input, one after the other; -n numbers the lines. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

#define BUFFER 65536

/* Line by line, with numbers. */
static int number_lines(FILE *file, const char *name)
{
    static unsigned long line;
    static bool within;
    int c;
    (void)name;
    while ((c = getc(file)) != EOF) {
        if (!within)
            printf("%6lu\t", ++line);
        within = c != '\n';
        putchar(c);
    }
    return 0;
}

/* As it comes: whatever there is to read goes out at once, so that a slow writer's reader need not wait. */
static int copy_through(FILE *file, const char *name)
{
    static char buffer[BUFFER];
    ssize_t n;
    while ((n = read(fileno(file), buffer, sizeof buffer)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return fail(name);
        for (ssize_t done = 0, wrote; done < n; done += wrote) {
            wrote = write(STDOUT_FILENO, buffer + done, (size_t)(n - done));
            if (wrote == -1 && errno == EINTR)
                wrote = 0;
            else if (wrote == -1)
                return fail("stdout");
        }
    }
    return 0;
}

int cat_main(int argc, char **argv)
{
    bool numbered = false;
    for (int option; (option = getopt(argc, argv, "nu")) != -1;) {
        if (option == '?')
            return usage("cat");
        numbered |= option == 'n';
    }
    return each_input(argv + optind, numbered ? number_lines : copy_through);
}
