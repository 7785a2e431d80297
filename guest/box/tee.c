/* tee: copies its input to its output and to files; -a appends to them, -i ignores ^C. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "box.h"

/* Writes all; false when that fails. */
static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n == -1 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
    }
    return true;
}

int tee_main(int argc, char **argv)
{
    static char buffer[65536];
    int flags = O_WRONLY | O_CREAT | O_TRUNC, status = 0;

    for (int option; (option = getopt(argc, argv, "ai")) != -1;) {
        if (option == '?')
            return usage("tee");
        if (option == 'a')
            flags = O_WRONLY | O_CREAT | O_APPEND;
        else
            signal(SIGINT, SIG_IGN);
    }
    int count = argc - optind + 1;
    char **names = argv + optind - 1; /* the entry before the first file stands for the output */
    int *files = calloc((size_t)count, sizeof *files);
    if (!files)
        return fail("memory");
    names[0] = "stdout";
    files[0] = STDOUT_FILENO;
    for (int i = 1; i < count; i++)
        if ((files[i] = open(names[i], flags, 0666)) == -1)
            status = fail(names[i]);
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            status = fail("stdin");
        if (n <= 0)
            break;
        for (int i = 0; i < count; i++)
            if (files[i] != -1 && !write_all(files[i], buffer, (size_t)n)) {
                status = fail(names[i]);
                files[i] = -1;
            }
    }
    free(files);
    return status;
}
