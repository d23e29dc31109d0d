/* The small sieve itself: chooses polynomials, sieves them, and takes apart what is found.
 *
 * kn exceeds 128 bits, but all that is needed of it is its size and its value modulo small primes and 2^128: the values of
 * polynomials are below 2^112, a and b below 2^82, and divisions are exact. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../integer.h"
#include "../isa.h"
#include "siqs.h"
#include "strides.h"

/* By bits of n: primes of the base; length of the interval; the large prime's bound, in times the greatest prime; the prime from
 * which on is sieved; and how many times what smaller ones give on average a value need not show.  Between two rows in
 * proportion.  Found by changing an entry at a time by 15 to 60 %, on an Intel Xeon with AVX2; most others are within 5 %.  The last row
 * has as many primes as there are. */
typedef struct {
    double bits, primes, length, large, sieved_from, small_part;
} row;

static const row table[] = {
    {64, 40, 4096, 20, 14, 1.5},      {80, 90, 6144, 50, 20, 1.4},      {96, 155, 10240, 80, 36, 1.5},
    {112, 290, 16384, 60, 50, 2.0},   {128, 540, 24576, 60, 64, 2.2},   {144, 920, 28672, 60, 80, 2.2},
    {160, 1550, 32768, 60, 110, 2.2}, {176, 2300, 32768, 60, 140, 2.2}, {184, 2400, 32768, 60, 150, 2.2},
};

/* Size of the primes of a. */
#define FACTOR_BITS 10.0

/* Primes of which those of a are drawn, at least; draws, of which the best is taken. */
#define POOL 24
#define DRAWS 12

/* Single draws after that, where the best was there before. */
#define ATTEMPTS 200

/* A root of primes that are not sieved with. */
#define NOWHERE 0xffffu

/* A position is looked at if the top bit of its byte is set. */
#define TOP 128

/* Most factors of a value, each as often as it divides: 2 and 3 could do so 90 times, but what has so many is too rare to matter. */
#define MOST_FACTORS 64

typedef struct {
    fp_small_memory *m;
    const fp_siqs_loops *loops;
    fp_u128 kn; /* modulo 2^128 */
    double kn_size, target;
    unsigned multiplier, length, factor_count;
    uint32_t large;
    size_t sieved, many, padded;
    uint8_t start;
    uint64_t random;

    uint16_t chosen[FP_SMALL_FACTORS];
    fp_u128 a, terms[FP_SMALL_FACTORS];
    __int128 b, c;
} sieve;

static uint32_t modulo(fp_u128 n, uint32_t p) {
    uint64_t high = (uint64_t)(n >> 64) % p;
    return (uint32_t)(((fp_u128)high << 64 | (uint64_t)n) % p);
}

/* The k below 74 for which kn is a square modulo the most small primes (D. Knuth and R. Schroeppel). */
static unsigned best_multiplier(const fp_wide *n) {
    static const uint8_t small[] = {3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61};
    enum { SMALL = sizeof small };
    uint64_t squares[SMALL];
    uint32_t residue[SMALL];
    double weight[SMALL], best = -1;
    unsigned best_k = 1;
    for (int i = 0; i < SMALL; i++) {
        unsigned p = small[i];
        squares[i] = 0;
        for (unsigned j = 1; j <= p / 2; j++) squares[i] |= 1ull << j * j % p;
        residue[i] = fp_wide_modulo(n, fp_wide_length(n), p);
        weight[i] = log(p) / (p - 1);
    }
    for (unsigned k = 1; k < 74; k++) {
        if (k % 4 == 0 || k % 9 == 0 || k % 25 == 0 || k % 49 == 0) continue;
        unsigned kn8 = k * (unsigned)(n->w[0] & 7) % 8;
        double gain = -0.5 * log(k) + log(2) * (kn8 == 1 ? 2.0 : kn8 == 5 ? 1.0 : 0.5);
        for (int i = 0; i < SMALL; i++) {
            uint32_t r = k * residue[i] % small[i];
            gain += r == 0 ? weight[i] : squares[i] >> r & 1 ? 2 * weight[i] : 0;
        }
        if (gain > best) best = gain, best_k = k;
    }
    return best_k;
}

static row row_for(double bits) {
    const row *low = table, *end = table + sizeof table / sizeof *table;
    while (low + 2 < end && low[1].bits < bits) low++;
    double part = fmax(0, (bits - low->bits) / (low[1].bits - low->bits));
#define BETWEEN(field) (low->field + part * (low[1].field - low->field))
    return (row){bits, BETWEEN(primes), BETWEEN(length), BETWEEN(large), BETWEEN(sieved_from), BETWEEN(small_part)};
#undef BETWEEN
}

/* Sizes, factor base and logarithms. */
static int set_up(sieve *s, const fp_wide *n) {
    fp_small_memory *m = s->m;
    const row sizes = row_for(fp_wide_bits(n, fp_wide_length(n)));
    m->count = (size_t)sizes.primes;
    s->length = (unsigned)sizes.length & ~63u;

    s->multiplier = best_multiplier(n);
    fp_wide kn;
    fp_wide_scale(&kn, n, s->multiplier);
    s->kn = (fp_u128)kn.w[1] << 64 | kn.w[0];
    s->kn_size = ldexp((double)kn.w[2], 128) + (double)s->kn;
    int status = fp_siqs_base(&kn, m->count, m->base, m->base + FP_SMALL_PRIMES);
    if (status != FP_OK) return status;
    while (m->base[m->count - 1] >= FP_SMALL_LEAST_BEYOND) m->count--;
    s->padded = (m->count + 15) & ~(size_t)15;
    for (size_t i = 0; i < s->padded; i++) {
        uint32_t p = i < m->count ? m->base[i] : 0;
        m->primes[i] = (uint16_t)p;
        m->roots[i] = (uint16_t)(i < m->count ? m->base[FP_SMALL_PRIMES + i] : 0);
        /* Nothing is found for 2, nor for what is beyond the base: no position is where their roots are. */
        m->most[i] = (uint16_t)(p > 2 ? 65535 / p : 0);
        m->exact[i] = fp_inverse64(p | 1);
        m->exact[i] *= 2 - (p | 1) * m->exact[i];
        m->inverses[i] = (uint16_t)m->exact[i];
    }
    uint32_t greatest = m->primes[m->count - 1];
    s->large = (uint32_t)(sizes.large * greatest);
    s->target = sqrt(2 * s->kn_size) / (s->length / 2);

    double small = 0;
    s->sieved = m->count;
    for (size_t i = m->count; i-- > 1;) {
        if (m->primes[i] >= sizes.sieved_from)
            s->sieved = i;
        else
            small += (m->roots[i] ? 2 : 1) * log2(m->primes[i]) / (m->primes[i] - 1);
    }
    s->many = m->count;
    while (s->many && m->primes[s->many - 1] >= FP_SIQS_LEAST_MANY) s->many--;
    s->many += (m->count - s->many) % FP_SIQS_MANY;
    double size = log2(s->length / 2) + 0.5 * log2(s->kn_size / 2);
    double asked = size - log2(s->large) - sizes.small_part * small;
    if (asked < 8) asked = 8;
    double unit = 120 / size;
    s->start = (uint8_t)(TOP - lround(asked * unit));
    for (size_t i = 0; i < m->count; i++) m->logs[i] = (uint8_t)lround(log2(m->primes[i]) * unit);
    fp_share_logs(m->logs, s->many, m->count);

    s->factor_count = (unsigned)lround(log2(s->target) / FACTOR_BITS);
    if (s->factor_count < 2) s->factor_count = 2;
    while (pow(s->target, 1.0 / s->factor_count) > m->primes[2 * m->count / 3]) s->factor_count++;
    m->relation_count = m->factors_used = m->whole_count = m->family_count = 0;
    m->slots = FP_SMALL_SLOTS;
    while (m->slots >= 32 * m->count) m->slots /= 2;
    memset(m->by_u, 0, m->slots * sizeof *m->by_u), memset(m->by_large, 0, m->slots * sizeof *m->by_large);
    s->random = n->w[0];
    return FP_OK;
}

/* A random number below `bound` (G. Marsaglia, "Xorshift RNGs", 2003). */
static uint32_t draw(sieve *s, uint32_t bound) {
    s->random ^= s->random << 13, s->random ^= s->random >> 7, s->random ^= s->random << 17;
    return (uint32_t)((s->random >> 32) * bound >> 32);
}

/* The first prime of the base that is not below x. */
static size_t find(const fp_small_memory *m, double x) {
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->primes[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int among(const uint16_t *chosen, unsigned count, size_t i) {
    for (unsigned j = 0; j < count; j++)
        if (chosen[j] == i) return 1;
    return 0;
}

/* The primes of the next a: all but the last at random, that one so that a is close to its target; 0 if there are no new ones. */
static int choose_a(sieve *s) {
    fp_small_memory *m = s->m;
    unsigned last = s->factor_count - 1;
    size_t middle = find(m, pow(s->target, 1.0 / s->factor_count));
    size_t low = middle > POOL / 2 + 3 ? middle - POOL / 2 : 3;
    size_t high = low + POOL < m->count ? low + POOL : m->count;
    if (m->family_count == FP_SMALL_FAMILIES) return 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        double best = 1e300;
        for (int d = 0; d < (attempt ? 1 : DRAWS); d++) {
            uint16_t chosen[FP_SMALL_FACTORS];
            double rest = s->target;
            unsigned j = 0;
            for (int tries = 0; j < last && tries < 100; tries++) {
                size_t i = low + draw(s, (uint32_t)(high - low));
                if (m->roots[i] == 0 || among(chosen, j, i)) continue;
                chosen[j++] = (uint16_t)i, rest /= m->primes[i];
            }
            if (j < last) return 0;
            size_t at = find(m, rest);
            for (size_t i = at > 3 ? at - 1 : 2; i <= at && i < m->count; i++) {
                double error = fabs(log(m->primes[i] / rest));
                if (error >= best || m->roots[i] == 0 || among(chosen, last, i)) continue;
                best = error, chosen[last] = (uint16_t)i;
                memcpy(s->chosen, chosen, sizeof chosen);
            }
        }
        if (best == 1e300) continue;
        s->a = 1;
        for (unsigned j = 0; j <= last; j++) s->a *= m->primes[s->chosen[j]];
        size_t i = 0;
        while (i < m->family_count && m->used_a[i] != s->a) i++;
        if (i < m->family_count) continue;
        m->used_a[m->family_count++] = s->a;
        return 1;
    }
    return 0;
}

/* c = (b^2 - kn) / a: exact, so that it can be done modulo 2^128. */
static void set_constant(sieve *s, fp_u128 a_inverse) {
    s->c = (__int128)(((fp_u128)s->b * (fp_u128)s->b - s->kn) * a_inverse);
}

static void hide_factors_of_a(sieve *s) {
    fp_small_memory *m = s->m;
    m->first[0] = m->second[0] = NOWHERE;
    for (unsigned j = 0; j < s->factor_count; j++) m->first[s->chosen[j]] = m->second[s->chosen[j]] = NOWHERE;
}

static void set_parts(uint32_t *parts, fp_u128 n) {
    for (int i = 0; i < 3; i++, n >>= 26) parts[i] = (uint32_t)n & (i < 2 ? (1u << 26) - 1 : UINT32_MAX);
}

/* The terms of b, the first b, and for that the roots of every prime. */
static void begin_family(sieve *s) {
    fp_small_memory *m = s->m;
    s->b = 0;
    for (unsigned j = 0; j < s->factor_count; j++) {
        uint32_t q = m->primes[s->chosen[j]];
        fp_u128 rest = s->a / q;
        uint32_t gamma = m->roots[s->chosen[j]] * fp_inverse32(modulo(rest, q), q) % q;
        s->terms[j] = rest * (2 * gamma > q ? q - gamma : gamma);
        s->b += (__int128)s->terms[j];
    }
    uint32_t parts[FP_SMALL_FACTORS + 1][3];
    set_parts(parts[0], s->a);
    for (unsigned j = 0; j < s->factor_count; j++) set_parts(parts[j + 1], s->terms[j]);
    s->loops->begin_small((const uint32_t (*)[3])parts, s->factor_count, s->length / 2, m->primes, m->roots, 1,
                          m->count, m->first, m->second, m->steps[0], FP_SMALL_PRIMES);
    for (size_t i = m->count; i < s->padded; i++) {
        m->first[i] = m->second[i] = NOWHERE;
        for (unsigned j = 0; j < s->factor_count; j++) m->steps[j][i] = 0;
    }
    hide_factors_of_a(s);
}

/* The polynomial after number `at`: one term of b changes its sign (Gray code). */
static void next_polynomial(sieve *s, uint32_t at) {
    unsigned j = (unsigned)__builtin_ctz(at);
    int plus = !(at >> (j + 1) & 1);
    s->b += (plus ? -2 : 2) * (__int128)s->terms[j];
    s->loops->move_small(s->m->first, s->m->second, s->m->steps[j], s->m->primes, s->padded, plus);
    hide_factors_of_a(s);
}

/* The interval ends where a whole block would, as sieve_many has it. */
static uint8_t *interval(const sieve *s) { return s->m->block + FP_SMALL_BLOCK - s->length; }

static void fill_block(const sieve *s) {
    fp_small_memory *m = s->m;
    uint8_t *block = interval(s);
    const uint16_t start = (uint16_t)(FP_SMALL_BLOCK - s->length);
    memset(block, s->start, s->length);
    for (size_t i = s->sieved; i < s->many; i++) {
        uint32_t x = m->first[i], y = m->second[i];
        fp_add_multiples(block, s->length, m->primes[i], &x, &y, m->logs[i]);
    }
    for (size_t i = s->many, j = 0; i < m->count; i++, j++) {
        m->first_many[j] = (uint16_t)(m->first[i] + start);
        m->second_many[j] = (uint16_t)(m->second[i] + start);
    }
    for (unsigned j = 0; j < s->factor_count; j++)
        if (s->chosen[j] >= s->many)
            m->first_many[s->chosen[j] - s->many] = m->second_many[s->chosen[j] - s->many] = start;
    s->loops->sieve_many(m->block, start, m->first_many, m->second_many, m->primes + s->many, m->logs + s->many,
                         m->count - s->many);
    for (unsigned j = 0; j < s->factor_count; j++)
        if (s->chosen[j] >= s->many) fp_take_back(block, s->length, m->primes[s->chosen[j]], m->logs[s->chosen[j]]);
}

/* What is left of a value without a prime of the base, noted as often as it divides.  A quotient that is not exact is beyond 2^112:
 * times the prime, which is below 2^16, it is the value and at least 2^128. */
static fp_u128 divide_out(fp_u128 value, fp_u128 exact, uint16_t factor, uint16_t *factors, unsigned *count) {
    for (fp_u128 q; (q = value * exact) >> 112 == 0 && *count < MOST_FACTORS; value = q) factors[(*count)++] = factor;
    return value;
}

/* Where a number is looked for first of `slots`, a power of two: the top bits of its product with the golden ratio. */
static size_t slot_of(uint32_t x, size_t slots) { return (size_t)((uint64_t)(x * 2654435769u) * slots >> 32); }

/* A relation with a large prime that another has, too, or without one, is whole. */
static void keep(sieve *s, fp_u128 u, uint32_t large, const uint16_t *factors, unsigned count) {
    fp_small_memory *m = s->m;
    if (m->relation_count == m->slots / 2 || m->factors_used + count > FP_SMALL_FACTOR_ROOM) return;
    size_t index = m->relation_count, other = index, slot = slot_of((uint32_t)u, m->slots);
    while (m->by_u[slot] && m->relations[m->by_u[slot] - 1].u != u) slot = (slot + 1) % m->slots;
    if (m->by_u[slot]) return; /* another a has given it */
    m->by_u[slot] = (uint16_t)(index + 1);
    if (large > 1) {
        slot = slot_of(large, m->slots);
        while (m->by_large[slot] && m->relations[m->by_large[slot] - 1].large != large) slot = (slot + 1) % m->slots;
        if (m->by_large[slot])
            other = m->by_large[slot] - 1u;
        else
            m->by_large[slot] = (uint16_t)(index + 1);
    }
    m->relations[index] = (fp_small_relation){u, large, (uint32_t)m->factors_used, (uint16_t)count};
    memcpy(m->factors + m->factors_used, factors, count * sizeof *factors);
    m->relation_count++, m->factors_used += count;
    if ((large == 1 || other != index) && m->whole_count < FP_SMALL_WHOLE) {
        m->whole[m->whole_count][0] = (uint16_t)index, m->whole[m->whole_count++][1] = (uint16_t)other;
    }
}

/* A position that is worth looking at. */
static void look_at(sieve *s, uint32_t position) {
    fp_small_memory *m = s->m;
    int64_t x = (int64_t)position - s->length / 2;
    __int128 u = (__int128)s->a * x + s->b, value = (u + s->b) * x + s->c;
    uint16_t factors[MOST_FACTORS + FP_SMALL_FACTORS];
    uint32_t hits[FP_SMALL_PRIMES];
    unsigned count = 0;
    if (value < 0) value = -value, factors[count++] = 0;
    if (value == 0) return;
    fp_u128 left = (fp_u128)value;
    int twos = fp_twos(left);
    if (twos > MOST_FACTORS / 2) return;
    left >>= twos;
    while (twos--) factors[count++] = 1;
    for (unsigned j = 0; j < s->factor_count; j++) {
        factors[count++] = (uint16_t)(s->chosen[j] + 1); /* u^2 = a times the value */
        left = divide_out(left, m->exact[s->chosen[j]], (uint16_t)(s->chosen[j] + 1), factors, &count);
    }
    size_t found =
        s->loops->dividing_many((uint16_t)position, m->first, m->second, m->inverses, m->most, s->padded, hits);
    for (size_t i = 0; i < found; i++)
        left = divide_out(left, m->exact[hits[i]], (uint16_t)(hits[i] + 1), factors, &count);
    if (left <= s->large && count < MOST_FACTORS) keep(s, (fp_u128)(u < 0 ? -u : u), (uint32_t)left, factors, count);
}

int fp_siqs_small(const fp_isa *isa, const fp_wide *n, fp_small_memory **kept, const fp_control *control,
                  fp_wide *factor) {
    if (!*kept && !(*kept = aligned_alloc(FP_SMALL_ALIGN, sizeof **kept))) return FP_NO_MEMORY;
    fp_small_memory *memory = *kept;
    sieve s = {.m = memory, .loops = isa->siqs};
    *factor = (fp_wide){{0}};
    int status = set_up(&s, n);
    if (status != FP_OK) return status;
    size_t needed = memory->count + 1 + FP_SMALL_SPARE;
    while (choose_a(&s)) {
        if (fp_poll(control)) return FP_STOPPED;
        begin_family(&s);
        fp_u128 a_inverse = fp_inverse64((uint64_t)s.a);
        a_inverse *= 2 - s.a * a_inverse;
        for (uint32_t at = 1;; at++) {
            set_constant(&s, a_inverse);
            fill_block(&s);
            size_t found = s.loops->scan(interval(&s), s.length, memory->found);
            for (size_t i = 0; i < found; i++) look_at(&s, memory->found[i]);
            if (at >> (s.factor_count - 1) || memory->whole_count >= needed) break;
            next_polynomial(&s, at);
        }
        if (memory->whole_count < needed) continue;
        return fp_small_root(memory, n, control, factor);
    }
    return FP_OK;
}

int fp_siqs_small128(const fp_isa *isa, fp_u128 n, fp_small_memory **kept, const fp_control *control, fp_u128 *factor) {
    fp_wide found;
    int status = fp_siqs_small(isa, &(fp_wide){{(uint64_t)n, (uint64_t)(n >> 64)}}, kept, control, &found);
    *factor = (fp_u128)found.w[1] << 64 | found.w[0];
    return status;
}
