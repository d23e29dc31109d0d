/* A libFuzzer target: bytes become numbers of one or two words, or a run, and every isa must factor them alike and rightly.
 *
 *     clang -O1 -fsanitize=fuzzer,address,undefined -Isrc/factorpool/native -o /tmp/fuzz tests/native/fuzz.c \
 *         $(find src/factorpool/native -name '*.c' | grep -v python) -lm && /tmp/fuzz
 *
 * test_kernel.py runs a few hundred inputs where clang has the library. */
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define MOST 40 /* numbers: more of them only make it slower */

static void check(int good) {
    if (!good) abort();
}

static fp_columns factor(const fp_isa *isa, const uint64_t *words, unsigned width, size_t count, fp_method method) {
    fp_columns c = {.counts = malloc(count + 1)};
    check(fp_factor(isa, words, width, count, method, NULL, &c) == FP_OK);
    return c;
}

static void release(fp_columns *c) { free(c->counts), free(c->primes), free(c->exponents); }

/* A composite too hard to split may have been left by one and not by the other: it depends on how many shared the lanes. */
static void same(const fp_columns *a, const fp_columns *b, unsigned width, size_t count) {
    if ((a->used && memchr(a->exponents, 0, a->used)) || (b->used && memchr(b->exponents, 0, b->used))) return;
    check(a->used == b->used && memcmp(a->counts, b->counts, count) == 0);
    if (a->used == 0) return;
    check(memcmp(a->primes, b->primes, 8 * width * a->used) == 0 && memcmp(a->exponents, b->exponents, a->used) == 0);
}

static void multiplies(const fp_columns *c, const uint64_t *words, unsigned width, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        fp_u128 n = width == 1 ? words[i] : (fp_u128)words[2 * i + 1] << 64 | words[2 * i], product = n > 0, last = 1;
        for (int k = 0; k < c->counts[i]; k++, at++) {
            fp_u128 p = width == 1 ? c->primes[at] : (fp_u128)c->primes[2 * at + 1] << 64 | c->primes[2 * at];
            check(p > last || c->exponents[at] == 0);
            last = p;
            for (int e = 0; e < (c->exponents[at] ? c->exponents[at] : 1); e++) product *= p;
        }
        check(product == n);
    }
    check(at == c->used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fp_method methods[] = {FP_AUTO, FP_ECM};
    uint64_t words[2 * MOST];
    if (size < 9) return 0;
    unsigned choice = data[0], width = 1 + (choice >> 1 & 1);
    size_t bytes = size - 1 < sizeof words ? size - 1 : sizeof words, count = bytes / 8 / width;
    memcpy(words, data + 1, bytes);
    for (size_t i = 0; i < width * count; i++) /* short numbers are as likely as long ones */
        if (width == 1 || i % 2) words[i] >>= words[i] & 63;
    const fp_isa *generic = fp_isa_choose("generic"), *isa;
    fp_columns expected = factor(generic, words, width, count, methods[choice & 1]);
    multiplies(&expected, words, width, count);
    for (size_t i = 0; (isa = fp_isa_at(i)); i++) {
        if (!fp_isa_usable(isa) || isa == generic) continue;
        fp_columns c = factor(isa, words, width, count, methods[choice & 1]);
        same(&expected, &c, width, count);
        release(&c);
    }
    release(&expected);

    uint64_t step = 1 + (choice >> 2 & 1), length = words[0] % 3000, start = words[0] >> (choice >> 3);
    if (start == 0 || start > UINT64_MAX - 3000 * step) return 0;
    uint64_t *run = malloc(8 * length + 8);
    for (uint64_t i = 0; i < length; i++) run[i] = start + step * i;
    fp_columns one_by_one = factor(fp_isa_choose(NULL), run, 1, length, FP_AUTO);
    fp_columns sieved = {.counts = malloc(length + 1)};
    check(fp_sieve(generic, start, step, length, NULL, &sieved) == FP_OK);
    same(&one_by_one, &sieved, 1, length);
    release(&one_by_one), release(&sieved), free(run);

    char *text = malloc(size);
    memcpy(text, data, size);
    uint64_t *numbers = malloc(8 * (size / 2 + 1));
    fp_reading reading = {.in_comment = choice & 1};
    for (const char *s = text; s < text + size;) {
        fp_token odd;
        const char *stop = fp_parse(s, text + size, &reading, numbers, &count, &odd);
        check(stop > s && stop <= text + size && count <= size / 2 + 1);
        s = stop;
    }
    const char *stop;
    size_t counted, lines;
    if (fp_count_numbers(text, text + size, &stop, &counted, &lines)) { /* then they are read as they are counted */
        fp_token odd;
        reading = (fp_reading){0};
        fp_parse(text, stop, &reading, numbers, &count, &odd);
        check(!odd.start && count == counted && reading.lines == lines);
        check(fp_skip_numbers(text, stop, counted) <= stop);
    }
    free(numbers);

    uint64_t *starts = malloc(8 * (size / 2 + 2)), *column = malloc(8 * (size / 2 + 2));
    size_t rows;
    int all_numbers;
    const size_t columns = 1 + (choice & 3);
    if (fp_read_rows(text, text + size, ',', columns, choice % columns, starts, column, &rows, &all_numbers)) {
        check(starts[rows] <= size && rows <= size / 2 + 1);
        const size_t whole = starts[rows];
        const char to = choice & 4 ? ',' : '\t';
        const size_t room = whole * (to == ',' ? 1 : 3) + rows + 2;
        char *beside = memset(malloc(rows + 1), '\n', rows + 1), *joined = malloc(room);
        const char *end = fp_join_rows(text, text + whole, ',', beside, beside + rows, to, joined);
        check(end && end <= joined + room);
        free(beside);
        free(joined);
    }
    free(starts), free(column), free(text);
    return 0;
}
