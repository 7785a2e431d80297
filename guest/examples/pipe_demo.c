/*
 * pipe_demo: a parent writes into a pipe, its child reads until the end of file.
 *
 *     parent (writer) --- write() ---> [ pipe in the kernel ] --- read() ---> child (reader)
 *
 * fork copies both descriptors, so afterwards both processes hold both ends. Each closes the one that it does not use: a reader sees the
 * end of file only when the last write end is closed, and its own copy counts. `pipe_demo forget` leaves that out in the child, which then
 * waits for ever for what only itself could write.
 *
 * As a program of its own: riscv64-linux-gnu-gcc -O2 -static -Dpipe_demo_main=main -o pipe_demo guest/examples/pipe_demo.c
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int pipe_demo_main(int argc, char **argv);

/* Reads to the end of file, and prints. */
static int reader(int fd)
{
    char buffer[64];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        printf("child: read %zd bytes: %.*s\n", n, (int)n, buffer);
        fflush(stdout);
    }
    if (n == -1) {
        perror("child: read");
        return 1;
    }
    printf("child: end of file, every write end is closed\n");
    fflush(stdout);
    return 0;
}

/* The child, which forgot to close its write end, has read all there was. */
static int tell_and_kill(pid_t child)
{
    struct timespec half_a_second = { .tv_nsec = 500000000 };
    nanosleep(&half_a_second, NULL);
    if (waitpid(child, NULL, WNOHANG) != 0) {
        fprintf(stderr, "pipe_demo: the child has ended, which it cannot\n");
        return 1;
    }
    printf("parent: my write end is closed, but the child holds one itself and still waits; killing it\n");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

int pipe_demo_main(int argc, char **argv)
{
    static const char text[] = "hello through the pipe";
    int ends[2]; /* [0] to read from, [1] to write into */
    int forget = argc > 1 && strcmp(argv[1], "forget") == 0;

    if (argc > 1 + forget) {
        fprintf(stderr, "usage: pipe_demo [forget]\n");
        return 2;
    }
    if (pipe(ends) == -1) {
        perror("pipe");
        return 1;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == -1) {
        perror("fork");
        return 1;
    }
    if (child == 0) {
        if (!forget)
            close(ends[1]);
        _exit(reader(ends[0]));
    }
    close(ends[0]);
    if (write(ends[1], text, strlen(text)) == -1)
        perror("parent: write");
    close(ends[1]); /* the end of file, for a child without a write end */

    if (forget)
        return tell_and_kill(child);
    int status;
    if (waitpid(child, &status, 0) == -1)
        perror("waitpid");
    printf("parent: the child has ended with status %d\n", WEXITSTATUS(status));
    return WEXITSTATUS(status);
}
