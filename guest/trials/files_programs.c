/* Programs as files: who may run what, scripts and their interpreters, how long arguments may be. */

/* The size of guest/bin is limited, and nothing here is about speed. */
#pragma GCC optimize("Os")

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "files.h"

static char *volatile bad = (char *)8;
static char *no_arguments[] = { "name", NULL };
static char *truth[] = { "true", NULL };

/* Runs a program in a child; its exit status, or 100 + errno when it cannot be executed. */
static int run(const char *path, char **argv)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        execv(path, argv);
        _exit(100 + errno);
    }
    return WEXITSTATUS(wait_status_of(pid));
}

static void put_program(const char *path, const char *text, mode_t mode)
{
    put_text(path, text);
    CHECK_OK(chmod(path, mode));
}

static void refused(void)
{
    char name[300];
    memset(name, 'x', 299);
    name[299] = 0;
    put_program("plain", "text\n", 0644);
    put_program("runnable", "text\n", 0755);
    put_program("empty", "", 0755);
    CHECK_OK(mkdir("dir", 0755));
    CHECK_OK(symlink("loop", "loop"));
    CHECK_OK(mkfifo("fifo", 0777));
    CHECK_ERRNO(execv("", no_arguments), ENOENT);
    CHECK_ERRNO(execv("none", no_arguments), ENOENT);
    CHECK_ERRNO(execv("plain", no_arguments), EACCES);
    CHECK_ERRNO(execv("dir", no_arguments), EACCES);
    CHECK_ERRNO(execv("fifo", no_arguments), EACCES);
    CHECK_ERRNO(execv("/dev/null", no_arguments), EACCES);
    CHECK_ERRNO(execv("plain/x", no_arguments), ENOTDIR);
    CHECK_ERRNO(execv("runnable/", no_arguments), ENOTDIR);
    CHECK_ERRNO(execv("runnable", no_arguments), ENOEXEC);
    CHECK_ERRNO(execv("empty", no_arguments), ENOEXEC);
    CHECK_ERRNO(execv("loop", no_arguments), ELOOP);
    CHECK_ERRNO(execv(name, no_arguments), ENAMETOOLONG);
    CHECK_ERRNO(syscall(SYS_execve, bad, no_arguments, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_execve, "runnable", bad, NULL), EFAULT);
    int fd = open("runnable", O_WRONLY);
    CHECK_ERRNO(execv("runnable", no_arguments), ETXTBSY);
    CHECK_OK(close(fd));
    printf("refused: ok\n");
}

static void scripts(void)
{
    char *two[] = { "ignored", "first", "second word", NULL };
    put_program("script", "#!/bin/echo\nwhatever\n", 0755);
    CHECK_EQ(run("./script", two), 0);
    put_program("option", "#!  /bin/echo  -n one two  \t \nwhatever\n", 0755);
    CHECK_EQ(run("./option", two), 0);
    printf("\n");
    put_program("unended", "#!/bin/echo", 0755);
    CHECK_EQ(run("./unended", two), 0);
    put_program("chained", "#!./script through\n", 0755);
    CHECK_EQ(run("./chained", two), 0);
    put_program("nobody", "#!/no/such/interpreter\n", 0755);
    CHECK_EQ(run("./nobody", two), 100 + ENOENT);
    put_program("forbidden", "#!./plain\n", 0755);
    CHECK_EQ(run("./forbidden", two), 100 + EACCES);
    put_program("nothing", "#!\n", 0755);
    CHECK_EQ(run("./nothing", two), 100 + ENOEXEC);
    put_program("blank", "#!   \t \n", 0755);
    CHECK_EQ(run("./blank", two), 100 + ENOEXEC);
    put_program("noend", "#!", 0755);
    CHECK_EQ(run("./noend", two), 100 + EACCES); /* an empty name is the working directory's */
    put_program("itself", "#!./itself\n", 0755);
    CHECK_EQ(run("./itself", two), 100 + ELOOP);
    put_program("unreadable", "#!/bin/echo\n", 0111);
    CHECK_EQ(run("./unreadable", two), 0);
    /* Five scripts one behind the other can be, six cannot. */
    for (int i = 0; i < 6; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "level%d", i);
        snprintf(text, sizeof text, i == 0 ? "#!/bin/echo\n" : "#!./level%d\n", i - 1);
        put_program(name, text, 0755);
    }
    CHECK_EQ(run("./level4", two), 0);
    CHECK_EQ(run("./level5", two), 100 + ELOOP);
    /* Of a line only the beginning is looked at. */
    char line[400];
    memset(line, 'n', sizeof line);
    memcpy(line, "#!", 2);
    line[399] = 0;
    put_program("endless", line, 0755);
    CHECK_EQ(run("./endless", two), 100 + ENOEXEC);
    memcpy(line, "#!/bin/echo ", 12);
    put_program("cut", line, 0755);
    CHECK_EQ(run("./cut", two), 0);
    printf("scripts: ok\n");
}

static void long_arguments(void)
{
    enum { STRINGS = 40000, BIG = 32 * 4096 };
    char **argv = malloc((STRINGS * 10 + 1) * sizeof *argv);
    char *big = malloc(BIG + 1);
    memset(big, 'x', BIG);
    /* A megabyte of them is no trouble. */
    for (int i = 0; i < STRINGS; i++)
        argv[i] = i == 0 ? "true" : "a string of 16 .";
    argv[STRINGS] = NULL;
    CHECK_EQ(run("/bin/true", argv), 0);
    for (int i = 0; i < STRINGS * 10; i++)
        argv[i] = i == 0 ? "true" : "";
    argv[STRINGS * 10] = NULL;
    CHECK_EQ(run("/bin/true", argv), 100 + E2BIG);
    argv[1] = big;
    argv[2] = NULL;
    big[BIG - 1] = 0;
    CHECK_EQ(run("/bin/true", argv), 0);
    big[BIG - 1] = 'x';
    big[BIG] = 0;
    CHECK_EQ(run("/bin/true", argv), 100 + E2BIG);
    big[BIG - 1] = 0;
    for (int i = 1; i < 17; i++)
        argv[i] = big;
    argv[17] = NULL;
    CHECK_EQ(run("/bin/true", argv), 100 + E2BIG);
    argv[15] = NULL;
    CHECK_EQ(run("/bin/true", argv), 0);
    free(big);
    free(argv);
    printf("long arguments: ok\n");
}

/* What qemu does not show, for there the program that runs is qemu. */
static void running(void)
{
    char text[4096];
    if (!on_hartbeat())
        return;
    int from = open("/proc/self/exe", O_RDONLY), to = open("copy", O_WRONLY | O_CREAT, 0755);
    CHECK_OK(from);
    for (ssize_t got; (got = read(from, text, sizeof text)) > 0;)
        CHECK_EQ(write(to, text, got), got);
    CHECK_OK(close(from) | close(to));
    pid_t pid = fork();
    if (pid == 0) {
        execl("copy", "copy", "child", "sleep", NULL);
        _exit(errno);
    }
    sleep_ms(50);
    CHECK_ERRNO(open("copy", O_WRONLY), ETXTBSY);
    CHECK_ERRNO(open("copy", O_RDONLY | O_TRUNC), ETXTBSY);
    CHECK_ERRNO(truncate("copy", 0), ETXTBSY);
    CHECK_OK(close(open("copy", O_RDONLY)));
    CHECK_OK(unlink("copy")); /* it runs on */
    CHECK_OK(kill(pid, SIGKILL));
    CHECK_EQ(WTERMSIG(wait_status_of(pid)), SIGKILL);
    int fd = open("/bin/true", O_RDONLY);
    pid = fork();
    if (pid == 0) {
        syscall(SYS_execveat, fd, "", truth, environ, AT_EMPTY_PATH);
        _exit(100 + errno);
    }
    CHECK_EQ(wait_status_of(pid), 0);
    CHECK_ERRNO(syscall(SYS_execveat, fd, "", no_arguments, environ, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_execveat, fd, "", no_arguments, environ, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_execveat, 99, "", no_arguments, environ, AT_EMPTY_PATH), EBADF);
    CHECK_ERRNO(syscall(SYS_execveat, AT_FDCWD, "loop", no_arguments, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
    CHECK_OK(close(fd));
}

int files_programs_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    enter_scratch();
    refused();
    scripts();
    long_arguments();
    running();
    leave_scratch();
    printf("files_programs: ok\n");
    return 0;
}
