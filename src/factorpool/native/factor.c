/* Factors numbers, one and many: which method a number meets in which order, and how its primes are put together.
 *
 * Numbers go in groups, step by step together, so that every step has several to run side by side: trial division by the small
 * primes; then, round by round, what is left is prime by its size, proved prime, or split, until nothing is left. */
#include <stdlib.h>
#include <string.h>

#include "factors.h"
#include "integer.h"

/* Numbers that go through the steps together: enough that few lanes stay empty, little enough to stay in the second cache. */
#define GROUP 4096

/* Pieces of one number that are open at a time: those left by trial division have no prime below the bound of the first set,
 * 317, or, with two words, of eight, 3671: 64 bits hold at most 7, 128 at most 10. */
#define MAX_PIECES 10
_Static_assert(GROUP *MAX_PIECES <= FP_ECM_BATCH, "a group's composites must fit one call of fp_ecm");

/* Divisors of numbers of the group that are not known to be prime yet. */
typedef struct {
    fp_u128 value[GROUP * MAX_PIECES];
    uint16_t owner[GROUP * MAX_PIECES];
    size_t count;
} pieces;

/* What a call of fp_factor works in. */
typedef struct {
    fp_factors out[GROUP];
    uint64_t words[GROUP + FP_TRIAL_ROUND];
    pieces open, todo;
    fp_small_memory *sieve; /* for the small sieve, once it is needed */
    union {
        struct {
            uint8_t prime[GROUP * MAX_PIECES];
            uint16_t prime_index[GROUP * MAX_PIECES + 1];
        };
        struct {
            fp_u128 factor[GROUP * MAX_PIECES], hard[GROUP * MAX_PIECES], hard_factor[GROUP * MAX_PIECES];
            uint64_t small[GROUP * MAX_PIECES], small_factor[GROUP * MAX_PIECES];
        };
    };
} workspace;

int fp_poll(const fp_control *control) { return control && control->poll && control->poll(control->context); }

/* A divisor without primes below `bound`: a prime if it is small enough, else a piece to look at. */
static void add_piece(pieces *p, fp_u128 value, uint16_t owner, uint64_t bound, fp_factors *out) {
    if (value < bound * bound) {
        if (value > 1) fp_insert(&out[owner], value);
    } else {
        p->value[p->count] = value;
        p->owner[p->count++] = owner;
    }
}

/* Takes the primes out; the composites close up.  Which are which looks random to a processor: no branch asks. */
static void take_primes(const fp_isa *isa, workspace *w) {
    pieces *p = &w->open;
    size_t primes = 0, kept = 0;
    fp_are_prime(isa, p->value, p->count, w->prime);
    for (size_t i = 0; i < p->count; i++) {
        w->prime_index[primes] = (uint16_t)i;
        primes += w->prime[i];
    }
    for (size_t i = 0; i < primes; i++) {
        size_t at = w->prime_index[i];
        fp_insert(&w->out[p->owner[at]], p->value[at]);
    }
    for (size_t i = 0; i < p->count; i++) {
        p->value[kept] = p->value[i];
        p->owner[kept] = p->owner[i];
        kept += !w->prime[i];
    }
    p->count = kept;
}

/* Splits every composite in two, or leaves it. */
static int split(const fp_isa *isa, fp_method method, uint64_t bound, const fp_control *control, workspace *w) {
    pieces *todo = &w->todo, *open = &w->open;
    size_t smalls = 0, hards = 0, i;
    todo->count = 0;
    for (i = 0; i < open->count; i++) {
        fp_u128 n = open->value[i], root = fp_sqrt128(n);
        todo->value[i] = n, todo->owner[i] = open->owner[i];
        w->factor[i] = root * root == n ? root : 0;
        if (w->factor[i] == 0 && n >> 64 == 0) w->small[smalls++] = (uint64_t)n;
    }
    todo->count = i;
    fp_trial_split(isa, w->small, smalls, w->small_factor);
    for (i = smalls = 0; i < todo->count; i++) {
        fp_u128 n = todo->value[i];
        if (w->factor[i]) continue;
        if (n >> 64 == 0) {
            w->factor[i] = w->small_factor[smalls++];
            if (w->factor[i] == 0 && method == FP_RHO) {
                if (fp_poll(control)) return FP_STOPPED;
                w->factor[i] = fp_rho((uint64_t)n);
            }
        }
        if (w->factor[i] == 0) w->hard[hards++] = n;
    }
    int status = fp_ecm(isa, w->hard, hards, method == FP_ECM ? 128 : isa->sieved_bits, control, w->hard_factor);
    if (status != FP_OK) return status;
    open->count = hards = 0;
    for (i = 0; i < todo->count; i++) {
        fp_u128 n = todo->value[i], factor = w->factor[i];
        if (factor == 0) factor = w->hard_factor[hards++];
        if (factor == 0 && n >> 64 == 0) factor = fp_rho((uint64_t)n); /* no curve split it: hardly ever */
        if (factor == 0 && method != FP_ECM) status = fp_siqs_small128(isa, n, &w->sieve, control, &factor);
        if (status != FP_OK) return status;
        if (factor == 0) {
            w->out[todo->owner[i]].large = FP_LEFT, w->out[todo->owner[i]].large_value = n;
            continue;
        }
        add_piece(open, factor, todo->owner[i], bound, w->out);
        add_piece(open, n / factor, todo->owner[i], bound, w->out);
    }
    return FP_OK;
}

/* What trial division left, without primes below `bound` and so a prime above all others or a piece; again no branch. */
static void begin(pieces *p, uint64_t left, uint16_t owner, uint64_t bound, fp_factors *out) {
    int piece = left >= bound * bound;
    p->value[p->count] = left;
    p->owner[p->count] = owner;
    p->count += (size_t)piece;
    out->primes[out->count] = left, out->exponents[out->count] = 1;
    out->count = (uint8_t)(out->count + (!piece && left > 1));
}

/* Primes beyond 64 bits that cannot be proved are left. */
static int prove_all(const fp_isa *isa, workspace *w, size_t count, const fp_control *control) {
    for (size_t i = 0; i < count; i++) {
        if (w->out[i].large != FP_PRIME) continue;
        int proved, status = fp_prove(isa, w->out[i].large_value, &w->sieve, control, &proved);
        if (status != FP_OK) return status;
        if (!proved) w->out[i].large = FP_LEFT;
    }
    return FP_OK;
}

static int factor_group(const fp_isa *isa, const uint64_t *numbers, unsigned width, size_t count, fp_method method,
                        const fp_control *control, workspace *w) {
    uint64_t bound = 0;
    w->open.count = 0;
    for (size_t i = 0; i < count; i++) w->out[i].count = 0, w->out[i].large = FP_NOTHING;
    if (width == 1) {
        for (size_t i = 0; i < count; i++) w->words[i] = numbers[i] ? numbers[i] : 1;
        memset(w->words + count, 0, FP_TRIAL_ROUND * sizeof *w->words);
        bound = fp_trial_words(isa, w->words, count, w->out);
    }
    for (size_t i = 0; i < count; i++) {
        fp_u128 left = width == 1 ? w->words[i] : (fp_u128)numbers[2 * i + 1] << 64 | numbers[2 * i];
        if (width == 2) bound = fp_trial_wide(left ? &left : &(fp_u128){1}, &w->out[i]);
        if (left >> 64)
            add_piece(&w->open, left, (uint16_t)i, bound, w->out);
        else if (method != FP_TRIAL)
            begin(&w->open, (uint64_t)left, (uint16_t)i, bound, &w->out[i]);
        else if (fp_trial_full(isa, (uint64_t)left, control, &w->out[i]) != FP_OK)
            return FP_STOPPED;
    }
    for (;;) {
        take_primes(isa, w);
        if (w->open.count == 0) return prove_all(isa, w, count, control);
        int status = split(isa, method, bound, control, w);
        if (status != FP_OK) return status;
    }
}

static int grow(fp_columns *out, size_t room, unsigned width) {
    uint64_t *primes = realloc(out->primes, width * room * sizeof *primes);
    if (primes) out->primes = primes;
    uint8_t *exponents = realloc(out->exponents, room);
    if (exponents) out->exponents = exponents;
    if (!primes || !exponents) return FP_NO_MEMORY;
    out->room = room;
    return FP_OK;
}

int fp_reserve(fp_columns *out, unsigned width, size_t more, size_t numbers) {
    if (out->used + more <= out->room) return FP_OK;
    /* A random number of 64 bits has 4.05 distinct primes on average, log log n + 0.26.  What is not written to costs nothing. */
    size_t room = out->room ? 2 * out->room : 17 * numbers / 4 + more;
    return (out->grow ? out->grow : grow)(out, room, width);
}

/* Appends a number's factorization to the columns, which have room for far more. */
static void put(fp_columns *out, unsigned width, size_t i, const fp_factors *f) {
    uint64_t *primes = out->primes + width * out->used;
    uint8_t *exponents = out->exponents + out->used;
    if (width == 1) { /* a copy of a fixed length is faster than a short loop; what is too much is written over */
        memcpy(primes, f->primes, 4 * sizeof *primes);
        memcpy(exponents, f->exponents, 4);
    }
    for (int k = width == 1 ? 4 : 0; k < f->count; k++) {
        primes[width * (unsigned)k] = f->primes[k], exponents[k] = f->exponents[k];
        if (width == 2) primes[2 * k + 1] = 0;
    }
    if (f->large) {
        primes[2 * f->count] = (uint64_t)f->large_value, primes[2 * f->count + 1] = (uint64_t)(f->large_value >> 64);
        exponents[f->count] = f->large == FP_PRIME;
    }
    out->used += out->counts[i] = (uint8_t)(f->count + (f->large != FP_NOTHING));
}

int fp_factor(const fp_isa *isa, const uint64_t *numbers, unsigned width, size_t count, fp_method method,
              const fp_control *control, fp_columns *out) {
    workspace *w = malloc(sizeof *w);
    int status = w ? FP_OK : FP_NO_MEMORY;
    if (w) w->sieve = NULL;
    for (size_t start = 0; start < count && status == FP_OK; start += GROUP) {
        size_t size = count - start < GROUP ? count - start : GROUP;
        status = fp_poll(control) ? FP_STOPPED : fp_reserve(out, width, size * FP_MAX_DISTINCT, count);
        if (status == FP_OK) status = factor_group(isa, numbers + width * start, width, size, method, control, w);
        for (size_t i = 0; i < size && status == FP_OK; i++) put(out, width, start + i, &w->out[i]);
    }
    if (w) free(w->sieve);
    free(w);
    return status;
}

int fp_factor_one(const fp_isa *isa, uint64_t n, fp_columns *out) {
    const int twos = __builtin_ctzll(n);
    out->primes[0] = 2, out->exponents[0] = (uint8_t)twos, out->used = twos != 0;
    n >>= twos;
    uint64_t bound = fp_trial_one(&n, 0, 1, out);
    int is_prime = n < bound * bound;
    if (!is_prime && n >> 32 == 0) is_prime = fp_is_prime(isa, n); /* longer ones fp_factor tests and divides at once */
    if (!is_prime && n >> 32 == 0) {
        bound = fp_trial_one(&n, 1, FP_TRIAL_SETS, out);
        is_prime = n < bound * bound;
    }
    int status = FP_OK;
    uint8_t more = is_prime && n > 1;
    uint64_t *primes = out->primes + out->used;
    uint8_t *exponents = out->exponents + out->used;
    if (is_prime) {
        *primes = n, *exponents = 1;
    } else {
        fp_columns left = {.counts = &more, .primes = primes, .exponents = exponents, .room = FP_MAX_DISTINCT};
        status = fp_factor(isa, &n, 1, 1, FP_AUTO, NULL, &left);
    }
    out->used += more;
    out->counts[0] = (uint8_t)out->used;
    return status;
}
