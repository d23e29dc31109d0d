/* Tests rows.c. */
#include "t.h"

enum { ROWS = 40, COLUMNS = 5, CELL = 30 };

/* A cell that is a number, or nearly one, or nothing like it; whether it is one. */
static int make_cell(char *out, uint64_t *number) {
    static const char *const others[] = {"", " ", "-1", "1.5", "18446744073709551616", "+", "12a", "\xc3\xa9", "1 2"};
    const uint64_t n = t_next() >> (t_next() % 64);
    *number = n;
    switch (t_next() % 16) {
    case 0:
        return strcpy(out, others[t_next() % 9]), 0;
    case 1:
        return sprintf(out, " +%llu ", (unsigned long long)n), 1;
    case 2:
        return sprintf(out, "00%llu", (unsigned long long)n), 1;
    case 3:
        return *number = UINT64_MAX, strcpy(out, "18446744073709551615"), 1;
    default:
        return sprintf(out, "%llu", (unsigned long long)n), 1;
    }
}

/* A table, in which one row in a hundred has a cell more or less, or a quote, against what it was made of. */
static void check_table(char separator) {
    const size_t columns = 1 + t_next() % COLUMNS, column = t_next() % columns, rows = t_next() % ROWS;
    char text[ROWS * (COLUMNS + 1) * (CELL + 1) + 1], right[ROWS * 4], joined[sizeof text + sizeof right], *at = text;
    char *beside = right, *expected = joined;
    uint64_t numbers[ROWS], begins[ROWS];
    int plain = 1, all = 1;
    for (size_t i = 0; i < rows; i++) {
        const unsigned odd = (unsigned)(t_next() % 400);
        const char *line = at;
        begins[i] = (uint64_t)(at - text);
        for (size_t k = 0; k < columns + (odd == 0) - (odd == 3 && columns > 1); k++) {
            uint64_t n;
            if (k) *at++ = separator;
            const int good = make_cell(at, &n);
            if (k == column) all &= good, numbers[i] = n;
            at += strlen(at);
        }
        if (odd == 1) *at++ = '"';
        if (odd == 2) *at++ = '\r', *at++ = 'x';
        plain &= odd > 2 && (odd > 3 || columns == 1) && at > line;
        memcpy(expected, line, (size_t)(at - line));
        expected += at - line;
        expected += sprintf(expected, "%c%zu\n", separator, i);
        beside += sprintf(beside, "%zu\n", i);
        if (t_next() % 4 == 0) *at++ = '\r';
        *at++ = '\n';
    }
    if (rows && t_next() % 2 && at[-2] != '\n') { /* the last line ends with the text, which no carriage return does */
        at--;
        plain &= at[-1] != '\r';
    }
    const size_t size = (size_t)(at - text);
    char *copy = malloc(size + !size); /* the sanitizers see what is read behind it, and written */
    memcpy(copy, text, size);
    uint64_t *starts = malloc(8 * (size / 2 + 2)), *found = malloc(8 * (size / 2 + 2));
    size_t n = 0, line_ends = 0;
    int all_found = 0;
    for (size_t i = 0; i < size; i++) line_ends += copy[i] == '\n';
    if (fp_count_line_ends(copy, copy + size) != line_ends) t_fail("line ends", line_ends);
    if (fp_read_rows(copy, copy + size, separator, columns, column, starts, found, &n, &all_found) != plain)
        t_fail("a table is plain or not", columns);
    if (plain) {
        if (n != rows || all_found != all) t_fail("rows", n);
        if (memcmp(starts, begins, 8 * rows) || starts[rows] != size) t_fail("begins of rows", n);
        if (all && memcmp(found, numbers, 8 * rows)) t_fail("numbers of rows", n);
        const size_t more = (size_t)(beside - right);
        char *out = malloc(size + more + 2), *end;
        end = fp_join_rows(copy, copy + size, right, beside, separator, out);
        if (end != out + (expected - joined) || memcmp(out, joined, (size_t)(end - out))) t_fail("rows joined", n);
        if (rows && fp_join_rows(copy, copy + size, right, right, separator, out)) t_fail("rows without others", n);
        free(out);
    }
    free(copy), free(starts), free(found);
}

void t_rows(size_t count) {
    for (size_t i = 0; i < count / 50 + 500; i++) check_table(",;\t|"[i % 4]);
}
