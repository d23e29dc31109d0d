/* Tests factor.c, and with it the methods that it puts together. */
#include "t.h"

/* fp_factor_one has to find the same. */
static void check_one(uint64_t n, const fp_columns *c, size_t at, uint8_t count) {
    uint64_t primes[2 * FP_MAX_DISTINCT];
    uint8_t exponents[2 * FP_MAX_DISTINCT], counted = 0;
    fp_columns one = {.counts = &counted, .primes = primes, .exponents = exponents};
    if (fp_factor_one(t_isa, n, &one) != FP_OK || counted != count || memcmp(primes, c->primes + at, 8u * count) ||
        memcmp(exponents, c->exponents + at, count))
        t_fail("fp_factor_one", n);
}

/* Factors a batch and checks everything that makes a factorization one.  A composite may be left only where `hard` says so. */
static void check_batch(const uint64_t *n, unsigned width, size_t count, fp_method method, int hard) {
    fp_columns c = {.counts = malloc(count + 1)};
    size_t at = 0;
    if (fp_factor(t_isa, n, width, count, method, NULL, &c) != FP_OK) t_fail("fp_factor", 0);
    for (size_t i = 0; i < count; i++) {
        if (width == 1 && method == FP_AUTO && n[i] && i % 4 == 0) check_one(n[i], &c, at, c.counts[i]);
        fp_u128 product = 1, last = 1, number = width == 1 ? n[i] : (fp_u128)n[2 * i + 1] << 64 | n[2 * i];
        for (int k = 0; k < c.counts[i]; k++, at++) {
            fp_u128 p = width == 1 ? c.primes[at] : (fp_u128)c.primes[2 * at + 1] << 64 | c.primes[2 * at];
            if (c.exponents[at] == 0) {
                if (!hard || k + 1 < c.counts[i] || p >> 64 == 0 || t_is_prime(p)) t_fail("what is left", number);
                product *= p;
                continue;
            }
            if (p <= last) t_fail("order of primes", number);
            if (!t_is_prime(p)) t_fail("composite factor", number);
            last = p;
            for (int e = 0; e < c.exponents[at]; e++) product *= p;
        }
        if (number == 0 ? c.counts[i] != 0 : product != number) t_fail("product", number);
    }
    if (at != c.used) t_fail("length of columns", at);
    free(c.counts), free(c.primes), free(c.exponents);
}

/* Every number below 2^24, by a sieve of least primes. */
static void check_all_small(void) {
    enum { END = 1 << 24, BATCH = 1 << 16 };
    uint32_t *least = calloc(END, sizeof *least);
    for (uint32_t p = 2; p < END; p++)
        if (least[p] == 0)
            for (uint32_t n = p; n < END; n += p)
                if (least[n] == 0) least[n] = p;
    static uint64_t batch[BATCH];
    static uint8_t counts[BATCH];
    for (uint32_t start = 0; start < END; start += BATCH) {
        fp_columns c = {.counts = counts};
        size_t at = 0;
        for (uint32_t i = 0; i < BATCH; i++) batch[i] = start + i;
        if (fp_factor(t_isa, batch, 1, BATCH, FP_AUTO, NULL, &c) != FP_OK) t_fail("fp_factor", start);
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t n = start + i;
            for (int k = 0; k < counts[i]; k++, at++)
                for (int e = 0; e < c.exponents[at]; e++, n /= least[n])
                    if (n < 2 || least[n] != c.primes[at]) t_fail("prime", start + i);
            if (n > 1) t_fail("product", start + i);
        }
        free(c.primes), free(c.exponents);
    }
    free(least);
}

/* What a number factors into must not depend on its neighbours or on its lane. */
static void check_order(void) {
    enum { COUNT = 3000 };
    uint64_t forth[COUNT], back[COUNT];
    fp_columns a = {.counts = malloc(COUNT)}, b = {.counts = malloc(COUNT)};
    for (size_t i = 0; i < COUNT; i++) back[COUNT - 1 - i] = forth[i] = t_awkward();
    fp_factor(t_isa, forth, 1, COUNT, FP_AUTO, NULL, &a);
    fp_factor(t_isa, back, 1, COUNT, FP_AUTO, NULL, &b);
    size_t at = 0, end = b.used;
    for (size_t i = 0; i < COUNT; at += a.counts[i++]) {
        end -= b.counts[COUNT - 1 - i];
        if (a.counts[i] != b.counts[COUNT - 1 - i] || memcmp(a.primes + at, b.primes + end, 8u * a.counts[i]) ||
            memcmp(a.exponents + at, b.exponents + end, a.counts[i]))
            t_fail("order of the batch", forth[i]);
    }
    free(a.counts), free(a.primes), free(a.exponents), free(b.counts), free(b.primes), free(b.exponents);
}

void t_factor(size_t count) {
    static const fp_method methods[] = {FP_AUTO, FP_AUTO, FP_AUTO, FP_ECM, FP_RHO};
    fp_u128 most = 1; /* of distinct primes: the product of the first 26 */
    for (uint64_t p = 2; p <= 101; p++)
        if (t_is_prime(p)) most *= p;
    uint64_t words[] = {(uint64_t)most, (uint64_t)(most >> 64)};
    check_batch(words, 2, 1, FP_AUTO, 0);
    uint64_t edges[] = {0, 1, 2, 9223372036854775808u, 18446744073709551615u}; /* 2^63 has the longest line there is */
    check_batch(edges, 1, 5, FP_AUTO, 0);
    check_order();
    if (count >= 1000000) check_all_small();
    for (size_t done = 0; done < count;) {
        uint64_t batch[2500];
        size_t size = t_next() % 2500;
        fp_method method = methods[t_next() % 5];
        for (size_t i = 0; i < size; i++) batch[i] = method == FP_RHO ? t_awkward() >> 24 : t_awkward();
        check_batch(batch, 1, size, method, 0);
        done += size + 1;
    }
    for (size_t done = 0; done < count / 500; done += 60) {
        uint64_t batch[120];
        for (size_t i = 0; i < 60; i++) {
            fp_u128 n = t_awkward_wide();
            batch[2 * i] = (uint64_t)n, batch[2 * i + 1] = (uint64_t)(n >> 64);
        }
        check_batch(batch, 2, 60, FP_AUTO, 1);
    }
}
