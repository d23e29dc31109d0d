/* Linear algebra modulo 2: sets of relations in which every prime stands an even number of times.
 *
 * Most columns, those of large primes, have few ones.  First, rows that have the only one of a column are of no use.  Then a column
 * of few rows is removed by adding one of them, the shortest, to the others (structured elimination: C. Pomerance
 * and J. Smith, "Reduction of huge, sparse matrices over finite fields via created catastrophes", 1992).  What is left, about a
 * third as wide, goes to block Lanczos (lanczos.c); or, if it is small, it is eliminated as a dense matrix, eight columns at a
 * time by tables of all sums of eight rows ("four Russians": V. Arlazarov, E. Dinic, M. Kronrod and I. Faradzev, 1970). */
#include <stdlib.h>

#include "siqs.h"

/* A set of numbers, ascending. */
typedef struct {
    uint32_t *items;
    uint32_t count;
} set;

/* Heaviest column that is removed before the dense part. */
#define MOST_WEIGHT 12

/* Columns with ones from which block Lanczos takes less time than elimination, and how far columns are removed for it then: it takes
 * as long as there are ones, times what is left of the columns. */
#define SPARSE_FROM 8000
#define SPARSE_WEIGHT 8

/* Rows more than columns that are kept: each gives a set, and half of all sets factor n. */
#define SPARE 64

/* Columns eliminated at once. */
#define STRIP 8

typedef struct {
    size_t rows, columns;
    set *row;     /* columns with a one */
    set *members; /* rows of the input that add up to a row; a row without members is gone */
    uint32_t *weight;
    const fp_control *control;
} matrix;

/* a becomes the numbers that are in one of both and not in the other. */
static int add_set(set *a, const set *b) {
    uint32_t *sum = malloc((a->count + b->count + 1) * sizeof *sum), count = 0, i = 0, j = 0;
    if (!sum) return FP_NO_MEMORY;
    while (i < a->count && j < b->count) {
        uint32_t x = a->items[i], y = b->items[j];
        if (x != y) sum[count++] = x < y ? x : y;
        i += x <= y, j += y <= x;
    }
    while (i < a->count) sum[count++] = a->items[i++];
    while (j < b->count) sum[count++] = b->items[j++];
    free(a->items);
    a->items = sum, a->count = count;
    return FP_OK;
}

static void drop_row(matrix *m, size_t r) {
    for (uint32_t i = 0; i < m->row[r].count; i++) m->weight[m->row[r].items[i]]--;
    free(m->row[r].items), free(m->members[r].items);
    m->row[r] = m->members[r] = (set){NULL, 0};
}

static int read_rows(matrix *m, const uint32_t *entries, const uint64_t *starts) {
    for (size_t r = 0; r < m->rows; r++) {
        size_t length = starts[r + 1] - starts[r];
        uint32_t *items = malloc((length + 1) * sizeof *items);
        uint32_t *member = malloc(sizeof *member);
        m->row[r].items = items, m->members[r].items = member;
        if (!items || !member) return FP_NO_MEMORY;
        *member = (uint32_t)r, m->members[r].count = 1;
        memcpy(items, entries + starts[r], length * sizeof *items);
        qsort(items, length, sizeof *items, fp_siqs_ascending);
        uint32_t count = 0;
        for (size_t i = 0; i < length; i++)
            if (count && items[count - 1] == items[i])
                count--;
            else
                items[count++] = items[i];
        m->row[r].count = count;
        for (uint32_t i = 0; i < count; i++) m->weight[items[i]]++;
    }
    return FP_OK;
}

static void drop_singletons(matrix *m) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (size_t r = 0; r < m->rows; r++)
            for (uint32_t i = 0; i < m->row[r].count; i++)
                if (m->weight[m->row[r].items[i]] == 1) {
                    drop_row(m, r);
                    changed = 1;
                    break;
                }
    }
}

/* Removes columns of at most `most` ones, each with rows that no other column of this pass has touched. */
static int merge(matrix *m, uint32_t most, size_t *removed) {
    uint32_t *place = malloc(m->columns * MOST_WEIGHT * sizeof *place), *filled = calloc(m->columns, sizeof *filled);
    uint8_t *touched = calloc(m->rows, 1);
    int status = place && filled && touched ? FP_OK : FP_NO_MEMORY;
    *removed = 0;
    for (size_t r = 0; r < m->rows && status == FP_OK; r++)
        for (uint32_t i = 0; i < m->row[r].count; i++) {
            uint32_t c = m->row[r].items[i];
            if (m->weight[c] <= most) place[c * MOST_WEIGHT + filled[c]++] = (uint32_t)r;
        }
    for (size_t c = 0; c < m->columns && status == FP_OK; c++) {
        uint32_t count = filled[c], *rows = place + c * MOST_WEIGHT, lightest = 0;
        int free_rows = count >= 2;
        for (uint32_t i = 0; i < count; i++) {
            free_rows &= !touched[rows[i]];
            if (m->row[rows[i]].count < m->row[rows[lightest]].count) lightest = i;
        }
        if (!free_rows) continue;
        const size_t pivot = rows[lightest];
        for (uint32_t i = 0; i < count && status == FP_OK; i++) {
            size_t r = rows[i];
            touched[r] = 1;
            if (r == pivot) continue;
            for (uint32_t j = 0; j < m->row[r].count; j++) m->weight[m->row[r].items[j]]--;
            status = add_set(&m->row[r], &m->row[pivot]);
            if (status == FP_OK) status = add_set(&m->members[r], &m->members[pivot]);
            for (uint32_t j = 0; j < m->row[r].count; j++) m->weight[m->row[r].items[j]]++;
        }
        if (status == FP_OK) drop_row(m, pivot), ++*removed;
    }
    free(place), free(filled), free(touched);
    return status;
}

int fp_siqs_reduce(uint64_t **rows, size_t height, size_t width, uint32_t *pivot, size_t *rank_out,
                   const fp_control *control) {
    const size_t words = (width + 63) / 64;
    uint64_t *table = malloc(((size_t)1 << STRIP) * words * sizeof *table);
    if (!table) return FP_NO_MEMORY;
    size_t rank = 0;
    int status = FP_OK;
    for (size_t column = 0; column < width && rank < height; column += STRIP) {
        if (fp_poll(control)) {
            status = FP_STOPPED;
            break;
        }
        /* The pivots of these columns, each reduced by the others. */
        const size_t word = column / 64, shift = column % 64;
        const size_t end = column + STRIP < width ? column + STRIP : width;
        size_t top = rank;
        size_t row_of[STRIP], of_pivots = 0;
        for (size_t c = column; c < end; c++) {
            size_t found = top;
            const uint64_t bit = 1ull << c % 64;
            for (; found < height; found++) {
                for (size_t i = rank; i < top; i++) /* as far as those of this strip go */
                    if (rows[found][word] >> pivot[i] % 64 & 1)
                        for (size_t w = word; w < words; w++) rows[found][w] ^= rows[i][w];
                if (rows[found][word] & bit) break;
            }
            if (found == height) continue;
            uint64_t *row = rows[found];
            rows[found] = rows[top], rows[top] = row;
            for (size_t i = rank; i < top; i++)
                if (rows[i][word] & bit)
                    for (size_t w = word; w < words; w++) rows[i][w] ^= row[w];
            row_of[c - column] = top, of_pivots |= (size_t)1 << (c - column);
            pivot[top++] = (uint32_t)c;
        }
        /* The sum of pivots with the same bits in their columns as a row takes them out of it. */
        memset(table, 0, words * sizeof *table);
        for (size_t bits = 1; bits < 1 << STRIP; bits++) {
            if (bits & ~of_pivots) continue;
            const uint64_t *rest = table + (bits & (bits - 1)) * words, *row = rows[row_of[__builtin_ctzll(bits)]];
            for (size_t w = word; w < words; w++) table[bits * words + w] = rest[w] ^ row[w];
        }
        for (size_t r = 0; r < height; r++) {
            const size_t index = (rows[r][word] >> shift) & of_pivots;
            if (index == 0 || (r >= rank && r < top)) continue;
            const uint64_t *sum = table + index * words;
            for (size_t w = word; w < words; w++) rows[r][w] ^= sum[w];
        }
        rank = top;
    }
    free(table);
    *rank_out = rank;
    return status;
}

/* What is left: its rows, as unknowns of the equations that its columns are. */
typedef struct {
    const matrix *of;
    size_t unknowns, equations;
    uint32_t *row;      /* of an unknown */
    uint32_t *equation; /* of a column that has ones */
} rest;

static int number_rest(const matrix *m, rest *left) {
    *left = (rest){.of = m};
    left->row = malloc((m->rows + 1) * sizeof *left->row);
    left->equation = malloc((m->columns + 1) * sizeof *left->equation);
    if (!left->row || !left->equation) return FP_NO_MEMORY;
    for (size_t c = 0; c < m->columns; c++)
        if (m->weight[c]) left->equation[c] = (uint32_t)left->equations++;
    for (size_t r = 0; r < m->rows && left->unknowns < left->equations + SPARE; r++)
        if (m->members[r].count) left->row[left->unknowns++] = (uint32_t)r;
    return FP_OK;
}

/* Adds the rows of the input that an unknown stands for to a set. */
static void add_members(const rest *left, size_t unknown, uint64_t *set_out) {
    const set *members = &left->of->members[left->row[unknown]];
    for (uint32_t j = 0; j < members->count; j++) set_out[members->items[j] / 64] ^= 1ull << members->items[j] % 64;
}

/* The sets, by block Lanczos. */
static int solve_sparse(const rest *left, size_t most, uint64_t *sets, size_t *found) {
    const matrix *m = left->of;
    const size_t words_out = (m->rows + 63) / 64;
    size_t ones = 0;
    for (size_t u = 0; u < left->unknowns; u++) ones += m->row[left->row[u]].count;
    uint32_t *entries = malloc((ones + 1) * sizeof *entries);
    size_t *starts = malloc((left->unknowns + 1) * sizeof *starts);
    uint64_t *sums = malloc((left->unknowns + 1) * sizeof *sums);
    int status = FP_NO_MEMORY;
    if (!entries || !starts || !sums) goto done;
    starts[0] = 0;
    for (size_t u = 0; u < left->unknowns; u++) {
        const set *row = &m->row[left->row[u]];
        starts[u + 1] = starts[u] + row->count;
        for (uint32_t i = 0; i < row->count; i++) entries[starts[u] + i] = left->equation[row->items[i]];
    }
    const fp_siqs_matrix sparse = {left->unknowns, left->equations, entries, starts};
    if ((status = fp_siqs_lanczos(&sparse, m->control, sums, found)) != FP_OK) goto done;
    if (*found > most) *found = most;
    memset(sets, 0, *found * words_out * sizeof *sets);
    for (size_t u = 0; u < left->unknowns; u++)
        for (size_t k = 0; k < *found; k++)
            if (sums[u] >> k & 1) add_members(left, u, sets + k * words_out);
done:
    free(entries), free(starts), free(sums);
    return status;
}

/* The sets, by elimination. */
static int solve_dense(const rest *left, size_t most, uint64_t *sets, size_t *found) {
    const matrix *m = left->of;
    const size_t words_out = (m->rows + 63) / 64, unknowns = left->unknowns, equations = left->equations;
    const size_t words = (unknowns + 63) / 64;
    uint64_t *bits = NULL, **rows = NULL;
    uint32_t *pivot = NULL;
    uint8_t *is_pivot = NULL;
    int status = FP_NO_MEMORY;
    bits = calloc(equations * words + 1, sizeof *bits);
    rows = malloc((equations + 1) * sizeof *rows);
    pivot = malloc((equations + 1) * sizeof *pivot);
    is_pivot = calloc(unknowns + 1, 1);
    if (!bits || !rows || !pivot || !is_pivot) goto done;
    for (size_t e = 0; e < equations; e++) rows[e] = bits + e * words;
    for (size_t u = 0; u < unknowns; u++)
        for (uint32_t i = 0; i < m->row[left->row[u]].count; i++)
            rows[left->equation[m->row[left->row[u]].items[i]]][u / 64] |= 1ull << u % 64;
    size_t rank;
    if ((status = fp_siqs_reduce(rows, equations, unknowns, pivot, &rank, m->control)) != FP_OK) goto done;
    for (size_t i = 0; i < rank; i++) is_pivot[pivot[i]] = 1;
    for (size_t u = 0; u < unknowns && *found < most; u++) {
        if (is_pivot[u]) continue;
        uint64_t *out = sets + *found * words_out;
        memset(out, 0, words_out * sizeof *out);
        for (size_t i = 0; i <= rank; i++) { /* the unknown itself last */
            if (i < rank && !(rows[i][u / 64] >> u % 64 & 1)) continue;
            add_members(left, i < rank ? pivot[i] : u, out);
        }
        ++*found;
    }
    status = FP_OK;
done:
    free(bits), free(rows), free(pivot), free(is_pivot);
    return status;
}

int fp_siqs_dependencies(const uint32_t *entries, const uint64_t *starts, size_t rows, size_t columns, size_t most,
                         const fp_control *control, uint64_t *sets, size_t *found) {
    matrix m = {.rows = rows, .columns = columns, .control = control};
    m.row = calloc(rows + 1, sizeof *m.row);
    m.members = calloc(rows + 1, sizeof *m.members);
    m.weight = calloc(columns + 1, sizeof *m.weight);
    *found = 0;
    int status = m.row && m.members && m.weight ? read_rows(&m, entries, starts) : FP_NO_MEMORY;
    if (status == FP_OK) drop_singletons(&m);
    size_t columns_left = 0;
    for (size_t c = 0; c < columns && status == FP_OK; c++) columns_left += m.weight[c] > 0;
    const int sparse = columns_left >= SPARSE_FROM;
    for (uint32_t weight = 2; status == FP_OK && weight <= (sparse ? SPARSE_WEIGHT : MOST_WEIGHT);) {
        size_t removed = 0;
        status = merge(&m, weight, &removed);
        if (status == FP_OK && fp_poll(control)) status = FP_STOPPED;
        if (removed <= columns / 200) weight++;
    }
    if (status == FP_OK) drop_singletons(&m);
    rest left = {.of = NULL};
    if (status == FP_OK) status = number_rest(&m, &left);
    if (status == FP_OK && sparse) status = solve_sparse(&left, most, sets, found);
    if (status == FP_OK && *found == 0) status = solve_dense(&left, most, sets, found);
    free(left.row), free(left.equation);
    for (size_t r = 0; m.row && m.members && r < rows; r++) free(m.row[r].items), free(m.members[r].items);
    free(m.row), free(m.members), free(m.weight);
    return status;
}
