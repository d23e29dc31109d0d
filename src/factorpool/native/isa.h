/* An isa: the fields and the trial division compiled for one instruction set.  cpu.c lists them. */
#ifndef FP_ISA_H
#define FP_ISA_H

#include "field.h"
#include "kernel.h"
#include "long.h"
#include "siqs/siqs.h"

/* An isa of AVX-IFMA is built where the compiler knows it, unless FP_NO_AVXIFMA says that the assembler does not (binutils
 * know it from 2.40 on); and, in another encoding, for tests (x86/begin_avxifma.h). */
#ifdef __x86_64__
#if defined(FP_AVXIFMA_AS_AVX512) || (__has_include(<avxifmaintrin.h>) && !defined(FP_NO_AVXIFMA))
#define FP_AVXIFMA
#endif
#endif

/* Odd primes of a set, a bit each; sets in trial_table. */
#define FP_TRIAL_SET 64
#define FP_TRIAL_SETS 16

/* hits[i], bit j: does the j-th prime of the set divide n[i]?  Reads and writes up to the next multiple of FP_TRIAL_ROUND. */
#define FP_TRIAL_ROUND 16
typedef void fp_trial_set(const uint64_t *n, size_t count, unsigned set, uint64_t *hits);

/* Arithmetics in lanes for one long modulus. */
#define FP_LONG_ARITHMETICS 8

struct fp_isa {
    const char *name;
    int (*usable)(void); /* may this machine run it? */
    fp_trial_set *trial;
    unsigned trial_sets;      /* worth trying on every number; the others wait for composites */
    int sieved_bits;          /* longer composites are sieved, once ECM has looked for small factors */
    const fp_field *field[5]; /* by ascending bits; the last takes 128 */
    const fp_siqs_loops *siqs;
    const fp_long_curves *long_curves[FP_LONG_ARITHMETICS]; /* by ascending bits; what is longer goes by words */
};

#endif
