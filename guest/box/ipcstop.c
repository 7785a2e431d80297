/* ipcstop: kills the processes that ipctest left waiting, and waits until they are gone. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "ipctest.h"

#define POLL_SECONDS 0.001
#define POLLS 5000

static bool is_called(const struct hb_process *process, const char *name)
{
    return strncmp(process->name, name, sizeof process->name) == 0;
}

size_t find_ipctest(struct hb_process **found)
{
    size_t count = 0, matches = 0;
    struct hb_process *list = list_processes(&count);

    for (size_t i = 0; list && i < count; i++)
        if (list[i].state != HB_ZOMBIE && (is_called(&list[i], IPC_SERVER) || is_called(&list[i], IPC_CLIENT)))
            list[matches++] = list[i];
    if (found)
        *found = list;
    else
        free(list);
    return matches;
}

int ipcstop_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (hb_processes(NULL, 0) == -1)
        return fail("no list of processes");

    struct hb_process *list;
    size_t count = find_ipctest(&list);
    int status = 0;
    if (count == 0) {
        printf("ipcstop: ipctest is not running\n");
        status = 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (kill((pid_t)list[i].pid, SIGKILL) == 0)
            printf("ipcstop: stopped %s (PID %u)\n", list[i].name, list[i].pid);
        else if (errno != ESRCH)
            status = fail(list[i].name);
    }
    free(list);

    /* A killed process may still run for a moment on another hart. */
    for (int i = 0; i < POLLS && status == 0 && find_ipctest(NULL) > 0; i++)
        sleep_seconds(POLL_SECONDS);
    return status;
}
