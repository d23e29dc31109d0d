/* The end of the small sieve: dependencies by elimination, and the square root. */
#include <string.h>

#include "small.h"
#define FP_FIELD_BITS 128
#include "../lanes_wide.h"

/* A factor from a set of whole relations, whose product is a square on both sides. */
static fp_u128 try_set(const fp_small_memory *m, const uint64_t *set, const fp_unit_mod *mod) {
    uint16_t powers[FP_SMALL_PRIMES + 1] = {0};
    fp_u128 x = mod->one, y = mod->one;
    for (size_t i = 0; i < m->whole_count; i++) {
        if (!(set[i / 64] >> i % 64 & 1)) continue;
        int two = m->whole[i][0] != m->whole[i][1];
        for (int j = 0; j <= two; j++) {
            const fp_small_relation *r = &m->relations[m->whole[i][j]];
            x = fp_unit_mul(x, fp_unit_mul(r->u % mod->n, mod->radix2, mod), mod);
            for (unsigned k = 0; k < r->length; k++) powers[m->factors[r->start + k]]++;
        }
        if (two) y = fp_unit_mul(y, fp_unit_mul(m->relations[m->whole[i][0]].large, mod->radix2, mod), mod);
    }
    for (size_t i = 1; i <= m->count; i++) {
        fp_u128 p = fp_unit_mul(m->primes[i - 1], mod->radix2, mod);
        for (unsigned power = powers[i] / 2; power; power >>= 1, p = fp_unit_mul(p, p, mod))
            if (power & 1) y = fp_unit_mul(y, p, mod);
    }
    fp_u128 factor = fp_gcd128(fp_sub128(x, y, mod->n), mod->n);
    return factor > 1 && factor < mod->n && mod->n % factor == 0 ? factor : 0;
}

fp_u128 fp_small_root(fp_small_memory *m, fp_u128 n) {
    size_t columns = m->count + 1, left = (columns + 63) / 64, words = left + (m->whole_count + 63) / 64;
    const fp_unit_mod mod = fp_unit_mod_load(&n);
    for (size_t i = 0; i < m->whole_count; i++) {
        uint64_t *row = m->rows[i];
        memset(row, 0, words * sizeof *row);
        row[left + i / 64] = 1ull << i % 64;
        for (int j = 0; j <= (m->whole[i][0] != m->whole[i][1]); j++) {
            const fp_small_relation *r = &m->relations[m->whole[i][j]];
            for (unsigned k = 0; k < r->length; k++) {
                unsigned f = m->factors[r->start + k];
                row[f / 64] ^= 1ull << f % 64;
            }
        }
    }
    /* Rows above `done` have a leading one that the others lack; what is left of those below in the end is empty. */
    size_t done = 0;
    for (size_t c = 0; c < columns; c++) {
        size_t pivot = done;
        while (pivot < m->whole_count && !(m->rows[pivot][c / 64] >> c % 64 & 1)) pivot++;
        if (pivot == m->whole_count) continue;
        if (pivot != done)
            for (size_t w = 0; w < words; w++) {
                uint64_t t = m->rows[done][w];
                m->rows[done][w] = m->rows[pivot][w], m->rows[pivot][w] = t;
            }
        for (size_t r = pivot + 1; r < m->whole_count; r++)
            if (m->rows[r][c / 64] >> c % 64 & 1)
                for (size_t w = c / 64; w < words; w++) m->rows[r][w] ^= m->rows[done][w];
        done++;
    }
    fp_u128 factor = 0;
    for (size_t r = done; r < m->whole_count && factor == 0; r++) factor = try_set(m, m->rows[r] + left, &mod);
    return factor;
}
