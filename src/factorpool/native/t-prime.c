/* Tests prime.c. */
#include "field.h"
#include "t.h"

typedef struct {
    uint64_t n;
    int prime;
    const char *name;
} named;

/* clang-format off */
static const named cases[] = {
    {0, 0, "zero"}, {1, 0, "one"}, {2, 1, "the even prime"}, {3, 1, "three"}, {4, 0, "the first composite"},
    {25, 0, "the first odd square beyond 9"}, {4294967291u, 1, "the last prime below 2^32"},
    {4294967311u, 1, "the first prime beyond 2^32"}, {18446744073709551557u, 1, "the last prime below 2^64"},
    {18446744073709551615u, 0, "2^64 - 1"}, {2305843009213693951u, 1, "the Mersenne prime 2^61 - 1"},
    {4294967297u, 0, "Euler's 2^32 + 1 = 641 6700417"}, {561, 0, "the first Carmichael number"},
    {2047, 0, "the first strong pseudoprime to 2"}, {1194649, 0, "1093^2, a strong pseudoprime to 2"},
    {12327121, 0, "3511^2, a strong pseudoprime to 2"}, {3215031751u, 0, "to 2, 3, 5 and 7"},
    {3825123056546413051u, 0, "to the first nine primes"}, {318665857834031151u, 0, "to the first eleven"},
    {46657, 0, "the first that passes Plumb's criterion, but no strong test to 2"},
    {5459, 0, "the first strong Lucas pseudoprime"}, {989, 0, "the first extra strong Lucas pseudoprime"},
    {18446743979220271189u, 0, "4294967279 4294967291, two primes below 2^32"},
};
/* clang-format on */

/* Strong pseudoprimes to base 2 and to many bases, Carmichael numbers, Lucas and Frobenius pseudoprimes; all composite. */
/* clang-format off */
static const uint64_t liars[] = {
    2047u, 3277u, 4033u, 4681u, 8321u, 15841u, 29341u, 42799u, 49141u, 52633u, 65281u, 74665u, 80581u, 85489u, 561u,
    1105u, 1729u, 2465u, 2821u, 6601u, 8911u, 3215031751u, 2152302898747u, 3474749660383u, 341550071728321u,
    3825123056546413051u, 4759123141u, 1122004669633u, 318665857834031151u, 4294967297u, 18446744073709551615u,
    1373653u, 25326001u, 5459u, 5777u, 10877u, 16109u, 18971u, 22499u, 24569u, 25199u, 40309u, 58519u, 75077u, 97439u,
    75361u, 88357u, 104653u, 4294901761u, 989u, 3239u, 10469u, 27971u, 29681u, 30739u, 31631u, 39059u, 72389u,
};
/* clang-format on */

/* Many at once, of which those below 2^32 go another way than one does. */
static void check_among(const uint64_t *numbers, size_t count) {
    uint8_t *answers = malloc(count);
    if (fp_primes_among(t_isa, numbers, count, NULL, answers) != FP_OK) t_fail("fp_primes_among", count);
    for (size_t i = 0; i < count; i++)
        if (answers[i] != t_is_prime(numbers[i])) t_fail("fp_primes_among", numbers[i]);
    free(answers);
}

static void check_words(size_t count) {
    enum { MANY = 3000 };
    static uint64_t many[MANY];
    const uint64_t all = count < 1000 ? 20000 : 200000; /* an emulator takes its time */
    for (uint64_t n = 0; n < all; n++)
        if (fp_is_prime(t_isa, n) != t_is_prime(n)) t_fail("fp_is_prime", n);
    for (size_t i = 0; i < sizeof liars / sizeof *liars; i++)
        if (fp_is_prime(t_isa, liars[i])) t_fail("fp_is_prime of a pseudoprime", liars[i]);
    check_among(liars, sizeof liars / sizeof *liars);
    for (uint64_t n = 0; n < all; n += MANY) {
        for (size_t i = 0; i < MANY; i++) many[i] = i % 2 ? n + i : t_next() >> (32 + t_next() % 20);
        check_among(many, MANY);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t n = t_next() >> (t_next() % 58);
        if (fp_is_prime(t_isa, n) != t_is_prime(n)) t_fail("fp_is_prime", n);
        /* p (2p - 1), p (3p - 2): the pseudoprimes of many bases have this form. */
        uint64_t p = t_prime_of(8 + (int)(t_next() % 23)), k = 2 + t_next() % 4;
        n = p * (k * (p - 1) + 1);
        if (fp_is_prime(t_isa, n) != t_is_prime(n)) t_fail("fp_is_prime", n);
    }
}

/* Each in its lane. */
static void check_lanes(const fp_u128 *numbers, size_t count) {
    uint8_t answers[FP_MOST_LANES];
    fp_are_prime(t_isa, numbers, count, answers);
    for (size_t k = 0; k < count; k++)
        if (answers[k] != t_is_prime(numbers[k])) t_fail("fp_are_prime", numbers[k]);
}

/* Primes, and products of two, of 65 to 128 bits: wherever an arithmetic ends, some are next to its end. */
static void check_wide(size_t count) {
    fp_u128 numbers[FP_MOST_LANES] = {0};
    size_t have = 0;
    for (size_t i = 0; i < count; i++) {
        int bits = 65 + (int)(t_next() % 64), half = bits / 2;
        fp_u128 n = ((fp_u128)t_next() << 64 | t_next()) >> (128 - bits) | (fp_u128)1 << (bits - 1) | 1;
        if (i % 4 == 0) n = (fp_u128)t_prime_of(half) * t_prime_of(bits - half);
        if (i % 4 == 1) n = ((fp_u128)1 << (bits - 1)) * 2 - (2 * (t_next() % 2000) + 1); /* just below 2^bits */
        if (n % 3 == 0 || n % 5 == 0 || n % 7 == 0) continue;
        numbers[have++] = n;
        if (have == FP_MOST_LANES) check_lanes(numbers, have), have = 0;
    }
    check_lanes(numbers, have);
}

/* All odd numbers next to where an arithmetic ends, of any isa. */
static void check_borders(size_t count) {
    static const int ends[] = {32, 48, 50, 59, 64, 96, 100, 123, 128};
    const unsigned within = count >= 1000000 ? 1 << 16 : count >= 100000 ? 1 << 11 : 1 << 6;
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        fp_u128 first = ((fp_u128)1 << (ends[e] - 1)) * 2 - within + 1;
        unsigned numbers = ends[e] == 128 ? within / 2 : within; /* nothing is beyond */
        for (unsigned i = 0; i < numbers; i++) {
            fp_u128 n = first + 2 * i;
            uint8_t answer;
            fp_are_prime(t_isa, &n, 1, &answer);
            if (answer != t_is_prime(n)) t_fail("fp_are_prime next to a border", n);
        }
    }
}

void t_prime(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fp_is_prime(t_isa, cases[i].n) != cases[i].prime) t_fail(cases[i].name, cases[i].n);
    check_borders(count);
    check_words(count / 4);
    check_wide(count / 20);
}
