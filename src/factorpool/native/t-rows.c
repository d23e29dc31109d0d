/* Tests rows.c. */
#include "t.h"

enum { ROWS = 40, COLUMNS = 5, CELL = 30 };

/* What a cell is: a number, or nearly one, or nothing like it; whether it is one. */
static int make_cell(char *out, uint64_t *number) {
    static const char *const others[] = {
        "",       " ",         "-1", "1.5",  "18446744073709551616", "+", "12a", "\xc3\xa9", "1 2", "\"",
        "a\"\"b", "1,2;3|4\t", "\n", "7\n8",
    };
    const uint64_t n = t_next() >> (t_next() % 64);
    *number = n;
    switch (t_next() % 16) {
    case 0:
        return strcpy(out, others[t_next() % 14]), 0;
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

/* A cell as it is written: in quotes, if it is to be or has to be. */
static char *write_cell(char *out, const char *cell, char separator, int quotes) {
    quotes |= strchr(cell, separator) || strpbrk(cell, "\"\n");
    if (quotes) *out++ = '"';
    for (; *cell; cell++) {
        if (*cell == '"') *out++ = '"';
        *out++ = *cell;
    }
    if (quotes) *out++ = '"';
    return out;
}

/* Behind a row what spoils it, if anything does. */
static char *spoil(char *at, unsigned odd) {
    static const char *const spoilt[] = {"x\"", "\rx", "\"a\"b", "x\"y\""};
    return odd < 4 ? at + sprintf(at, "%s", spoilt[odd]) : at;
}

/* A table, in which one row in a hundred has a cell more or less, or quotes or a carriage return where they should not be, against
 * what it was made of. */
static void check_table(char separator, char to) {
    const size_t columns = 1 + t_next() % COLUMNS, column = t_next() % columns, rows = t_next() % ROWS;
    char text[ROWS * (COLUMNS + 1) * (CELL + 3)], right[ROWS * 4], joined[3 * sizeof text + sizeof right], *at = text;
    char *beside = right, *expected = joined;
    uint64_t numbers[ROWS], begins[ROWS];
    int plain = 1, all = 1;
    for (size_t i = 0; i < rows; i++) {
        const unsigned odd = (unsigned)(t_next() % 700);
        const char *line = at;
        begins[i] = (uint64_t)(at - text);
        for (size_t k = 0; k < columns + (odd == 4) - (odd == 5 && columns > 1); k++) {
            uint64_t n;
            char cell[CELL];
            if (k) *at++ = separator;
            const int good = make_cell(cell, &n);
            if (odd == 6) strcpy(cell, "\"\r\n");
            at = write_cell(at, cell, separator, t_next() % 4 == 0);
            expected = write_cell(expected, cell, to, 0);
            *expected++ = to;
            if (k == column) all &= good, numbers[i] = n;
        }
        at = spoil(at, odd);
        plain &= odd > 4 && (odd > 5 || columns == 1) && odd != 6 && at > line;
        expected += sprintf(expected, "%zu\n", i);
        beside += sprintf(beside, "%zu\n", i);
        if (t_next() % 4 == 0) *at++ = '\r';
        *at++ = '\n';
    }
    if (rows && t_next() % 2 && at - text > 1 &&
        at[-2] != '\n') { /* the last line ends with the text, which no carriage return does */
        at--;
        plain &= at[-1] != '\r';
    }
    const size_t whole = (size_t)(at - text);
    if (t_next() % 4 == 0 && (whole == 0 || at[-1] == '\n')) at += sprintf(at, "1%c\"2%c\n3", separator, separator);
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
        if (n != rows || (all_found != all && size == whole)) t_fail("rows", n);
        if (memcmp(starts, begins, 8 * rows) || starts[rows] != whole) t_fail("begins of rows", n);
        if (all_found && memcmp(found, numbers, 8 * rows)) t_fail("numbers of rows", n);
        const size_t more = (size_t)(beside - right);
        char *out = malloc(whole * (separator == to ? 1 : 3) + more + 2), *end;
        end = fp_join_rows(copy, copy + whole, separator, right, beside, to, out);
        if (end != out + (expected - joined) || memcmp(out, joined, (size_t)(end - out))) t_fail("rows joined", n);
        if (rows && fp_join_rows(copy, copy + whole, separator, right, right, to, out))
            t_fail("rows without others", n);
        free(out);
    }
    free(copy), free(starts), free(found);
}

void t_rows(size_t count) {
    for (size_t i = 0; i < count / 50 + 500; i++) check_table(",;\t|"[i % 4], ",\t"[i / 4 % 2]);
}
