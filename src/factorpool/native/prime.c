/* Decides primality, with proof, for every 64-bit number.
 *
 * Below 2^32: Euler's criterion for base 2, as C. Plumb has it, and a table of all composites that pass it, searched exhaustively
 * (scripts/make_pseudoprime_table.c).  Above: the Baillie-PSW test, a strong test to base 2 and an extra strong Lucas test
 * (R. Baillie and S. S. Wagstaff, "Lucas pseudoprimes", Math. Comp. 35 (1980); the parameters are J. Grantham's,
 * "Frobenius pseudoprimes", Math. Comp. 70 (2001)).  J. Feitsma and W. Galway listed all base 2 pseudoprimes below
 * 2^64 (2013), and none of them passes.  No composite is known to pass at any size. */
#include "integer.h"
#include "isa.h"
#include "pseudoprime_table.h"

/* Numbers looked at together. */
#define BLOCK 1024

/* The Jacobi symbol (a / n), n odd. */
static int jacobi(uint64_t a, uint64_t n) {
    int sign = 1;
    a %= n;
    while (a) {
        int twos = __builtin_ctzll(a);
        a >>= twos;
        /* (2 / n) = -1 for n = 3, 5 mod 8; reciprocity changes the sign where both are 3 mod 4. */
        if ((twos & 1) && ((n ^ (n >> 1)) & 2)) sign = -sign;
        if (a & n & 2) sign = -sign;
        uint64_t t = n % a;
        n = a, a = t;
    }
    return n == 1 ? sign : 0;
}

/* (a / n) for a small a and a large n, by reciprocity first. */
static int jacobi_small(uint32_t a, fp_u128 n) {
    int twos = __builtin_ctz(a);
    uint32_t odd = a >> twos;
    int flip = (twos & 1 && ((n ^ (n >> 1)) & 2)) != ((odd & n & 2) != 0);
    uint64_t rest = n >> 64 ? (uint64_t)(n % odd) : (uint64_t)n % odd;
    int symbol = jacobi(rest, odd);
    return flip ? -symbol : symbol;
}

/* The least P > 2 with (P^2 - 4 / n) = -1, or 0 where the search shows n composite.  Half of all P do, but none for a square. */
static int64_t lucas_parameter(fp_u128 n) {
    for (uint32_t p = 3;; p++) {
        int symbol = jacobi_small(p * p - 4, n);
        if (symbol < 0) return p;
        if (symbol == 0 && n > p * p - 4) return 0;
        if (p == 20 && (fp_u128)fp_sqrt128(n) * fp_sqrt128(n) == n) return 0;
    }
}

static int is_in_table(uint32_t n) {
    /* If n is there, then at low or behind it, and before high. */
    size_t low = 0, high = sizeof pseudoprimes / sizeof *pseudoprimes;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (pseudoprimes[middle] <= n)
            low = middle;
        else
            high = middle;
    }
    return pseudoprimes[low] == n;
}

/* Decides those of at most BLOCK numbers that are below 2^32.  The last lanes may repeat a number. */
static void decide_short(const fp_field *field, const fp_u128 *numbers, size_t count, uint8_t *answers) {
    size_t index[BLOCK], left = 0;
    for (size_t i = 0; i < count; i++) index[left] = i, left += numbers[i] >> 32 == 0;
    for (size_t i = 0; i < left; i += (size_t)field->lanes) {
        fp_u128 n[FP_MOST_LANES];
        for (size_t k = 0; k < (size_t)field->lanes; k++) n[k] = numbers[index[i + k < left ? i + k : i]];
        const uint32_t passes = field->plumb(n);
        for (size_t k = 0; k < (size_t)field->lanes && i + k < left; k++) {
            /* Which pass looks random to a processor, and no branch asks.  Nine of ten numbers that pass have a mark that no
             * pseudoprime has. */
            const uint32_t mark = fp_pseudoprime_mark((uint32_t)n[k]);
            uint32_t prime = passes >> k & 1;
            if (prime & pseudoprime_marks[mark / 64] >> mark % 64) prime = !is_in_table((uint32_t)n[k]);
            answers[index[i + k]] = (uint8_t)prime;
        }
    }
}

/* The same for one number that 2, 3, 5 and 7 do not divide, in words: a vector of which one lane is used takes several times as
 * long. */
static int is_short_prime(uint32_t n) {
    const fp_mont m = fp_mont_init(n);
    const uint32_t rest = n % 8, d = n >> (rest == 1 ? 2 : 1);
    const int most = fp_bits(d), first = most > 5 ? most - 5 : 0;
    uint64_t x = (m.one << (d >> first)) % n;
    for (int bit = first - 1; bit >= 0; bit--) {
        x = fp_sqr(x, &m);
        const uint64_t twice = fp_add(x, x, &m);
        x = d >> bit & 1 ? twice : x;
    }
    return ((x == m.one && (rest == 1 || rest == 7)) || x == n - m.one) && !is_in_table(n);
}

/* Of the numbers at `index`, keeps those that pass a test, in order, and returns how many. */
static size_t filter(uint32_t (*test)(const fp_u128 *, const int64_t *), int lanes, const fp_u128 *numbers,
                     const int64_t *parameters, size_t *index, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i += (size_t)lanes) {
        fp_u128 n[FP_MOST_LANES];
        int64_t parameter[FP_MOST_LANES];
        for (size_t k = 0; k < (size_t)lanes; k++) {
            size_t at = index[i + k < count ? i + k : i];
            n[k] = numbers[at];
            if (parameters) parameter[k] = parameters[at];
        }
        uint32_t passes = test(n, parameters ? parameter : NULL);
        for (size_t k = 0; k < (size_t)lanes && i + k < count; k++)
            if (passes >> k & 1) index[kept++] = index[i + k];
    }
    return kept;
}

/* Decides those of at most BLOCK numbers that have more than `from` bits, and not more than the field takes. */
static void decide(const fp_field *field, int from, const fp_u128 *numbers, size_t count, uint8_t *answers) {
    size_t index[BLOCK], left = 0, kept = 0, i;
    int64_t parameters[BLOCK];
    for (i = 0; i < count; i++) {
        int bits = fp_bits(numbers[i]);
        if (bits <= from || bits > field->bits) continue;
        answers[i] = 0, index[left++] = i;
    }
    left = filter(field->strong, field->lanes, numbers, NULL, index, left);
    for (i = 0; i < left; i++)
        if ((parameters[index[i]] = lucas_parameter(numbers[index[i]]))) index[kept++] = index[i];
    left = filter(field->lucas, field->lanes, numbers, parameters, index, kept);
    for (i = 0; i < left; i++) answers[index[i]] = 1;
}

void fp_are_prime(const fp_isa *isa, const fp_u128 *numbers, size_t count, uint8_t *answers) {
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        fp_u128 all = 0;
        for (size_t i = start; i < start + size; i++) all |= numbers[i];
        decide_short(isa->field[0], numbers + start, size, answers + start);
        for (int f = 0, from = 32; from < fp_bits(all); from = isa->field[f++]->bits)
            decide(isa->field[f], from, numbers + start, size, answers + start);
    }
}

/* Is n prime, where division by 2, 3, 5 and 7 decides?  -1 where it does not. */
static int by_small_primes(uint64_t n) {
    if (n % 2 == 0) return n == 2;
    if (n % 3 == 0) return n == 3;
    if (n % 5 == 0) return n == 5;
    if (n % 7 == 0) return n == 7;
    return n < 121 ? n > 1 : -1;
}

int fp_is_prime(const fp_isa *isa, uint64_t n) {
    fp_u128 wide = n;
    uint8_t answer;
    int known = by_small_primes(n);
    if (known >= 0) return known;
    if (n >> 32 == 0) return is_short_prime((uint32_t)n);
    fp_are_prime(isa, &wide, 1, &answer);
    return answer;
}

int fp_primes_among(const fp_isa *isa, const uint64_t *numbers, size_t count, const fp_control *control,
                    uint8_t *answers) {
    fp_u128 open[BLOCK];
    size_t place[BLOCK], left = 0;
    uint8_t decided[BLOCK];
    for (size_t i = 0; i < count; i++) {
        int known = by_small_primes(numbers[i]);
        answers[i] = known > 0;
        if (known < 0) open[left] = numbers[i], place[left++] = i;
        if (left < BLOCK && i + 1 < count) continue;
        if (fp_poll(control)) return FP_STOPPED;
        fp_are_prime(isa, open, left, decided);
        for (size_t k = 0; k < left; k++) answers[place[k]] = decided[k];
        left = 0;
    }
    return FP_OK;
}
