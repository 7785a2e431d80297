/* hello: the smallest sign of life. */

#include <stdio.h>

#include "box.h"

int hello_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("Hello from a RISC-V process!\n");
    return 0;
}
