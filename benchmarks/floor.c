/* What floor.py builds, several times: with -DLANES="header.h" -DFP_FIELD=name the field of that name, which counts its
 * multiplications by the size of the modulus; with -DTIME instead a program that prints what one of them takes, in
 * nanoseconds; with neither the program that factors words from standard input, WIDTH to a number, by METHOD (0 for the usual one), and
 * prints the counts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "integer.h"
#include "isa.h"

#if defined(TIME)
#ifdef __AVX2__
#include "x86/doubles_avx2.h"
#endif

#include LANES

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The least time of a multiplication, with one, two or four independent chains of them. */
int main(void) {
    fp_u128 n[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) n[k] = ((fp_u128)1 << (FP_FIELD_BITS - 2)) + 2 * (unsigned)k + 1;
    fp_vec_mod m = fp_vec_mod_load(n);
    fp_vec x[4], y;
    int64_t c[FP_LANES];
    for (int k = 0; k < FP_LANES; k++) c[k] = 3 + k;
    for (int i = 0; i < 4; i++) x[i] = y = fp_vec_constants(c, &m);
    double least = 1;
    for (int pass = 0; pass < 400; pass++)
        for (int chains = 1; chains <= 4; chains *= 2) {
            double began = seconds();
            for (int i = 0; i < 4000; i++)
                _Pragma("GCC unroll 4") for (int k = 0; k < chains; k++) x[k] = fp_vec_mul(x[k], y, &m);
            double took = (seconds() - began) / 4000 / chains;
            least = took < least ? took : least;
        }
    volatile uint32_t used = fp_vec_equal(x[0], x[1], &m) + fp_vec_equal(x[2], x[3], &m);
    (void)used;
    printf("%.4f\n", least * 1e9 / FP_LANES);
    return 0;
}

#elif defined(LANES)
#include LANES

extern uint64_t fp_multiplications[];
extern unsigned fp_class_of(fp_u128 n);
#define COUNT(m) (fp_multiplications[fp_class_of((m)->at[0].n)] += FP_LANES)
#define fp_vec_mul(a, b, m) (COUNT(m), fp_vec_mul(a, b, m))
#define fp_vec_sqr(a, m) (COUNT(m), fp_vec_sqr(a, m))
#define fp_vec_mul_sub(a, b, c, m) (COUNT(m), fp_vec_mul_sub(a, b, c, m))
#include "lanes_methods.h"

#else
/* Moduli of up to so many bits: where the arithmetics of AVX2 end. */
static const int class_bits[] = {48, 59, 64, 96, 128};
#define CLASSES (sizeof class_bits / sizeof *class_bits)
uint64_t fp_multiplications[CLASSES];

unsigned fp_class_of(fp_u128 n) {
    unsigned c = 0;
    while (class_bits[c] < fp_bits(n)) c++;
    return c;
}

int main(int argc, char **argv) {
    unsigned width = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    fp_method method = argc > 2 ? (fp_method)atoi(argv[2]) : FP_AUTO;
    size_t room = 1 << 22, got = 0, n;
    uint64_t *words = malloc(8 * room);
    while ((n = fread(words + got, 8, room - got, stdin))) got += n;
    size_t count = got / width;
    fp_columns columns = {.counts = malloc(count)};
    if (fp_factor(fp_isa_choose("generic"), words, width, count, method, NULL, &columns) != FP_OK) return 1;
    for (unsigned c = 0; c < CLASSES; c++) printf("%.1f ", (double)fp_multiplications[c] / (double)count);
    return 0;
}
#endif
