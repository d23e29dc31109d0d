/* Factors random and awkward numbers on every isa of this machine, and compares: each has to give the same primes and exponents, and
 * their product has to be the number.
 *
 *     cc -O3 -fno-trapping-math -DFP_AVXIFMA_AS_AVX512 -Isrc/factorpool/native -o /tmp/fuzz_isas benchmarks/fuzz_isas.c \
 *         $(find src/factorpool/native -name '*.c' ! -name 't-*' | grep -v python) -lm && /tmp/fuzz_isas SEED MILLIONS
 *
 * It ends with 1 at the first difference.  10^9 numbers take about half an hour of one core.  AVX-IFMA is there in the encoding that AVX-512
 * has of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel.h"

#define BATCH 10000
#define PRIMES 256

static uint64_t state;

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static uint64_t next_random(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

static uint64_t below(uint64_t n) { return next_random() % n; }

static uint64_t bits_of(unsigned bits) { return next_random() >> (64 - bits); }

/* For each batch a few primes of each length, of which all its products are made: to find one takes longer than to multiply. */
static uint64_t primes[65][PRIMES];

static void find_primes(const fp_isa *isa) {
    for (unsigned bits = 2; bits <= 64; bits++) {
        uint64_t *p = &primes[bits][below(PRIMES)];
        do *p = bits_of(bits) | 1 | (uint64_t)1 << (bits - 1);
        while (!fp_is_prime(isa, *p));
    }
}

static uint64_t prime_of(unsigned bits) { return primes[bits][below(PRIMES)]; }

/* Each kind makes a number of `width` words; `of_a_million` is how many of a million numbers are of it: the dear ones are few. */
typedef void (*maker)(uint64_t *n);

static void put(uint64_t *n, fp_u128 value) { n[0] = (uint64_t)value, n[1] = (uint64_t)(value >> 64); }

static void to_40_bits(uint64_t *n) { n[0] = bits_of(1 + (unsigned)below(40)); }
static void to_64_bits(uint64_t *n) { n[0] = bits_of(1 + (unsigned)below(64)); }

static void next_to_a_border(uint64_t *n) {
    static const unsigned borders[] = {16, 24, 26, 31, 32, 36, 40, 47, 48, 50, 52, 59, 62, 63, 64};
    unsigned bits = borders[below(sizeof borders / sizeof *borders)];
    n[0] = (bits < 64 ? (uint64_t)1 << bits : 0) + below(1 << 17) - (1 << 16);
}

static void semiprime(uint64_t *n) {
    unsigned bits = 4 + (unsigned)below(61), half = 2 + (unsigned)below(bits / 2 - 1);
    n[0] = prime_of(half) * prime_of(bits - half);
}

static void balanced_semiprime(uint64_t *n) {
    unsigned bits = 32 + (unsigned)below(33);
    n[0] = prime_of(bits / 2) * prime_of(bits - bits / 2);
}

static void power(uint64_t *n) {
    unsigned bits = 2 + (unsigned)below(31);
    uint64_t p = prime_of(bits);
    for (n[0] = p; n[0] <= UINT64_MAX / p && (n[0] == p || below(4));) n[0] *= p;
    if (n[0] <= UINT64_MAX / 7) n[0] *= 1 + below(7);
}

static void to_128_bits(uint64_t *n) { put(n, ((fp_u128)next_random() << 64 | next_random()) >> below(64)); }

static void wide_semiprime(uint64_t *n) {
    unsigned bits = 65 + (unsigned)below(32);
    put(n, (fp_u128)prime_of(bits / 2) * prime_of(bits - bits / 2));
}

static void next_to_a_wide_border(uint64_t *n) {
    static const unsigned borders[] = {64, 66, 72, 90, 96, 100, 104, 112, 123, 124, 128};
    unsigned bits = borders[below(sizeof borders / sizeof *borders)];
    put(n, (bits < 128 ? (fp_u128)1 << bits : 0) + below(1 << 17) - (1 << 16));
}

static const struct {
    const char *name;
    unsigned width;
    maker make;
    unsigned of_a_million;
} kinds[] = {
    {"up to 40 bits, each length alike", 1, to_40_bits, 690000},
    {"up to 64 bits, each length alike", 1, to_64_bits, 150000},
    {"within 2^16 of 2^16, 2^24, ..., 2^64", 1, next_to_a_border, 60000},
    {"products of two primes, up to 64 bits", 1, semiprime, 60000},
    {"balanced ones, 32 to 64 bits", 1, balanced_semiprime, 30000},
    {"powers of primes, times 1 to 7", 1, power, 9800},
    {"65 to 128 bits", 2, to_128_bits, 100},
    {"balanced semiprimes of 65 to 96 bits", 2, wide_semiprime, 60},
    {"within 2^16 of 2^64, 2^66, ..., 2^128", 2, next_to_a_wide_border, 40},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static void fail(const char *what, const fp_isa *isa, const uint64_t *n, unsigned width) {
    printf("FAILED: %s on %s: %s%016llx%016llx\n", what, fp_isa_name(isa), "0x",
           width == 2 ? (unsigned long long)n[1] : 0, (unsigned long long)n[0]);
    exit(1);
}

static void factor(const fp_isa *isa, const uint64_t *n, unsigned width, size_t count, fp_columns *out) {
    out->used = 0;
    if (fp_factor(isa, n, width, count, FP_AUTO, NULL, out) != FP_OK) fail("fp_factor", isa, n, width);
}

static fp_u128 word_of(const uint64_t *words, size_t at, unsigned width) {
    return width == 1 ? words[at] : (fp_u128)words[2 * at + 1] << 64 | words[2 * at];
}

static void check_products(const fp_isa *isa, const fp_columns *c, const uint64_t *n, unsigned width, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        fp_u128 product = 1;
        for (int k = 0; k < c->counts[i]; k++, at++)
            for (int e = 0; e < (c->exponents[at] ? c->exponents[at] : 1); e++)
                product *= word_of(c->primes, at, width);
        if (word_of(n, i, width) ? product != word_of(n, i, width) : c->counts[i])
            fail("product", isa, n + width * i, width);
    }
}

static void compare(const fp_isa *isa, const fp_columns *a, const fp_columns *b, const uint64_t *n, unsigned width,
                    size_t count) {
    size_t at = 0, bt = 0;
    for (size_t i = 0; i < count; at += a->counts[i], bt += b->counts[i], i++) {
        if (a->counts[i] != b->counts[i] ||
            memcmp(a->primes + width * at, b->primes + width * bt, 8u * width * a->counts[i]) ||
            memcmp(a->exponents + at, b->exponents + bt, a->counts[i]))
            fail("another factorization", isa, n + width * i, width);
    }
}

int main(int argc, char **argv) {
    static uint64_t numbers[2 * BATCH];
    static uint8_t counts[8][BATCH];
    fp_columns columns[8] = {{0}};
    const fp_isa *isas[8], *isa;
    size_t usable = 0, done[KINDS] = {0};
    if (argc != 3) return 2;
    state = strtoull(argv[1], NULL, 10) * 2 + 1;
    const size_t millions = strtoull(argv[2], NULL, 10);
    printf("seed %s, isas:", argv[1]);
    for (size_t i = 0; (isa = fp_isa_at(i)); i++)
        if (fp_isa_usable(isa)) {
            columns[usable].counts = counts[usable], isas[usable++] = isa;
            printf(" %s", fp_isa_name(isa));
        }
    printf("\n");
    for (int i = 0; i < 20 * PRIMES; i++) find_primes(isas[usable - 1]);
    const clock_t began = clock();
    for (size_t million = 1; million <= millions; million++)
        for (size_t kind = 0; kind < KINDS; kind++)
            for (size_t left = kinds[kind].of_a_million; left;) {
                const unsigned width = kinds[kind].width;
                size_t count = left < BATCH ? left : BATCH;
                find_primes(isas[usable - 1]);
                for (size_t i = 0; i < count; i++) kinds[kind].make(numbers + width * i);
                for (size_t i = 0; i < usable; i++) factor(isas[i], numbers, width, count, &columns[i]);
                check_products(isas[0], &columns[0], numbers, width, count);
                for (size_t i = 1; i < usable; i++) compare(isas[i], &columns[0], &columns[i], numbers, width, count);
                left -= count, done[kind] += count;
            }
    size_t all = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        printf("%13zu  %s\n", done[kind], kinds[kind].name);
        all += done[kind];
    }
    printf("%13zu  in all: every isa gave the same, %.0f s of CPU\n", all, (double)(clock() - began) / CLOCKS_PER_SEC);
    return 0;
}
