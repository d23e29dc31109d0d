/* What Python puts together for numbers beyond the batches: curves, and the quadratic sieve's factor bases, families of
 * polynomials, and squares of what they have found. */
#include <stdlib.h>

#include "../siqs/siqs.h"
#include "module.h"

/* A number from its bytes, the low one first; 0 if it is of more than `count` words. */
static int read_words(const Py_buffer *bytes, uint64_t *words, size_t count) {
    if ((size_t)bytes->len > count * sizeof *words) return 0;
    memset(words, 0, count * sizeof *words);
    for (Py_ssize_t i = 0; i < bytes->len; i++)
        words[i / 8] |= (uint64_t)((const uint8_t *)bytes->buf)[i] << 8 * (i % 8);
    return 1;
}

/* The same below 2^FP_SIQS_BITS. */
static int read_wide(const Py_buffer *bytes, fp_wide *n) {
    memset(n, 0, sizeof *n);
    if (read_words(bytes, n->w, FP_SIQS_BITS / 64)) return 1;
    PyErr_Format(PyExc_ValueError, "the sieve takes numbers of at most %d bits", FP_SIQS_BITS);
    return 0;
}

PyDoc_STRVAR(base_doc,
             "siqs_base(kn, count, /)\n--\n\n"
             "The first `count` primes modulo which kn, of little-endian bytes, is a square, and its roots: two\n"
             "bytes objects of uint32.");

static PyObject *siqs_base(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer bytes;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "y*n:siqs_base", &bytes, &count)) return NULL;
    fp_wide kn;
    int good = read_wide(&bytes, &kn);
    PyBuffer_Release(&bytes);
    if (!good) return NULL;
    if (count < 1 || count > FP_SIQS_MOST_PRIMES)
        return PyErr_Format(PyExc_ValueError, "a factor base has 1 to %u primes, not %zd", FP_SIQS_MOST_PRIMES, count);
    PyObject *primes = PyBytes_FromStringAndSize(NULL, 4 * count), *roots = PyBytes_FromStringAndSize(NULL, 4 * count);
    PyObject *result = NULL;
    if (primes && roots) {
        int status = fp_siqs_base(&kn, (size_t)count, (uint32_t *)(void *)PyBytes_AS_STRING(primes),
                                  (uint32_t *)(void *)PyBytes_AS_STRING(roots));
        result = status == FP_OK ? PyTuple_Pack(2, primes, roots) : PyErr_NoMemory();
    }
    Py_XDECREF(primes), Py_XDECREF(roots);
    return result;
}

/* What the sieve relies on: kn is not 0, primes ascend from 2, factors of a are different odd primes of the base which it sieves in
 * blocks. */
static int check_plan(const fp_siqs_plan *plan, const uint32_t *factors, size_t count) {
    if (plan->blocks < 1 || plan->blocks > 256 || count < 1 || count > FP_SIQS_MOST_FACTORS || plan->count < 2 ||
        plan->count > FP_SIQS_MOST_PRIMES || plan->sieved_from > FP_SIQS_BLOCK || fp_wide_length(&plan->kn) == 0 ||
        plan->primes[0] != 2)
        return 0;
    for (size_t i = 1; i < plan->count; i++)
        if (plan->primes[i] <= plan->primes[i - 1] || plan->primes[i] >> FP_SIQS_PRIME_BITS) return 0;
    for (size_t i = 0; i < count; i++) {
        if (factors[i] < 1 || factors[i] >= plan->count || plan->primes[factors[i]] >= FP_SIQS_BLOCK) return 0;
        for (size_t j = 0; j < i; j++)
            if (factors[i] == factors[j]) return 0;
    }
    return 1;
}

/* An array, NULL if it is empty, as a bytes object. */
static PyObject *bytes_of(const void *data, size_t size) {
    return PyBytes_FromStringAndSize(size ? data : "", (Py_ssize_t)size);
}

PyDoc_STRVAR(
    family_doc,
    "siqs_family(kn, primes, roots, factors, flips, signs, blocks, large, most_left, sieved_from, missing, stop=None,\n"
    "/)\n--\n\n"
    "The relations of 2**flips polynomials of one a, the product of the primes with the indices `factors`; the\n"
    "bits of `signs` choose among the 2**(len(factors) - 1 - flips) parts of all its polynomials.\n\n"
    "Returns (u, larges, lengths, factors): for each relation u in 64 little-endian bytes, its two large primes, or\n"
    "1 for none, as uint32, how many of `factors` belong to it as uint16, and those as uint32: 0 for -1, else one more "
    "than\n"
    "the index of a prime.");

static PyObject *siqs_family(PyObject *module, PyObject *args) {
    Py_buffer kn, primes, roots, factors, stop = {.buf = NULL};
    fp_siqs_plan plan;
    unsigned flips, signs;
    unsigned long long most_left;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*y*IIIIKId|z*:siqs_family", &kn, &primes, &roots, &factors, &flips, &signs,
                          &plan.blocks, &plan.large, &most_left, &plan.sieved_from, &plan.missing, &stop))
        return NULL;
    plan.most_left = most_left;
    plan.primes = primes.buf, plan.roots = roots.buf, plan.count = (size_t)primes.len / 4;
    size_t count = (size_t)factors.len / 4;
    if (!read_wide(&kn, &plan.kn)) goto done;
    if (roots.len != primes.len || flips >= count || !check_plan(&plan, factors.buf, count)) {
        PyErr_SetString(PyExc_ValueError, "this is no plan of a sieve");
        goto done;
    }
    fp_siqs_relations out = {0};
    fp_run run;
    const fp_isa *isa = fp_module_isa(module);
    fp_control control = fp_run_begin(&run, &stop);
    int status = fp_siqs_family(isa, &plan, factors.buf, (unsigned)count, flips, signs, &control, &out);
    if (fp_run_end(&run, status))
        result = Py_BuildValue("(NNNN)", bytes_of(out.u, out.count * sizeof *out.u),
                               bytes_of(out.large, out.count * sizeof *out.large),
                               bytes_of(out.lengths, out.count * sizeof *out.lengths),
                               bytes_of(out.factors, out.factors_used * sizeof *out.factors));
    fp_siqs_free(&out);
done:
    PyBuffer_Release(&kn), PyBuffer_Release(&primes), PyBuffer_Release(&roots), PyBuffer_Release(&factors);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(
    small_doc,
    "siqs_small(n, stop=None, /)\n--\n\n"
    "A proper factor of an odd composite of up to 184 bits that is no power, both in little-endian bytes; the\n"
    "number 0, hardly ever, if none was found.");

static PyObject *siqs_small(PyObject *module, PyObject *args) {
    Py_buffer bytes, stop = {.buf = NULL};
    if (!PyArg_ParseTuple(args, "y*|z*:siqs_small", &bytes, &stop)) return NULL;
    PyObject *result = NULL;
    fp_small_memory *memory = NULL;
    fp_wide n, factor;
    if (bytes.len > FP_SMALL_BITS / 8 || !read_wide(&bytes, &n) || !(n.w[0] & 1)) {
        PyErr_SetString(PyExc_ValueError, "the small sieve takes odd numbers of at most 184 bits");
        goto done;
    }
    fp_run run;
    const fp_isa *isa = fp_module_isa(module);
    fp_control control = fp_run_begin(&run, &stop);
    int status = fp_siqs_small(isa, &n, &memory, &control, &factor);
    if (fp_run_end(&run, status)) result = PyBytes_FromStringAndSize((const char *)factor.w, FP_SMALL_BITS / 8);
done:
    free(memory);
    PyBuffer_Release(&bytes);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

#define GRAPH "factorpool._native.siqs_graph"

static void free_graph(PyObject *capsule) { fp_siqs_graph_free(PyCapsule_GetPointer(capsule, GRAPH)); }

PyDoc_STRVAR(graph_doc, "siqs_graph(columns, /)\n--\n\n"
                        "What siqs_gather puts relations into, whose factors are below `columns`.");

static PyObject *siqs_graph(PyObject *module, PyObject *args) {
    (void)module;
    Py_ssize_t columns;
    if (!PyArg_ParseTuple(args, "n:siqs_graph", &columns)) return NULL;
    if (columns < 1 || columns > FP_SIQS_MOST_PRIMES + 1)
        return PyErr_Format(PyExc_ValueError, "there are 1 to %u factors, not %zd", FP_SIQS_MOST_PRIMES + 1, columns);
    fp_siqs_graph *graph = fp_siqs_graph_new((size_t)columns);
    if (!graph) return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(graph, GRAPH, free_graph);
    if (!capsule) fp_siqs_graph_free(graph);
    return capsule;
}

/* Relations as siqs_family gives them; 0 if they are none. */
static int read_relations(const Py_buffer *buffers, size_t columns, fp_siqs_relations *out) {
    const Py_buffer *u = &buffers[0], *large = &buffers[1], *lengths = &buffers[2], *factors = &buffers[3];
    *out = (fp_siqs_relations){.u = u->buf,
                               .large = large->buf,
                               .lengths = lengths->buf,
                               .factors = factors->buf,
                               .count = (size_t)lengths->len / sizeof *out->lengths};
    size_t sum = 0;
    for (size_t i = 0; i < out->count; i++) sum += out->lengths[i];
    if ((size_t)u->len != out->count * sizeof *out->u || (size_t)large->len != out->count * sizeof *out->large ||
        (size_t)lengths->len % sizeof *out->lengths || (size_t)factors->len != sum * sizeof *out->factors)
        return 0;
    for (size_t i = 0; i < out->count; i++)
        if (!out->large[i][0] || !out->large[i][1]) return 0;
    for (size_t i = 0; i < sum; i++)
        if (out->factors[i] >= columns) return 0;
    return 1;
}

PyDoc_STRVAR(gather_doc,
             "siqs_gather(graph, u, larges, lengths, factors, /)\n--\n\n"
             "Takes in relations as siqs_family gives them, those that are not there yet.  Returns how many cycles of\n"
             "large primes there are.");

static PyObject *siqs_gather(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *result = NULL;
    Py_buffer buffers[4];
    if (!PyArg_ParseTuple(args, "Oy*y*y*y*:siqs_gather", &capsule, &buffers[0], &buffers[1], &buffers[2], &buffers[3]))
        return NULL;
    fp_siqs_graph *graph = PyCapsule_GetPointer(capsule, GRAPH);
    fp_siqs_relations more;
    if (graph && !read_relations(buffers, fp_siqs_columns(graph), &more))
        PyErr_SetString(PyExc_ValueError, "these are no relations of a sieve");
    else if (graph)
        result = fp_siqs_gather(graph, &more) == FP_OK ? PyLong_FromSize_t(fp_siqs_cycles(graph)) : PyErr_NoMemory();
    for (int i = 0; i < 4; i++) PyBuffer_Release(&buffers[i]);
    return result;
}

PyDoc_STRVAR(sets_doc,
             "siqs_sets(graph, most, stop=None, /)\n--\n\n"
             "Up to `most` sets of relations whose product is a square on both sides, as bytes with a bit for each.");

static PyObject *siqs_sets(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *result = NULL;
    Py_ssize_t most;
    Py_buffer stop = {.buf = NULL};
    if (!PyArg_ParseTuple(args, "On|z*:siqs_sets", &capsule, &most, &stop)) return NULL;
    const fp_siqs_graph *graph = PyCapsule_GetPointer(capsule, GRAPH);
    uint64_t *sets = NULL;
    if (!graph) goto done;
    if (most < 1 || most > 1000) {
        PyErr_Format(PyExc_ValueError, "1 to 1000 sets can be asked for, not %zd", most);
        goto done;
    }
    size_t words = (fp_siqs_count(graph) + 63) / 64, found = 0;
    if (!(sets = malloc(words * (size_t)most * sizeof *sets + 1))) {
        PyErr_NoMemory();
        goto done;
    }
    fp_run run;
    fp_control control = fp_run_begin(&run, &stop);
    int status = fp_siqs_sets(graph, (size_t)most, &control, sets, &found);
    if (!fp_run_end(&run, status) || !(result = PyList_New((Py_ssize_t)found))) goto done;
    for (size_t i = 0; i < found; i++) {
        PyObject *set = bytes_of(sets + i * words, words * sizeof *sets);
        if (!set) {
            Py_CLEAR(result);
            break;
        }
        PyList_SET_ITEM(result, (Py_ssize_t)i, set);
    }
done:
    free(sets);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(
    product_doc,
    "siqs_product(graph, chosen, /)\n--\n\n"
    "What the relations of a set multiply to: the product of all u is the root of a square, and so is that of\n"
    "large primes and, as often as said for each, of factors.  Returns (u, larges, halves): 64 little-endian\n"
    "bytes for each u, and both others as uint32.");

static PyObject *siqs_product(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *result = NULL;
    Py_buffer set;
    if (!PyArg_ParseTuple(args, "Oy*:siqs_product", &capsule, &set)) return NULL;
    const fp_siqs_graph *graph = PyCapsule_GetPointer(capsule, GRAPH);
    fp_wide *u = NULL;
    uint32_t *large = NULL, *halves = NULL;
    if (!graph) goto done;
    const size_t words = (fp_siqs_count(graph) + 63) / 64, columns = fp_siqs_columns(graph);
    size_t chosen = 0;
    if ((size_t)set.len != words * sizeof(uint64_t) || !fp_check_words(&set, "a set")) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "this is no set of these relations");
        goto done;
    }
    for (size_t i = 0; i < words; i++) chosen += (size_t)__builtin_popcountll(((const uint64_t *)set.buf)[i]);
    u = malloc((chosen + 1) * sizeof *u);
    large = malloc((2 * chosen + 1) * sizeof *large);
    halves = malloc(columns * sizeof *halves);
    if (!u || !large || !halves) {
        PyErr_NoMemory();
        goto done;
    }
    fp_siqs_product(graph, set.buf, u, large, halves);
    result = Py_BuildValue("(NNN)", bytes_of(u, chosen * sizeof *u), bytes_of(large, chosen * sizeof *large),
                           bytes_of(halves, columns * sizeof *halves));
done:
    free(u), free(large), free(halves);
    PyBuffer_Release(&set);
    return result;
}

#define FAR "factorpool._native.ecm_far"

static void free_far(PyObject *capsule) { fp_ecm_far_free(PyCapsule_GetPointer(capsule, FAR)); }

PyDoc_STRVAR(
    ecm_far_doc,
    "ecm_far(factor_bits, /)\n--\n\n"
    "What ecm_long needs to run curves as far as pays for factors of so many bits: for long ones some MB, which take\n"
    "half a second.");

static PyObject *ecm_far(PyObject *module, PyObject *args) {
    (void)module;
    int factor_bits;
    if (!PyArg_ParseTuple(args, "i:ecm_far", &factor_bits)) return NULL;
    fp_ecm_far *far;
    Py_BEGIN_ALLOW_THREADS far = fp_ecm_far_new(factor_bits);
    Py_END_ALLOW_THREADS if (!far) return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(far, FAR, free_far);
    if (!capsule) fp_ecm_far_free(far);
    return capsule;
}

PyDoc_STRVAR(
    ecm_long_doc,
    "ecm_long(n, far, first, count, stop=None, /)\n--\n\n"
    "A proper factor of an odd composite of at most 2107 bits, both in little-endian bytes, by `count` curves of\n"
    "ecm_far from number `first` on; the number 0 if they have found none.");

static PyObject *ecm_long(PyObject *module, PyObject *args) {
    PyObject *capsule, *result = NULL;
    Py_buffer bytes, stop = {.buf = NULL};
    unsigned first, count;
    if (!PyArg_ParseTuple(args, "y*OII|z*:ecm_long", &bytes, &capsule, &first, &count, &stop)) return NULL;
    const fp_ecm_far *far = PyCapsule_GetPointer(capsule, FAR);
    uint64_t n[FP_LONG_WORDS] = {0}, factor[FP_LONG_WORDS];
    const int good = read_words(&bytes, n, FP_LONG_WORDS), bits = fp_long_bits(n);
    if (far && (!good || bits > FP_LONG_BITS || bits < 2 || !(n[0] & 1))) {
        PyErr_Format(PyExc_ValueError, "curves are for odd numbers of at most %d bits", FP_LONG_BITS);
    } else if (far) {
        fp_run run;
        const fp_isa *isa = fp_module_isa(module);
        fp_control control = fp_run_begin(&run, &stop);
        int status = fp_ecm_long(isa, n, bits, far, first, count, &control, factor);
        if (fp_run_end(&run, status)) result = PyBytes_FromStringAndSize((const char *)factor, sizeof factor);
    }
    PyBuffer_Release(&bytes);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(ecm_lanes_doc, "ecm_lanes(bits, /)\n--\n\n"
                            "How many curves ecm_long runs at once on a number of so many bits.");

static PyObject *ecm_lanes(PyObject *module, PyObject *args) {
    int bits;
    if (!PyArg_ParseTuple(args, "i:ecm_lanes", &bits)) return NULL;
    return PyLong_FromLong(fp_ecm_long_lanes(fp_module_isa(module), bits));
}

PyMethodDef fp_siqs_methods[] = {
    {"ecm_far", ecm_far, METH_VARARGS, ecm_far_doc},
    {"ecm_long", ecm_long, METH_VARARGS, ecm_long_doc},
    {"ecm_lanes", ecm_lanes, METH_VARARGS, ecm_lanes_doc},
    {"siqs_base", siqs_base, METH_VARARGS, base_doc},
    {"siqs_family", siqs_family, METH_VARARGS, family_doc},
    {"siqs_small", siqs_small, METH_VARARGS, small_doc},
    {"siqs_graph", siqs_graph, METH_VARARGS, graph_doc},
    {"siqs_gather", siqs_gather, METH_VARARGS, gather_doc},
    {"siqs_sets", siqs_sets, METH_VARARGS, sets_doc},
    {"siqs_product", siqs_product, METH_VARARGS, product_doc},
    {NULL, NULL, 0, NULL},
};
