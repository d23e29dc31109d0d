/* What Python asks of columns: arithmetic functions without an object for each number, or the objects at last. */
#include "module.h"

/* Columns that belong together. */
typedef struct {
    Py_buffer offsets, primes, exponents;
    Py_ssize_t count; /* of numbers */
} columns;

static void release(columns *c) {
    PyBuffer_Release(&c->offsets), PyBuffer_Release(&c->primes), PyBuffer_Release(&c->exponents);
}

/* Have all primes an exponent, and do the offsets of numbers `from` to `to` (-1: all of them) ascend among them? */
static int check(columns *c, Py_ssize_t from, Py_ssize_t to) {
    const uint64_t *offsets = c->offsets.buf;
    Py_ssize_t primes = c->primes.len / 8;
    c->count = c->offsets.len / 8 - 1;
    int good = fp_check_words(&c->offsets, "offsets") && fp_check_words(&c->primes, "primes");
    if (!good) return 0;
    if (to < 0) to = c->count;
    if (c->count >= 0 && !(0 <= from && from <= to && to <= c->count)) {
        PyErr_Format(PyExc_ValueError, "rows %zd to %zd are not among %zd", from, to, c->count);
        return 0;
    }
    good = c->count >= 0 && c->exponents.len == primes * c->exponents.itemsize && offsets[to] <= (uint64_t)primes;
    for (Py_ssize_t i = from; good && i < to; i++) good = offsets[i] <= offsets[i + 1];
    if (!good) PyErr_SetString(PyExc_ValueError, "the columns do not fit each other");
    return good;
}

PyDoc_STRVAR(function_doc,
             "function(name, offsets, primes, exponents, parameter=0, /)\n--\n\n"
             "Values of an arithmetic function for every number of columns, as bytes of 1 or 8 bytes each; None\n"
             "where one exceeds 64 bits.");

static PyObject *function(PyObject *module, PyObject *args) {
    (void)module;
    const char *name, *known;
    columns c;
    unsigned long long parameter = 0;
    unsigned width = 0;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*y*y*|K:function", &name, &c.offsets, &c.primes, &c.exponents, &parameter))
        return NULL;
    size_t which = 0;
    while ((known = fp_function_name(which, &width)) && strcmp(known, name)) which++;
    if (!known) {
        PyErr_Format(PyExc_ValueError, "the kernel has no function %s", name);
    } else if (check(&c, 0, -1) && (result = PyBytes_FromStringAndSize(NULL, c.count * (Py_ssize_t)width))) {
        size_t done;
        Py_BEGIN_ALLOW_THREADS;
        done = fp_function(which, c.offsets.buf, c.primes.buf, c.exponents.buf, (size_t)c.count, parameter,
                           PyBytes_AS_STRING(result));
        Py_END_ALLOW_THREADS;
        if (done < (size_t)c.count) Py_SETREF(result, Py_NewRef(Py_None));
    }
    release(&c);
    return result;
}

static uint64_t exponent_at(const columns *c, uint64_t i) {
    return c->exponents.itemsize == 2 ? ((const uint16_t *)c->exponents.buf)[i]
                                      : ((const uint8_t *)c->exponents.buf)[i];
}

/* {prime: exponent, ...} */
static PyObject *as_dict(const columns *c, uint64_t from, uint64_t to) {
    PyObject *row = PyDict_New();
    for (uint64_t i = from; row && i < to; i++) {
        PyObject *prime = PyLong_FromUnsignedLongLong(((const uint64_t *)c->primes.buf)[i]);
        PyObject *exponent = PyLong_FromUnsignedLongLong(exponent_at(c, i));
        if (!prime || !exponent || PyDict_SetItem(row, prime, exponent) < 0) Py_CLEAR(row);
        Py_XDECREF(prime), Py_XDECREF(exponent);
    }
    return row;
}

/* [prime, prime, ...], each as often as it divides. */
static PyObject *as_list(const columns *c, uint64_t from, uint64_t to) {
    uint64_t length = 0;
    for (uint64_t i = from; i < to; i++) length += exponent_at(c, i);
    PyObject *row = PyList_New((Py_ssize_t)length);
    Py_ssize_t at = 0;
    for (uint64_t i = from; row && i < to; i++) {
        uint64_t times = exponent_at(c, i);
        PyObject *prime = times ? PyLong_FromUnsignedLongLong(((const uint64_t *)c->primes.buf)[i]) : NULL;
        if (times && !prime) Py_CLEAR(row);
        for (uint64_t k = 0; row && k < times; k++) PyList_SET_ITEM(row, at++, Py_NewRef(prime));
        Py_XDECREF(prime);
    }
    return row;
}

PyDoc_STRVAR(rows_doc,
             "rows(kind, offsets, primes, exponents, start, stop, /)\n--\n\n"
             "Numbers start to stop - 1 of columns, each as a dict prime -> exponent, or with the kind 'lists' as a\n"
             "list of its prime factors.");

static PyObject *rows(PyObject *module, PyObject *args) {
    (void)module;
    const char *kind;
    columns c;
    Py_ssize_t start, stop;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sy*y*y*nn:rows", &kind, &c.offsets, &c.primes, &c.exponents, &start, &stop))
        return NULL;
    int lists = strcmp(kind, "lists") == 0;
    if (start < 0 || stop < 0)
        PyErr_Format(PyExc_ValueError, "rows %zd to %zd are not among any", start, stop);
    else if (check(&c, start, stop))
        result = PyList_New(stop - start);
    const uint64_t *offsets = c.offsets.buf;
    for (Py_ssize_t i = start; result && i < stop; i++) {
        PyObject *row = (lists ? as_list : as_dict)(&c, offsets[i], offsets[i + 1]);
        if (row)
            PyList_SET_ITEM(result, i - start, row);
        else
            Py_CLEAR(result);
    }
    release(&c);
    return result;
}

PyDoc_STRVAR(are_prime_doc, "are_prime(numbers, /)\n--\n\n"
                            "Which words of a buffer are prime: bytes, 1 for each that is, proved.");

static PyObject *are_prime(PyObject *module, PyObject *args) {
    Py_buffer numbers, none = {.buf = NULL};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*:are_prime", &numbers)) return NULL;
    if (fp_check_words(&numbers, "numbers") && (result = PyBytes_FromStringAndSize(NULL, numbers.len / 8))) {
        fp_run run;
        const fp_isa *isa = fp_module_isa(module);
        fp_control control = fp_run_begin(&run, &none);
        int status =
            fp_primes_among(isa, numbers.buf, (size_t)numbers.len / 8, &control, (uint8_t *)PyBytes_AS_STRING(result));
        if (!fp_run_end(&run, status)) Py_CLEAR(result);
    }
    PyBuffer_Release(&numbers);
    return result;
}

PyMethodDef fp_function_methods[] = {
    {"are_prime", are_prime, METH_VARARGS, are_prime_doc},
    {"function", function, METH_VARARGS, function_doc},
    {"rows", rows, METH_VARARGS, rows_doc},
    {NULL, NULL, 0, NULL},
};
