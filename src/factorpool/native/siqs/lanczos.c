/* Sums of unknowns that vanish in every equation, modulo 2, for matrices of few ones: P. L. Montgomery's block Lanczos algorithm, "A
 * block Lanczos algorithm for finding dependencies over GF(2)" (Eurocrypt '95), whose names are used here.
 *
 * For a matrix B of equations by unknowns, A = B^T B is symmetric.  A random Y of 64 columns, a word for each unknown, gives V_0 = A
 * Y; from V_i and A V_i comes V_(i+1), so that the parts W_i that are taken of them are orthogonal with respect to A, and X =
 * sum W_i (W_i^T A W_i)^-1 W_i^T V_0 satisfies A X = A Y.  Combinations of the columns of X - Y and of the last V, of which
 * nothing more can be taken, vanish under B.  With n unknowns it takes about n / 63 rounds, and memory for the ones of B
 * and some words an unknown. */
#include <stdlib.h>

#include "../integer.h"
#include "siqs.h"

/* Rounds are stopped once they are so many more than the n / 63 that are expected: something has gone wrong. */
#define MORE_ROUNDS 64

/* Random Y that are tried, for some fail. */
#define TRIES 8
enum { FP_SIQS_AGAIN = -1 };

/* A 64 by 64 matrix: word i is row i. */
typedef uint64_t square[64];

typedef struct {
    const fp_siqs_matrix *sparse;
    uint32_t *entries; /* those of the sparse matrix that are not in dense equations */
    size_t *starts;
    size_t blocks;   /* of 64 dense equations */
    uint64_t *dense; /* a bit for each of them: a word for each unknown, block after block */
    uint64_t *sums;  /* of an equation */
} matrix;

/* X^T Y, for a word of each in every row. */
static void inner(const uint64_t *x, const uint64_t *y, size_t count, square out) {
    uint64_t sums[8][256] = {0}; /* of the rows of y where x has that byte there */
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < 8; k++) sums[k][x[r] >> 8 * k & 255] ^= y[r];
    for (size_t i = 0; i < 64; i++) {
        out[i] = 0;
        for (size_t byte = 0; byte < 256; byte++)
            if (byte >> i % 8 & 1) out[i] ^= sums[i / 8][byte];
    }
}

/* Adds V M to `out`. */
static void add_product(const uint64_t *v, const square m, size_t count, uint64_t *out) {
    uint64_t sums[8][256];
    for (size_t k = 0; k < 8; k++) {
        sums[k][0] = 0;
        for (size_t byte = 1; byte < 256; byte++)
            sums[k][byte] = sums[k][byte & (byte - 1)] ^ m[8 * k + (size_t)__builtin_ctzll(byte)];
    }
    for (size_t r = 0; r < count; r++) {
        uint64_t sum = 0;
        for (size_t k = 0; k < 8; k++) sum ^= sums[k][v[r] >> 8 * k & 255];
        out[r] ^= sum;
    }
}

static void multiply(const square a, const square b, square out) {
    square product = {0};
    add_product(a, b, 64, product);
    memcpy(out, product, sizeof product);
}

static void add_one(square a) {
    for (size_t i = 0; i < 64; i++) a[i] ^= 1ull << i;
}

static void keep_columns(const square a, uint64_t columns, square out) {
    for (size_t i = 0; i < 64; i++) out[i] = a[i] & columns;
}

/* B v, and with it what of A v comes from the sparse equations, into `out`. */
static void apply_sparse(const matrix *m, const uint64_t *v, uint64_t *out) {
    const size_t unknowns = m->sparse->unknowns;
    memset(m->sums, 0, m->sparse->equations * sizeof *m->sums);
    for (size_t u = 0; u < unknowns; u++)
        for (size_t i = m->starts[u]; i < m->starts[u + 1]; i++) m->sums[m->entries[i]] ^= v[u];
    for (size_t u = 0; u < unknowns; u++) {
        uint64_t sum = 0;
        for (size_t i = m->starts[u]; i < m->starts[u + 1]; i++) sum ^= m->sums[m->entries[i]];
        out[u] = sum;
    }
}

/* A v. */
static void apply(const matrix *m, const uint64_t *v, uint64_t *out) {
    const size_t unknowns = m->sparse->unknowns;
    apply_sparse(m, v, out);
    for (size_t b = 0; b < m->blocks; b++) {
        square sums;
        inner(m->dense + b * unknowns, v, unknowns, sums);
        add_product(m->dense + b * unknowns, sums, unknowns, out);
    }
}

/* The columns S that W is taken of, so that (S^T T S) is regular, and W^inv = S (S^T T S)^-1 S^T: Gauss and Jordan on T beside the
 * unit matrix, those columns first that were not taken the last time, for each must be taken one time in two. */
static uint64_t choose(const square t, uint64_t last, square inverse) {
    square m;
    unsigned order[64], count = 0;
    uint64_t chosen = 0;
    for (int in = 0; in < 2; in++)
        for (unsigned c = 0; c < 64; c++)
            if ((int)(last >> c & 1) == in) order[count++] = c;
    for (unsigned i = 0; i < 64; i++) m[i] = t[i], inverse[i] = 1ull << i;
    for (unsigned k = 0; k < 64; k++) {
        const unsigned c = order[k];
        uint64_t *half = m; /* where the pivot stands */
        unsigned j = k;
        while (j < 64 && !(m[order[j]] >> c & 1)) j++;
        if (j == 64) {
            half = inverse;
            for (j = k; !(inverse[order[j]] >> c & 1);) j++;
        }
        const uint64_t row = m[order[j]], right = inverse[order[j]];
        m[order[j]] = m[c], inverse[order[j]] = inverse[c];
        m[c] = row, inverse[c] = right;
        for (unsigned i = 0; i < 64; i++)
            if (i != c && half[i] >> c & 1) m[i] ^= row, inverse[i] ^= right;
        if (half == m)
            chosen |= 1ull << c;
        else
            m[c] = inverse[c] = 0;
    }
    return chosen;
}

/* What a round leaves to the next two. */
typedef struct {
    uint64_t *v;
    square inverse, vav, vaav; /* W^inv, V^T A V, V^T A^2 V */
    uint64_t chosen;
} step;

/* X - Y into x, which is a random Y, and the last V into the first of the rounds.  Answers FP_SIQS_AGAIN where some columns have
 * dropped out: it depends on Y. */
static int iterate(const matrix *m, uint64_t *x, uint64_t *start, step rounds[3], uint64_t *av,
                   const fp_control *control) {
    const size_t unknowns = m->sparse->unknowns;
    apply(m, x, start);
    for (int i = 0; i < 3; i++) {
        uint64_t *v = rounds[i].v;
        memset(&rounds[i], 0, sizeof rounds[i]);
        rounds[i].v = v, rounds[i].chosen = ~0ull;
        memset(v, 0, unknowns * sizeof *v);
    }
    memcpy(rounds[0].v, start, unknowns * sizeof *start);
    for (size_t left = unknowns / 63 + MORE_ROUNDS; left--;) {
        step *now = &rounds[0], *before = &rounds[1], *first = &rounds[2];
        if (fp_poll(control)) return FP_STOPPED;
        apply(m, now->v, av);
        inner(now->v, av, unknowns, now->vav);
        inner(av, av, unknowns, now->vaav);
        uint64_t any = 0;
        for (int i = 0; i < 64; i++) any |= now->vav[i];
        if (!any) return FP_OK;
        now->chosen = choose(now->vav, before->chosen, now->inverse);
        if ((now->chosen | before->chosen) != ~0ull) return FP_SIQS_AGAIN;

        square d, e, f, t;
        inner(now->v, start, unknowns, t);
        multiply(now->inverse, t, t);
        add_product(now->v, t, unknowns, x);

        keep_columns(now->vaav, now->chosen, d);
        for (int i = 0; i < 64; i++) d[i] ^= now->vav[i];
        multiply(now->inverse, d, d);
        add_one(d);

        keep_columns(now->vav, now->chosen, e);
        multiply(before->inverse, e, e);

        multiply(before->vav, before->inverse, t);
        add_one(t);
        multiply(first->inverse, t, f);
        keep_columns(before->vaav, before->chosen, t);
        for (int i = 0; i < 64; i++) t[i] ^= before->vav[i];
        keep_columns(t, now->chosen, t);
        multiply(f, t, f);

        for (size_t u = 0; u < unknowns; u++) av[u] &= now->chosen;
        add_product(now->v, d, unknowns, av);
        add_product(before->v, e, unknowns, av);
        add_product(first->v, f, unknowns, av);
        memcpy(first->v, av, unknowns * sizeof *av);
        step next = *first;
        *first = *before, *before = *now, *now = next;
    }
    return FP_SIQS_AGAIN;
}

/* A row times a matrix of 128 rows. */
static fp_u128 times(fp_u128 row, const fp_u128 *by) {
    fp_u128 sum = 0;
    for (int half = 0; half < 2; half++)
        for (uint64_t bits = (uint64_t)(row >> 64 * half); bits; bits &= bits - 1)
            sum ^= by[64 * half + __builtin_ctzll(bits)];
    return sum;
}

/* Gauss on the columns of rows that are multiplied by the matrix `by`, which takes up what is done: each row that has ones left gives
 * a pivot column, which is added to the others that have a one there.  Answers the pivots. */
static fp_u128 eliminate(const fp_u128 *rows, size_t count, fp_u128 *by, fp_u128 columns) {
    fp_u128 pivots = 0;
    for (size_t r = 0; r < count; r++) {
        const fp_u128 ones = times(rows[r], by) & columns & ~pivots;
        if (!ones) continue;
        const int p = fp_twos(ones);
        const fp_u128 pivot = (fp_u128)1 << p;
        for (int i = 0; i < 128; i++)
            if (by[i] & pivot) by[i] ^= ones ^ pivot;
        pivots |= pivot;
    }
    return pivots;
}

/* Those combinations of the columns of x and v that vanish in every equation and do not depend on each other, as columns of x. */
static int combine(const matrix *m, uint64_t *x, const uint64_t *v, uint64_t *scratch, size_t *found) {
    const size_t unknowns = m->sparse->unknowns, equations = m->sparse->equations, dense = 64 * m->blocks;
    const size_t most = unknowns > equations + dense ? unknowns : equations + dense;
    fp_u128 *rows = calloc(most, sizeof *rows), by[128];
    if (!rows) return FP_NO_MEMORY;
    for (int i = 0; i < 128; i++) by[i] = (fp_u128)1 << i;
    for (int half = 0; half < 2; half++) {
        const uint64_t *z = half ? v : x;
        apply_sparse(m, z, scratch);
        for (size_t e = 0; e < equations; e++) rows[e] |= (fp_u128)m->sums[e] << 64 * half;
        for (size_t b = 0; b < m->blocks; b++) {
            square sums;
            inner(m->dense + b * unknowns, z, unknowns, sums);
            for (size_t i = 0; i < 64; i++) rows[equations + 64 * b + i] |= (fp_u128)sums[i] << 64 * half;
        }
    }
    fp_u128 vanish = ~eliminate(rows, equations + dense, by, ~(fp_u128)0);
    for (size_t u = 0; u < unknowns; u++) rows[u] = (fp_u128)v[u] << 64 | x[u];
    const fp_u128 independent = eliminate(rows, unknowns, by, vanish);
    for (size_t u = 0; u < unknowns; u++) {
        const fp_u128 row = times(rows[u], by);
        fp_u128 columns = independent;
        x[u] = 0;
        for (*found = 0; columns && *found < 64; columns &= columns - 1)
            x[u] |= (uint64_t)(row >> fp_twos(columns) & 1) << (*found)++;
    }
    free(rows);
    return FP_OK;
}

static int heavier_first(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Takes the heaviest equations out of the sparse ones, 64 at a time, as long as they are less work that way: in `apply` each of
 * their ones takes two steps then, and 64 equations 16 for each unknown. */
static int take_dense(matrix *m) {
    const fp_siqs_matrix *sparse = m->sparse;
    const size_t unknowns = sparse->unknowns, equations = sparse->equations;
    uint64_t *weight = malloc((equations + 1) * sizeof *weight); /* and, in the low half, the equation */
    uint32_t *number = calloc(equations + 1, sizeof *number);    /* from 1: its place among the dense ones */
    int status = FP_NO_MEMORY;
    if (!weight || !number) goto done;
    for (size_t e = 0; e < equations; e++) weight[e] = e;
    for (size_t i = 0; i < sparse->starts[unknowns]; i++) weight[sparse->entries[i]] += 1ull << 32;
    qsort(weight, equations, sizeof *weight, heavier_first);
    for (; 64 * (m->blocks + 1) <= equations; m->blocks++) {
        uint64_t ones = 0;
        for (size_t i = 64 * m->blocks; i < 64 * (m->blocks + 1); i++) ones += weight[i] >> 32;
        if (2 * ones < 16 * unknowns) break;
    }
    for (size_t i = 0; i < 64 * m->blocks; i++) number[(uint32_t)weight[i]] = (uint32_t)i + 1;
    m->entries = malloc((sparse->starts[unknowns] + 1) * sizeof *m->entries);
    m->starts = malloc((unknowns + 1) * sizeof *m->starts);
    m->dense = calloc(m->blocks * unknowns + 1, sizeof *m->dense);
    m->sums = malloc((equations + 1) * sizeof *m->sums);
    if (!m->entries || !m->starts || !m->dense || !m->sums) goto done;
    size_t used = 0;
    for (size_t u = 0; u < unknowns; u++) {
        m->starts[u] = used;
        for (size_t i = sparse->starts[u]; i < sparse->starts[u + 1]; i++) {
            const uint32_t e = sparse->entries[i], at = number[e] - 1;
            if (number[e])
                m->dense[at / 64 * unknowns + u] |= 1ull << at % 64;
            else
                m->entries[used++] = e;
        }
    }
    m->starts[unknowns] = used;
    status = FP_OK;
done:
    free(weight), free(number);
    return status;
}

int fp_siqs_lanczos(const fp_siqs_matrix *sparse, const fp_control *control, uint64_t *sets, size_t *found) {
    const size_t unknowns = sparse->unknowns;
    matrix m = {.sparse = sparse};
    step rounds[3];
    uint64_t *words = malloc(5 * (unknowns + 1) * sizeof *words), state = 0x9E3779B97F4A7C15;
    int status = words ? take_dense(&m) : FP_NO_MEMORY;
    *found = 0;
    for (int tries = 0; status == FP_OK && *found == 0 && tries < TRIES; tries++) {
        for (size_t u = 0; u < unknowns; u++) { /* xorshift64* (S. Vigna, 2016) */
            state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
            sets[u] = state * 0x2545F4914F6CDD1D;
        }
        for (size_t i = 0; i < 3; i++) rounds[i].v = words + i * unknowns;
        status = iterate(&m, sets, words + 3 * unknowns, rounds, words + 4 * unknowns, control);
        if (status == FP_OK) status = combine(&m, sets, rounds[0].v, words + 4 * unknowns, found);
        if (status == FP_SIQS_AGAIN) status = FP_OK;
    }
    free(words), free(m.entries), free(m.starts), free(m.dense), free(m.sums);
    return status;
}
