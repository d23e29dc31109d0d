/* Rows of a table in text, of cells between separators, in quotes or not: where they begin, the numbers of one column, and rows
 * with a cell more.  To find the ends of cells takes less time than to read the numbers. */
#include "bytes.h"
#include "kernel.h"

/* The number in a cell, in quotes, in white space, or not; 0 where there is something else. */
static int read_cell(const char *cell, const char *stop, const char *end, uint64_t *number) {
    if (stop > cell && stop[-1] == '\r') stop--; /* of a line end */
    if (stop - cell >= 2 && *cell == '"') cell++, stop--;
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

/* Each bit says whether an odd number of bits are set up to it. */
static uint64_t parities(uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

int fp_read_rows(const char *text, const char *end, char separator, size_t columns, size_t column, uint64_t *starts,
                 uint64_t *numbers, size_t *rows, int *all_numbers) {
    const size_t size = (size_t)(end - text);
    size_t n = 0, cells = 0, row = 0, cell = 0;
    /* Of the byte before these 64: whether quotes are open behind it, it closes them, a cell ends with it. */
    uint64_t open = 0, closed = 0, ended = 1;
    *all_numbers = 1;
    for (size_t at = 0; at < size || (row < size && !open); at += 64) {
        char last[64];
        const char *here = load64(text + at, end, 0, last);
        if (here == last && text[size - 1] != '\n') last[size - at] = '\n'; /* the last line ends with the text */
        const uint64_t quotes = within64(here, '"', 1), returns = within64(here, '\r', 1);
        uint64_t line_ends = within64(here, '\n', 1), ends = within64(here, separator, 1) | line_ends;
        if (quotes | open | closed) {
            const uint64_t within = parities(quotes) ^ -open; /* from an opening quote to before a closing one */
            const uint64_t opening = quotes & within, closing = quotes & ~within, behind = closing << 1 | closed;
            ends &= ~within, line_ends &= ~within;
            /* Quotes open where a cell begins, or, as the second of two that stand for one, behind one that has closed them; and
             * behind what has closed them, nothing but a cell's end comes, or such a second one. */
            if (opening & ~(ends << 1 | ended | behind) || behind & ~(ends | quotes | returns) || returns & within)
                return 0;
            open = within >> 63, closed = closing >> 63;
        }
        ended = ends >> 63;
        if (!all_before_line_ends(returns, text + at, end)) return 0;
        for (; ends; ends &= ends - 1) {
            const unsigned bit = (unsigned)__builtin_ctzll(ends);
            const size_t stop = at + bit;
            if (cells == column && *all_numbers) *all_numbers = read_cell(text + cell, text + stop, end, &numbers[n]);
            cells++;
            cell = stop + 1;
            if (!(line_ends >> bit & 1)) continue;
            if (cells != columns || stop == row || (stop == row + 1 && text[row] == '\r')) return 0;
            starts[n++] = row;
            row = cell, cells = 0;
        }
    }
    starts[n] = open ? row : size;
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

/* Appends bytes, and quotes around them where they need some. */
static void copy_cell(const char *cell, const char *stop, int quotes, char **out) {
    if (quotes) *(*out)++ = '"';
    memcpy(*out, cell, (size_t)(stop - cell));
    *out += stop - cell;
    if (quotes) *(*out)++ = '"';
}

/* As copy_line, for a row with `from` between its cells: it gets `to` there, and quotes only around what has to have some. */
static const char *copy_row(const char *row, const char *end, char from, char to, char **out) {
    for (const char *at = row;;) {
        const char *cell = at, *stop;
        int special = 0; /* a line end or a quote is in it */
        if (at < end && *at == '"') {
            for (cell++, at++; (at = memchr(at, '"', (size_t)(end - at))) && at + 1 < end && at[1] == '"'; at += 2)
                special = 1;
            stop = at ? at : end;
            at = at ? at + 1 : end;
            special |= memchr(cell, '\n', (size_t)(stop - cell)) != NULL;
        } else {
            while (at < end && *at != from && *at != '\n') at++;
            stop = at > cell && at[-1] == '\r' && (at == end || *at == '\n') ? at - 1 : at;
        }
        copy_cell(cell, stop, special || memchr(cell, to, (size_t)(stop - cell)), out);
        if (at < end && *at == '\r') at++;
        if (at == end || *at == '\n') return at + (at < end);
        at++;
        *(*out)++ = to;
    }
}

char *fp_join_rows(const char *left, const char *left_end, char from, const char *right, const char *right_end, char to,
                   char *out) {
    const int plain = from == to && !memchr(left, '"', (size_t)(left_end - left));
    while (left < left_end && right < right_end) {
        left = plain ? copy_line(left, left_end, &out) : copy_row(left, left_end, from, to, &out);
        *out++ = to;
        right = copy_line(right, right_end, &out);
        *out++ = '\n';
    }
    return left == left_end && right == right_end ? out : NULL;
}
