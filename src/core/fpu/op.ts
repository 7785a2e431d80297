/*
 * The vocabulary between the CPU and its floating-point unit: operation numbers, rounding modes and exception flags.
 *
 * Interface: FpuOp (the `op` argument of SoftFloat.execute and of the CPU's `fpu` import), Rounding (frm), Flag (fflags).
 * Invariant: bit 0 of an operation number tells the format: 0 single (`_S`), 1 double (`_D`). For a conversion between integer and
 * floating point it is the format of the floating-point side; for FCVT between formats, that of the result.
 */

export const FpuOp = {
  ADD_S: 0,
  ADD_D: 1,
  SUB_S: 2,
  SUB_D: 3,
  MUL_S: 4,
  MUL_D: 5,
  DIV_S: 6,
  DIV_D: 7,
  SQRT_S: 8,
  SQRT_D: 9,
  /** a×b + c */
  MADD_S: 10,
  MADD_D: 11,
  /** a×b − c */
  MSUB_S: 12,
  MSUB_D: 13,
  /** −(a×b) + c */
  NMSUB_S: 14,
  NMSUB_D: 15,
  /** −(a×b) − c */
  NMADD_S: 16,
  NMADD_D: 17,
  MIN_S: 18,
  MIN_D: 19,
  MAX_S: 20,
  MAX_D: 21,
  EQ_S: 22,
  EQ_D: 23,
  LT_S: 24,
  LT_D: 25,
  LE_S: 26,
  LE_D: 27,
  CLASS_S: 28,
  CLASS_D: 29,
  /** Floating point to signed 32-bit integer. */
  CVT_W_S: 30,
  CVT_W_D: 31,
  /** To unsigned 32-bit integer (the result is sign-extended, as for every W operation). */
  CVT_WU_S: 32,
  CVT_WU_D: 33,
  CVT_L_S: 34,
  CVT_L_D: 35,
  CVT_LU_S: 36,
  CVT_LU_D: 37,
  /** Signed 32-bit integer (the low half of `a`) to floating point. */
  CVT_S_W: 38,
  CVT_D_W: 39,
  CVT_S_WU: 40,
  CVT_D_WU: 41,
  CVT_S_L: 42,
  CVT_D_L: 43,
  CVT_S_LU: 44,
  CVT_D_LU: 45,
  /** Double to single. */
  CVT_S_D: 46,
  /** Single to double. */
  CVT_D_S: 47,
} as const;

export type FpuOp = (typeof FpuOp)[keyof typeof FpuOp];

/** Rounding modes as frm and the rm field encode them. */
export const Rounding = {
  /** To nearest, ties to even. */
  RNE: 0,
  /** Towards zero. */
  RTZ: 1,
  /** Down, towards −∞. */
  RDN: 2,
  /** Up, towards +∞. */
  RUP: 3,
  /** To nearest, ties away from zero. */
  RMM: 4,
} as const;

export type Rounding = (typeof Rounding)[keyof typeof Rounding];

/** Accrued exceptions as fflags encodes them. */
export const Flag = {
  /** Inexact. */
  NX: 1,
  /** Underflow. */
  UF: 2,
  /** Overflow. */
  OF: 4,
  /** Division by zero. */
  DZ: 8,
  /** Invalid operation. */
  NV: 16,
} as const;
