/* The end of the small sieve: dependencies by elimination, and the square root. */
#include "siqs.h"
#define FP_LIMBS 3
#include "../long_field.h"

_Static_assert(FP_SMALL_BITS <= 64 * FP_LIMBS - 5, "as long as the modulus may be");

/* Whether a set of whole relations, whose product is a square on both sides, gives a factor. */
static int try_set(const fp_small_memory *m, const uint64_t *set, const fp_vec_mod *mod, fp_wide *factor) {
    uint16_t powers[FP_SMALL_PRIMES + 1] = {0};
    fp_vec x = mod->one, y = mod->one;
    for (size_t i = 0; i < m->whole_count; i++) {
        if (!(set[i / 64] >> i % 64 & 1)) continue;
        int two = m->whole[i][0] != m->whole[i][1];
        for (int j = 0; j <= two; j++) {
            const fp_small_relation *r = &m->relations[m->whole[i][j]];
            const fp_vec u = {{(uint64_t)r->u, (uint64_t)(r->u >> 64)}};
            x = fp_vec_mul(x, fp_vec_mul(u, mod->radix2, mod), mod);
            for (unsigned k = 0; k < r->length; k++) powers[m->factors[r->start + k]]++;
        }
        if (two) y = fp_vec_mul(y, fp_vec_constant(m->relations[m->whole[i][0]].large, mod), mod);
    }
    for (size_t i = 1; i <= m->count; i++) {
        if (powers[i] < 2) continue;
        fp_vec p = fp_vec_constant(m->primes[i - 1], mod);
        for (unsigned power = powers[i] / 2; power; power >>= 1, p = fp_vec_sqr(p, mod))
            if (power & 1) y = fp_vec_mul(y, p, mod);
    }
    return fp_vec_proper(fp_vec_gcd(fp_vec_sub(x, y, mod), mod), mod, factor->w);
}

int fp_small_root(fp_small_memory *m, const fp_wide *n, const fp_control *control, fp_wide *factor) {
    /* An equation for every prime and for the sign: it has a one for each relation that an odd power of it is in. */
    const size_t equations = m->count + 1, words = (m->whole_count + 63) / 64;
    for (size_t e = 0; e < equations; e++) {
        m->rows[e] = m->matrix[e];
        memset(m->rows[e], 0, words * sizeof *m->rows[e]);
    }
    for (size_t i = 0; i < m->whole_count; i++)
        for (int j = 0; j <= (m->whole[i][0] != m->whole[i][1]); j++) {
            const fp_small_relation *r = &m->relations[m->whole[i][j]];
            for (unsigned k = 0; k < r->length; k++) m->rows[m->factors[r->start + k]][i / 64] ^= 1ull << i % 64;
        }
    size_t rank;
    int status = fp_siqs_reduce(m->rows, equations, m->whole_count, m->pivots, &rank, control);
    if (status != FP_OK) return status;
    const fp_vec_mod mod = fp_vec_load(n->w);
    for (size_t u = 0, solved = 0; u < m->whole_count; u++) {
        if (solved < rank && m->pivots[solved] == u) {
            solved++;
            continue;
        }
        /* What no equation begins with may be chosen: this one, and what follows from it. */
        uint64_t set[FP_SMALL_WHOLE / 64 + 1] = {0};
        set[u / 64] |= 1ull << u % 64;
        for (size_t i = 0; i < solved; i++)
            if (m->rows[i][u / 64] >> u % 64 & 1) set[m->pivots[i] / 64] |= 1ull << m->pivots[i] % 64;
        if (try_set(m, set, &mod, factor)) return FP_OK;
    }
    return FP_OK;
}
