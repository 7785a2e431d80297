/*
 * box: many small programs in one executable. The name it is called by, or else its first argument, chooses the applet.
 */

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "box.h"

const struct applet applets[] = {
#define APPLET(name, arguments, summary) { #name, arguments, summary, name##_main },
#include "applets.h"
#undef APPLET
    { NULL, NULL, NULL, NULL },
};

extern char **environ;
static const char *self = "box";

int fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", self, what, strerror(errno));
    return 1;
}

static const struct applet *find(const char *name)
{
    for (const struct applet *a = applets; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

int usage(const char *name)
{
    const struct applet *a = find(name);
    fprintf(stderr, "usage: %s %s\n", name, a ? a->arguments : "");
    return 2;
}

bool parse_seconds(const char *text, double *seconds)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 366 * 86400.0))
        return false;
    *seconds = value;
    return true;
}

void sleep_seconds(double seconds)
{
    struct timespec left = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

pid_t start(char *const argv[])
{
    char path[64];
    pid_t pid;
    snprintf(path, sizeof path, "/bin/%s", argv[0]);
    fflush(NULL);
    int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    if (error == 0)
        return pid;
    errno = error;
    return -1;
}

struct hb_process *list_processes(size_t *count)
{
    /* Processes come and go between two calls: ask again with more room until all fit. */
    for (size_t room = 64;; room *= 2) {
        struct hb_process *list = calloc(room, sizeof *list);
        if (!list)
            return NULL;
        int n = hb_processes(list, room);
        if (n >= 0 && (size_t)n <= room) {
            *count = (size_t)n;
            return list;
        }
        free(list);
        if (n < 0)
            return NULL;
    }
}

const char *state_name(uint32_t state)
{
    switch (state) {
    case HB_READY: return "READY";
    case HB_RUNNING: return "RUNNING";
    case HB_BLOCKED: return "BLOCKED";
    case HB_STOPPED: return "STOPPED";
    case HB_ZOMBIE: return "ZOMBIE";
    default: return "?";
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "box";
    const char *slash = strrchr(name, '/');
    const struct applet *a = find(slash ? slash + 1 : name);

    if (!a && argc > 1) {
        argc--;
        argv++;
        a = find(argv[0]);
        if (!a) {
            fprintf(stderr, "box: %s: no such applet\n", argv[0]);
            return 127;
        }
    }
    if (!a) {
        printf("usage: box applet [arguments]\napplets:");
        for (a = applets; a->name; a++)
            if (*a->summary)
                printf(" %s", a->name);
        printf("\n");
        return 2;
    }
    self = a->name;
    prctl(PR_SET_NAME, a->name); /* so that ps shows the applet, however it was started */
    int status = a->main(argc, argv);
    if (fflush(stdout) == EOF && status == 0)
        status = fail("stdout");
    return status;
}
