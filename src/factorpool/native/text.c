/* Decimal text to numbers and factorizations to text: in a fraction of the time that the kernel takes, so that files cost little more
 * than arrays.
 *
 * Eight digits at a time stand in a word, the first in its lowest byte; a step multiplies, or divides, all of its parts at
 * once.  So the processor has to have its lowest byte first; others take the loops for one digit. */
#include <string.h>

#include "kernel.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_AT_ONCE 1
#else
#define EIGHT_AT_ONCE 0
#endif

#define BYTES(byte) (0x0101010101010101u * (byte))

static int is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The value of a token of digits, after one `+`; 0 where it is something else or exceeds 64 bits. */
static int to_number(const char *s, const char *end, uint64_t *value) {
    uint64_t v = 0;
    if (*s == '+') s++;
    if (s == end) return 0;
    for (; s < end; s++) {
        unsigned digit = (unsigned)(unsigned char)*s - '0';
        if (digit > 9 || v > UINT64_MAX / 10 || (v == UINT64_MAX / 10 && digit > UINT64_MAX % 10)) return 0;
        v = 10 * v + digit;
    }
    *value = v;
    return 1;
}

/* The value of the digits that eight bytes begin with, and how many these are. */
static unsigned leading_digits(const char *s, uint64_t *value) {
    uint64_t text;
    memcpy(&text, s, 8);
    uint64_t digits = text ^ BYTES('0');
    /* Of a byte above 9 the highest bit is set now; what it carries spoils only bytes that come after it. */
    uint64_t others = (digits | (digits + BYTES(0x76))) & BYTES(0x80);
    if (others & 0x80) return 0;
    unsigned count = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    digits <<= 64 - 8 * count; /* zeros before them, and nothing behind */
    digits = digits * 10 + (digits >> 8);
    digits = (digits & 0x000000FF000000FFu) * (100 + (1000000ull << 32)) +
             (digits >> 16 & 0x000000FF000000FFu) * (1 + (10000ull << 32));
    *value = digits >> 32;
    return count;
}

/* Reads digits that end with white space; answers where, or NULL where there is something else, or too many digits to be sure that 64
 * bits hold them.  There must be QUICK_BYTES. */
#define QUICK_BYTES 24
static const char *quick_number(const char *s, uint64_t *value) {
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t v = 0, part;
    unsigned count = 0;
    for (;;) {
        unsigned more = leading_digits(s + count, &part);
        if (more == 0) break;
        count += more;
        if (count >= 20 && (count > 20 || v > UINT64_MAX / powers[more] || v * powers[more] > UINT64_MAX - part))
            return NULL;
        v = v * powers[more] + part;
        if (more < 8) break;
    }
    *value = v;
    return count && is_space((unsigned char)s[count]) ? s + count : NULL;
}

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
        if (EIGHT_AT_ONCE && end - s >= QUICK_BYTES && (behind = quick_number(s, &numbers[n]))) {
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

/* What stands in 64 bytes: bit i is for byte i. */
typedef struct {
    uint64_t digits, spaces, line_ends;
} bytes64;

#ifdef __SSE2__
#include <emmintrin.h>

static bytes64 look_at(const char *s) {
    bytes64 found = {0, 0, 0};
    for (unsigned i = 0; i < 64; i += 16) {
        /* Bytes in a range of ten or five become the lowest of all as signed numbers. */
        const __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        const __m128i digits =
            _mm_cmplt_epi8(_mm_add_epi8(text, _mm_set1_epi8((char)(128 - '0'))), _mm_set1_epi8(-118));
        const __m128i controls =
            _mm_cmplt_epi8(_mm_add_epi8(text, _mm_set1_epi8((char)(128 - '\t'))), _mm_set1_epi8(-123));
        const __m128i spaces = _mm_or_si128(controls, _mm_cmpeq_epi8(text, _mm_set1_epi8(' ')));
        const __m128i line_ends = _mm_cmpeq_epi8(text, _mm_set1_epi8('\n'));
        found.digits |= (uint64_t)(unsigned)_mm_movemask_epi8(digits) << i;
        found.spaces |= (uint64_t)(unsigned)_mm_movemask_epi8(spaces) << i;
        found.line_ends |= (uint64_t)(unsigned)_mm_movemask_epi8(line_ends) << i;
    }
    return found;
}
#else
/* The highest bit of each byte that is from `first` on and below `behind`, of bytes below 0x80. */
static uint64_t within(uint64_t bytes, unsigned first, unsigned behind) {
    return (bytes + BYTES(0x80 - first)) & ~(bytes + BYTES(0x80 - behind)) & BYTES(0x80);
}

/* The highest bits of eight bytes. */
static uint64_t highest_bits(uint64_t bytes) { return (bytes >> 7) * 0x0102040810204080u >> 56; }

static bytes64 look_at(const char *s) {
    bytes64 found = {0, 0, 0};
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t text;
        memcpy(&text, s + i, 8);
        if (!EIGHT_AT_ONCE) text = __builtin_bswap64(text);
        const uint64_t low = text & BYTES(0x7F);
        const uint64_t spaces = within(low, '\t', '\r' + 1) | within(low, ' ', ' ' + 1);
        found.digits |= highest_bits(within(low, '0', '9' + 1) & ~text) << i;
        found.spaces |= highest_bits(spaces & ~text) << i;
        found.line_ends |= highest_bits(within(low, '\n', '\n' + 1) & ~text) << i;
    }
    return found;
}
#endif

#define MOST_DIGITS 20
static const char largest[] = "18446744073709551615";

int fp_count_numbers(const char *s, const char *end, const char **stop, size_t *count, size_t *lines) {
    size_t numbers = 0, line_ends = 0;
    uint64_t before = 0, ended = 0; /* of the last 64 bytes: the digits, and those that MOST_DIGITS end with */
    while (end > s && !is_space((unsigned char)end[-1])) end--;
    for (const char *at = s; at < end; at += 64) {
        char last[64];
        if (end - at < 64) memcpy(memset(last, ' ', sizeof last), at, (size_t)(end - at));
        const bytes64 here = look_at(end - at < 64 ? last : at);
        if (~(here.digits | here.spaces)) return 0;
        numbers += (size_t)__builtin_popcountll(here.digits & ~(here.digits << 1 | before >> 63));
        line_ends += (size_t)__builtin_popcountll(here.line_ends);
        fp_u128 run = (fp_u128)here.digits << 64 | before; /* of 1 digit, 2, 4, 8, 16 */
        run &= run << 1;
        const fp_u128 four = run &= run << 2;
        run &= run << 4;
        run &= run << 8;
        uint64_t ends = (uint64_t)((run & four << 16) >> 64);
        if (ends & (ends << 1 | ended >> 63)) return 0; /* one digit more */
        ended = ends, before = here.digits;
        for (; ends; ends &= ends - 1)
            if (memcmp(at + __builtin_ctzll(ends) + 1 - MOST_DIGITS, largest, MOST_DIGITS) > 0) return 0;
    }
    *stop = end, *count = numbers, *lines = line_ends;
    return 1;
}

const char *fp_skip_numbers(const char *s, const char *end, size_t count) {
    for (; count && s < end; count--) {
        while (s < end && is_space((unsigned char)*s)) s++;
        while (s < end && !is_space((unsigned char)*s)) s++;
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
