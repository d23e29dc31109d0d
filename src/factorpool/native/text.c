/* Decimal text to numbers and factorizations to text, in GNU factor's format: at about 10^7 lines a second, so that files cost no
 * more than arrays. */
#include "kernel.h"

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

const char *fp_parse(const char *s, const char *end, int *in_comment, uint64_t *numbers, size_t *count, fp_token *odd) {
    size_t n = 0;
    odd->start = NULL;
    while (s < end) {
        if (*in_comment) {
            while (s < end && *s != '\n') s++;
            if (s == end) break;
            *in_comment = 0;
        }
        while (s < end && is_space((unsigned char)*s)) s++;
        if (s < end && *s == '#') {
            *in_comment = 1;
            continue;
        }
        const char *token = s;
        while (s < end && !is_space((unsigned char)*s) && *s != '#') s++;
        if (s == token) continue;
        if (!to_number(token, s, &numbers[n])) {
            odd->start = token, odd->end = s;
            break;
        }
        n++;
    }
    *count = n;
    return s;
}

/* Two digits at a time halve the divisions. */
static char *write_number(char *out, uint64_t n) {
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char digits[20], *p = digits + 20;
    while (n >= 100) {
        const char *pair = pairs + 2 * (n % 100);
        n /= 100;
        *--p = pair[1], *--p = pair[0];
    }
    if (n >= 10)
        *--p = pairs[2 * n + 1], *--p = pairs[2 * n];
    else
        *--p = (char)('0' + n);
    while (p < digits + 20) *out++ = *p++;
    return out;
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
    if (shape == FP_FLAT) return 82 * primes + 1;
    size_t room = 72 * count + 1;
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
