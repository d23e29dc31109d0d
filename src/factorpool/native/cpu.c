/* Chooses the instruction set: an ordered list, best first, and the one place that asks what the processor can do. */
#include <string.h>

#include "kernel.h"

static int always(void) { return 1; }

/* A kernel for another isa is an entry above `generic`, which every machine can run. */
static const fp_isa isas[] = {
    {"generic", always},
};

const fp_isa *fp_isa_list(size_t *count) {
    *count = sizeof isas / sizeof *isas;
    return isas;
}

const fp_isa *fp_isa_choose(const char *wanted) {
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        if (wanted ? strcmp(isas[i].name, wanted) == 0 : isas[i].usable()) return isas[i].usable() ? &isas[i] : NULL;
    return NULL;
}
