/* The kernel's C interface: everything module.c, or any C program, may call.
 *
 * Nothing here knows Python, allocates behind the caller's back, keeps state between calls or aborts; `cc -c *.c` without
 * module.c builds it.  All functions are thread-safe. */
#ifndef FP_KERNEL_H
#define FP_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* The product of the first 16 primes exceeds 2^64. */
#define FP_MAX_DISTINCT 15

enum { FP_OK = 0, FP_NO_MEMORY = 1, FP_STOPPED = 2 };

typedef enum { FP_AUTO, FP_TRIAL, FP_RHO, FP_ECM } fp_method;

/* Called now and then between pieces of work; a nonzero answer ends the run with FP_STOPPED.  May be NULL. */
typedef struct {
    int (*poll)(void *context);
    void *context;
} fp_control;

/* The factorization of one number: `count` primes, ascending, with their exponents. */
typedef struct {
    int count;
    uint64_t primes[FP_MAX_DISTINCT];
    uint8_t exponents[FP_MAX_DISTINCT];
} fp_factors;

/* The factorizations of many: counts[i] distinct primes belong to number i; primes and exponents stand back to back. */
typedef struct {
    uint8_t *counts;
    uint64_t *primes;
    uint8_t *exponents;
    size_t used, room; /* of primes and exponents */
} fp_columns;

/* factor.c.  0 and 1 have no primes.  `counts` of `out` must have room for `count` bytes; primes and exponents, NULL or from
 * malloc, grow as needed and are the caller's to free, whatever the answer. */
int fp_factor(const uint64_t *numbers, size_t count, fp_method method, const fp_control *control, fp_columns *out);
int fp_poll(const fp_control *control);

/* prime.c: proved for all of 64 bits.  fp_are_prime is for many numbers > 120 without a factor below 8. */
int fp_is_prime(uint64_t n);
void fp_are_prime(const uint64_t *numbers, size_t count, uint8_t *answers);

/* trial.c: appends to `out`.  fp_trial_small divides n > 0 by the primes below fp_trial_bound and returns what is left; if that
 * is below the square of the bound, it is 1 or prime.  fp_trial_split looks for one more prime of the table, or answers 0.
 * fp_trial_full goes on from fp_trial_small to the square root. */
extern const uint64_t fp_trial_bound;
uint64_t fp_trial_small(uint64_t n, fp_factors *out);
uint64_t fp_trial_split(uint64_t n);
int fp_trial_full(uint64_t n, const fp_control *control, fp_factors *out);

/* Splitters, one file each.  fp_rho: a proper factor of an odd composite that is no square of a prime.  fp_ecm: of each of at
 * most FP_ECM_BATCH odd composites, 0 for those it ran out of curves for. */
uint64_t fp_rho(uint64_t n);
#define FP_ECM_BATCH 1024
void fp_ecm(const uint64_t *numbers, size_t count, uint64_t *factors);

/* cpu.c */
typedef struct {
    const char *name;
    int (*usable)(void); /* may this machine run it? */
} fp_isa;
/* The isa called `wanted`, or with NULL the best this machine can run; NULL where there is none of that name here. */
const fp_isa *fp_isa_choose(const char *wanted);
const fp_isa *fp_isa_list(size_t *count);

/* text.c.  fp_parse reads decimal numbers between white space from [s, end) until the end or the first token that is not a
 * number of 64 bits, which it points to with `odd` (else odd->start is NULL); `#` begins a comment that ends with
 * its line, `in_comment` carries that from call to call.  It returns where it stopped.  `numbers` must have room for
 * (end - s) / 2 + 1. */
typedef struct {
    const char *start, *end;
} fp_token;
const char *fp_parse(const char *s, const char *end, int *in_comment, uint64_t *numbers, size_t *count, fp_token *odd);

/* Writes `number: prime prime ...` lines and returns their end; `out` must have room for FP_LINE bytes a number: "number:" and
 * newline take 22, a prime p^e takes e (digits of p + 1) <= 2 log2(p^e), together at most 128. */
#define FP_LINE 150
char *fp_format(const uint64_t *numbers, size_t count, const uint8_t *counts, const uint64_t *primes,
                const uint8_t *exponents, char *out);

#endif
