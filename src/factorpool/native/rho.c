/* Splits a composite by Pollard's rho method: the way of choice while the smallest factor is tiny.
 *
 * J. M. Pollard, "A Monte Carlo method for factorization", BIT 15 (1975); the cycle finding and the batched gcd are
 * R. P. Brent's, "An improved Monte Carlo factorization algorithm", BIT 20 (1980). */
#include "integer.h"
#include "kernel.h"
#include "mont.h"

/* Differences multiplied together before one gcd: a gcd costs about 16 multiplications in a row, and half a batch is wasted. */
#define BATCH 32

/* One walk x -> x^2 + c in Montgomery form (which only changes c). */
static uint64_t walk(uint64_t c, const fp_mont *m) {
    uint64_t x = m->one, y = x, product = m->one, g;
    uint64_t length, done, i, start;
    for (length = 1;; length *= 2) {
        x = y;
        /* Brent: differences at distance 3/2 length to 2 length are enough to meet every cycle. */
        for (i = 0; i < length / 2; i++) y = fp_add(fp_sqr(y, m), c, m);
        for (done = length / 2; done < length; done += BATCH) {
            uint64_t steps = length - done < BATCH ? length - done : BATCH;
            start = y;
            for (i = 0; i < steps; i++) {
                y = fp_add(fp_sqr(y, m), c, m);
                product = fp_mul(product, fp_sub(y, x, m), m);
            }
            g = fp_gcd(product, m->n);
            if (g == 1) continue;
            if (g < m->n) return g;
            /* All factors at once: take this batch again, one by one. */
            for (y = start;;) {
                y = fp_add(fp_sqr(y, m), c, m);
                g = fp_gcd(fp_sub(y, x, m), m->n);
                if (g != 1) return g < m->n ? g : 0;
            }
        }
    }
}

uint64_t fp_rho(uint64_t n) {
    fp_mont m = fp_mont_init(n);
    uint64_t c = m.one, g;
    /* A walk ends without a factor where its cycle closes for all primes at once; another constant then helps. */
    while ((g = walk(c, &m)) == 0) c = fp_add(c, m.one, &m);
    return g;
}
