/* Text, several bytes at a time: reads eight digits at once, and finds certain bytes among 64.
 *
 * Eight digits stand in a word, the first in its lowest byte; so the processor has to have its lowest byte first.  Others take the
 * loops for one digit. */
#ifndef FP_BYTES_H
#define FP_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_AT_ONCE 1
#else
#define EIGHT_AT_ONCE 0
#endif

#define BYTES(byte) (0x0101010101010101u * (byte))

static inline int is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The value of a token of digits, after one `+`; 0 where it is something else or exceeds 64 bits. */
static inline int to_number(const char *s, const char *end, uint64_t *value) {
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

/* Eight bytes as a word of which the lowest is the first. */
static inline uint64_t load_bytes(const void *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return EIGHT_AT_ONCE ? word : __builtin_bswap64(word);
}

/* Eight bytes of 0 or 1 as eight bits. */
static inline uint64_t bits_of(uint64_t bytes) { return bytes * 0x0102040810204080u >> 56; }

/* 64 bytes from s on, in `copy` with `fill` behind the end where there are fewer. */
static inline const char *load64(const char *s, const char *end, char fill, char copy[64]) {
    return end - s >= 64 ? s : memcpy(memset(copy, fill, 64), s, (size_t)(end - s));
}

/* The value of the digits that eight bytes begin with, and how many these are. */
static inline unsigned leading_digits(const char *s, uint64_t *value) {
    uint64_t digits = load_bytes(s) ^ BYTES('0');
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

/* Reads digits; answers where they end, or NULL where there are none, or too many to be sure that 64 bits hold them.  There must be
 * QUICK_BYTES. */
#define QUICK_BYTES 24
static inline const char *quick_number(const char *s, uint64_t *value) {
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
    return count ? s + count : NULL;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* Which of 64 bytes are one of the `count` from `first` on, all below 0x80: bit i is for byte i. */
static inline uint64_t within64(const char *s, char first, int count) {
    uint64_t found = 0;
    for (unsigned i = 0; i < 64; i += 16) {
        /* Those become the lowest of all as signed numbers. */
        const __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        const __m128i moved = _mm_sub_epi8(text, _mm_set1_epi8((char)(first - 128)));
        const __m128i marks = _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(count - 128)));
        found |= (uint64_t)(unsigned)_mm_movemask_epi8(marks) << i;
    }
    return found;
}
#else
static inline uint64_t within64(const char *s, char first, int count) {
    uint64_t found = 0;
    for (unsigned i = 0; i < 64; i += 8) {
        const uint64_t text = load_bytes(s + i);
        const uint64_t low = text & BYTES(0x7F), least = BYTES(0x80 - (unsigned)first);
        const uint64_t marks = (low + least) & ~(low + least - BYTES((unsigned)count)) & ~text & BYTES(0x80);
        found |= bits_of(marks >> 7) << i;
    }
    return found;
}
#endif

#endif
