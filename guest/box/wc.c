/* wc: lines, words and bytes of each file, and of all; -l, -w and -c choose. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"

struct counts {
    unsigned long long lines, words, bytes;
};

static struct counts total;
static bool lines, words, bytes;
static int width;
static bool unnamed; /* standard input, because no file is named */

static void print(const struct counts *counts, const char *name)
{
    const char *space = "";
    const unsigned long long values[] = { counts->lines, counts->words, counts->bytes };
    const bool wanted[] = { lines, words, bytes };
    for (int i = 0; i < 3; i++)
        if (wanted[i]) {
            printf("%s%*llu", space, width, values[i]);
            space = " ";
        }
    if (name)
        printf(" %s", name);
    putchar('\n');
}

static int count(FILE *file, const char *name)
{
    static char buffer[65536];
    struct counts counts = { 0 };
    bool within = false;
    ssize_t n;

    while ((n = read(fileno(file), buffer, sizeof buffer)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return fail(name);
        counts.bytes += (unsigned long long)n;
        for (ssize_t i = 0; i < n && (lines || words); i++) {
            bool space = isspace((unsigned char)buffer[i]);
            counts.lines += buffer[i] == '\n';
            counts.words += !space && !within;
            within = !space;
        }
    }
    total.lines += counts.lines;
    total.words += counts.words;
    total.bytes += counts.bytes;
    print(&counts, unnamed ? NULL : name);
    return 0;
}

/* Digits that any of the numbers may have, by the sizes of the files; 7 when something is no file. */
static int digits(char **names)
{
    unsigned long long sum = 0;
    int n = 1;
    struct stat status;
    for (; *names; names++) {
        if ((strcmp(*names, "-") == 0 ? fstat(STDIN_FILENO, &status) : stat(*names, &status)) == -1)
            continue;
        if (!S_ISREG(status.st_mode))
            return 7;
        sum += (unsigned long long)status.st_size;
    }
    for (; sum >= 10; sum /= 10)
        n++;
    return n;
}

int wc_main(int argc, char **argv)
{
    static char *standard[] = { "-", NULL };
    for (int option; (option = getopt(argc, argv, "lwc")) != -1;) {
        if (option == '?')
            return usage("wc");
        lines |= option == 'l';
        words |= option == 'w';
        bytes |= option == 'c';
    }
    if (!lines && !words && !bytes)
        lines = words = bytes = true;
    char **names = argv + optind;
    int files = argc - optind;
    unnamed = files == 0;
    width = files <= 1 && lines + words + bytes == 1 ? 1 : digits(files ? names : standard);
    int status = each_input(names, count);
    if (files > 1)
        print(&total, "total");
    return status;
}
