/* Tests text.c. */
#include "t.h"

typedef struct {
    const char *text;
    size_t count;
    uint64_t first;
    const char *odd; /* the first token that is no number of up to 64 bits; NULL: none */
} named;

/* clang-format off */
static const named cases[] = {
    {"", 0, 0, NULL}, {" \t\r\n", 0, 0, NULL}, {"360", 1, 360, NULL}, {"+7", 1, 7, NULL}, {"007 8", 2, 7, NULL},
    {"12 # 13\n14", 2, 12, NULL}, {"#", 0, 0, NULL}, {"18446744073709551615", 1, 18446744073709551615u, NULL},
    {"18446744073709551616", 0, 0, "18446744073709551616"}, {"5 -6 7", 1, 5, "-6"}, {"++1", 0, 0, "++1"}, {"+", 0, 0, "+"},
    {"1e9", 0, 0, "1e9"}, {"00000000000000000000000000000000000003", 1, 3, NULL},
};
/* clang-format on */

static void check_case(const named *c) {
    const char *end = c->text + strlen(c->text);
    uint64_t numbers[64];
    size_t count;
    fp_reading reading = {0};
    fp_token odd;
    fp_parse(c->text, end, &reading, numbers, &count, &odd);
    if (count != c->count || (count && numbers[0] != c->first)) t_fail(c->text, count);
    size_t length = c->odd ? strlen(c->odd) : 0;
    if (c->odd ? !odd.start || (size_t)(odd.end - odd.start) != length || memcmp(odd.start, c->odd, length)
               : !!odd.start)
        t_fail(c->text, 0);
}

/* Text to numbers and back, cut at random places, with junk between. */
static void check_random(size_t count) {
    static const char alphabet[] = "0123456789 \n\t+-#x\r\xff";
    for (size_t i = 0; i < count; i++) {
        size_t length = t_next() % 64, n;
        char *text = malloc(length + 1);
        for (size_t k = 0; k < length; k++) text[k] = alphabet[t_next() % (sizeof alphabet - 1)];
        const char *s = text, *end = text + length;
        uint64_t *numbers = malloc(8 * (length / 2 + 1));
        fp_reading reading = {0};
        fp_token odd;
        while (s < end) {
            const char *before = s;
            s = fp_parse(s, end, &reading, numbers, &n, &odd);
            if (s <= before || s > end || n > length / 2 + 1) t_fail("fp_parse", i);
        }
        free(numbers), free(text);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t n = t_next() >> (t_next() % 64), ten = 1, back;
        for (unsigned k = (unsigned)(t_next() % 20); k; k--) ten *= 10;
        if (i % 3 == 0) n = i % 2 ? ten + t_next() % 3 - 1 : n / ten * ten; /* next to a power of ten, and with zeros */
        if (i < 2000) n = i + 1; /* of which those below 1000 come from a table */
        char expected[32];
        fp_columns c = {.counts = malloc(1)};
        fp_reading reading = {0};
        size_t one;
        fp_token odd;
        if (fp_factor(t_isa, &n, 1, 1, FP_AUTO, NULL, &c) != FP_OK) t_fail("fp_factor", n);
        for (int style = FP_GNU; style <= FP_JSONL; style++)
            for (int shape = FP_REPEATED; shape <= FP_FLAT; shape++) {
                if ((style == FP_GNU || style == FP_BARE) && shape == FP_FLAT) continue;
                size_t room = fp_format_room((fp_style)style, (fp_shape)shape, 1, c.counts[0], c.exponents);
                char *line = malloc(room); /* the sanitizers see what is written behind it */
                char *end = fp_format((fp_style)style, (fp_shape)shape, &n, 1, c.counts, c.primes, c.exponents, line);
                if ((shape != FP_FLAT || c.counts[0]) && end[-1] != '\n') t_fail("fp_format", n);
                if (shape != FP_FLAT && style < FP_BARE) {
                    int length = snprintf(expected, sizeof expected, "%llu", (unsigned long long)n);
                    if (memcmp(line, expected, (size_t)length) || line[length] != ":,\t"[style]) t_fail("fp_format", n);
                    fp_parse(line, line + length, &reading, &back, &one, &odd);
                    if (one != 1 || back != n || odd.start) t_fail("fp_parse", n);
                }
                free(line);
            }
        free(c.counts), free(c.primes), free(c.exponents);
    }
}

/* Many numbers in one text, with what stands between them, against the C library's; now and then one that is too long. */
static void check_long(size_t count) {
    static const char *const between[] = {" ", "\n", "\r\n", "\t \n", "\n#12\n"};
    enum { COUNT = 1000 };
    char *text = malloc(60 * COUNT + 1);
    uint64_t *expected = malloc(8 * COUNT), *numbers = malloc(8 * (30 * COUNT + 1));
    for (size_t done = 0; done < count; done += COUNT) {
        char *at = text;
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t n = t_next() >> (t_next() % 64), ten = 1;
            for (unsigned k = (unsigned)(t_next() % 20); k; k--) ten *= 10;
            if (t_next() % 2) n = ten + t_next() % 3 - 1;
            if (t_next() % 16 == 0) n = UINT64_MAX - t_next() % 3;
            expected[i] = n;
            static const char *const signs[] = {"", "", "", "", "+", "0", "00000000"};
            at += snprintf(at, 60, "%s%llu%s", signs[t_next() % 7], (unsigned long long)n, between[t_next() % 5]);
        }
        const size_t size = (size_t)(at - text);
        char *copy = malloc(size); /* the sanitizers see what is read behind it */
        memcpy(copy, text, size);
        fp_reading reading = {0};
        size_t n;
        fp_token odd;
        fp_parse(copy, copy + size, &reading, numbers, &n, &odd);
        if (odd.start || n != COUNT || memcmp(numbers, expected, 8 * COUNT)) t_fail("numbers in a text", n);
        size_t lines = 0, cut = t_next() % size;
        for (size_t i = 0; i < size; i++) lines += copy[i] == '\n';
        if (reading.lines != lines) t_fail("lines of a text", lines);
        while (copy[cut] < '0' || copy[cut] > '9') cut = (cut + 1) % size;
        const char *line = copy + cut;
        while (line > copy && line[-1] != '\n') line--;
        const int commented = memchr(line, '#', (size_t)(copy + cut - line)) != NULL;
        copy[cut] = 'x'; /* which spoils a token, and no other */
        fp_parse(copy, copy + size, &reading, numbers, &n, &odd);
        if (commented ? odd.start != NULL
                      : memcmp(numbers, expected, 8 * n) || odd.start > copy + cut || odd.end <= copy + cut)
            t_fail("numbers before a letter", cut);
        free(copy);
    }
    static const char *const too_long[] = {"18446744073709551616",  "18446744073709551620",  "99999999999999999999",
                                           "100000000000000000000", "184467440737095516150", "12345678901234567890123"};
    for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++) {
        fp_reading reading = {0};
        size_t n;
        fp_token odd;
        snprintf(text, 60, "5 %s 1234567890123456789012345", too_long[i]);
        fp_parse(text, text + strlen(text), &reading, numbers, &n, &odd);
        if (n != 1 || odd.start != text + 2 || odd.end != text + 2 + strlen(too_long[i])) t_fail("too long", i);
    }
    free(text), free(expected), free(numbers);
}

/* What is counted in a text is what is read from it; whether it may be counted is `expected`. */
static void check_counted(const char *text, size_t size, int expected) {
    char *copy = malloc(size + !size); /* the sanitizers see what is read behind it */
    memcpy(copy, text, size);
    uint64_t *numbers = malloc(8 * (size / 2 + 1));
    const char *stop = copy + size;
    size_t count, lines, n;
    fp_reading reading = {0};
    fp_token odd;
    if (fp_count_numbers(copy, copy + size, &stop, &count, &lines) != expected) t_fail("counting", size);
    if (expected) {
        fp_parse(copy, stop, &reading, numbers, &n, &odd);
        if (odd.start || n != count || reading.lines != lines) t_fail("counted numbers", n);
        for (const char *c = stop; c < copy + size; c++)
            if (*c < '0' || *c > '9') t_fail("what follows those counted", n);
        const size_t some = n ? t_next() % (n + 1) : 0;
        const char *cut = fp_skip_numbers(copy, stop, some);
        uint64_t *rest = malloc(8 * (size / 2 + 1));
        fp_parse(cut, stop, &reading, rest, &count, &odd);
        if (count != n - some || memcmp(rest, numbers + some, 8 * count)) t_fail("numbers skipped", some);
        free(rest);
    }
    free(copy), free(numbers);
}

/* Numbers at all places in the 64 bytes that are looked at together, some longer than may be, some with a letter. */
static void check_counting(size_t count) {
    static const char *const between[] = {" ", "\n", "\r\n", "\t\v\f ", "\n\n"};
    static const char *const nearly[] = {"18446744073709551615",  "18446744073709551616", "18446744073709551614",
                                         "99999999999999999999",  "10000000000000000000", "00000000000000000000",
                                         "000000000000000000001", "100000000000000000000"};
    static const char others[] = "+-#x/:\x08\x0e\x1f!\x80\xa0\xb5\xff"; /* next to digits and to white space, too */
    char text[2000];
    for (size_t i = 0; i < count / 100 + 500; i++) {
        const size_t numbers = t_next() % 40;
        char *at = text;
        int expected = 1;
        for (size_t k = 0; k < numbers; k++) {
            const unsigned kind = (unsigned)(t_next() % 64);
            const char *gap = between[t_next() % 5];
            if (kind < 16) {
                const char *token = nearly[kind % 8];
                if (kind < 8 && i % 4) token = nearly[0];
                at += sprintf(at, "%s%s", token, gap);
                if (strlen(token) > 20 || strcmp(token, nearly[0]) > 0) expected = 0;
            } else {
                at += sprintf(at, "%llu%s", (unsigned long long)(t_next() >> (t_next() % 64)), gap);
            }
        }
        check_counted(text, (size_t)(at - text), expected);
        if (at == text) continue;
        if (expected) check_counted(text, (size_t)(at - text) - 1, 1); /* so that the last may not have ended */
        *at++ = '\n';
        text[t_next() % (size_t)(at - text - 1)] = others[t_next() % (sizeof others - 1)];
        check_counted(text, (size_t)(at - text), 0);
    }
    for (int before = 0; before < 130; before++)
        for (size_t k = 0; k < 8; k++) {
            const int size = sprintf(text, "%*s%s\n", before, "", nearly[k]);
            check_counted(text, (size_t)size, strlen(nearly[k]) == 20 && strcmp(nearly[k], nearly[0]) <= 0);
        }
    check_counted("123456789012345678901234567890", 30, 1); /* of which nothing is counted */
}

void t_text(size_t count) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
    check_random(count / 10 + 1);
    check_long(count);
    check_counting(count);
}
