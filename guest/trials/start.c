/* What a program finds at its start: arguments, environment, the auxiliary vector, an aligned stack. */

#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "check.h"

extern char **environ;

int start_trial(int argc, char **argv)
{
    printf("argc %d\n", argc);
    for (int i = 0; i < argc; i++)
        printf("argv[%d] %s\n", i, argv[i]);
    CHECK(argv[argc] == NULL);
    CHECK(environ != NULL);

    CHECK_EQ(getauxval(AT_PAGESZ), 4096);
    CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
    CHECK(getauxval(AT_PHDR) != 0);
    CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    CHECK(getauxval(AT_PHNUM) >= 2);
    CHECK(getauxval(AT_ENTRY) != 0);
    CHECK(getauxval(AT_CLKTCK) == 100);
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_SECURE), 0);

    /* The letters of IMAFDC must be there. */
    unsigned long letters = getauxval(AT_HWCAP);
    for (const char *letter = "IMAFDC"; *letter; letter++)
        CHECK(letters >> (*letter - 'A') & 1);

    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    CHECK(random != NULL);
    int different = 0;
    for (int i = 1; i < 16; i++)
        different += random[i] != random[0];
    CHECK(different > 0);

    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    int loads = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        loads += headers[i].p_type == PT_LOAD;
    CHECK(loads >= 1);
    CHECK((uintptr_t)__builtin_frame_address(0) % 16 == 0);
    CHECK(setenv("TRIAL_VARIABLE", "set", 1) == 0);
    CHECK(strcmp(getenv("TRIAL_VARIABLE"), "set") == 0);
    printf("start: ok\n");
    return 0;
}
