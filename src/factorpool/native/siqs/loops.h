/* What takes the sieve's time, compiled once for each isa: FP_LOOPS names the result.
 *
 * Everything is written on vectors of the compiler, or as plain loops that it turns into vectors. */

#include "strides.h"

typedef uint32_t vector __attribute__((vector_size(32)));
typedef int32_t signed_vector __attribute__((vector_size(32)));
typedef float float_vector __attribute__((vector_size(32)));
#define FP_LANES (sizeof(vector) / sizeof(uint32_t))

static void move(uint32_t *restrict first, uint32_t *restrict second, const uint32_t *restrict step,
                 const uint32_t *restrict primes, size_t from, size_t to, int plus) {
    /* To add is to subtract p - step.  What is below 0 has its top bit set, as primes are below 2^31. */
    for (size_t i = from; i < to; i++) {
        uint32_t p = primes[i], s = plus ? p - step[i] : step[i];
        uint32_t x = first[i] - s, y = second[i] - s;
        first[i] = x + (p & (uint32_t)((int32_t)x >> 31));
        second[i] = y + (p & (uint32_t)((int32_t)y >> 31));
    }
}

/* A bucket takes what is beyond the end, too: so there is nothing to branch on, and nothing that is predicted wrongly. */
static inline void put(uint32_t x, uint32_t entry, uint32_t end, uint32_t beyond, uint32_t *const *buckets,
                       uint32_t *used) {
    uint32_t b = x < end ? x >> FP_SIQS_BLOCK_BITS : beyond;
    buckets[b][used[b]++] = entry | (x & (FP_SIQS_BLOCK - 1));
}

static void fill(const uint32_t *first, const uint32_t *second, const uint32_t *primes, size_t base, size_t from,
                 size_t to, uint32_t end, uint32_t *const *buckets, uint32_t *used) {
    uint32_t beyond = end >> FP_SIQS_BLOCK_BITS;
    for (size_t i = from; i < to;) {
        /* Each root has `sure` positions below the end, or one more. */
        uint32_t sure = end / primes[i], most = sure ? end / sure : UINT32_MAX;
        for (; i < to && primes[i] <= most; i++) {
            uint32_t p = primes[i], entry = (uint32_t)(i - base) << FP_SIQS_BLOCK_BITS, x = first[i], y = second[i];
            for (uint32_t j = 0; j < sure; j++, x += p, y += p) {
                uint32_t b = x >> FP_SIQS_BLOCK_BITS, c = y >> FP_SIQS_BLOCK_BITS;
                buckets[b][used[b]++] = entry | (x & (FP_SIQS_BLOCK - 1));
                buckets[c][used[c]++] = entry | (y & (FP_SIQS_BLOCK - 1));
            }
            put(x, entry, end, beyond, buckets, used);
            put(y, entry, end, beyond, buckets, used);
        }
    }
}

/* Primes with `sure` positions in a block, or one more: that one adds nothing, somewhere, if it is beyond the block's end. */
static inline size_t sieve_few(uint8_t *block, uint32_t *first, uint32_t *second, const uint32_t *primes,
                               const uint8_t *logs, size_t i, size_t to, uint32_t sure) {
    for (; i < to && primes[i] <= FP_SIQS_BLOCK / sure; i++) {
        uint32_t p = primes[i], x = first[i], y = second[i];
        uint8_t log = logs[i];
        if (x >= p) { /* it divides a */
            first[i] = second[i] = x - FP_SIQS_BLOCK;
            continue;
        }
        for (uint32_t j = 0; j < sure; j++, x += p, y += p) block[x] += log, block[y] += log;
        uint32_t in_x = x < FP_SIQS_BLOCK, in_y = y < FP_SIQS_BLOCK;
        block[x & (FP_SIQS_BLOCK - 1)] += in_x ? log : 0;
        block[y & (FP_SIQS_BLOCK - 1)] += in_y ? log : 0;
        first[i] = x + (in_x ? p : 0) - FP_SIQS_BLOCK;
        second[i] = y + (in_y ? p : 0) - FP_SIQS_BLOCK;
    }
    return i;
}

static void sieve(uint8_t *block, uint32_t *first, uint32_t *second, const uint32_t *primes, const uint8_t *logs,
                  size_t from, size_t to) {
    size_t i = from;
    for (; i < to && primes[i] <= FP_SIQS_BLOCK / 8; i++) {
        uint32_t x = first[i], y = second[i];
        fp_add_multiples(block, FP_SIQS_BLOCK, primes[i], &x, &y, logs[i]);
        first[i] = x - FP_SIQS_BLOCK, second[i] = y - FP_SIQS_BLOCK;
    }
    i = sieve_few(block, first, second, primes, logs, i, to, 7);
    i = sieve_few(block, first, second, primes, logs, i, to, 6);
    i = sieve_few(block, first, second, primes, logs, i, to, 5);
    i = sieve_few(block, first, second, primes, logs, i, to, 4);
    i = sieve_few(block, first, second, primes, logs, i, to, 3);
    i = sieve_few(block, first, second, primes, logs, i, to, 2);
    sieve_few(block, first, second, primes, logs, i, to, 1);
}

static size_t scan(const uint8_t *block, uint32_t length, uint16_t *found) {
    size_t count = 0;
    for (uint32_t i = 0; i < length; i += 64) {
        uint64_t words[8], any = 0;
        memcpy(words, block + i, sizeof words);
        for (int j = 0; j < 8; j++) any |= words[j];
        if (!(any & 0x8080808080808080u)) continue;
        for (uint32_t j = 0; j < 64; j++)
            if (block[i + j] & 0x80) found[count++] = (uint16_t)(i + j);
    }
    return count;
}

static size_t dividing(uint32_t position, const uint32_t *first, const uint32_t *second, const uint32_t *primes,
                       const float *inverses, size_t from, size_t to, uint32_t *found) {
    size_t count = 0;
    vector x = position - (vector){0};
    float_vector xf = __builtin_convertvector((signed_vector)x, float_vector);
    for (size_t i = from; i < to; i += FP_LANES) {
        vector p, a, b;
        float_vector inverse;
        memcpy(&p, primes + i, sizeof p), memcpy(&a, first + i, sizeof a), memcpy(&b, second + i, sizeof b);
        memcpy(&inverse, inverses + i, sizeof inverse);
        /* The quotient may be one off either way: position and prime are below 2^24, and so exact in a float. */
        vector q = (vector) __builtin_convertvector(xf * inverse, signed_vector);
        signed_vector rest = (signed_vector)(x - q * p);
        rest += (signed_vector)p & (rest < 0);
        rest -= (signed_vector)p & (rest >= (signed_vector)p);
        signed_vector hit = (rest == (signed_vector)a) | (rest == (signed_vector)b);
        uint64_t any[4];
        memcpy(any, &hit, sizeof any);
        if (!(any[0] | any[1] | any[2] | any[3])) continue;
        for (size_t j = 0; j < FP_LANES && i + j < to; j++)
            if (hit[j]) found[count++] = (uint32_t)(i + j);
    }
    return count;
}

static void move_small(uint16_t *restrict first, uint16_t *restrict second, const uint16_t *restrict step,
                       const uint16_t *restrict primes, size_t count, int plus) {
    /* Primes are below 2^14, and so is what is below 0 from 2^15 up; what has no root is put right afterwards. */
    for (size_t i = 0; i < count; i++) {
        uint16_t p = primes[i], s = plus ? (uint16_t)(p - step[i]) : step[i];
        uint16_t x = (uint16_t)(first[i] - s), y = (uint16_t)(second[i] - s);
        first[i] = (uint16_t)(x + (p & (uint16_t)((int16_t)x >> 15)));
        second[i] = (uint16_t)(y + (p & (uint16_t)((int16_t)y >> 15)));
    }
}

static size_t dividing_small(uint16_t position, const uint16_t *first, const uint16_t *second, const uint16_t *primes,
                             const uint16_t *inverses, size_t count, uint16_t *found) {
    size_t hits = 0;
    for (size_t i = 0; i < count; i += 16) {
        uint16_t hit[16];
        uint64_t any[4];
        /* The quotient is right or one too large, as the inverse is less than 1 too large and the position below 2^15. */
        for (size_t j = 0; j < 16; j++) {
            uint16_t q = (uint16_t)((uint32_t)position * inverses[i + j] >> 16);
            uint16_t r = (uint16_t)(position - q * primes[i + j]);
            r = (uint16_t)(r + (primes[i + j] & (uint16_t)((int16_t)r >> 15)));
            hit[j] = (uint16_t)-((r == first[i + j]) | (r == second[i + j]));
        }
        memcpy(any, hit, sizeof any);
        if (!(any[0] | any[1] | any[2] | any[3])) continue;
        for (size_t j = 0; j < 16; j++)
            if (hit[j]) found[hits++] = (uint16_t)(i + j);
    }
    return hits;
}

const fp_siqs_loops FP_LOOPS = {move, fill, sieve, scan, dividing, move_small, dividing_small};
#undef FP_LOOPS
#undef FP_LANES
