/*
 * The reference for the floating-point tests: executes F and D instructions on a real RISC-V machine, or on qemu-riscv64.
 *
 *   riscv64-linux-gnu-gcc -O1 -static fpu-oracle.c -o fpu-oracle
 *
 * A filter: it reads records { a, b, c: u64; op, rm: u32 } and writes records { result, fflags: u64 }, little-endian. `op` is an index
 * into `operations`, which is in the order of FpuOp (src/core/fpu/op.ts). Singles stand in the low 32 bits, zero-extended.
 */

#include <stdint.h>
#include <stdio.h>

typedef uint64_t u64;

#define OPERATION(name, move, instruction)                                                                                             \
    static u64 name(u64 a, u64 b, u64 c, u64 rm, u64 *fflags)                                                                          \
    {                                                                                                                                  \
        u64 result, flags;                                                                                                             \
        asm volatile("fsrm %2\n fsflags zero\n" move " ft0,%3\n" move " ft1,%4\n" move " ft2,%5\n" instruction "\n frflags %1"         \
                     : "=&r"(result), "=&r"(flags)                                                                                     \
                     : "r"(rm), "r"(a), "r"(b), "r"(c)                                                                                 \
                     : "ft0", "ft1", "ft2", "ft3");                                                                                    \
        *fflags = flags;                                                                                                               \
        return result;                                                                                                                 \
    }
#define SINGLE_RESULT "\n fmv.x.w %0,ft3\n slli %0,%0,32\n srli %0,%0,32"
#define DOUBLE_RESULT "\n fmv.x.d %0,ft3"
#define ON_SINGLES(name, instruction) OPERATION(name, "fmv.w.x", instruction)
#define ON_DOUBLES(name, instruction) OPERATION(name, "fmv.d.x", instruction)

#define TWO_OPERANDS(i)                                                                                                                \
    ON_SINGLES(i##_s, #i ".s ft3,ft0,ft1" SINGLE_RESULT)                                                                               \
    ON_DOUBLES(i##_d, #i ".d ft3,ft0,ft1" DOUBLE_RESULT)
#define FUSED(i)                                                                                                                       \
    ON_SINGLES(i##_s, #i ".s ft3,ft0,ft1,ft2" SINGLE_RESULT)                                                                           \
    ON_DOUBLES(i##_d, #i ".d ft3,ft0,ft1,ft2" DOUBLE_RESULT)
#define COMPARISON(i)                                                                                                                  \
    ON_SINGLES(i##_s, #i ".s %0,ft0,ft1")                                                                                              \
    ON_DOUBLES(i##_d, #i ".d %0,ft0,ft1")
#define TO_INTEGER(type)                                                                                                               \
    ON_SINGLES(to_##type##_s, "fcvt." #type ".s %0,ft0,dyn")                                                                           \
    ON_DOUBLES(to_##type##_d, "fcvt." #type ".d %0,ft0,dyn")
#define FROM_INTEGER(type, rounding)                                                                                                   \
    ON_SINGLES(from_##type##_s, "fcvt.s." #type " ft3,%3,dyn" SINGLE_RESULT)                                                           \
    ON_DOUBLES(from_##type##_d, "fcvt.d." #type " ft3,%3" rounding DOUBLE_RESULT)

TWO_OPERANDS(fadd)
TWO_OPERANDS(fsub)
TWO_OPERANDS(fmul)
TWO_OPERANDS(fdiv)
TWO_OPERANDS(fmin)
TWO_OPERANDS(fmax)
ON_SINGLES(fsqrt_s, "fsqrt.s ft3,ft0" SINGLE_RESULT)
ON_DOUBLES(fsqrt_d, "fsqrt.d ft3,ft0" DOUBLE_RESULT)
FUSED(fmadd)
FUSED(fmsub)
FUSED(fnmsub)
FUSED(fnmadd)
COMPARISON(feq)
COMPARISON(flt)
COMPARISON(fle)
ON_SINGLES(fclass_s, "fclass.s %0,ft0")
ON_DOUBLES(fclass_d, "fclass.d %0,ft0")
TO_INTEGER(w)
TO_INTEGER(wu)
TO_INTEGER(l)
TO_INTEGER(lu)
FROM_INTEGER(w, "")
FROM_INTEGER(wu, "")
FROM_INTEGER(l, ",dyn")
FROM_INTEGER(lu, ",dyn")
ON_DOUBLES(cvt_s_d, "fcvt.s.d ft3,ft0,dyn" SINGLE_RESULT)
ON_SINGLES(cvt_d_s, "fcvt.d.s ft3,ft0" DOUBLE_RESULT)

static u64 (*const operations[])(u64, u64, u64, u64, u64 *) = {
    fadd_s,   fadd_d,   fsub_s,    fsub_d,    fmul_s,   fmul_d,   fdiv_s,    fdiv_d,    fsqrt_s,  fsqrt_d,  fmadd_s,   fmadd_d,
    fmsub_s,  fmsub_d,  fnmsub_s,  fnmsub_d,  fnmadd_s, fnmadd_d, fmin_s,    fmin_d,    fmax_s,   fmax_d,   feq_s,     feq_d,
    flt_s,    flt_d,    fle_s,     fle_d,     fclass_s, fclass_d, to_w_s,    to_w_d,    to_wu_s,  to_wu_d,  to_l_s,    to_l_d,
    to_lu_s,  to_lu_d,  from_w_s,  from_w_d,  from_wu_s, from_wu_d, from_l_s, from_l_d, from_lu_s, from_lu_d, cvt_s_d, cvt_d_s,
};

static struct {
    u64 a, b, c;
    uint32_t op, rm;
} in[4096];
static struct {
    u64 result, fflags;
} out[4096];

int main(void)
{
    size_t count;
    while ((count = fread(in, sizeof *in, 4096, stdin)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (in[i].op >= sizeof operations / sizeof *operations)
                return 1;
            out[i].result = operations[in[i].op](in[i].a, in[i].b, in[i].c, in[i].rm, &out[i].fflags);
        }
        fwrite(out, sizeof *out, count, stdout);
    }
    return 0;
}
