/* echo: its arguments, with spaces between; -n leaves the newline out, -e interprets \n and its like, -E does not. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

/* The number in `base` of up to `digits` digits at *p, which moves behind it. */
static char number(const char **p, int base, int digits)
{
    char text[4] = "";
    for (int i = 0; i < digits && (base == 16 ? isxdigit((unsigned char)**p) : **p >= '0' && **p <= '7'); i++)
        text[i] = *(*p)++;
    return (char)strtol(text, NULL, base);
}

/* Prints `p` with its escapes; false when \c ends all output. */
static bool print_escaped(const char *p)
{
    static const char letters[] = "abefnrtv\\", bytes[] = "\a\b\033\f\n\r\t\v\\";
    while (*p) {
        const char *letter = *p == '\\' && p[1] ? strchr(letters, p[1]) : NULL;
        if (letter) {
            putchar(bytes[letter - letters]);
            p += 2;
        } else if (*p == '\\' && p[1] == 'c') {
            return false;
        } else if (*p == '\\' && (p[1] == '0' || (p[1] == 'x' && isxdigit((unsigned char)p[2])))) {
            int base = p[1] == 'x' ? 16 : 8;
            p += 2;
            putchar(number(&p, base, base == 16 ? 2 : 3));
        } else {
            putchar(*p++);
        }
    }
    return true;
}

int echo_main(int argc, char **argv)
{
    bool newline = true, escapes = false;
    int first = 1;

    for (; first < argc && argv[first][0] == '-' && argv[first][1] && !argv[first][1 + strspn(argv[first] + 1, "neE")]; first++)
        for (const char *option = argv[first] + 1; *option; option++) {
            if (*option == 'n')
                newline = false;
            else
                escapes = *option == 'e';
        }
    for (int i = first; i < argc; i++) {
        if (i > first)
            putchar(' ');
        if (!escapes)
            fputs(argv[i], stdout);
        else if (!print_escaped(argv[i]))
            return 0;
    }
    if (newline)
        putchar('\n');
    return 0;
}
