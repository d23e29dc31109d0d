/* Measures what the thresholds of the kernel rest on: rho against ECM, ECM with other bounds than its level's, and ECM against the
 * small sieve, for every isa of this machine.
 *
 *     cc -O3 -fno-trapping-math -Isrc/factorpool/native -o /tmp/cutovers benchmarks/cutovers.c \
 *         $(find src/factorpool/native -name '*.c' ! -name ecm.c ! -name 't-*' | grep -v python) -lm && /tmp/cutovers
 *
 * `/tmp/cutovers sieve` is the last of them alone.
 *
 * Times are microseconds per number, the least of three passes over the same balanced semiprimes. */
#include "ecm.c" /* for its levels */

#include <stdio.h>
#include <time.h>

#define MOST 4000

static uint64_t seed = 20120116;
static fp_u128 numbers[MOST], factors[MOST];
static const fp_isa *isa;

static uint64_t next_random(void) {
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    return seed * 0x2545F4914F6CDD1Du;
}

static uint64_t prime_of(unsigned bits) {
    for (;;) {
        uint64_t p = (next_random() >> (64 - bits)) | 1 | (uint64_t)1 << (bits - 1);
        if (fp_is_prime(isa, p)) return p;
    }
}

static void semiprimes(unsigned bits, size_t count) {
    for (size_t i = 0; i < count; i++) do
            numbers[i] = (fp_u128)prime_of(bits / 2) * prime_of(bits - bits / 2);
        while (numbers[i] >> (bits - 1) != 1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rho_all(size_t count) {
    for (size_t i = 0; i < count; i++) factors[i] = fp_rho((uint64_t)numbers[i]);
}

/* Every number at one level, without visits to others. */
static unsigned chosen;
static void level_all(size_t count) {
    static memory room;
    state *states = room.states;
    for (size_t i = 0; i < count; i++) {
        states[i] = (state){.level = (uint8_t)chosen};
        while (isa->field[states[i].field]->bits < fp_bits(numbers[i])) states[i].field++;
        factors[i] = 0;
    }
    for (unsigned f = 0; f < sizeof isa->field / sizeof *isa->field && isa->field[f]; f++)
        run_level(isa->field[f], f, chosen, numbers, &room, count, NULL, factors);
}

static void sieve_all(size_t count) {
    static fp_small_memory *sieving;
    for (size_t i = 0; i < count; i++)
        if (fp_siqs_small128(isa, numbers[i], &sieving, NULL, &factors[i]) != FP_OK) exit(1);
}

static double microseconds(void (*run)(size_t), size_t count) {
    double least = 1e9;
    for (int pass = 0; pass < 3; pass++) {
        double began = seconds();
        run(count);
        double took = seconds() - began;
        if (took < least) least = took;
    }
    return least * 1e6 / (double)count;
}

static unsigned level_of(unsigned bits) {
    unsigned l = 0;
    while (levels[l].bits < bits) l++;
    return l;
}

static void ecm_and_sieve(void) {
    printf("bits  ecm with the bounds of its level, and the small sieve\n");
    for (unsigned bits = 64; bits <= 128; bits += bits < 72 ? 2 : 8) {
        size_t count = bits < 80 ? 256 : bits < 112 ? 64 : 24;
        semiprimes(bits, count);
        chosen = level_of(bits);
        if (bits > 104) /* some numbers there are beyond all curves */
            printf("%4u          -", bits);
        else
            printf("%4u %10.3f", bits, microseconds(level_all, count));
        printf(" %10.3f\n", microseconds(sieve_all, count));
        fflush(stdout);
    }
}

int main(int count, char **arguments) {
    (void)arguments;
    for (size_t i = 0; (isa = fp_isa_at(i)); i++) {
        if (!fp_isa_usable(isa)) continue;
        if (count > 1) {
            printf("%s\n", isa->name);
            ecm_and_sieve();
            continue;
        }
        printf("%s\nbits      rho      ecm, B1 and giant steps of its level\n", isa->name);
        for (unsigned bits = 22; bits <= 40; bits += 2) {
            semiprimes(bits, MOST);
            chosen = level_of(bits);
            printf("%4u %8.3f %8.3f\n", bits, microseconds(rho_all, MOST), microseconds(level_all, MOST));
        }
        printf("\nbits  ecm with the bounds of the level below, of its own, and of the one above\n");
        for (unsigned bits = 34; bits <= 112; bits += bits < 64 ? 2 : 4) {
            size_t count = bits < 56 ? MOST : bits < 80 ? 512 : bits < 100 ? 128 : 48;
            semiprimes(bits, count);
            printf("%4u", bits);
            for (int l = (int)level_of(bits) - 1; l <= (int)level_of(bits) + 1; l++) {
                chosen = (unsigned)l;
                if (l < 0 || l >= (int)LEVELS)
                    printf(" %10s", "-");
                else
                    printf(" %10.3f", microseconds(level_all, count));
            }
            printf("\n");
            fflush(stdout);
        }
        printf("\n");
        ecm_and_sieve();
        printf("\n");
    }
    return 0;
}
