/* Writes src/factorpool/native/pseudoprime_table.h: all composites below 2^32 that pass Plumb's criterion for base 2 (see `plumb` in
 * lanes_methods.h), but for multiples of 2, 3, 5 and 7; and a bit for each hash that one of them has.
 *
 * What passes and is not among them is prime: every number is tried here, so that the table is its own proof.  A sieve, which
 * shares nothing with the test, says what is composite.
 *
 *     cc -O3 -pthread -o /tmp/make_pseudoprime_table scripts/make_pseudoprime_table.c && /tmp/make_pseudoprime_table
 *
 * takes two minutes of CPU. */
#include "../src/factorpool/native/pseudoprimes.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET "src/factorpool/native/pseudoprime_table.h"
#define WORKERS 2
#define MOST 10000

static uint8_t *composite; /* one bit per odd number below 2^32 */
static uint32_t found[WORKERS][MOST];
static size_t count[WORKERS];
static uint64_t marks[FP_PSEUDOPRIME_MARKS / 64];

static int is_composite(uint32_t n) { return composite[n >> 4] >> (n >> 1 & 7) & 1; }

static void sieve(void) {
    composite = calloc(1, (size_t)1 << 28);
    if (!composite) exit(1);
    for (uint64_t p = 3; p < 1 << 16; p += 2)
        if (!is_composite((uint32_t)p))
            for (uint64_t q = p * p; q < (uint64_t)1 << 32; q += 2 * p)
                composite[q >> 4] |= (uint8_t)(1 << (q >> 1 & 7));
}

static uint32_t power_of_two(uint32_t exponent, uint32_t n) {
    uint64_t x = 1;
    for (int bit = 31; bit >= 0; bit--) x = (x * x % n << (exponent >> bit & 1)) % n;
    return (uint32_t)x;
}

/* 2^((n - 1) / 2) = (2 / n); where n is 1 mod 8, its root is 1 or -1. */
static int passes(uint32_t n) {
    const uint32_t rest = n % 8, x = power_of_two(n >> (rest == 1 ? 2 : 1), n);
    return (x == 1 && (rest == 1 || rest == 7)) || (x == n - 1 && rest != 7);
}

/* Each worker takes a run of numbers, so that all of theirs are in order. */
static void *work(void *argument) {
    const size_t worker = (size_t)argument;
    const uint64_t first = ((uint64_t)1 << 32) / WORKERS * worker, end = ((uint64_t)1 << 32) / WORKERS * (worker + 1);
    for (uint64_t n = first | 1; n < end; n += 2) {
        if (n % 3 == 0 || n % 5 == 0 || n % 7 == 0 || !is_composite((uint32_t)n) || !passes((uint32_t)n)) continue;
        if (count[worker] == MOST) exit(1);
        found[worker][count[worker]++] = (uint32_t)n;
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
    fprintf(out,
            "/* Table of prime.c: written by scripts/make_pseudoprime_table.c, which explains it; do not edit. */\n"
            "/* clang-format off */\n"
            "#ifndef FP_PSEUDOPRIME_TABLE_H\n#define FP_PSEUDOPRIME_TABLE_H\n#include \"pseudoprimes.h\"\n\n"
            "static const uint32_t pseudoprimes[] = {");
    for (size_t i = 0, line = 0; i < WORKERS; i++)
        for (size_t k = 0; k < count[i]; k++, line++) {
            const uint32_t n = found[i][k], mark = fp_pseudoprime_mark(n);
            marks[mark / 64] |= (uint64_t)1 << mark % 64;
            fprintf(out, "%s%u,", line % 10 ? " " : "\n    ", (unsigned)n);
        }
    fprintf(out, "\n};\n\nstatic const uint64_t pseudoprime_marks[FP_PSEUDOPRIME_MARKS / 64] = {");
    for (size_t i = 0; i < FP_PSEUDOPRIME_MARKS / 64; i++)
        fprintf(out, "%s0x%016llx,", i % 6 ? " " : "\n    ", (unsigned long long)marks[i]);
    fprintf(out, "\n};\n\n#endif\n");
    return fclose(out);
}
