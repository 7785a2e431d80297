/* date: the time, or what a format behind + asks for. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

int date_main(int argc, char **argv)
{
    const char *format = "%a %b %e %H:%M:%S %Z %Y";
    char text[512];

    for (int option; (option = getopt(argc, argv, "u")) != -1;) {
        if (option == '?')
            return usage("date");
        setenv("TZ", "UTC0", 1);
    }
    if (optind < argc && (argv[optind][0] != '+' || optind + 1 < argc))
        return usage("date");
    if (optind < argc)
        format = argv[optind] + 1;
    time_t now = time(NULL);
    text[0] = 0;
    if (*format && !strftime(text, sizeof text, format, localtime(&now))) {
        fprintf(stderr, "date: the format gives too much or nothing\n");
        return 1;
    }
    puts(text);
    return 0;
}
