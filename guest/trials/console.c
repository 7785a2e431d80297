/* The console as standard input and output: nothing is lost, doubled or out of order, whatever the size of the pieces. */

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

int output_trial(int argc, char **argv)
{
    long kilobytes = number_argument(argc, argv, 1, 16), line = 0, written = 0;
    uint64_t seed = 5;
    struct stat stat;
    struct winsize size;

    CHECK_OK(fstat(1, &stat));
    CHECK_EQ(write(1, "", 0), 0);
    CHECK_EQ(isatty(1), ioctl(1, TIOCGWINSZ, &size) == 0);
    while (written < kilobytes * 1024) {
        char text[300];
        int length = snprintf(text, sizeof text, "%06ld ", line++);
        for (uint64_t end = (uint64_t)length + next_random(&seed) % 200; (uint64_t)length < end; length++)
            text[length] = (char)('a' + length % 26);
        text[length++] = '\n';
        int cut = length / 3;
        struct iovec pieces[3] = { { text, (size_t)cut }, { text, 0 }, { text + cut, (size_t)(length - cut) } };
        if (line % 3 == 0)
            CHECK_EQ(write(1, text, (size_t)length), length);
        else if (line % 3 == 1)
            CHECK_EQ(writev(1, pieces, 3), length);
        else
            CHECK_EQ(fwrite(text, 1, (size_t)length, stdout), length);
        fflush(stdout);
        written += length;
    }
    fprintf(stderr, "to standard error\n");
    printf("output: %ld lines ok\n", line);
    return 0;
}

int input_trial(int argc, char **argv)
{
    long size = number_argument(argc, argv, 1, 100);
    char *buffer = malloc((size_t)size + 1);
    long bytes = 0, lines = 0;
    uint32_t crc = ~0u;
    ssize_t n;

    CHECK(buffer != NULL);
    buffer[size] = 'g';
    while ((n = read(0, buffer, (size_t)size)) > 0) {
        CHECK(n <= size);
        bytes += n;
        for (ssize_t i = 0; i < n; i++) {
            lines += buffer[i] == '\n';
            crc ^= (unsigned char)buffer[i];
            for (int k = 0; k < 8; k++)
                crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
        }
    }
    CHECK_EQ(n, 0);
    CHECK_EQ(read(0, buffer, (size_t)size), 0); /* the end stays the end */
    CHECK_EQ(buffer[size], 'g');
    printf("input: %ld bytes, %ld lines, crc32 %08x\n", bytes, lines, ~crc);
    free(buffer);
    return 0;
}
