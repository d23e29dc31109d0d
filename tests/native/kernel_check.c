/* Runs the tests of the kernel's files, native/t-*.c, on every isa of this machine; test_kernel.py builds it with sanitizers.
 *
 *     kernel_check SEED COUNT
 *
 * prints what it checked and exits with 1 at the first difference.  A COUNT of a million or more also checks every number below
 * 2^24. */
#include "t.h"

const fp_isa *t_isa;
static uint64_t state;

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
uint64_t t_next(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

void t_fail(const char *what, fp_u128 n) {
    char digits[40], *d = digits + 39;
    for (*d = 0; n || d == digits + 39; n /= 10) *--d = (char)('0' + n % 10);
    printf("FAILED: %s for %s on %s\n", what, d, fp_isa_name(t_isa));
    exit(1);
}

/* By doubling where the product is too long. */
fp_u128 t_times(fp_u128 a, fp_u128 b, fp_u128 n) {
    if (n >> 64 == 0) return a * b % n;
    fp_u128 r = 0;
    for (; b; b >>= 1) {
        if (b & 1) r = r >= n - a ? r - (n - a) : r + a;
        a = a >= n - a ? a - (n - a) : a + a;
    }
    return r;
}

static fp_u128 power(fp_u128 a, fp_u128 e, fp_u128 n) {
    fp_u128 r = 1;
    for (a %= n; e; e >>= 1, a = t_times(a, a, n))
        if (e & 1) r = t_times(r, a, n);
    return r;
}

/* Miller-Rabin to the first twelve primes, which decides below 3.1e23: J. Sorenson and J. Webster (2015). */
int t_is_prime(fp_u128 n) {
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2) return 0;
    for (int i = 0; i < 12; i++)
        if (n % bases[i] == 0) return n == bases[i];
    fp_u128 d = n - 1;
    int s = 0;
    for (; d % 2 == 0; d /= 2) s++;
    for (int i = 0; i < 12; i++) {
        fp_u128 x = power(bases[i], d, n);
        int passes = x == 1 || x == n - 1;
        for (int k = 1; k < s && !passes; k++) passes = (x = t_times(x, x, n)) == n - 1;
        if (!passes) return 0;
    }
    return 1;
}

uint64_t t_prime_of(int bits) {
    for (;;) {
        uint64_t p = (t_next() >> (64 - bits)) | 1 | (uint64_t)1 << (bits - 1);
        if (t_is_prime(p)) return p;
    }
}

uint64_t t_prime_below(uint64_t n) {
    while (!t_is_prime(--n)) continue;
    return n;
}

/* A number of a kind that some shortcut might get wrong. */
uint64_t t_awkward(void) {
    int bits = 2 + (int)(t_next() % 31);
    uint64_t p = t_prime_of(bits), q = t_prime_of(2 + (int)(t_next() % 31)), k = t_next() % 400;
    switch (t_next() % 13) {
    case 0:
        return t_next() >> (t_next() % 64);
    case 1:
        return p * p;
    case 2:
        return p < 2642245 ? p * p * p : p;
    case 3:
        return p * q;
    case 4:
        return p * t_prime_below(p > 3 ? p : 5);
    case 5:
        return (t_next() & 1 ? -k : k) + ((uint64_t)1 << 32);
    case 6:
        return (t_next() & 1 ? -k : k) + ((uint64_t)1 << 52);
    case 7:
        return (t_next() & 1 ? -k : k) + ((uint64_t)1 << 63);
    case 8:
        return -k;
    case 9: /* where one arithmetic takes over from another */
        return (t_next() & 1 ? -k : k) + ((uint64_t)1 << 50);
    case 10: /* squares next to 2^52 and 2^64 */
        p = t_prime_below(((uint64_t)1 << (t_next() & 1 ? 26 : 32)) - k);
        return p * p;
    case 11: /* primes next to powers of 2 */
        return t_prime_below(((uint64_t)1 << (20 + t_next() % 44)) - k);
    default: { /* 2, 3, 5, ... to powers, times what is left */
        uint64_t n = 1;
        while (n < (uint64_t)1 << 40) n *= t_prime_of(2 + (int)(t_next() % 4));
        return n;
    }
    }
}

/* The same for two words. */
fp_u128 t_awkward_wide(void) {
    uint64_t p = t_prime_of(2 + (int)(t_next() % 38)), q = t_prime_of(2 + (int)(t_next() % 38)), k = t_next() % 400;
    int bits = 64 + (int)(t_next() % 64);
    switch (t_next() % 8) {
    case 0:
        return (fp_u128)t_next() << 64 | t_next();
    case 1:
        return (fp_u128)p * q;
    case 2:
        return (fp_u128)p * p * (q & 0xFFFFF);
    case 3:
        p = t_prime_of(64 - (int)(t_next() % 20));
        return (fp_u128)p * p;
    case 4:
        return (fp_u128)t_awkward() * (t_next() >> 40);
    case 5: /* next to powers of 2, 2^100 among them, where one arithmetic takes over from another */
        return ((fp_u128)1 << (k & 1 ? 100 : bits)) + k;
    case 6:
        return ((fp_u128)1 << (k & 1 ? 100 : bits)) - k;
    default:
        return t_awkward();
    }
}

int main(int argc, char **argv) {
    static void (*const tests[])(size_t) = {t_prime, t_prove, t_trial,     t_rho,    t_ecm,
                                            t_sieve, t_siqs,  t_functions, t_factor, t_long_lanes};
    if (argc != 3) return 2;
    size_t count = strtoull(argv[2], NULL, 10);
    const uint64_t seed = strtoull(argv[1], NULL, 10) * 2 + 1;
    int checked = 0;
    state = seed;
    for (size_t i = 0; (t_isa = fp_isa_at(i)); i++) {
        if (!fp_isa_usable(t_isa)) continue;
        state = strtoull(argv[1], NULL, 10) * 2 + 1; /* the same numbers for each */
        if (!checked)
            t_text(count), t_rows(count), t_matrix(count), t_cycles(count),
                t_long(count); /* which no isa does otherwise */
        checked = 1;
        for (size_t k = 0; k < sizeof tests / sizeof *tests; k++) tests[k](count);
        printf("%s: checked %zu numbers\n", fp_isa_name(t_isa), count);
    }
    return 0;
}
