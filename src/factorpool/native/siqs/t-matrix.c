/* Tests matrix.c and lanczos.c. */
#include "../t.h"
#include "siqs.h"

/* Random rows, some of few ones: every set has to add up to 0, and there have to be enough of them. */
static void check_dependencies(size_t rows, size_t columns) {
    enum { MOST_ENTRIES = 12, SETS = 20 };
    const size_t words = (rows + 63) / 64;
    uint32_t *entries = calloc(rows * MOST_ENTRIES + 1, sizeof *entries);
    uint64_t *starts = malloc((rows + 1) * sizeof *starts), *sets = malloc((SETS * words + 1) * sizeof *sets);
    uint8_t *odd = malloc(columns);
    size_t used = 0, found;
    for (size_t r = 0; r < rows; r++) {
        starts[r] = used;
        for (uint64_t length = t_next() % MOST_ENTRIES; length--;) {
            uint64_t c = t_next() % columns;
            entries[used++] = (uint32_t)(c * (t_next() % columns) / columns); /* the first columns have more */
        }
    }
    starts[rows] = used;
    if (fp_siqs_dependencies(entries, starts, rows, columns, SETS, NULL, sets, &found) != FP_OK)
        t_fail("fp_siqs_dependencies", rows);
    size_t least = rows > columns ? rows - columns : 0;
    if (found < (least < SETS ? least : SETS)) t_fail("fp_siqs_dependencies, which found too few", rows);
    for (size_t s = 0; s < found; s++) {
        int empty = 1;
        memset(odd, 0, columns);
        for (size_t r = 0; r < rows; r++) {
            if (!(sets[s * words + r / 64] >> r % 64 & 1)) continue;
            empty = 0;
            for (uint64_t i = starts[r]; i < starts[r + 1]; i++) odd[entries[i]] ^= 1;
        }
        for (size_t c = 0; c < columns; c++)
            if (odd[c] || empty) t_fail("fp_siqs_dependencies, a set", rows);
    }
    free(entries), free(starts), free(sets), free(odd);
}

/* Random equations, a few of them dense: sums have to vanish, not to depend on each other, and to be nearly all that there are. */
static void check_lanczos(size_t unknowns, size_t equations) {
    enum { MOST_ENTRIES = 60 };
    uint32_t *entries = malloc(unknowns * MOST_ENTRIES * sizeof *entries);
    size_t *starts = malloc((unknowns + 1) * sizeof *starts), used = 0, found;
    uint64_t *sets = malloc(unknowns * sizeof *sets), *sums = calloc(equations, sizeof *sums), seen[64] = {0};
    for (size_t u = 0; u < unknowns; u++) {
        starts[u] = used;
        for (size_t e = t_next() % 3; e < 80; e += 1 + t_next() % 3) entries[used++] = (uint32_t)e;
        /* One of most strips: of all, their sums would agree. */
        for (size_t i = 0, strip = (equations - 80) / 16; i < 16; i++)
            if (t_next() % 8) entries[used++] = (uint32_t)(80 + strip * i + t_next() % strip);
    }
    starts[unknowns] = used;
    if (fp_siqs_lanczos(&(fp_siqs_matrix){unknowns, equations, entries, starts}, NULL, sets, &found) != FP_OK)
        t_fail("fp_siqs_lanczos", unknowns);
    if (found + 4 < 64 && found + 4 < unknowns - equations) t_fail("fp_siqs_lanczos, which found too few", unknowns);
    uint64_t all = found < 64 ? (1ull << found) - 1 : ~0ull, rank = 0;
    for (size_t u = 0; u < unknowns; u++)
        for (size_t i = starts[u]; i < starts[u + 1]; i++) sums[entries[i]] ^= sets[u] & all;
    for (size_t e = 0; e < equations; e++)
        if (sums[e]) t_fail("fp_siqs_lanczos, a sum", unknowns);
    /* Gauss: rows that do not depend on each other are as many as such columns. */
    for (size_t u = 0; u < unknowns; u++) {
        uint64_t row = sets[u] & all;
        for (unsigned b = 0; row && b < 64; b++)
            if (row >> b & 1) {
                if (!seen[b])
                    seen[b] = row, rank++, row = 0;
                else
                    row ^= seen[b];
            }
    }
    if (rank != found) t_fail("fp_siqs_lanczos, sums that depend on each other", unknowns);
    free(entries), free(starts), free(sets), free(sums);
}

void t_matrix(size_t count) {
    check_lanczos(3000, 2900), check_lanczos(2000, 1950);
    for (size_t i = 0; i < count / 20000; i++) check_lanczos(1200 + t_next() % 2000, 1000 + t_next() % 180);
    check_dependencies(1, 1), check_dependencies(0, 5), check_dependencies(300, 390), check_dependencies(25000, 9500);
    for (size_t i = 0; i < 5 + count / 2000; i++) check_dependencies(t_next() % 400, 1 + t_next() % 390);
}
