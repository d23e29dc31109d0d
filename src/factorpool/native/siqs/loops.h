/* What takes the sieve's time, compiled once for each isa: FP_LOOPS names the result.
 *
 * Everything is written on vectors of the compiler, or as plain loops that it turns into vectors. */

typedef uint32_t vector __attribute__((vector_size(32)));
typedef int32_t signed_vector __attribute__((vector_size(32)));
typedef float float_vector __attribute__((vector_size(32)));
#define FP_LANES (sizeof(vector) / sizeof(uint32_t))

typedef uint16_t words __attribute__((vector_size(2 * FP_SIQS_MANY)));
typedef int16_t signed_words __attribute__((vector_size(2 * FP_SIQS_MANY)));

typedef char bytes __attribute__((vector_size(32)));

/* The top bit of every byte, the first byte's in the lowest bit. */
static inline uint32_t top_bits(const bytes *v) {
#ifdef __AVX2__
    return (uint32_t)__builtin_ia32_pmovmskb256(*v);
#else
    uint64_t eight[4];
    uint32_t bits = 0;
    memcpy(eight, v, sizeof eight);
    if (!((eight[0] | eight[1] | eight[2] | eight[3]) & 0x8080808080808080u)) return 0;
    /* Bit 8 i of a word comes to bit 56 + i, and nothing is carried into those. */
    for (int i = 0; i < 4; i++)
        bits |= (uint32_t)((eight[i] >> 7 & 0x0101010101010101u) * 0x0102040810204080u >> 56) << 8 * i;
    return bits;
#endif
}

/* The lanes of 16 bits that are all ones, of those from `first` on, are noted. */
static inline void note_lanes(const words *lanes, size_t first, uint32_t *found, size_t *count) {
    for (uint32_t bits = top_bits((const bytes *)lanes) & 0x55555555u; bits; bits &= bits - 1)
        found[(*count)++] = (uint32_t)first + (uint32_t)__builtin_ctz(bits) / 2;
}

/* x modulo p for x < 2^48 and p < 2^FP_SIQS_PRIME_BITS, which a double has exactly, with a quotient below 2^31: by the inverse it is one
 * off at most. */
static inline double modulo(double x, double p, double inverse) {
    double rest = x - (double)(int32_t)(x * inverse) * p;
    rest = rest < 0 ? rest + p : rest;
    return rest >= p ? rest - p : rest;
}

static void add_term(uint32_t q, uint32_t gamma, int minus, const uint16_t *inverses, const uint32_t *restrict primes,
                     size_t from, size_t to, uint32_t *restrict a_inverse, uint32_t *restrict shift,
                     uint32_t *restrict step) {
    enum { PART = 256 };
    const double one_of_q = 1.0 / q, gamma_double = gamma;
    const float q_float = (float)q, one_of_q_float = 1.0f / (float)q;
    for (size_t start = from; start < to; start += PART) {
        size_t count = to - start < PART ? to - start : PART;
        const uint32_t *restrict p = primes + start;
        uint32_t *restrict inverse_here = a_inverse + start, *restrict shift_here = shift + start;
        uint32_t rest[PART], times[PART], term[PART];
        for (size_t i = 0; i < count; i++) {
            float x = (float)(int32_t)p[i], r = x - (float)(int32_t)(x * one_of_q_float) * q_float;
            r = r < 0 ? r + q_float : r;
            rest[i] = (uint32_t)(int32_t)(r >= q_float ? r - q_float : r);
        }
        for (size_t i = 0; i < count; i++) times[i] = q - inverses[rest[i]];
        /* 1 / q is (t p + 1) / q, where t p = -1 modulo q. */
        for (size_t i = 0; i < count; i++) {
            double x = (double)(int32_t)p[i], one_of_p = 1.0 / x;
            double q_inverse = (double)(int32_t)(((double)(int32_t)times[i] * x + 1) * one_of_q + 0.5);
            q_inverse = q_inverse >= x ? q_inverse - x : q_inverse; /* for q itself */
            term[i] = (uint32_t)(int32_t)modulo(gamma_double * q_inverse, x, one_of_p);
            inverse_here[i] = (uint32_t)(int32_t)modulo((double)(int32_t)inverse_here[i] * q_inverse, x, one_of_p);
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t moved = shift_here[i] + (minus ? p[i] - term[i] : term[i]);
            shift_here[i] = moved >= p[i] ? moved - p[i] : moved;
        }
        if (!step) continue;
        for (size_t i = 0; i < count; i++) {
            uint32_t twice = 2 * term[i];
            step[start + i] = twice >= p[i] ? twice - p[i] : twice;
        }
    }
}

static void solve(uint32_t half, const uint32_t *restrict roots, const uint32_t *restrict primes, size_t from,
                  size_t to, uint32_t *restrict a_inverse, uint32_t *restrict shift) {
    for (size_t i = from; i < to; i++) {
        double p = (double)(int32_t)primes[i], one_of_p = 1.0 / p;
        double root = modulo((double)(int32_t)roots[i] * (double)(int32_t)a_inverse[i], p, one_of_p);
        double middle = (double)(int32_t)half + p - (double)(int32_t)shift[i];
        a_inverse[i] = (uint32_t)(int32_t)modulo(middle + root, p, one_of_p);
        shift[i] = (uint32_t)(int32_t)modulo(middle + p - root, p, one_of_p);
    }
}

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
static inline void put(uint32_t x, uint32_t entry, uint32_t end, uint32_t beyond, uint32_t **next) {
    uint32_t b = x < end ? x >> FP_SIQS_BLOCK_BITS : beyond;
    *next[b]++ = entry | (x & (FP_SIQS_BLOCK - 1));
}

static void fill(const uint32_t *first, const uint32_t *second, const uint32_t *primes, size_t base, size_t from,
                 size_t to, uint32_t end, uint32_t **next) {
    uint32_t beyond = end >> FP_SIQS_BLOCK_BITS;
    for (size_t i = from; i < to;) {
        /* Each root has `sure` positions below the end, or one more. */
        uint32_t sure = end / primes[i], most = sure ? end / sure : UINT32_MAX;
        for (; i < to && primes[i] <= most; i++) {
            uint32_t p = primes[i], entry = (uint32_t)(i - base) << FP_SIQS_BLOCK_BITS, x = first[i], y = second[i];
            for (uint32_t j = 0; j < sure; j++, x += p, y += p) {
                *next[x >> FP_SIQS_BLOCK_BITS]++ = entry | (x & (FP_SIQS_BLOCK - 1));
                *next[y >> FP_SIQS_BLOCK_BITS]++ = entry | (y & (FP_SIQS_BLOCK - 1));
            }
            put(x, entry, end, beyond, next);
            put(y, entry, end, beyond, next);
        }
    }
}

/* Adds a logarithm at FP_SIQS_MANY positions, all below 2^16. */
static inline void add_at(uint8_t *block, const words *positions, uint8_t log) {
    uint64_t four[FP_SIQS_MANY / 4];
    memcpy(four, positions, sizeof four);
    for (int i = 0; i < FP_SIQS_MANY / 4; i++) {
        block[four[i] & 0xffff] += log;
        block[four[i] >> 16 & 0xffff] += log;
        block[four[i] >> 32 & 0xffff] += log;
        block[four[i] >> 48] += log;
    }
}

/* The same for those positions that are in the block, which then move on by a prime; the others count after the block's end, not all at
 * one place, as additions there would wait for each other. */
static inline void add_if_inside(uint8_t *block, words *positions, const words *primes, uint8_t log) {
    words beyond = (words)((signed_words)*positions >> 15); /* all ones, or none */
    words places = (*positions & ~beyond) | (((*positions & (FP_SIQS_BEYOND - 1)) | FP_SIQS_BLOCK) & beyond);
    add_at(block, &places, log);
    *positions += *primes & ~beyond;
}

/* No branch depends on a position, so nothing is predicted wrongly: each prime of the sixteen has `sure` positions in the block, and up
 * to `more` further ones.  Sums go beyond 2^16 only where the block's length, which is taken off, brings them back. */
static void sieve_many(uint8_t *block, uint32_t start, uint16_t *first, uint16_t *second, const uint16_t *primes,
                       const uint8_t *logs, size_t count) {
    const uint32_t length = FP_SIQS_BLOCK - start;
    for (size_t i = 0; i < count; i += FP_SIQS_MANY) {
        uint32_t sure = length / primes[i + FP_SIQS_MANY - 1];
        uint32_t more = (length - 1) / primes[i] + 1 - sure;
        uint8_t log = logs[i];
        words p, x, y;
        memcpy(&p, primes + i, sizeof p), memcpy(&x, first + i, sizeof x), memcpy(&y, second + i, sizeof y);
        for (uint32_t j = 0; j < sure; j++) {
            add_at(block, &x, log), add_at(block, &y, log);
            x += p, y += p;
        }
        for (uint32_t j = 0; j < more; j++) add_if_inside(block, &x, &p, log), add_if_inside(block, &y, &p, log);
        x -= FP_SIQS_BLOCK, y -= FP_SIQS_BLOCK;
        memcpy(first + i, &x, sizeof x), memcpy(second + i, &y, sizeof y);
    }
}

static size_t scan(const uint8_t *block, uint32_t length, uint16_t *found) {
    size_t count = 0;
    for (uint32_t i = 0; i < length; i += 64) {
        bytes low, high, any;
        memcpy(&low, block + i, sizeof low), memcpy(&high, block + i + sizeof low, sizeof high);
        any = low | high;
        if (!top_bits(&any)) continue;
        for (uint64_t bits = (uint64_t)top_bits(&high) << 32 | top_bits(&low); bits; bits &= bits - 1)
            found[count++] = (uint16_t)(i + (uint32_t)__builtin_ctzll(bits));
    }
    return count;
}

/* The distance from a root is a multiple of p, if p divides; a multiple of p times 1 / p is at most 2^16 / p, and nothing else is.  Where
 * the distance exceeds 16 bits, or is on the other side, hardly ever one too many is found. */
static size_t dividing_many(uint16_t position, const uint16_t *first, const uint16_t *second, const uint16_t *inverses,
                            const uint16_t *most, size_t count, uint32_t *found) {
    size_t hits = 0;
    for (size_t i = 0; i < count; i += FP_SIQS_MANY) {
        words x, y, inverse, limit;
        memcpy(&x, first + i, sizeof x), memcpy(&y, second + i, sizeof y);
        memcpy(&inverse, inverses + i, sizeof inverse), memcpy(&limit, most + i, sizeof limit);
        x = (position - x) * inverse, y = (position - y) * inverse;
        const words hit = (words)((x <= limit) | (y <= limit));
        note_lanes(&hit, i, found, &hits);
    }
    return hits;
}

static size_t matching(const uint32_t *bucket, size_t count, uint32_t position, uint32_t *found) {
    enum { STEP = 4 * FP_LANES };
    size_t hits = 0, i = 0;
    const vector low = (FP_SIQS_BLOCK - 1) - (vector){0}, wanted = position - (vector){0};
    for (; i + STEP <= count; i += STEP) {
        vector e[4];
        uint64_t any[4];
        memcpy(e, bucket + i, sizeof e);
        signed_vector hit =
            ((e[0] & low) == wanted) | ((e[1] & low) == wanted) | ((e[2] & low) == wanted) | ((e[3] & low) == wanted);
        memcpy(any, &hit, sizeof any);
        if (!(any[0] | any[1] | any[2] | any[3])) continue;
        for (size_t j = i; j < i + STEP; j++)
            if ((bucket[j] & (FP_SIQS_BLOCK - 1)) == position) found[hits++] = bucket[j] >> FP_SIQS_BLOCK_BITS;
    }
    for (; i < count; i++)
        if ((bucket[i] & (FP_SIQS_BLOCK - 1)) == position) found[hits++] = bucket[i] >> FP_SIQS_BLOCK_BITS;
    return hits;
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

/* A number below 2^82, of two parts of 26 bits and what is above, modulo p < 2^16; `radix` is 2^26 modulo p, and so is its square:
 * the sum is below 2^47, and its quotient below 2^31. */
static inline double parts_modulo(const uint32_t *parts, double radix, double square, double p, double inverse) {
    return modulo((double)(int32_t)parts[2] * square + (double)(int32_t)parts[1] * radix + (double)(int32_t)parts[0], p,
                  inverse);
}

static void begin_small(const uint32_t (*parts)[3], unsigned count, uint32_t half, const uint16_t *restrict primes,
                        const uint16_t *restrict roots, size_t from, size_t to, uint16_t *restrict first,
                        uint16_t *restrict second, uint16_t *restrict steps, size_t row) {
    enum { PART = 32 };
    for (size_t start = from; start < to; start += PART) {
        size_t here = to - start < PART ? to - start : PART;
        double p[PART], inverse[PART], radix[PART], square[PART], a[PART], a_inverse[PART], shift[PART];
        for (size_t i = 0; i < here; i++) {
            p[i] = (double)(int32_t)primes[start + i], inverse[i] = 1 / p[i];
            radix[i] = modulo(1 << 26, p[i], inverse[i]);
            square[i] = modulo(radix[i] * radix[i], p[i], inverse[i]);
            a[i] = parts_modulo(parts[0], radix[i], square[i], p[i], inverse[i]);
            a_inverse[i] = 1, shift[i] = 0;
        }
        /* 1 / a is a^(p - 2) (Fermat); the product is below p^3, exact in a double, and its quotient below p^2 < 2^31. */
        for (int bit = 31 - __builtin_clz(primes[start + here - 1]); bit >= 0; bit--)
            for (size_t i = 0; i < here; i++) {
                double times = ((int32_t)p[i] - 2) >> bit & 1 ? a[i] : 1;
                a_inverse[i] = modulo(a_inverse[i] * a_inverse[i] * times, p[i], inverse[i]);
            }
        for (unsigned j = 0; j < count; j++) {
            uint16_t *restrict step = steps + j * row + start;
            for (size_t i = 0; i < here; i++) {
                double term = parts_modulo(parts[j + 1], radix[i], square[i], p[i], inverse[i]);
                term = modulo(term * a_inverse[i], p[i], inverse[i]);
                shift[i] += term;
                step[i] = (uint16_t)(int32_t)(2 * term >= p[i] ? 2 * term - p[i] : 2 * term);
            }
        }
        for (size_t i = 0; i < here; i++) {
            double root = modulo((double)(int32_t)roots[start + i] * a_inverse[i], p[i], inverse[i]);
            double middle = (double)(int32_t)half + p[i] - modulo(shift[i], p[i], inverse[i]);
            first[start + i] = (uint16_t)(int32_t)modulo(middle + root, p[i], inverse[i]);
            second[start + i] = (uint16_t)(int32_t)modulo(middle + p[i] - root, p[i], inverse[i]);
        }
    }
}

static void move_small(uint16_t *restrict first, uint16_t *restrict second, const uint16_t *restrict step,
                       const uint16_t *restrict primes, size_t count, int plus) {
    /* To add is to subtract p - step. */
    for (size_t i = 0; i < count; i++) {
        uint16_t p = primes[i], s = plus ? (uint16_t)(p - step[i]) : step[i];
        uint16_t x = first[i], y = second[i];
        first[i] = (uint16_t)(x - s + (x < s ? p : 0));
        second[i] = (uint16_t)(y - s + (y < s ? p : 0));
    }
}

const fp_siqs_loops FP_LOOPS = {add_term, solve,         move,     fill,        sieve_many, scan,
                                matching, dividing_many, dividing, begin_small, move_small};
#undef FP_LOOPS
#undef FP_LANES
