/* Tests prove.c: primes of all sizes are proved, and composites, also those that pass some tests, are not. */
#include "factors.h"
#include "integer.h"
#include "t.h"

static fp_small_memory *memory;

static int proved(fp_u128 n) {
    int answer;
    if (fp_prove(t_isa, n, &memory, NULL, &answer) != FP_OK) t_fail("fp_prove", n);
    return answer;
}

/* A random prime of so many bits, by t_is_prime: certain below 3.1e23, beyond but for one in 4^12. */
static fp_u128 prime_of(int bits) {
    for (;;) {
        fp_u128 n = ((fp_u128)t_next() << 64 | t_next()) >> (128 - bits);
        n |= (fp_u128)1 << (bits - 1) | 1;
        if (t_is_prime(n)) return n;
    }
}

static fp_u128 parse(const char *s) {
    fp_u128 n = 0;
    for (; *s; s++) n = 10 * n + (fp_u128)(*s - '0');
    return n;
}

void t_prove(size_t count) {
    /* Strong pseudoprimes to the first 12 and 13 primes, and primes on both sides of the second. */
    if (proved(parse("318665857834031151167461"))) t_fail("fp_prove, psi 12", 0);
    if (proved(parse("3317044064679887385961981"))) t_fail("fp_prove, psi 13", 0);
    if (!proved(parse("3317044064679887385961813"))) t_fail("fp_prove, below psi 13", 0);
    if (!proved(parse("3317044064679887385962123"))) t_fail("fp_prove, above psi 13", 0);
    if (!proved(((fp_u128)1 << 127) - 1) || !proved(((fp_u128)1 << 89) - 1)) t_fail("fp_prove, a Mersenne prime", 0);
    if (!proved((fp_u128)0 - 159)) t_fail("fp_prove, 2^128 - 159", 0);
    for (size_t i = 0; i < 40 + count / 500; i++) {
        int bits = 65 + (int)(t_next() % 64);
        fp_u128 p = prime_of(bits);
        if (!proved(p)) t_fail("fp_prove, a prime", p);
        /* (k + 1)(2 k + 1), both primes, is a strong pseudoprime to many bases; and any product. */
        fp_u128 k = prime_of(33 + (int)(t_next() % 30));
        if (t_is_prime(2 * k - 1) && proved(k * (2 * k - 1))) t_fail("fp_prove, k (2 k - 1)", k);
        fp_u128 n = k * prime_of(33 + (int)(t_next() % 30));
        if (n >> 64 && proved(n)) t_fail("fp_prove, a composite", n);
    }
    free(memory);
    memory = NULL;
}
