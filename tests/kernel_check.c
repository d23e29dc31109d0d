/* Checks the C kernel against slow, obvious code on millions of numbers; test_kernel.py builds it with sanitizers and runs it.
 *
 *     kernel_check SEED COUNT
 *
 * prints what it checked and exits with 1 at the first difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

typedef unsigned __int128 u128;

static uint64_t state;

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static uint64_t next(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

static void fail(const char *what, uint64_t n) {
    printf("FAILED: %s for %llu\n", what, (unsigned long long)n);
    exit(1);
}

static uint64_t power(uint64_t a, uint64_t e, uint64_t n) {
    uint64_t r = 1;
    for (a %= n; e; e >>= 1, a = (uint64_t)((u128)a * a % n))
        if (e & 1) r = (uint64_t)((u128)r * a % n);
    return r;
}

/* Miller-Rabin to the first twelve primes, which decides below 3.3e24: J. Sorenson and J. Webster (2015). */
static int slow_is_prime(uint64_t n) {
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2) return 0;
    for (int i = 0; i < 12; i++)
        if (n % bases[i] == 0) return n == bases[i];
    uint64_t d = n - 1;
    int s = 0;
    for (; d % 2 == 0; d /= 2) s++;
    for (int i = 0; i < 12; i++) {
        uint64_t x = power(bases[i], d, n);
        int passes = x == 1 || x == n - 1;
        for (int k = 1; k < s && !passes; k++) passes = (x = (uint64_t)((u128)x * x % n)) == n - 1;
        if (!passes) return 0;
    }
    return 1;
}

/* Factors a batch and checks everything that makes a factorization one. */
static void check_batch(const uint64_t *n, size_t count, fp_method method) {
    fp_columns c = {malloc(count), NULL, NULL, 0, 0};
    size_t at = 0;
    if (fp_factor(n, count, method, NULL, &c) != FP_OK) fail("fp_factor", 0);
    for (size_t i = 0; i < count; i++) {
        u128 product = 1;
        uint64_t last = 1;
        for (int k = 0; k < c.counts[i]; k++, at++) {
            if (c.primes[at] <= last) fail("order of primes", n[i]);
            if (c.exponents[at] == 0) fail("exponent 0", n[i]);
            if (!slow_is_prime(c.primes[at])) fail("composite factor", n[i]);
            last = c.primes[at];
            for (int e = 0; e < c.exponents[at]; e++) product *= c.primes[at];
        }
        if (n[i] == 0 ? c.counts[i] != 0 : product != n[i]) fail("product", n[i]);
    }
    if (at != c.used) fail("length of columns", at);
    free(c.counts), free(c.primes), free(c.exponents);
}

static uint64_t prime_of(int bits) {
    for (;;) {
        uint64_t p = (next() >> (64 - bits)) | 1 | (uint64_t)1 << (bits - 1);
        if (slow_is_prime(p)) return p;
    }
}

static uint64_t prime_below(uint64_t n) {
    while (!slow_is_prime(--n)) continue;
    return n;
}

/* A number of a kind that some shortcut might get wrong. */
static uint64_t awkward(void) {
    int bits = 2 + (int)(next() % 31);
    uint64_t p = prime_of(bits), q = prime_of(2 + (int)(next() % 31)), k = next() % 400;
    switch (next() % 10) {
    case 0:
        return next() >> (next() % 64);
    case 1:
        return p * p;
    case 2:
        return p < 2642245 ? p * p * p : p;
    case 3:
        return p * q;
    case 4:
        return p * prime_below(p > 3 ? p : 5);
    case 5:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 32);
    case 6:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 52);
    case 7:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 63);
    case 8:
        return -k;
    default: { /* 2, 3, 5, ... to powers, times what is left */
        uint64_t n = 1;
        while (n < (uint64_t)1 << 40) n *= prime_of(2 + (int)(next() % 4));
        return n;
    }
    }
}

/* Numbers that are strong pseudoprimes to base 2, Carmichael numbers, or strong to many bases; all composite. */
static const uint64_t liars[] = {2047,
                                 3277,
                                 4033,
                                 4681,
                                 8321,
                                 15841,
                                 29341,
                                 42799,
                                 49141,
                                 52633,
                                 65281,
                                 74665,
                                 80581,
                                 85489,
                                 561,
                                 1105,
                                 1729,
                                 2465,
                                 2821,
                                 6601,
                                 8911,
                                 3215031751u,
                                 2152302898747u,
                                 3474749660383u,
                                 341550071728321u,
                                 3825123056546413051u,
                                 4759123141u,
                                 1122004669633u,
                                 318665857834031151u,
                                 4294967297u,
                                 18446744073709551615u,
                                 1373653u,
                                 25326001u,
                                 /* Lucas and Frobenius pseudoprimes */ 5459,
                                 5777,
                                 10877,
                                 16109,
                                 18971,
                                 22499,
                                 24569,
                                 25199,
                                 40309,
                                 58519,
                                 75077,
                                 97439,
                                 989,
                                 3239,
                                 5777,
                                 10469,
                                 10877,
                                 27971,
                                 29681,
                                 30739,
                                 31631,
                                 39059,
                                 72389};

static void check_primality(size_t count) {
    for (uint64_t n = 0; n < 200000; n++)
        if (fp_is_prime(n) != slow_is_prime(n)) fail("fp_is_prime", n);
    for (size_t i = 0; i < sizeof liars / sizeof *liars; i++)
        if (fp_is_prime(liars[i])) fail("fp_is_prime of a pseudoprime", liars[i]);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = next() >> (next() % 58);
        if (fp_is_prime(n) != slow_is_prime(n)) fail("fp_is_prime", n);
        /* p (2p - 1), p (3p - 2): the pseudoprimes of many bases have this form. */
        uint64_t p = prime_of(8 + (int)(next() % 23)), k = 2 + next() % 4;
        n = p * (k * (p - 1) + 1);
        if (fp_is_prime(n) != slow_is_prime(n)) fail("fp_is_prime", n);
    }
}

/* Text to numbers and back, cut at random places, with junk between. */
static void check_text(size_t count) {
    static const char alphabet[] = "0123456789 \n\t+-#x\r\xff";
    for (size_t i = 0; i < count; i++) {
        size_t length = next() % 64, n;
        char *text = malloc(length + 1);
        for (size_t k = 0; k < length; k++) text[k] = alphabet[next() % (sizeof alphabet - 1)];
        const char *s = text, *end = text + length;
        uint64_t *numbers = malloc(8 * (length / 2 + 1));
        int in_comment = 0;
        fp_token odd;
        while (s < end) {
            const char *before = s;
            s = fp_parse(s, end, &in_comment, numbers, &n, &odd);
            if (s <= before || s > end || n > length / 2 + 1) fail("fp_parse", i);
        }
        free(numbers), free(text);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t n = next() >> (next() % 64), back;
        char line[FP_LINE], expected[32];
        fp_columns c = {malloc(1), NULL, NULL, 0, 0};
        int in_comment = 0;
        size_t one;
        fp_token odd;
        if (fp_factor(&n, 1, FP_AUTO, NULL, &c) != FP_OK) fail("fp_factor", n);
        char *end = fp_format(&n, 1, c.counts, c.primes, c.exponents, line);
        if (end > line + FP_LINE || end[-1] != '\n') fail("fp_format", n);
        int length = snprintf(expected, sizeof expected, "%llu", (unsigned long long)n);
        if (memcmp(line, expected, (size_t)length) || line[length] != ':') fail("fp_format", n);
        fp_parse(line, line + length, &in_comment, &back, &one, &odd);
        if (one != 1 || back != n || odd.start) fail("fp_parse", n);
        free(c.counts), free(c.primes), free(c.exponents);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    state = strtoull(argv[1], NULL, 10) * 2 + 1;
    size_t count = strtoull(argv[2], NULL, 10);
    static const fp_method methods[] = {FP_AUTO, FP_AUTO, FP_AUTO, FP_ECM, FP_RHO};
    check_primality(count);
    check_text(count / 10 + 1);
    for (size_t done = 0; done < count;) {
        uint64_t batch[700];
        size_t size = next() % 700;
        fp_method method = methods[next() % 5];
        for (size_t i = 0; i < size; i++) batch[i] = method == FP_RHO ? awkward() >> 24 : awkward();
        check_batch(batch, size, method);
        done += size + 1;
    }
    for (int i = 0; i < 200; i++) {
        uint64_t n = awkward() >> 30;
        check_batch(&n, 1, FP_TRIAL);
    }
    uint64_t worst = 9223372036854775808u; /* 2^63: the longest line there is */
    check_batch(&worst, 1, FP_AUTO);
    check_batch(liars, sizeof liars / sizeof *liars, FP_AUTO);
    printf("checked %zu numbers\n", count);
    return 0;
}
