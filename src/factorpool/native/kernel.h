/* The kernel's C interface: everything that python/, or any C program, may call.
 *
 * Nothing here knows Python, keeps state between calls or aborts; a plain `cc -c` of all but python/ builds it.  All
 * functions are thread-safe. */
#ifndef FP_KERNEL_H
#define FP_KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 fp_u128;

/* The product of the first 27 primes exceeds 2^128, that of the first 16 exceeds 2^64. */
#define FP_MAX_DISTINCT 26

enum { FP_OK = 0, FP_NO_MEMORY = 1, FP_STOPPED = 2 };

typedef enum { FP_AUTO, FP_TRIAL, FP_RHO, FP_ECM } fp_method;

/* Called now and then between pieces of work; a nonzero answer ends the run with FP_STOPPED.  May be NULL. */
typedef struct {
    int (*poll)(void *context);
    void *context;
} fp_control;

/* cpu.c: an instruction set, with the methods compiled for it. */
typedef struct fp_isa fp_isa;
/* The isa called `wanted`, or with NULL the best this machine can run; NULL where there is none of that name here. */
const fp_isa *fp_isa_choose(const char *wanted);
/* The i-th isa of this build, best first, or NULL; its name, and whether this machine can run it. */
const fp_isa *fp_isa_at(size_t i);
const char *fp_isa_name(const fp_isa *isa);
int fp_isa_usable(const fp_isa *isa);

/* The factorizations of many: counts[i] distinct primes belong to number i, ascending; primes and exponents stand back to back.
 * A prime takes as many words as the numbers do, the low one first. */
typedef struct fp_columns {
    uint8_t *counts;
    uint64_t *primes;
    uint8_t *exponents;
    size_t used, room; /* of primes and exponents */
    /* Makes room for so many primes of so many words, what is used kept; answers FP_OK or FP_NO_MEMORY.  NULL: by realloc. */
    int (*grow)(struct fp_columns *columns, size_t room, unsigned width);
    void *context;
} fp_columns;

/* factor.c.  `numbers` are `width` words each, 1 or 2, the low one first.  0 and 1 have no primes.  `counts` of `out` must have
 * room for `count` bytes; primes and exponents grow as needed, from NULL or from what is there, and are the caller's to
 * free, whatever the answer.
 *
 * Primes are proved.  What is too hard to split or, as it is prime, to prove, is left, with exponent 0, after the primes: it is a
 * cofactor of more than 64 bits, with FP_ECM one of those that ran out of curves, else hardly ever. */
int fp_factor(const fp_isa *isa, const uint64_t *numbers, unsigned width, size_t count, fp_method method,
              const fp_control *control, fp_columns *out);
int fp_poll(const fp_control *control);
/* The same for one n > 0, sooner if that is small.  There must be room for twice FP_MAX_DISTINCT primes. */
int fp_factor_one(const fp_isa *isa, uint64_t n, fp_columns *out);

/* sieve.c.  The same for start, start + step, ..., count numbers, start > 0, step 1 or 2, all below 2^64. */
int fp_sieve(const fp_isa *isa, uint64_t start, uint64_t step, size_t count, const fp_control *control,
             fp_columns *out);

/* prime.c: proved up to 64 bits.  fp_are_prime is for many numbers > 120 without a factor below 8. */
int fp_is_prime(const fp_isa *isa, uint64_t n);
void fp_are_prime(const fp_isa *isa, const fp_u128 *numbers, size_t count, uint8_t *answers);
/* The same for any words, 0 and 1 too; ends early if it is told to. */
int fp_primes_among(const fp_isa *isa, const uint64_t *numbers, size_t count, const fp_control *control,
                    uint8_t *answers);

/* functions.c: arithmetic functions by number, with the bytes of a value; NULL after the last.  fp_function gives those of `count`
 * numbers, from columns; it ends before the first whose value exceeds 64 bits, and answers how many there are. */
const char *fp_function_name(size_t which, unsigned *width);
size_t fp_function(size_t which, const uint64_t *offsets, const uint64_t *primes, const uint8_t *exponents,
                   size_t count, uint64_t parameter, void *values);

/* Splitters, one file each.  fp_rho: a proper factor of an odd composite that is no square of a prime.  fp_ecm: of each of at
 * most FP_ECM_BATCH odd composites, 0 for those it ran out of curves for; of those beyond `most_bits` it only looks for small
 * factors; it polls between curves. */
uint64_t fp_rho(uint64_t n);
#define FP_ECM_BATCH 40960
int fp_ecm(const fp_isa *isa, const fp_u128 *numbers, size_t count, int most_bits, const fp_control *control,
           fp_u128 *factors);

/* long.c.  How far curves go that look for factors of so many bits, to be freed; NULL without memory.  At least `count` curves of these,
 * from number `first` on, and before number 0 p - 1 and p + 1, on one odd composite of at most FP_LONG_BITS bits, in FP_LONG_WORDS
 * words; `factor` gets a proper factor, or 0. */
#define FP_LONG_WORDS 33
#define FP_LONG_BITS (64 * FP_LONG_WORDS - 5)
typedef struct fp_ecm_far fp_ecm_far;
fp_ecm_far *fp_ecm_far_new(int factor_bits);
void fp_ecm_far_free(fp_ecm_far *far);
int fp_ecm_long(const fp_isa *isa, const uint64_t *n, int bits, const fp_ecm_far *far, uint32_t first, uint32_t count,
                const fp_control *control, uint64_t *factor);
/* The length of a number of FP_LONG_WORDS words, in bits. */
int fp_long_bits(const uint64_t *n);
/* How many curves fp_ecm_long runs at once: what a good `count` is a multiple of. */
int fp_ecm_long_lanes(const fp_isa *isa, int bits);

/* text.c.  fp_parse reads decimal numbers between white space from [s, end) until the end or the first token that is not a
 * number of 64 bits, which it points to with `odd` (else odd->start is NULL).  It returns where it stopped.  `numbers` must have room
 * for (end - s) / 2 + 1.  `#` begins a comment that ends with its line; fp_reading goes from call to call: whether one is in a
 * comment, and how many line ends have been passed. */
typedef struct {
    int in_comment;
    size_t lines;
} fp_reading;
typedef struct {
    const char *start, *end;
} fp_token;
const char *fp_parse(const char *s, const char *end, fp_reading *reading, uint64_t *numbers, size_t *count,
                     fp_token *odd);

/* Counts numbers without reading them: those of [s, end) up to its last white space, of which `stop` is the end, and the line ends
 * among them.  Answers 0 where something else than digits and white space is there, or a number that has more than 20 digits or
 * 64 bits.  fp_skip_numbers answers where the first `count` numbers of such a text end. */
int fp_count_numbers(const char *s, const char *end, const char **stop, size_t *count, size_t *lines);
const char *fp_skip_numbers(const char *s, const char *end, size_t count);

/* rows.c.  Reads rows of cells between separators: where each begins (and, behind the last one, the end), and the numbers that stand in
 * one column; `all_numbers` is 0 where one of them is no number of 64 bits.  A cell may be in quotes, and then have separators and
 * line ends in it, and two quotes for one; the last row may be cut within quotes, and is left out, `starts` ends where it begins.
 * Answers 0 where a row has more or fewer cells, or none, where quotes stand otherwise, or a carriage return that is not before a
 * line end that ends a row.  `starts` and `numbers` must have room for (end - text) / 2 + 2. */
int fp_read_rows(const char *text, const char *end, char separator, size_t columns, size_t column, uint64_t *starts,
                 uint64_t *numbers, size_t *rows, int *all_numbers);
size_t fp_count_line_ends(const char *text, const char *end);
/* Writes each row of `left`, which fp_read_rows has read with the separator `from`, with a line of `right` behind it, all with the separator
 * `to`, and returns their end: not more than three bytes for each of `left`, those of `right`, and two.  Quotes are only where they have
 * to be.  NULL where one side has more rows. */
char *fp_join_rows(const char *left, const char *left_end, char from, const char *right, const char *right_end, char to,
                   char *out);

/* Writes a line for each number, or, where they are flat, for each of its distinct primes, and returns their end:
 *
 *             repeated                 powers              flat
 *   FP_GNU    360: 2 2 2 3 3 5         360: 2^3 3^2 5      (has none)
 *   FP_CSV    360,2 2 2 3 3 5          360,2^3 3^2 5       360,2,3
 *   FP_TSV    the same with tabs
 *   FP_BARE   2 2 2 3 3 5              2^3 3^2 5           (has none)
 *   FP_JSONL  {"number": 360, "primes": [2, 3, 5], "exponents": [3, 2, 1]}, or {"number": 360, "prime": 2, "exponent": 3}
 *
 * `out` must have room for fp_format_room bytes: a line's own, and what each prime needs. */
typedef enum { FP_GNU, FP_CSV, FP_TSV, FP_BARE, FP_JSONL } fp_style;
typedef enum { FP_REPEATED, FP_POWERS, FP_FLAT } fp_shape;
size_t fp_format_room(fp_style style, fp_shape shape, size_t count, size_t primes, const uint8_t *exponents);
char *fp_format(fp_style style, fp_shape shape, const uint64_t *numbers, size_t count, const uint8_t *counts,
                const uint64_t *primes, const uint8_t *exponents, char *out);

#endif
