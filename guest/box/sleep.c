/* sleep: waits for some seconds; fractions are welcome. */

#include "box.h"

int sleep_main(int argc, char **argv)
{
    double seconds;
    if (argc != 2 || !parse_seconds(argv[1], &seconds))
        return usage("sleep");
    sleep_seconds(seconds);
    return 0;
}
