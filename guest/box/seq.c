/* seq: numbers from first to last by an increment, one a line or with what -s says between; -w pads with zeros. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

/* Parses a number and notes how many digits it has behind the point. */
static bool parse(const char *text, double *value, int *places)
{
    char *end;
    *value = strtod(text, &end);
    const char *point = strchr(text, '.');
    if (point && (int)strlen(point + 1) > *places)
        *places = (int)strlen(point + 1);
    return end != text && !*end && !(*value - *value != 0) && *places < 18;
}

static bool is_number(const char *text)
{
    return isdigit((unsigned char)*text) || *text == '.';
}

int seq_main(int argc, char **argv)
{
    const char *separator = "\n";
    bool pad = false;
    double first = 1, step = 1, last;
    int places = 0;

    /* A negative number is not an option. */
    while (optind < argc && !(argv[optind][0] == '-' && is_number(argv[optind] + 1))) {
        int option = getopt(argc, argv, "+s:w");
        if (option == -1)
            break;
        if (option == '?')
            return usage("seq");
        if (option == 's')
            separator = optarg;
        pad |= option == 'w';
    }
    char **numbers = argv + optind;
    int count = argc - optind;
    if (count < 1 || count > 3 || !parse(numbers[count - 1], &last, &places) || (count > 1 && !parse(numbers[0], &first, &places)) ||
        (count > 2 && !parse(numbers[1], &step, &places)) || step == 0)
        return usage("seq");

    int width = 0, end_width = 0;
    if (pad) {
        width = snprintf(NULL, 0, "%.*f", places, first);
        end_width = snprintf(NULL, 0, "%.*f", places, last);
        width = width > end_width ? width : end_width;
    }
    bool whole = places == 0 && first > -1e15 && last < 1e15 && first < 1e15 && last > -1e15;
    for (long long i = 0;; i++) {
        double value = first + (double)i * step;
        /* Half a unit of the last place more: 0.1 taken ten times is to reach 1. */
        double slack = places ? 1e-9 * (step > 0 ? step : -step) : 0;
        if (step > 0 ? value > last + slack : value < last - slack) {
            if (i > 0)
                putchar('\n');
            return 0;
        }
        if (i > 0)
            fputs(separator, stdout);
        if (whole)
            printf("%0*lld", width, (long long)value);
        else
            printf("%0*.*f", width, places, value);
        if (ferror(stdout))
            return 1;
    }
}
