/* The factor base: primes modulo which kn is a square, with its square roots. */
#include <stdlib.h>

#include "siqs.h"

static uint32_t power(uint32_t base, uint32_t exponent, uint32_t p) {
    uint64_t result = 1, square = base % p;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) result = result * square % p;
        square = square * square % p;
    }
    return (uint32_t)result;
}

/* How often x must be squared until it is 1, where its order is a power of 2. */
static int squarings(uint64_t x, uint32_t p) {
    int count = 0;
    for (; x != 1; count++) x = x * x % p;
    return count;
}

/* A square root of a, not 0, modulo an odd prime, or 0 if a is no square (A. Tonelli, 1891; D. Shanks, 1973): root^2 is a times
 * `rest`, which is brought to 1. */
static uint32_t square_root(uint32_t a, uint32_t p) {
    int twos = __builtin_ctz(p - 1);
    uint32_t odd = (p - 1) >> twos;
    uint64_t half = power(a, odd / 2, p);
    uint32_t root = (uint32_t)(a * half % p), rest = (uint32_t)(root * half % p);
    if (rest == 1) return root;
    if (squarings(rest, p) == twos) return 0;
    uint32_t other = p % 8 == 1 ? 3 : 2; /* the least that is no square */
    while (power(other, (p - 1) / 2, p) == 1) other++;
    uint32_t unit = power(other, odd, p);
    while (rest != 1) {
        int order = squarings(rest, p);
        uint64_t step = unit;
        for (int i = 0; i < twos - order - 1; i++) step = step * step % p;
        root = (uint32_t)(root * step % p);
        unit = (uint32_t)(step * step % p);
        rest = (uint32_t)((uint64_t)rest * unit % p);
        twos = order;
    }
    return root;
}

/* About half of all primes are taken.  Nobody says how far one has to go for that: the limit doubles until there are enough. */
int fp_siqs_base(const fp_wide *kn, size_t count, uint32_t *primes, uint32_t *roots) {
    size_t taken = 0;
    int length = fp_wide_length(kn);
    for (uint32_t limit = 1 << 10; taken < count; limit *= 2) {
        if (limit < 20 * count) continue;
        uint8_t *composite = calloc(limit, 1);
        if (!composite) return FP_NO_MEMORY;
        taken = 0;
        for (uint32_t p = 2; p < limit && taken < count; p++) {
            if (composite[p]) continue;
            for (uint64_t m = (uint64_t)p * p; m < limit; m += p) composite[m] = 1;
            uint32_t a = fp_wide_modulo(kn, length, p), root = p == 2 || a == 0 ? a : square_root(a, p);
            if (root == 0 && a) continue;
            primes[taken] = p;
            roots[taken++] = root;
        }
        free(composite);
    }
    return FP_OK;
}
