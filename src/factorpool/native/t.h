/* What the tests beside the C files share; tests/native/kernel_check.c, which runs them, defines it.
 *
 * t-NAME.c tests NAME.c: cases with names first, then random and awkward numbers against slow, obvious code.  A test is called
 * once, or once for every isa that the machine can run, with how many numbers to try, and ends the program at the first difference.
 * None of this is part of the library. */
#ifndef FP_T_H
#define FP_T_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

extern const fp_isa *t_isa; /* the one that is being tested */

void t_prime(size_t count);
void t_prove(size_t count);
void t_ecm(size_t count);
void t_long(size_t count);
void t_long_lanes(size_t count);
void t_rho(size_t count);
void t_trial(size_t count);
void t_factor(size_t count);
void t_sieve(size_t count);
void t_rows(size_t count);
void t_text(size_t count);
void t_siqs(size_t count);
void t_matrix(size_t count);
void t_cycles(size_t count);
void t_functions(size_t count);

/* Says what is wrong for which number, and exits with 1. */
void t_fail(const char *what, fp_u128 n);

/* Random bits; a prime of so many bits, the greatest below n; numbers that some shortcut might get wrong, of one and two words. */
uint64_t t_next(void);
uint64_t t_prime_of(int bits);
uint64_t t_prime_below(uint64_t n);
uint64_t t_awkward(void);
fp_u128 t_awkward_wide(void);

/* a b mod n. */
fp_u128 t_times(fp_u128 a, fp_u128 b, fp_u128 n);

/* By Miller-Rabin to twelve bases, which decides below 3.1e23. */
int t_is_prime(fp_u128 n);

#endif
