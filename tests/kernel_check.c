/* Checks the C kernel against slow, obvious code on millions of numbers; test_kernel.py builds it with sanitizers and runs it.
 *
 *     kernel_check SEED COUNT
 *
 * does so on every isa of this machine, prints what it checked and exits with 1 at the first difference.  A COUNT of a million or
 * more also checks every number below 2^24. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

static uint64_t state;
static const fp_isa *isa;

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static uint64_t next(void) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

static void fail(const char *what, fp_u128 n) {
    char digits[40], *d = digits + 39;
    for (*d = 0; n || d == digits + 39; n /= 10) *--d = (char)('0' + n % 10);
    printf("FAILED: %s for %s on %s\n", what, d, fp_isa_name(isa));
    exit(1);
}

/* a b mod n, by doubling where the product is too long. */
static fp_u128 times(fp_u128 a, fp_u128 b, fp_u128 n) {
    if (n >> 64 == 0) return a * b % n;
    fp_u128 r = 0;
    for (; b; b >>= 1) {
        if (b & 1) r = r >= n - a ? r - (n - a) : r + a;
        a = a >= n - a ? a - (n - a) : a + a;
    }
    return r;
}

static fp_u128 power(fp_u128 a, fp_u128 e, fp_u128 n) {
    fp_u128 r = 1;
    for (a %= n; e; e >>= 1, a = times(a, a, n))
        if (e & 1) r = times(r, a, n);
    return r;
}

/* Miller-Rabin to the first twelve primes, which decides below 3.1e23: J. Sorenson and J. Webster (2015). */
static int slow_is_prime(fp_u128 n) {
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2) return 0;
    for (int i = 0; i < 12; i++)
        if (n % bases[i] == 0) return n == bases[i];
    fp_u128 d = n - 1;
    int s = 0;
    for (; d % 2 == 0; d /= 2) s++;
    for (int i = 0; i < 12; i++) {
        fp_u128 x = power(bases[i], d, n);
        int passes = x == 1 || x == n - 1;
        for (int k = 1; k < s && !passes; k++) passes = (x = times(x, x, n)) == n - 1;
        if (!passes) return 0;
    }
    return 1;
}

/* Factors a batch and checks everything that makes a factorization one.  A composite may be left only where `hard` says so. */
static void check_batch(const uint64_t *n, unsigned width, size_t count, fp_method method, int hard) {
    fp_columns c = {.counts = malloc(count + 1)};
    size_t at = 0;
    if (fp_factor(isa, n, width, count, method, NULL, &c) != FP_OK) fail("fp_factor", 0);
    for (size_t i = 0; i < count; i++) {
        fp_u128 product = 1, last = 1, number = width == 1 ? n[i] : (fp_u128)n[2 * i + 1] << 64 | n[2 * i];
        for (int k = 0; k < c.counts[i]; k++, at++) {
            fp_u128 p = width == 1 ? c.primes[at] : (fp_u128)c.primes[2 * at + 1] << 64 | c.primes[2 * at];
            if (c.exponents[at] == 0) {
                if (!hard || k + 1 < c.counts[i] || p >> 64 == 0 || slow_is_prime(p)) fail("what is left", number);
                product *= p;
                continue;
            }
            if (p <= last) fail("order of primes", number);
            if (!slow_is_prime(p)) fail("composite factor", number);
            last = p;
            for (int e = 0; e < c.exponents[at]; e++) product *= p;
        }
        if (number == 0 ? c.counts[i] != 0 : product != number) fail("product", number);
    }
    if (at != c.used) fail("length of columns", at);
    free(c.counts), free(c.primes), free(c.exponents);
}

static uint64_t prime_of(int bits) {
    for (;;) {
        uint64_t p = (next() >> (64 - bits)) | 1 | (uint64_t)1 << (bits - 1);
        if (slow_is_prime(p)) return p;
    }
}

static uint64_t prime_below(uint64_t n) {
    while (!slow_is_prime(--n)) continue;
    return n;
}

/* A number of a kind that some shortcut might get wrong. */
static uint64_t awkward(void) {
    int bits = 2 + (int)(next() % 31);
    uint64_t p = prime_of(bits), q = prime_of(2 + (int)(next() % 31)), k = next() % 400;
    switch (next() % 13) {
    case 0:
        return next() >> (next() % 64);
    case 1:
        return p * p;
    case 2:
        return p < 2642245 ? p * p * p : p;
    case 3:
        return p * q;
    case 4:
        return p * prime_below(p > 3 ? p : 5);
    case 5:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 32);
    case 6:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 52);
    case 7:
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 63);
    case 8:
        return -k;
    case 9: /* where one arithmetic takes over from another */
        return (next() & 1 ? -k : k) + ((uint64_t)1 << 50);
    case 10: /* squares next to 2^52 and 2^64 */
        p = prime_below(((uint64_t)1 << (next() & 1 ? 26 : 32)) - k);
        return p * p;
    case 11: /* primes next to powers of 2 */
        return prime_below(((uint64_t)1 << (20 + next() % 44)) - k);
    default: { /* 2, 3, 5, ... to powers, times what is left */
        uint64_t n = 1;
        while (n < (uint64_t)1 << 40) n *= prime_of(2 + (int)(next() % 4));
        return n;
    }
    }
}

/* The same for two words. */
static fp_u128 awkward_wide(void) {
    uint64_t p = prime_of(2 + (int)(next() % 38)), q = prime_of(2 + (int)(next() % 38)), k = next() % 400;
    int bits = 64 + (int)(next() % 64);
    switch (next() % 8) {
    case 0:
        return (fp_u128)next() << 64 | next();
    case 1:
        return (fp_u128)p * q;
    case 2:
        return (fp_u128)p * p * (q & 0xFFFFF);
    case 3:
        p = prime_of(64 - (int)(next() % 20));
        return (fp_u128)p * p;
    case 4:
        return (fp_u128)awkward() * (next() >> 40);
    case 5: /* next to powers of 2, 2^100 among them, where one arithmetic takes over from another */
        return ((fp_u128)1 << (k & 1 ? 100 : bits)) + k;
    case 6:
        return ((fp_u128)1 << (k & 1 ? 100 : bits)) - k;
    default:
        return awkward();
    }
}

/* Strong pseudoprimes to base 2 and to many bases, Carmichael numbers, Lucas and Frobenius pseudoprimes; all composite. */
/* clang-format off */
static const uint64_t liars[] = {
    2047u, 3277u, 4033u, 4681u, 8321u, 15841u, 29341u, 42799u, 49141u, 52633u, 65281u, 74665u, 80581u, 85489u, 561u,
    1105u, 1729u, 2465u, 2821u, 6601u, 8911u, 3215031751u, 2152302898747u, 3474749660383u, 341550071728321u,
    3825123056546413051u, 4759123141u, 1122004669633u, 318665857834031151u, 4294967297u, 18446744073709551615u,
    1373653u, 25326001u, 5459u, 5777u, 10877u, 16109u, 18971u, 22499u, 24569u, 25199u, 40309u, 58519u, 75077u, 97439u,
    989u, 3239u, 10469u, 27971u, 29681u, 30739u, 31631u, 39059u, 72389u,
};
/* clang-format on */

static void check_primality(size_t count) {
    for (uint64_t n = 0; n < 200000; n++)
        if (fp_is_prime(isa, n) != slow_is_prime(n)) fail("fp_is_prime", n);
    for (size_t i = 0; i < sizeof liars / sizeof *liars; i++)
        if (fp_is_prime(isa, liars[i])) fail("fp_is_prime of a pseudoprime", liars[i]);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = next() >> (next() % 58);
        if (fp_is_prime(isa, n) != slow_is_prime(n)) fail("fp_is_prime", n);
        /* p (2p - 1), p (3p - 2): the pseudoprimes of many bases have this form. */
        uint64_t p = prime_of(8 + (int)(next() % 23)), k = 2 + next() % 4;
        n = p * (k * (p - 1) + 1);
        if (fp_is_prime(isa, n) != slow_is_prime(n)) fail("fp_is_prime", n);
    }
}

/* Primes, and products of two, of 65 to 128 bits: wherever an arithmetic ends, some are next to its end. */
static void check_wide_primality(size_t count) {
    for (size_t i = 0; i < count; i++) {
        int bits = 65 + (int)(next() % 64), half = bits / 2;
        fp_u128 n = ((fp_u128)next() << 64 | next()) >> (128 - bits) | (fp_u128)1 << (bits - 1) | 1;
        if (i % 4 == 0) n = (fp_u128)prime_of(half) * prime_of(bits - half);
        if (i % 4 == 1) n = (0 - (fp_u128)(2 * (next() % 2000) + 1)) >> (128 - bits) | 1; /* just below 2^bits */
        if (n % 3 == 0 || n % 5 == 0 || n % 7 == 0) continue;
        uint8_t answer;
        fp_are_prime(isa, &n, 1, &answer);
        if (answer != slow_is_prime(n)) fail("fp_are_prime", n);
    }
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
        if (fp_factor(isa, batch, 1, BATCH, FP_AUTO, NULL, &c) != FP_OK) fail("fp_factor", start);
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t n = start + i;
            for (int k = 0; k < counts[i]; k++, at++)
                for (int e = 0; e < c.exponents[at]; e++, n /= least[n])
                    if (n < 2 || least[n] != c.primes[at]) fail("prime", start + i);
            if (n > 1) fail("product", start + i);
        }
        free(c.primes), free(c.exponents);
    }
    free(least);
}

/* Runs of numbers, sieved and one by one: around 1, where the sieve hands over to the kernel, and up to 2^64 - 1. */
static void check_sieve(size_t runs) {
    for (size_t i = 0; i < runs; i++) {
        size_t count = next() % 20000;
        uint64_t step = 1 + next() % 2, start = awkward() >> (next() % 64);
        if (start == 0 || i % 8 == 0) start = 1 + next() % 3;
        if (i % 8 == 1 || start > -step * count - 1) start = -step * count;
        if (start == 0) continue; /* of count 0 */
        uint64_t *n = malloc(8 * count + 8);
        for (size_t k = 0; k < count; k++) n[k] = start + step * k;
        fp_columns a = {.counts = malloc(count + 1)}, b = {.counts = malloc(count + 1)};
        if (fp_sieve(isa, start, step, count, NULL, &a) != FP_OK) fail("fp_sieve", start);
        if (fp_factor(isa, n, 1, count, FP_AUTO, NULL, &b) != FP_OK) fail("fp_factor", start);
        if (a.used != b.used || memcmp(a.counts, b.counts, count) ||
            (a.used && (memcmp(a.primes, b.primes, 8 * a.used) || memcmp(a.exponents, b.exponents, a.used))))
            fail("sieve from", start);
        free(n), free(a.counts), free(a.primes), free(a.exponents), free(b.counts), free(b.primes), free(b.exponents);
    }
}

/* What a number factors into must not depend on its neighbours or on its lane. */
static void check_order(void) {
    enum { COUNT = 3000 };
    uint64_t forth[COUNT], back[COUNT];
    fp_columns a = {.counts = malloc(COUNT)}, b = {.counts = malloc(COUNT)};
    for (size_t i = 0; i < COUNT; i++) back[COUNT - 1 - i] = forth[i] = awkward();
    fp_factor(isa, forth, 1, COUNT, FP_AUTO, NULL, &a);
    fp_factor(isa, back, 1, COUNT, FP_AUTO, NULL, &b);
    size_t at = 0, end = b.used;
    for (size_t i = 0; i < COUNT; at += a.counts[i++]) {
        end -= b.counts[COUNT - 1 - i];
        if (a.counts[i] != b.counts[COUNT - 1 - i] || memcmp(a.primes + at, b.primes + end, 8u * a.counts[i]) ||
            memcmp(a.exponents + at, b.exponents + end, a.counts[i]))
            fail("order of the batch", forth[i]);
    }
    free(a.counts), free(a.primes), free(a.exponents), free(b.counts), free(b.primes), free(b.exponents);
}

/* Text to numbers and back, cut at random places, with junk between. */
static void check_text(size_t count) {
    static const char alphabet[] = "0123456789 \n\t+-#x\r\xff";
    for (size_t i = 0; i < count; i++) {
        size_t length = next() % 64, n;
        char *text = malloc(length + 1);
        for (size_t k = 0; k < length; k++) text[k] = alphabet[next() % (sizeof alphabet - 1)];
        const char *s = text, *end = text + length;
        uint64_t *numbers = malloc(8 * (length / 2 + 1));
        int in_comment = 0;
        fp_token odd;
        while (s < end) {
            const char *before = s;
            s = fp_parse(s, end, &in_comment, numbers, &n, &odd);
            if (s <= before || s > end || n > length / 2 + 1) fail("fp_parse", i);
        }
        free(numbers), free(text);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t n = next() >> (next() % 64), back;
        char line[FP_LINE], expected[32];
        fp_columns c = {.counts = malloc(1)};
        int in_comment = 0;
        size_t one;
        fp_token odd;
        if (fp_factor(isa, &n, 1, 1, FP_AUTO, NULL, &c) != FP_OK) fail("fp_factor", n);
        char *end = fp_format(&n, 1, c.counts, c.primes, c.exponents, line);
        if (end > line + FP_LINE || end[-1] != '\n') fail("fp_format", n);
        int length = snprintf(expected, sizeof expected, "%llu", (unsigned long long)n);
        if (memcmp(line, expected, (size_t)length) || line[length] != ':') fail("fp_format", n);
        fp_parse(line, line + length, &in_comment, &back, &one, &odd);
        if (one != 1 || back != n || odd.start) fail("fp_parse", n);
        free(c.counts), free(c.primes), free(c.exponents);
    }
}

static void check_isa(size_t count) {
    static const fp_method methods[] = {FP_AUTO, FP_AUTO, FP_AUTO, FP_ECM, FP_RHO};
    check_primality(count / 4);
    check_wide_primality(count / 20);
    check_order();
    check_sieve(count < 100000 ? 10 : 100);
    if (count >= 1000000) check_all_small();
    for (size_t done = 0; done < count;) {
        uint64_t batch[2500];
        size_t size = next() % 2500;
        fp_method method = methods[next() % 5];
        for (size_t i = 0; i < size; i++) batch[i] = method == FP_RHO ? awkward() >> 24 : awkward();
        check_batch(batch, 1, size, method, 0);
        done += size + 1;
    }
    for (size_t done = 0; done < count / 500; done += 60) {
        uint64_t batch[120];
        for (size_t i = 0; i < 60; i++) {
            fp_u128 n = awkward_wide();
            batch[2 * i] = (uint64_t)n, batch[2 * i + 1] = (uint64_t)(n >> 64);
        }
        check_batch(batch, 2, 60, FP_AUTO, 1);
    }
    for (size_t i = 0; i < 200; i++) {
        uint64_t n = awkward() >> 30;
        check_batch(&n, 1, 1, FP_TRIAL, 0);
    }
    fp_u128 most = 1; /* of distinct primes: the product of the first 26 */
    for (uint64_t p = 2; p <= 101; p++)
        if (slow_is_prime(p)) most *= p;
    uint64_t words[] = {(uint64_t)most, (uint64_t)(most >> 64)};
    check_batch(words, 2, 1, FP_AUTO, 0);
    uint64_t worst = 9223372036854775808u; /* 2^63: the longest line there is */
    check_batch(&worst, 1, 1, FP_AUTO, 0);
    check_batch(liars, 1, sizeof liars / sizeof *liars, FP_AUTO, 0);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t count = strtoull(argv[2], NULL, 10);
    for (size_t i = 0; (isa = fp_isa_at(i)); i++) {
        if (!fp_isa_usable(isa)) continue;
        state = strtoull(argv[1], NULL, 10) * 2 + 1; /* the same numbers for each */
        check_isa(count);
        printf("%s: checked %zu numbers\n", fp_isa_name(isa), count);
    }
    isa = fp_isa_choose(NULL);
    check_text(count / 10 + 1);
    return 0;
}
