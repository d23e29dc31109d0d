/* Factors a run of integers, start, start + step, ..., by sieving: a prime costs one addition for each of its multiples in the
 * run instead of one trial for each number.
 *
 * Eratosthenes, kept in segments that fit the second cache (C. Bays and R. H. Hudson, "The segmented sieve of Eratosthenes and
 * primes in arithmetic progressions to 10^12", BIT 17 (1977)).  Primes below SEGMENT go through every segment; of a larger
 * one, all multiples in the run are put at once into the buckets of their segments (T. Oliveira e Silva's way for large
 * primes), so that its only cost beside its multiples is one division.  The primes themselves come from a small sieve
 * of their own and are not kept.
 *
 * What the primes up to the bound leave of a number is prime where it is below the bound's square; the rest goes to fp_factor,
 * so that the bound need not be the square root: near 2^64 that would be 200 million primes. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "factors.h"
#include "integer.h"

/* Numbers sieved at a time: 89 bytes each. */
#define SEGMENT 4096
/* Distinct odd primes of one number: 3 5 7 ... 53, fifteen of them, is below 2^64, times 59 is not. */
#define SLOTS 16

/* Primes up to so many times the length of the run are worth sieving by, and at least those up to LEAST_BOUND.  See "Ranges" in
 * README.md for the measurement. */
#define BOUND_PER_NUMBER 64
#define LEAST_BOUND 65536

/* Words of the column of primes that are asked for before they are written to. */
#define AHEAD 256

/* Odd numbers of one segment of the primes' sieve. */
#define BASE_SEGMENT 32768

/* One multiple of a large prime in a segment; a second in a row for the same number is for the prime's square, and so on. */
typedef struct {
    uint32_t at, prime;
} event;

typedef struct {
    event *events;
    size_t count, room;
} bucket;

/* A prime below SEGMENT, or a power of one: every stride-th number from `next` on, counted from the segment, is a multiple. */
typedef struct {
    uint64_t stride, next;
    uint32_t prime;
    int first; /* the prime itself */
} small_prime;

typedef struct {
    uint64_t start, step, count;
    bucket *buckets;
    size_t segments, expected; /* events in a bucket */
    small_prime *smalls;
    size_t small_count, small_room;
} run;

/* The index of the first multiple of an odd m from the start of the run on. */
static uint64_t first_multiple(const run *r, uint64_t m) {
    uint64_t rest = r->start % m, gap = rest ? m - rest : 0;
    if (r->step == 1) return gap;
    return gap % 2 == 0 ? gap / 2 : gap / 2 + m / 2 + 1; /* (gap + m) / 2 */
}

static int push_event(bucket *b, size_t expected, uint32_t at, uint32_t prime) {
    if (b->count == b->room) {
        size_t room = b->room ? 2 * b->room : expected;
        event *events = realloc(b->events, room * sizeof *events);
        if (!events) return FP_NO_MEMORY;
        b->events = events, b->room = room;
    }
    b->events[b->count++] = (event){at, prime};
    return FP_OK;
}

/* One more prime below SEGMENT, with all its powers that hit the run. */
static int add_small(run *r, uint32_t p) {
    uint64_t power = p, index;
    while ((index = first_multiple(r, power)) < r->count) {
        if (r->small_count == r->small_room) {
            size_t room = r->small_room ? 2 * r->small_room : 1024;
            small_prime *smalls = realloc(r->smalls, room * sizeof *smalls);
            if (!smalls) return FP_NO_MEMORY;
            r->smalls = smalls, r->small_room = room;
        }
        /* Any step beyond the run will do for the largest powers, and none must overflow. */
        uint64_t stride = power > r->count ? r->count : power;
        r->smalls[r->small_count++] = (small_prime){stride, index, p, power == p};
        if (__builtin_mul_overflow(power, p, &power)) break;
    }
    return FP_OK; /* where a power has no multiple, nor has a higher one */
}

/* The events of a larger prime, and then of its powers: from `index` on every power-th number of the run. */
static int add_events(run *r, uint32_t p, uint64_t index) {
    for (uint64_t power = p; index < r->count; index = first_multiple(r, power)) {
        for (; index < r->count; index += power) {
            int status = push_event(&r->buckets[index / SEGMENT], r->expected, (uint32_t)(index % SEGMENT), p);
            if (status != FP_OK) return status;
            if (power > r->count - index) break; /* no overflow near 2^64 */
        }
        if (__builtin_mul_overflow(power, p, &power)) break;
    }
    return FP_OK;
}

/* Odd numbers of which the multiples of 3, 5, 7, 11 and 13 repeat; their pattern is copied, not sieved. */
#define PATTERN (3 * 5 * 7 * 11 * 13)

/* The primes' sieve: byte i of a segment from an odd `low` on is for low + 2 i, and not 0 where that is composite. */
typedef struct {
    uint8_t composite[BASE_SEGMENT];
    uint8_t pattern[PATTERN];                /* from 3 on, so that byte i is for 3 + 2 i */
    uint32_t roots[6542], next[6542], count; /* the odd primes below 2^16, and where the first `active` go on */
    uint32_t active;
    uint32_t primes[BASE_SEGMENT]; /* of this segment */
    uint64_t index[BASE_SEGMENT];  /* of the first multiples of those that have one in the run */
} base_sieve;

/* The first segment: all primes below 2^16 and below `bound`, each sieving what follows. */
static void first_base_segment(uint64_t bound, base_sieve *b) {
    static const uint8_t small[] = {3, 5, 7, 11, 13};
    memset(b->pattern, 0, sizeof b->pattern);
    for (size_t k = 0; k < sizeof small; k++)
        for (size_t i = (small[k] - 3u) / 2; i < PATTERN; i += small[k]) b->pattern[i] = 1;
    memset(b->composite, 0, sizeof b->composite);
    b->count = b->active = 0;
    for (uint32_t i = 0; i < BASE_SEGMENT; i++) {
        uint64_t p = 3 + 2 * i;
        if (p >= bound) break;
        if (b->composite[i]) continue;
        if (p > 13 && p < 65536) b->roots[b->count++] = (uint32_t)p;
        for (uint64_t square = (p * p - 3) / 2; square < BASE_SEGMENT; square += p) b->composite[square] = 1;
    }
}

static void sieve_base_segment(uint64_t low, base_sieve *b) {
    for (size_t i = 0, at = (low - 3) / 2 % PATTERN; i < BASE_SEGMENT; at = 0) {
        size_t size = PATTERN - at < BASE_SEGMENT - i ? PATTERN - at : BASE_SEGMENT - i;
        memcpy(b->composite + i, b->pattern + at, size);
        i += size;
    }
    for (; b->active < b->count && (uint64_t)b->roots[b->active] * b->roots[b->active] < low + 2 * BASE_SEGMENT;
         b->active++) {
        uint64_t p = b->roots[b->active], multiple = (low + p - 1) / p | 1;
        b->next[b->active] = (uint32_t)(((multiple < p ? p : multiple) * p - low) / 2);
    }
    for (size_t k = 0; k < b->active; k++) {
        uint32_t p = b->roots[k], i = b->next[k];
        for (; i < BASE_SEGMENT; i += p) b->composite[i] = 1;
        b->next[k] = i - BASE_SEGMENT;
    }
}

/* The primes below `bound` of a segment that begins at `low`; how many there are. */
static size_t list_primes(uint64_t low, uint64_t bound, base_sieve *b) {
    size_t count = 0;
    for (uint32_t i = 0; i < BASE_SEGMENT && low + 2 * i < bound; i += 64) {
        uint64_t primes = 0;
        for (unsigned k = 0; k < 64; k += 8) primes |= bits_of(~load_bytes(b->composite + i + k) & BYTES(1)) << k;
        for (; primes; primes &= primes - 1)
            b->primes[count++] = (uint32_t)low + 2 * (i + (uint32_t)__builtin_ctzll(primes));
    }
    while (count && b->primes[count - 1] >= bound) count--;
    return count;
}

/* All odd primes below `bound` <= 2^32, in order, to the run. */
static int add_primes(run *r, uint64_t bound, base_sieve *b, const fp_control *control) {
    int status = FP_OK;
    for (uint64_t low = 3; low < bound; low += 2 * BASE_SEGMENT) {
        if (fp_poll(control)) return FP_STOPPED;
        if (low == 3)
            first_base_segment(bound, b);
        else
            sieve_base_segment(low, b);
        size_t count = list_primes(low, bound, b), i = 0, hits = 0;
        for (; i < count && b->primes[i] < SEGMENT; i++)
            if ((status = add_small(r, b->primes[i])) != FP_OK) return status;
        /* Most of the largest primes have no multiple in the run; which do looks random to a processor: no branch asks. */
        for (; i < count; i++) {
            uint64_t index = first_multiple(r, b->primes[i]);
            b->primes[hits] = b->primes[i], b->index[hits] = index;
            hits += index < r->count;
        }
        for (i = 0; i < hits; i++)
            if ((status = add_events(r, b->primes[i], b->index[i])) != FP_OK) return status;
    }
    return status;
}

typedef struct {
    uint32_t prime[SEGMENT][SLOTS];
    uint8_t exponent[SEGMENT][SLOTS];
    uint8_t count[SEGMENT];
    uint64_t product[SEGMENT]; /* of the odd primes found */
    uint64_t hard[SEGMENT];    /* what is left of numbers, too large to be known prime */
    uint8_t hard_counts[SEGMENT];
    base_sieve base;
} workspace;

static inline void hit(workspace *w, uint32_t i, uint32_t p) {
    unsigned k = w->count[i]++;
    w->prime[i][k] = p;
    w->product[i] *= p;
}

static inline void hit_again(workspace *w, uint32_t i, uint32_t p) {
    w->exponent[i][w->count[i] - 1]++;
    w->product[i] *= p;
}

static void sieve_segment(run *r, size_t s, uint32_t size, workspace *w) {
    memset(w->count, 0, size);
    memset(w->exponent, 1, SLOTS * size);
    for (uint32_t i = 0; i < size; i++) w->product[i] = 1;
    for (size_t k = 0; k < r->small_count; k++) {
        small_prime *p = &r->smalls[k];
        uint64_t i = p->next;
        if (p->first)
            for (; i < size; i += p->stride) hit(w, (uint32_t)i, p->prime);
        else
            for (; i < size; i += p->stride) hit_again(w, (uint32_t)i, p->prime);
        p->next = i - size;
    }
    const bucket *b = &r->buckets[s];
    for (size_t k = 0; k < b->count; k++) {
        const event *e = &b->events[k];
        if (w->count[e->at] && w->prime[e->at][w->count[e->at] - 1] == e->prime)
            hit_again(w, e->at, e->prime);
        else
            hit(w, e->at, e->prime);
    }
}

/* n / product, exact. */
static inline uint64_t cofactor(uint64_t n, uint64_t product) {
    return n >> 53 ? n / product : (uint64_t)((double)n / (double)product); /* a correctly rounded quotient is exact */
}

/* Appends the numbers of a segment to the columns; what is left of one is prime if it is below `hardest`. */
static int write_segment(const fp_isa *isa, const run *r, size_t s, uint32_t size, uint64_t hardest, workspace *w,
                         const fp_control *control, fp_columns *out) {
    uint64_t n = r->start + r->step * SEGMENT * s;
    size_t hards = 0;
    for (uint32_t i = 0; i < size; i++, n += r->step) {
        int twos = __builtin_ctzll(n);
        w->product[i] = cofactor(n >> twos, w->product[i]);
        if (w->product[i] >= hardest) w->hard[hards++] = w->product[i];
    }
    fp_columns hard = {.counts = w->hard_counts};
    int status = hards ? fp_factor(isa, w->hard, 1, hards, FP_AUTO, control, &hard) : FP_OK;
    if (status == FP_OK) status = fp_reserve(out, 1, size * (SLOTS + 8), r->count);
    n = r->start + r->step * SEGMENT * s;
    size_t at = 0, next = 0;
    for (uint32_t i = 0; i < size && status == FP_OK; i++, n += r->step) {
        uint64_t *primes = out->primes + out->used;
        uint8_t *exponents = out->exponents + out->used;
        unsigned count = w->count[i], two = n % 2 == 0;
        __builtin_prefetch(primes + AHEAD, 1); /* else every line of the columns is waited for */
        primes[0] = 2, exponents[0] = (uint8_t)__builtin_ctzll(n);
        primes += two, exponents += two;
        /* Copies of a fixed length are faster than short loops; what is too much is written over. */
        for (int k = 0; k < 4; k++) primes[k] = w->prime[i][k];
        memcpy(exponents, w->exponent[i], 4);
        if (count > 4) {
            for (int k = 4; k < SLOTS; k++) primes[k] = w->prime[i][k];
            memcpy(exponents + 4, w->exponent[i] + 4, SLOTS - 4);
        }
        if (w->product[i] >= hardest) {
            unsigned more = w->hard_counts[next++];
            memcpy(primes + count, hard.primes + at, 8 * more);
            memcpy(exponents + count, hard.exponents + at, more);
            at += more, count += more;
        } else {
            primes[count] = w->product[i], exponents[count] = 1;
            count += w->product[i] > 1;
        }
        out->used += out->counts[SEGMENT * s + i] = (uint8_t)(two + count);
    }
    free(hard.primes), free(hard.exponents);
    return status;
}

int fp_sieve(const fp_isa *isa, uint64_t start, uint64_t step, size_t count, const fp_control *control,
             fp_columns *out) {
    if (count == 0) return FP_OK;
    run r = {.start = start, .step = step, .count = count, .segments = (count + SEGMENT - 1) / SEGMENT};
    uint64_t bound = fp_sqrt(start + step * (count - 1)) + 1;
    if (bound > LEAST_BOUND && bound / BOUND_PER_NUMBER > count)
        bound = BOUND_PER_NUMBER * count > LEAST_BOUND ? BOUND_PER_NUMBER * count : LEAST_BOUND;
    /* Mertens: the sum of 1 / p from a to b is near log(log b / log a); and some more, so that hardly one has to grow. */
    r.expected = 64 + (bound > SEGMENT ? (size_t)(1.15 * SEGMENT * log(log((double)bound) / log(SEGMENT))) : 0);
    uint64_t hardest = bound > UINT32_MAX ? UINT64_MAX : bound * bound;
    workspace *w = malloc(sizeof *w);
    r.buckets = calloc(r.segments, sizeof *r.buckets);
    int status = w && r.buckets ? add_primes(&r, bound, &w->base, control) : FP_NO_MEMORY;
    for (size_t s = 0; s < r.segments && status == FP_OK; s++) {
        uint32_t size = (uint32_t)(count - s * SEGMENT < SEGMENT ? count - s * SEGMENT : SEGMENT);
        if (fp_poll(control)) status = FP_STOPPED;
        if (status == FP_OK) sieve_segment(&r, s, size, w);
        if (status == FP_OK) status = write_segment(isa, &r, s, size, hardest, w, control, out);
        free(r.buckets[s].events), r.buckets[s].events = NULL;
    }
    for (size_t s = 0; r.buckets && s < r.segments; s++) free(r.buckets[s].events);
    free(r.buckets), free(r.smalls), free(w);
    return status;
}
