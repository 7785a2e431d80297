/* Figures of fork, as key=value on a line. */

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* fork, _exit in the child, and waiting for it; with so many more pages of data in the process. */
int forkwait_trial(int argc, char **argv)
{
    long rounds = number_argument(argc, argv, 1, 1000), pages = number_argument(argc, argv, 2, 0);
    char *data = malloc((size_t)pages * 4096 + 1);
    CHECK(data != NULL);
    memset(data, 1, (size_t)pages * 4096 + 1);
    uint64_t begin = now_ns();
    for (long i = 0; i < rounds; i++) {
        pid_t pid = fork();
        CHECK_OK(pid);
        if (pid == 0)
            _exit(0);
        CHECK_EQ(wait_status_of(pid), 0);
    }
    uint64_t time = now_ns() - begin;
    printf("forks=%ld\nns_per_fork=%.1f\n", rounds, (double)time / (double)(rounds ? rounds : 1));
    return 0;
}
