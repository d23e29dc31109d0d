/* Tests cycles.c. */
#include "../t.h"
#include "siqs.h"

enum { MOST = 1000, LENGTH = 3, FACTORS = 50, SETS = 40 };

/* Random relations of few large primes, half of them at once, then all: as many cycles as union and find by hand counts, and sets
 * in which every large prime and every factor stands an even number of times. */
static void check_cycles(size_t count, uint32_t primes) {
    fp_siqs_graph *graph = fp_siqs_graph_new(FACTORS);
    fp_wide u[MOST];
    uint32_t large[MOST][2], factors[LENGTH * MOST], connected[MOST + 2], halves[FACTORS];
    uint16_t lengths[MOST];
    size_t cycles = 0, at = 0, found;
    if (!graph) t_fail("fp_siqs_graph_new", count);
    for (uint32_t p = 0; p < primes; p++) connected[p] = p;
    for (size_t i = 0; i < count; i++) {
        u[i] = (fp_wide){{t_next() % 4 ? i : 0, i}}; /* some differ in the second word alone */
        lengths[i] = (uint16_t)(t_next() % (LENGTH + 1));
        for (uint16_t k = 0; k < lengths[i]; k++) factors[at++] = (uint32_t)(t_next() % FACTORS);
        for (int end = 0; end < 2; end++) large[i][end] = 1 + (uint32_t)(t_next() % primes);
        const uint32_t one = connected[large[i][0] - 1], other = connected[large[i][1] - 1];
        cycles += one == other;
        for (uint32_t p = 0; p < primes; p++)
            if (connected[p] == other) connected[p] = one;
    }
    fp_siqs_relations all = {.u = u, .large = large, .lengths = lengths, .factors = factors, .count = count / 2};
    if (fp_siqs_gather(graph, &all) != FP_OK) t_fail("fp_siqs_gather", count);
    all.count = count;
    if (fp_siqs_gather(graph, &all) != FP_OK) t_fail("fp_siqs_gather", count);
    if (fp_siqs_count(graph) != count) t_fail("fp_siqs_gather, which lost some or has some twice", count);
    if (fp_siqs_cycles(graph) != cycles) t_fail("fp_siqs_cycles", count);
    const size_t words = (count + 63) / 64;
    uint64_t sets[SETS * ((MOST + 63) / 64)];
    if (fp_siqs_sets(graph, SETS, NULL, sets, &found) != FP_OK) t_fail("fp_siqs_sets", count);
    if (found < SETS && found + FACTORS < cycles) t_fail("fp_siqs_sets, which found too few", found);
    for (size_t s = 0; s < found; s++) {
        fp_wide chosen[MOST];
        uint32_t pairs[2 * MOST];
        unsigned primes_left[MOST + 2] = {0}, factors_left[FACTORS] = {0};
        size_t members = 0;
        fp_siqs_product(graph, sets + s * words, chosen, pairs, halves);
        at = 0;
        for (size_t i = 0; i < count; at += lengths[i++]) {
            if (!(sets[s * words + i / 64] >> i % 64 & 1)) continue;
            if (memcmp(&chosen[members++], &u[i], sizeof *u)) t_fail("fp_siqs_product, u", i);
            for (int end = 0; end < 2; end++) primes_left[large[i][end]]++;
            for (uint16_t k = 0; k < lengths[i]; k++) factors_left[factors[at + k]]++;
        }
        if (members == 0) t_fail("fp_siqs_sets, an empty set", s);
        for (size_t i = 0; i < members; i++) primes_left[pairs[i]] -= 2;
        for (uint32_t p = 1; p <= primes; p++)
            if (primes_left[p]) t_fail("fp_siqs_product, a large prime", p);
        for (uint32_t f = 0; f < FACTORS; f++)
            if (factors_left[f] != 2 * halves[f]) t_fail("fp_siqs_product, a factor", f);
    }
    fp_siqs_graph_free(graph);
}

void t_cycles(size_t count) {
    check_cycles(0, 1), check_cycles(1, 1), check_cycles(MOST, 1), check_cycles(MOST, MOST), check_cycles(MOST, 30);
    for (size_t i = 0; i < 10 + count / 1000; i++) check_cycles(t_next() % MOST, 1 + (uint32_t)(t_next() % MOST));
}
