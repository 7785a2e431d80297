/* CRC-32 (ISO-HDLC, as in zip) by a table of 256 entries: each byte waits for the load that the one before it has chosen. */

#include "bench.h"

#define BYTES 65536
#define CHECK 0xcbf43926u /* of "123456789", the catalogue's check value */
#define EXPECTED 0x5e58dceau /* of the pseudo-random bytes, computed with zlib */

static uint32_t table[256];
static uint8_t bytes[BYTES];

static NOINLINE uint32_t crc32(const uint8_t *data, size_t length) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < length; i++)
        crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

int main(int argc, char **argv) {
    long repetitions = argument(argc, argv, 1, 1);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = entry & 1 ? entry >> 1 ^ 0xedb88320u : entry >> 1;
        table[i] = entry;
    }
    EXPECT(crc32((const uint8_t *)"123456789", 9), CHECK);
    uint64_t state = 42;
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(next_random(&state) >> 32);

    uint64_t begin = now_ns();
    for (long i = 0; i < repetitions; i++) {
        EXPECT(crc32(bytes, BYTES), EXPECTED);
        FORGET();
    }
    report(EXPECTED, now_ns() - begin);
    return 0;
}
