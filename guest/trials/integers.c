/* Integer edges: division by zero and overflow, shifts, wide products, misaligned accesses also across pages. */

#include <sys/mman.h>

#include "check.h"

#define BINARY(instruction, a, b) \
    ({ long r; __asm__ volatile(instruction " %0, %1, %2" : "=r"(r) : "r"((long)(a)), "r"((long)(b))); r; })

static void divisions(void)
{
    CHECK_EQ(BINARY("div", 7, 0), -1);
    CHECK_EQ(BINARY("divu", 7, 0), -1);
    CHECK_EQ(BINARY("rem", 7, 0), 7);
    CHECK_EQ(BINARY("remu", -7, 0), -7);
    CHECK_EQ(BINARY("div", INT64_MIN, -1), INT64_MIN);
    CHECK_EQ(BINARY("rem", INT64_MIN, -1), 0);
    CHECK_EQ(BINARY("div", -7, 2), -3);
    CHECK_EQ(BINARY("rem", -7, 2), -1);
    CHECK_EQ(BINARY("divw", 7, 0), -1);
    CHECK_EQ(BINARY("divuw", 7, 0), -1);
    CHECK_EQ(BINARY("remw", INT32_MIN, -1), 0);
    CHECK_EQ(BINARY("divw", INT32_MIN, -1), INT32_MIN);
    CHECK_EQ(BINARY("remuw", 0xffffffff, 0), -1);
    CHECK_EQ(BINARY("divuw", 0x1fffffffful, 1), -1);
}

static void arithmetic(void)
{
    CHECK_EQ(BINARY("mulh", INT64_MIN, INT64_MIN), 1l << 62);
    CHECK_EQ(BINARY("mulhu", -1, -1), -2);
    CHECK_EQ(BINARY("mulhsu", -1, -1), -1);
    CHECK_EQ(BINARY("mulw", 0x10000, 0x8000), INT32_MIN);
    CHECK_EQ(BINARY("addw", INT32_MAX, 1), INT32_MIN);
    CHECK_EQ(BINARY("subw", INT32_MIN, 1), INT32_MAX);
    CHECK_EQ(BINARY("sll", 1, 64 + 3), 8);
    CHECK_EQ(BINARY("sra", INT64_MIN, 63), -1);
    CHECK_EQ(BINARY("srl", -1, 63), 1);
    CHECK_EQ(BINARY("sllw", 1, 31), INT32_MIN);
    CHECK_EQ(BINARY("sllw", 1, 32 + 4), 16);
    CHECK_EQ(BINARY("sraw", 0x80000000, 31), -1);
    CHECK_EQ(BINARY("srlw", 0x80000000, 31), 1);
    CHECK_EQ(BINARY("slt", -1, 1), 1);
    CHECK_EQ(BINARY("sltu", -1, 1), 0);
}

static void random_products(void)
{
    uint64_t seed = 17, hash = 0;
    for (int i = 0; i < 3000; i++) {
        long a = (long)(next_random(&seed) >> (i % 64)), b = (long)(next_random(&seed) >> (i * 7 % 64));
        hash = hash * 31 + (uint64_t)(BINARY("mul", a, b) ^ BINARY("mulh", a, b) ^ BINARY("mulhu", a, b) ^ BINARY("mulhsu", a, b));
        hash = hash * 31 + (uint64_t)(BINARY("div", a, b) ^ BINARY("remu", a, b) ^ BINARY("divu", a, b) ^ BINARY("rem", a, b));
        hash = hash * 31 + (uint64_t)(BINARY("mulw", a, b) ^ BINARY("divw", a, b) ^ BINARY("remuw", a, b) ^ BINARY("srlw", a, b));
        unsigned __int128 wide = (unsigned __int128)(uint64_t)a * (uint64_t)b;
        CHECK_EQ((uint64_t)(wide >> 64), BINARY("mulhu", a, b));
    }
    printf("products %016lx\n", hash);
}

static void misaligned(void)
{
    unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    for (int at = 4096 - 9; at < 4096 + 2; at++) {
        unsigned char *p = page + at;
        uint64_t value = 0x8182838485868788, read;
        __asm__ volatile("sd %1, %0" : "=m"(*(uint64_t *)p) : "r"(value));
        for (int i = 0; i < 8; i++)
            CHECK_EQ(p[i], 0x88 - i);
        __asm__ volatile("ld %0, %1" : "=r"(read) : "m"(*(uint64_t *)p));
        CHECK_EQ(read, value);
        __asm__ volatile("lw %0, %1" : "=r"(read) : "m"(*(uint64_t *)p));
        CHECK_EQ(read, 0xffffffff85868788);
        __asm__ volatile("lwu %0, %1" : "=r"(read) : "m"(*(uint64_t *)p));
        CHECK_EQ(read, 0x85868788);
        __asm__ volatile("lh %0, %1" : "=r"(read) : "m"(*(uint64_t *)p));
        CHECK_EQ(read, 0xffffffffffff8788);
        __asm__ volatile("lhu %0, %1" : "=r"(read) : "m"(*(uint64_t *)p));
        CHECK_EQ(read, 0x8788);
        double d;
        __asm__ volatile("fld %0, %1" : "=f"(d) : "m"(*(uint64_t *)p));
        CHECK(memcmp(&d, p, 8) == 0);
        __asm__ volatile("sh %1, %0" : "=m"(*(uint64_t *)p) : "r"(0x1234));
        __asm__ volatile("sw %1, %0" : "=m"(*(uint32_t *)(p + 4)) : "r"(0x12345678));
        CHECK(p[0] == 0x34 && p[1] == 0x12 && p[4] == 0x78 && p[7] == 0x12);
    }
    CHECK_OK(munmap(page, 8192));
}

int integers_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    divisions();
    arithmetic();
    random_products();
    misaligned();
    printf("integers: ok\n");
    return 0;
}
