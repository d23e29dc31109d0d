/* Runs the kernel on a chunk without the GIL, and packs what comes back. */
#include "module.h"

static int method_from_name(const char *name, fp_method *method) {
    static const struct {
        const char *name;
        fp_method method;
    } methods[] = {{"auto", FP_AUTO}, {"trial", FP_TRIAL}, {"rho", FP_RHO}, {"ecm", FP_ECM}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *method = methods[i].method;
            return 1;
        }
    PyErr_Format(PyExc_ValueError, "the kernel has no method %s", name);
    return 0;
}

/* A call of the kernel: fp_factor's, or, where numbers is NULL, fp_sieve's. */
typedef struct {
    const fp_isa *isa;
    const uint64_t *numbers;
    unsigned width;
    fp_method method;
    uint64_t start, step;
    size_t count;
} work;

/* The columns as they grow, in bytes objects: what the kernel writes is what Python gets. */
typedef struct {
    fp_run *run;
    PyObject *counts, *primes, *exponents;
} packed;

static int resize(PyObject **bytes, size_t size) {
    size_t have = *bytes ? (size_t)PyBytes_GET_SIZE(*bytes) : 0;
    if (*bytes && size <= have) return _PyBytes_Resize(bytes, (Py_ssize_t)size);
    /* Not by realloc: memory that large pages were asked for in parts cannot be moved by the system. */
    PyObject *larger = fp_new_bytes(size);
    if (larger && have) memcpy(PyBytes_AS_STRING(larger), PyBytes_AS_STRING(*bytes), have);
    if (larger) Py_XSETREF(*bytes, larger);
    return larger ? 0 : -1;
}

static int grow_packed(fp_columns *columns, size_t room, unsigned width) {
    packed *p = columns->context;
    PyEval_RestoreThread(p->run->thread);
    int failed = resize(&p->primes, 8 * width * room) < 0 || resize(&p->exponents, room) < 0;
    if (failed) {
        PyErr_Clear();
    } else {
        columns->primes = (uint64_t *)(void *)PyBytes_AS_STRING(p->primes);
        columns->exponents = (uint8_t *)PyBytes_AS_STRING(p->exponents);
        columns->room = room;
    }
    p->run->thread = PyEval_SaveThread();
    return failed ? FP_NO_MEMORY : FP_OK;
}

/* Runs it without the GIL and packs the columns; NULL with an exception if it failed or was stopped. */
static PyObject *run_kernel(const work *w, const Py_buffer *stop) {
    fp_run run;
    packed p = {&run, PyBytes_FromStringAndSize(NULL, (Py_ssize_t)w->count), NULL, NULL};
    if (!p.counts) return NULL;
    fp_columns columns = {.counts = (uint8_t *)PyBytes_AS_STRING(p.counts), .grow = grow_packed, .context = &p};
    fp_control control = fp_run_begin(&run, stop);
    int status = w->numbers ? fp_factor(w->isa, w->numbers, w->width, w->count, w->method, &control, &columns)
                            : fp_sieve(w->isa, w->start, w->step, w->count, &control, &columns);
    PyObject *result = NULL;
    if (fp_run_end(&run, status) && resize(&p.primes, 8 * w->width * columns.used) == 0 &&
        resize(&p.exponents, columns.used) == 0)
        result = PyTuple_Pack(3, p.counts, p.primes, p.exponents);
    Py_DECREF(p.counts);
    Py_XDECREF(p.primes);
    Py_XDECREF(p.exponents);
    return result;
}

PyDoc_STRVAR(
    factor_chunk_doc,
    "factor_chunk(numbers, method='auto', stop=None, width=1, /)\n--\n\n"
    "Factor a buffer of unsigned integers of `width` 64-bit words each, the low one first, without the GIL.\n\n"
    "Returns (counts, primes, exponents): bytes, the number of distinct primes of each number as uint8, then "
    "all primes\n"
    "in as many words and their exponents as uint8; an exponent 0 marks a composite of more than 64 bits that\n"
    "is too hard for the kernel.  Setting the first byte of the buffer `stop` ends it early with\n"
    "InterruptedError; Ctrl-C ends it with KeyboardInterrupt in the main thread.");

static PyObject *factor_chunk(PyObject *module, PyObject *args) {
    Py_buffer numbers, stop = {.buf = NULL};
    const char *name = "auto";
    work w = {.isa = fp_module_isa(module), .width = 1};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*|sz*I:factor_chunk", &numbers, &name, &stop, &w.width)) return NULL;
    if (!fp_check_words(&numbers, "numbers") || !method_from_name(name, &w.method)) goto done;
    if (w.width < 1 || w.width > 2 || numbers.len % (8 * w.width)) {
        PyErr_Format(PyExc_ValueError, "%zd bytes are not numbers of %u words", numbers.len, w.width);
        goto done;
    }
    w.count = (size_t)numbers.len / 8 / w.width;
    static const uint64_t none; /* an empty buffer may be NULL */
    w.numbers = w.count ? numbers.buf : &none;
    result = run_kernel(&w, &stop);
done:
    PyBuffer_Release(&numbers);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(sieve_chunk_doc, "sieve_chunk(start, step, count, stop=None, /)\n--\n\n"
                              "As factor_chunk for start, start + step, ..., count numbers, step 1 or 2, by sieving.");

static PyObject *sieve_chunk(PyObject *module, PyObject *args) {
    unsigned long long start, step;
    Py_ssize_t count;
    Py_buffer stop = {.buf = NULL};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "KKn|z*:sieve_chunk", &start, &step, &count, &stop)) return NULL;
    if (fp_check_progression(start, step, count)) {
        work w = {.isa = fp_module_isa(module), .width = 1, .start = start, .step = step, .count = (size_t)count};
        result = run_kernel(&w, &stop);
    }
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(factor_word_doc, "factor_word(n, /)\n--\n\nThe factorization of 0 < n < 2**64 as a dict.");

/* Beyond so many bits others may have the GIL meanwhile: what is shorter takes some microseconds at most. */
#define SHORT_BITS 32

static PyObject *factor_word(PyObject *module, PyObject *number) {
    const uint64_t n = PyLong_AsUnsignedLongLong(number);
    if (n == UINT64_MAX && PyErr_Occurred()) return NULL;
    if (n == 0) return PyErr_Format(PyExc_ValueError, "zero has no factorization");
    uint64_t primes[2 * FP_MAX_DISTINCT];
    uint8_t count, exponents[2 * FP_MAX_DISTINCT];
    fp_columns columns = {.counts = &count, .primes = primes, .exponents = exponents};
    const fp_isa *isa = fp_module_isa(module);
    PyThreadState *thread = n >> SHORT_BITS ? PyEval_SaveThread() : NULL;
    const int status = fp_factor_one(isa, n, &columns);
    if (thread) PyEval_RestoreThread(thread);
    if (status != FP_OK) return PyErr_NoMemory();
    PyObject *result = PyDict_New();
    for (int i = 0; result && i < count; i++) {
        PyObject *prime = PyLong_FromUnsignedLongLong(primes[i]), *exponent = PyLong_FromLong(exponents[i]);
        if (!prime || !exponent || PyDict_SetItem(result, prime, exponent) < 0) Py_CLEAR(result);
        Py_XDECREF(prime);
        Py_XDECREF(exponent);
    }
    return result;
}

PyDoc_STRVAR(is_prime_doc, "is_prime(n, /)\n--\n\nWhether 0 <= n < 2**64 is prime: proved, not probable.");

static PyObject *is_prime(PyObject *module, PyObject *n) {
    unsigned long long value = PyLong_AsUnsignedLongLong(n);
    if (value == (unsigned long long)-1 && PyErr_Occurred()) return NULL;
    return PyBool_FromLong(fp_is_prime(fp_module_isa(module), value));
}

PyMethodDef fp_chunk_methods[] = {
    {"factor_chunk", factor_chunk, METH_VARARGS, factor_chunk_doc},
    {"sieve_chunk", sieve_chunk, METH_VARARGS, sieve_chunk_doc},
    {"factor_word", factor_word, METH_O, factor_word_doc},
    {"is_prime", is_prime, METH_O, is_prime_doc},
    {NULL, NULL, 0, NULL},
};
