/* Writes src/factorpool/native/witness_table.h: one Miller-Rabin base per hash bucket that decides primality below 2^32.
 *
 * The idea is M. Forisek and J. Jancina, "Fast primality testing for integers that fit into a machine word" (2015): a single
 * base has about 2 000 strong pseudoprimes below 2^32, so in a bucket of a thousandth of the numbers some small base
 * has none.  For every bucket this program tries the bases 2, 3, 4, ... on every number of the bucket that 2, 3, 5 and
 * 7 do not divide, and keeps the first base that passes no composite: the table is its own proof.  A sieve, which
 * shares nothing with the test, says what is prime.
 *
 *     cc -O3 -pthread -o /tmp/make_witness_table scripts/make_witness_table.c && /tmp/make_witness_table
 *
 * takes a quarter of an hour of CPU. */
#include "../src/factorpool/native/mont.h"
#include "../src/factorpool/native/witness.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET "src/factorpool/native/witness_table.h"
#define WORKERS 2

static uint8_t *composite; /* one bit per odd number below 2^32 */
static uint8_t table[FP_WITNESS_BUCKETS];
static int is_composite(uint32_t n) { return composite[n >> 4] >> (n >> 1 & 7) & 1; }

static void sieve(void) {
    composite = calloc(1, (size_t)1 << 28);
    if (!composite) exit(1);
    for (uint64_t p = 3; p < 1 << 16; p += 2)
        if (!is_composite((uint32_t)p))
            for (uint64_t q = p * p; q < (uint64_t)1 << 32; q += 2 * p)
                composite[q >> 4] |= (uint8_t)(1 << (q >> 1 & 7));
}

/* Miller-Rabin to one base: is base^d = 1 or base^(d 2^i) = -1 modulo an odd n, n - 1 = d 2^s, 0 <= i < s?  base < n. */
static int fp_strong_probable_prime(uint64_t base, uint64_t n) {
    fp_mont m = fp_mont_init(n);
    uint64_t minus_one = n - m.one, d = n - 1;
    int s = __builtin_ctzll(d), bit;
    d >>= s;
    uint64_t b = (uint64_t)(((fp_u128)base << 64) % n), x = b;
    for (bit = 62 - __builtin_clzll(d); bit >= 0; bit--) {
        x = fp_sqr(x, &m);
        if (d >> bit & 1) x = fp_mul(x, b, &m);
    }
    if (x == m.one || x == minus_one) return 1;
    while (--s > 0) {
        x = fp_sqr(x, &m);
        if (x == minus_one) return 1;
    }
    return 0;
}

static int decides(uint32_t base, uint32_t bucket) {
    /* The hash is a multiplication by an odd constant: its inverse lists the members of a bucket. */
    uint32_t inverse = (uint32_t)fp_inverse64(FP_WITNESS_MULTIPLIER);
    uint32_t span = (uint32_t)(((uint64_t)1 << 32) / FP_WITNESS_BUCKETS);
    for (uint32_t i = 0; i < span; i++) {
        uint32_t n = (bucket * span + i) * inverse;
        if (n < 121 || n % 2 == 0 || n % 3 == 0 || n % 5 == 0 || n % 7 == 0 || !is_composite(n)) continue;
        if (fp_strong_probable_prime(base, n)) return 0;
    }
    return 1;
}

static void *work(void *first) {
    for (uint32_t bucket = (uint32_t)(size_t)first; bucket < FP_WITNESS_BUCKETS; bucket += WORKERS) {
        uint32_t base = 2;
        while (base < 121 && !decides(base, bucket)) base++;
        if (base == 121) exit((fprintf(stderr, "no base decides bucket %u\n", bucket), 1));
        table[bucket] = (uint8_t)base;
    }
    return NULL;
}

int main(void) {
    pthread_t threads[WORKERS];
    sieve();
    for (size_t i = 0; i < WORKERS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    for (size_t i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
    FILE *out = fopen(TARGET, "w");
    if (!out) return 1;
    fprintf(out, "/* Table of prime.c: written by scripts/make_witness_table.c, which explains it; do not edit. */\n/* "
                 "clang-format off */\n"
                 "#ifndef FP_WITNESS_TABLE_H\n#define FP_WITNESS_TABLE_H\n#include \"witness.h\"\n\n"
                 "static const uint8_t witness[FP_WITNESS_BUCKETS] = {");
    for (int i = 0; i < FP_WITNESS_BUCKETS; i++) fprintf(out, "%s%d,", i % 24 ? " " : "\n    ", table[i]);
    fprintf(out, "\n};\n\n#endif\n");
    return fclose(out);
}
