/* Measures what the thresholds of the kernel rest on: what a multiplication costs, rho against ECM by size, and ECM with other
 * bounds than its level's.
 *
 *     cc -O3 -Isrc/factorpool/native -o /tmp/cutovers benchmarks/cutovers.c \
 *         src/factorpool/native/{factor,trial,rho,prime}.c -lm && /tmp/cutovers
 *
 * Times are nanoseconds per number, the least of five passes over the same balanced semiprimes. */
#include "ecm.c" /* for its levels */

#include <stdio.h>
#include <time.h>

#define MOST 4000

static uint64_t state = 20120116, numbers[MOST], factors[MOST];

static uint64_t next(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

static uint64_t prime_of(unsigned bits) {
    for (;;) {
        uint64_t p = (next() >> (64 - bits)) | 1 | (uint64_t)1 << (bits - 1);
        if (fp_is_prime(p)) return p;
    }
}

static void semiprimes(unsigned bits, size_t count) {
    for (size_t i = 0; i < count; i++) do
            numbers[i] = prime_of(bits / 2) * prime_of(bits - bits / 2);
        while (numbers[i] >> (bits - 1) != 1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rho_all(size_t count) {
    for (size_t i = 0; i < count; i++) factors[i] = fp_rho(numbers[i]);
}

static void ecm_all(size_t count) {
    for (size_t i = 0; i < count; i += FP_ECM_BATCH)
        fp_ecm(numbers + i, count - i < FP_ECM_BATCH ? count - i : FP_ECM_BATCH, factors + i);
}

/* Every number at one level, without a scout. */
static unsigned chosen;
static void level_all(size_t count) {
    static uint8_t all[MOST];
    for (size_t i = 0; i < count; i++) all[i] = (uint8_t)chosen, factors[i] = 0;
    run_level(numbers, all, count, chosen, 0, CURVES, factors);
}

static double nanoseconds(void (*run)(size_t), size_t count) {
    double least = 1e9;
    for (int pass = 0; pass < 5; pass++) {
        double began = seconds();
        run(count);
        double took = seconds() - began;
        if (took < least) least = took;
    }
    return least * 1e9 / (double)count;
}

/* Nanoseconds for a modular multiplication when `chains` that depend on themselves are in flight; 1 or 4. */
static double multiplication(int chains) {
    fp_mont m = fp_mont_init(prime_of(64));
    uint64_t x[4] = {next() % m.n, next() % m.n, next() % m.n, next() % m.n};
    double least = 1e9;
    for (int pass = 0; pass < 20; pass++) {
        double began = seconds();
        for (int i = 0; i < 100000; i++) {
            x[0] = fp_sqr(x[0], &m);
            if (chains == 4) x[1] = fp_sqr(x[1], &m), x[2] = fp_sqr(x[2], &m), x[3] = fp_sqr(x[3], &m);
        }
        double took = seconds() - began;
        if (took < least) least = took;
    }
    factors[0] = x[0] ^ x[1] ^ x[2] ^ x[3];
    return least * 1e9 / 1e5 / chains;
}

int main(void) {
    printf("a modular multiplication: %.2f ns alone, %.2f ns with four in flight\n\n", multiplication(1),
           multiplication(4));
    printf("bits      rho      ecm\n");
    for (unsigned bits = 24; bits <= 48; bits += 2) {
        semiprimes(bits, MOST);
        printf("%4u %8.0f %8.0f\n", bits, nanoseconds(rho_all, MOST), nanoseconds(ecm_all, MOST));
    }
    printf("\nbits  ecm with the bounds of level 0, 1, ...\n");
    for (unsigned bits = 34; bits <= 64; bits += 2) {
        size_t count = bits < 50 ? 2000 : 800;
        semiprimes(bits, count);
        printf("%4u", bits);
        for (chosen = 0; chosen < LEVELS; chosen++) {
            double ns = chosen + 4 < LEVELS && bits > 52 ? 0 : nanoseconds(level_all, count);
            if (ns > 0)
                printf(" %8.0f%s", ns,
                       bits <= levels[chosen].bits && (!chosen || bits > levels[chosen - 1].bits) ? "*" : " ");
            else
                printf(" %8s ", "-");
        }
        printf("\n");
    }
    return 0;
}
