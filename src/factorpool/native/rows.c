/* Rows of a table in text, one on each line, of cells between separators: where they begin, and the numbers of one column, for
 * tables in which nothing is in quotes.  To find the ends of cells takes less time than to read the numbers. */
#include "bytes.h"
#include "kernel.h"

/* The number in a cell, in white space or not; 0 where there is something else. */
static int read_cell(const char *cell, const char *stop, const char *end, uint64_t *number) {
    while (cell < stop && is_space((unsigned char)*cell)) cell++;
    while (cell < stop && is_space((unsigned char)stop[-1])) stop--;
    if (cell == stop) return 0;
    if (EIGHT_AT_ONCE && end - cell >= QUICK_BYTES && quick_number(cell, number) == stop) return 1;
    return to_number(cell, stop, number);
}

/* Whether every carriage return among these marks comes before a line end. */
static int all_before_line_ends(uint64_t returns, const char *here, const char *end) {
    for (; returns; returns &= returns - 1) {
        const char *next = here + __builtin_ctzll(returns) + 1;
        if (next == end || *next != '\n') return 0;
    }
    return 1;
}

int fp_read_rows(const char *text, const char *end, char separator, size_t columns, size_t column, uint64_t *starts,
                 uint64_t *numbers, size_t *rows, int *all_numbers) {
    const size_t size = (size_t)(end - text);
    size_t n = 0, cells = 0, line = 0, cell = 0;
    *all_numbers = 1;
    for (size_t at = 0; at < size || line < size; at += 64) {
        char last[64];
        const char *here = load64(text + at, end, 0, last);
        if (here == last && text[size - 1] != '\n') last[size - at] = '\n'; /* the last line ends with the text */
        if (within64(here, '"', 1) || !all_before_line_ends(within64(here, '\r', 1), text + at, end)) return 0;
        const uint64_t line_ends = within64(here, '\n', 1);
        for (uint64_t ends = within64(here, separator, 1) | line_ends; ends; ends &= ends - 1) {
            const unsigned bit = (unsigned)__builtin_ctzll(ends);
            const size_t stop = at + bit;
            if (cells == column && *all_numbers) *all_numbers = read_cell(text + cell, text + stop, end, &numbers[n]);
            cells++;
            cell = stop + 1;
            if (!(line_ends >> bit & 1)) continue;
            if (cells != columns || stop == line || (stop == line + 1 && text[line] == '\r')) return 0;
            starts[n++] = line;
            line = cell, cells = 0;
        }
    }
    starts[n] = size;
    *rows = n;
    return 1;
}

size_t fp_count_line_ends(const char *text, const char *end) {
    size_t count = 0;
    for (; end - text >= 64; text += 64) count += (size_t)__builtin_popcountll(within64(text, '\n', 1));
    for (; text < end; text++) count += *text == '\n';
    return count;
}

/* Appends a line without its end; answers where the next one begins. */
static const char *copy_line(const char *line, const char *end, char **out) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    const char *next = stop ? stop + 1 : end;
    if (!stop) stop = end;
    if (stop > line && stop[-1] == '\r') stop--;
    memcpy(*out, line, (size_t)(stop - line));
    *out += stop - line;
    return next;
}

char *fp_join_rows(const char *left, const char *left_end, const char *right, const char *right_end, char separator,
                   char *out) {
    while (left < left_end && right < right_end) {
        left = copy_line(left, left_end, &out);
        *out++ = separator;
        right = copy_line(right, right_end, &out);
        *out++ = '\n';
    }
    return left == left_end && right == right_end ? out : NULL;
}
