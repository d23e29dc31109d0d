/* Decimal text to numbers and factorizations to text: in a fraction of the time that the kernel takes, so that files cost little more
 * than arrays.
 *
 * A step multiplies, or divides, all parts of a word of digits at once; see bytes.h. */
#include "bytes.h"
#include "kernel.h"

const char *fp_parse(const char *s, const char *end, fp_reading *reading, uint64_t *numbers, size_t *count,
                     fp_token *odd) {
    size_t n = 0, lines = 0;
    odd->start = NULL;
    while (s < end) {
        if (reading->in_comment) {
            while (s < end && *s != '\n') s++;
            if (s == end) break;
            reading->in_comment = 0;
        }
        for (; s < end && is_space((unsigned char)*s); s++) lines += *s == '\n';
        if (s < end && *s == '#') {
            reading->in_comment = 1;
            continue;
        }
        const char *token = s, *behind;
        if (EIGHT_AT_ONCE && end - s >= QUICK_BYTES && (behind = quick_number(s, &numbers[n])) &&
            is_space((unsigned char)*behind)) {
            s = behind, n++;
            continue;
        }
        while (s < end && !is_space((unsigned char)*s) && *s != '#') s++;
        if (s == token) continue;
        if (!to_number(token, s, &numbers[n])) {
            odd->start = token, odd->end = s;
            break;
        }
        n++;
    }
    *count = n;
    reading->lines += lines;
    return s;
}

#define MOST_DIGITS 20
static const char largest[] = "18446744073709551615";

int fp_count_numbers(const char *s, const char *end, const char **stop, size_t *count, size_t *lines) {
    size_t numbers = 0, line_ends = 0;
    uint64_t before = 0,
             ended = 0; /* of the last 64 bytes: the digits, and which of them are the last of MOST_DIGITS */
    while (end > s && !is_space((unsigned char)end[-1])) end--;
    for (const char *at = s; at < end; at += 64) {
        char last[64];
        const char *here = load64(at, end, ' ', last);
        const uint64_t digits = within64(here, '0', 10);
        if (~(digits | within64(here, '\t', 5) | within64(here, ' ', 1))) return 0;
        numbers += (size_t)__builtin_popcountll(digits & ~(digits << 1 | before >> 63));
        line_ends += (size_t)__builtin_popcountll(within64(here, '\n', 1));
        fp_u128 run = (fp_u128)digits << 64 | before; /* of 1 digit, 2, 4, 8, 16 */
        run &= run << 1;
        const fp_u128 four = run &= run << 2;
        run &= run << 4;
        run &= run << 8;
        uint64_t ends = (uint64_t)((run & four << 16) >> 64);
        if (ends & (ends << 1 | ended >> 63)) return 0; /* one digit more */
        ended = ends, before = digits;
        for (; ends; ends &= ends - 1) {
            const char *number = at + __builtin_ctzll(ends) + 1 - MOST_DIGITS;
            if ((number[0] != '1' || number[1] >= '8') && memcmp(number, largest, MOST_DIGITS) > 0) return 0;
        }
    }
    *stop = end, *count = numbers, *lines = line_ends;
    return 1;
}

const char *fp_skip_numbers(const char *s, const char *end, size_t count) {
    uint64_t before = 0; /* the digits of the last 64 bytes */
    for (; count && end - s >= 64; s += 64) {
        const uint64_t digits = within64(s, '0', 10);
        uint64_t behind = ~digits & (digits << 1 | before >> 63); /* where a number has ended just before */
        const size_t ended = (size_t)__builtin_popcountll(behind);
        if (ended >= count) {
            while (--count) behind &= behind - 1;
            return s + __builtin_ctzll(behind);
        }
        count -= ended, before = digits;
    }
    for (int inside = before >> 63 != 0; count && s < end; s++) {
        const int digit = *s >= '0' && *s <= '9';
        if (inside && !digit && --count == 0) break;
        inside = digit;
    }
    return s;
}

/* The digits of n < 10^8, with zeros before them: n in parts below 10^4, below 100, below 10, each time all of them by one
 * multiplication, which is exact for parts as short as these. */
static uint64_t eight_digits(uint32_t n) {
    uint64_t parts = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t upper = (parts * 10486 >> 20) & 0x0000007F0000007Fu;
    parts = upper | (parts - 100 * upper) << 16;
    upper = (parts * 103 >> 10) & 0x000F000F000F000Fu;
    return upper | (parts - 10 * upper) << 8;
}

static char *write_eight(char *out, uint32_t n) {
    uint64_t text = eight_digits(n) | BYTES('0');
    memcpy(out, &text, 8);
    return out + 8;
}

/* The digits of 0 to 999, three for each: most primes of a factorization are below, and take no division. */
#define TEN(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9"
#define HUNDRED(d)                                                                                                     \
    TEN(d "0") TEN(d "1") TEN(d "2") TEN(d "3") TEN(d "4") TEN(d "5") TEN(d "6") TEN(d "7") TEN(d "8") TEN(d "9")
static const char small_numbers[] = HUNDRED("0") HUNDRED("1") HUNDRED("2") HUNDRED("3") HUNDRED("4") HUNDRED("5")
    HUNDRED("6") HUNDRED("7") HUNDRED("8") HUNDRED("9");

/* Writes a number, and up to SPARE bytes behind it. */
#define SPARE 7
static inline __attribute__((always_inline)) char *write_number(char *out, uint64_t n) {
    if (EIGHT_AT_ONCE && n < 1000) {
        unsigned zeros = (n < 100) + (n < 10);
        uint32_t text;
        memcpy(&text, small_numbers + 3 * n, 4);
        text >>= 8 * zeros;
        memcpy(out, &text, 4);
        return out + 3 - zeros;
    }
    if (!EIGHT_AT_ONCE) {
        char digits[20], *p = digits + 20;
        do *--p = (char)('0' + n % 10);
        while (n /= 10);
        while (p < digits + 20) *out++ = *p++;
        return out;
    }
    const uint64_t upper = n / 100000000, top = upper / 100000000;
    uint64_t first = eight_digits((uint32_t)(top ? top : upper ? upper : n));
    unsigned zeros = (unsigned)__builtin_ctzll(first) / 8;
    first = (first | BYTES('0')) >> 8 * zeros;
    memcpy(out, &first, 8);
    out += 8 - zeros;
    if (top) out = write_eight(out, (uint32_t)(upper - top * 100000000));
    return upper ? write_eight(out, (uint32_t)(n - upper * 100000000)) : out;
}

static char *write_text(char *out, const char *text) {
    while (*text) *out++ = *text++;
    return out;
}

/* Primes as often as they divide, or with their powers: with a space before each, or before each but the first. */
static char *write_factors(char *out, fp_shape shape, int count, const uint64_t *primes, const uint8_t *exponents,
                           int space_first) {
    for (int k = 0; k < count; k++)
        for (int e = 0; e < (shape == FP_POWERS ? 1 : exponents[k]); e++) {
            if (space_first || k || e) *out++ = ' ';
            out = write_number(out, primes[k]);
            if (shape == FP_POWERS && exponents[k] > 1) *out++ = '^', out = write_number(out, exponents[k]);
        }
    return out;
}

static char *write_json(char *out, uint64_t n, int count, const uint64_t *primes, const uint8_t *exponents) {
    out = write_number(write_text(out, "{\"number\": "), n);
    out = write_text(out, ", \"primes\": [");
    for (int k = 0; k < count; k++) out = write_number(write_text(out, k ? ", " : ""), primes[k]);
    out = write_text(out, "], \"exponents\": [");
    for (int k = 0; k < count; k++) out = write_number(write_text(out, k ? ", " : ""), exponents[k]);
    return write_text(out, "]}\n");
}

static char *write_flat(char *out, fp_style style, uint64_t n, uint64_t prime, int exponent) {
    const char *between = style == FP_CSV ? "," : "\t";
    if (style == FP_JSONL) {
        out = write_number(write_text(out, "{\"number\": "), n);
        out = write_number(write_text(out, ", \"prime\": "), prime);
        out = write_number(write_text(out, ", \"exponent\": "), (uint64_t)exponent);
        return write_text(out, "}\n");
    }
    out = write_number(write_text(write_number(out, n), between), prime);
    return write_text(write_number(write_text(out, between), (uint64_t)exponent), "\n");
}

size_t fp_format_room(fp_style style, fp_shape shape, size_t count, size_t primes, const uint8_t *exponents) {
    /* A number has at most 20 digits, an exponent three; the longest line of a flat prime is JSON's, with 38 bytes beside those. */
    if (shape == FP_FLAT) return 82 * primes + SPARE + 1;
    size_t room = 72 * count + SPARE + 1;
    for (size_t k = 0; k < primes; k++)
        room += style == FP_JSONL || shape == FP_POWERS ? 28 : 21 * (size_t)exponents[k];
    return room;
}

char *fp_format(fp_style style, fp_shape shape, const uint64_t *numbers, size_t count, const uint8_t *counts,
                const uint64_t *primes, const uint8_t *exponents, char *out) {
    for (size_t i = 0; i < count; primes += counts[i], exponents += counts[i], i++) {
        if (shape == FP_FLAT) {
            for (int k = 0; k < counts[i]; k++) out = write_flat(out, style, numbers[i], primes[k], exponents[k]);
        } else if (style == FP_JSONL) {
            out = write_json(out, numbers[i], counts[i], primes, exponents);
        } else {
            if (style != FP_BARE) {
                out = write_number(out, numbers[i]);
                *out++ = style == FP_GNU ? ':' : style == FP_CSV ? ',' : '\t';
            }
            out = write_factors(out, shape, counts[i], primes, exponents, style == FP_GNU);
            *out++ = '\n';
        }
    }
    return out;
}
