/*
 * fifo_server, fifo_client: two programs that are not related meet at a name.
 *
 *     fifo_server /tmp/fifo &
 *     fifo_client /tmp/fifo one two
 *     fifo_client /tmp/fifo stop
 *
 * open waits on both sides until the other is there. Any number of clients may write at the same time: a message of at most PIPE_BUF bytes
 * that is written by one call stays in one piece.
 *
 * The server holds a write end too, which it never uses. Without it, the server would see the end of file each time the last client goes
 * and would have to open the FIFO anew; what a client wrote just before would be lost with the old read end.
 *
 * As programs of their own: riscv64-linux-gnu-gcc -O2 -static -Dfifo_server_main=main -o fifo_server guest/examples/fifo_demo.c
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fifo_server_main(int argc, char **argv);
int fifo_client_main(int argc, char **argv);

/* Prints the messages, lines, until one is "stop". */
static int serve(FILE *fifo)
{
    char line[PIPE_BUF + 1];
    while (fgets(line, sizeof line, fifo)) {
        if (strcmp(line, "stop\n") == 0)
            return 0;
        printf("server: %s", line);
        fflush(stdout);
    }
    perror("fifo_server: read");
    return 1;
}

int fifo_server_main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fifo_server name\n");
        return 2;
    }
    if (mkfifo(argv[1], 0600) == -1 && errno != EEXIST) {
        perror(argv[1]);
        return 1;
    }
    int reading = open(argv[1], O_RDONLY); /* waits for the first client */
    int writing = reading == -1 ? -1 : open(argv[1], O_WRONLY);
    FILE *fifo = writing == -1 ? NULL : fdopen(reading, "r");
    if (!fifo) {
        perror(argv[1]);
        return 1;
    }
    int status = serve(fifo);
    fclose(fifo);
    close(writing);
    unlink(argv[1]);
    return status;
}

int fifo_client_main(int argc, char **argv)
{
    char message[PIPE_BUF];
    if (argc < 3) {
        fprintf(stderr, "usage: fifo_client name text...\n");
        return 2;
    }
    int fifo = open(argv[1], O_WRONLY); /* waits for a server */
    if (fifo == -1) {
        perror(argv[1]);
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        int length = snprintf(message, sizeof message, "%s\n", argv[i]);
        if (length >= (int)sizeof message) {
            fprintf(stderr, "fifo_client: a message has at most %d bytes\n", PIPE_BUF - 1);
            return 1;
        }
        if (write(fifo, message, (size_t)length) == -1) { /* one call: no other client's message gets in between */
            perror("fifo_client: write");
            return 1;
        }
    }
    close(fifo);
    return 0;
}
