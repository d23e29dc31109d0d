/* What a family has found, and the large primes in it. */
#include <stdlib.h>

#include "../isa.h"
#include "siqs.h"

int fp_siqs_add_factor(fp_siqs_relations *relations, uint32_t factor) {
    if (relations->factors_used == relations->factors_room) {
        size_t room = 2 * relations->factors_room + 1024;
        uint32_t *factors = realloc(relations->factors, room * sizeof *factors);
        if (!factors) return FP_NO_MEMORY;
        relations->factors = factors, relations->factors_room = room;
    }
    relations->factors[relations->factors_used++] = factor;
    return FP_OK;
}

static int make_room(fp_siqs_relations *relations) {
    size_t room = 2 * relations->room + 64;
    fp_wide *u = realloc(relations->u, room * sizeof *u);
    if (u) relations->u = u;
    uint64_t *left = realloc(relations->left, room * sizeof *left);
    if (left) relations->left = left;
    uint32_t (*large)[2] = realloc(relations->large, room * sizeof *large);
    if (large) relations->large = large;
    uint16_t *lengths = realloc(relations->lengths, room * sizeof *lengths);
    if (lengths) relations->lengths = lengths;
    if (!u || !left || !large || !lengths) return FP_NO_MEMORY;
    relations->room = room;
    return FP_OK;
}

int fp_siqs_add(fp_siqs_relations *relations, const fp_wide *u, uint64_t left, size_t length) {
    if (relations->count == relations->room && make_room(relations) != FP_OK) return FP_NO_MEMORY;
    relations->u[relations->count] = *u;
    relations->left[relations->count] = left;
    relations->lengths[relations->count++] = (uint16_t)length;
    return FP_OK;
}

/* Both large primes of what is left in relations, as far as `split` knows a factor of it; the others are dropped. */
static void take_apart(fp_siqs_relations *relations, uint32_t most, const fp_u128 *split) {
    size_t kept = 0, from = 0, to = 0;
    for (size_t i = 0; i < relations->count; i++) {
        uint64_t left = relations->left[i], p = 1, q = left;
        size_t length = relations->lengths[i];
        if (left > most) p = (uint64_t)*split++;
        if (p > 1) q = left / p;
        if (p > q) left = p, p = q, q = left;
        if (p && q <= most) {
            relations->u[kept] = relations->u[i];
            relations->large[kept][0] = (uint32_t)p, relations->large[kept][1] = (uint32_t)q;
            relations->lengths[kept++] = (uint16_t)length;
            memmove(relations->factors + to, relations->factors + from, length * sizeof *relations->factors);
            to += length;
        }
        from += length;
    }
    relations->count = kept, relations->factors_used = to;
}

/* Most of what is left beyond one large prime is a prime itself, and of no use; the rest goes through the kernel's batches. */
int fp_siqs_settle(const fp_isa *isa, const fp_siqs_plan *plan, const fp_control *control,
                   fp_siqs_relations *relations) {
    size_t count = 0, composites = 0;
    fp_u128 *numbers = calloc(2 * relations->count + 1, sizeof *numbers), *factors = numbers + relations->count;
    uint8_t *prime = malloc(relations->count + 1);
    fp_u128 *split = calloc(relations->count + 1, sizeof *split);
    int status = numbers && prime && split ? FP_OK : FP_NO_MEMORY;
    if (status == FP_OK) {
        for (size_t i = 0; i < relations->count; i++)
            if (relations->left[i] > plan->large) numbers[count++] = relations->left[i];
        fp_are_prime(isa, numbers, count, prime);
        for (size_t i = 0; i < count; i++)
            if (!prime[i]) numbers[composites++] = numbers[i];
        for (size_t at = 0; at < composites && status == FP_OK; at += FP_ECM_BATCH) {
            size_t some = composites - at < FP_ECM_BATCH ? composites - at : FP_ECM_BATCH;
            status = fp_ecm(isa, numbers + at, some, 64, control, factors + at);
        }
        for (size_t i = 0, next = 0; i < count; i++) split[i] = prime[i] ? 0 : factors[next++];
        if (status == FP_OK) take_apart(relations, plan->large, split);
    }
    free(numbers), free(prime), free(split);
    return status;
}

void fp_siqs_free(fp_siqs_relations *relations) {
    free(relations->u), free(relations->left), free(relations->large), free(relations->lengths);
    free(relations->factors);
    memset(relations, 0, sizeof *relations);
}
