/* Columns of factorizations: where each number's begin, and those of some numbers out of a range's. */
#include "module.h"

PyDoc_STRVAR(gather_doc, "gather(numbers, start, counts, offsets, primes, exponents, /)\n--\n\n"
                         "Of the columns of start, start + 1, ..., those of `numbers`, which must be among them.");

static PyObject *gather(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers, counts, offsets, primes, exponents;
    unsigned long long start;
    PyObject *parts[3] = {NULL, NULL, NULL}, *result = NULL;
    if (!PyArg_ParseTuple(args, "y*Ky*y*y*y*:gather", &numbers, &start, &counts, &offsets, &primes, &exponents))
        return NULL;
    const uint64_t *n = numbers.buf, *from = offsets.buf, *p = primes.buf;
    const uint8_t *have = counts.buf, *e = exponents.buf;
    Py_ssize_t count = numbers.len / 8;
    size_t used = 0;
    if (!fp_check_words(&numbers, "numbers") || !fp_check_words(&offsets, "offsets") ||
        !fp_check_words(&primes, "primes"))
        goto done;
    if (offsets.len / 8 != counts.len + 1 || offsets.len % 8 || from[counts.len] != (uint64_t)exponents.len ||
        primes.len != 8 * exponents.len) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit each other");
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (n[i] < start || n[i] - start >= (uint64_t)counts.len) {
            PyErr_Format(PyExc_ValueError, "%llu is not among them", (unsigned long long)n[i]);
            goto done;
        }
        used += have[n[i] - start];
    }
    parts[0] = PyBytes_FromStringAndSize(NULL, count);
    parts[1] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * used));
    parts[2] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)used);
    if (parts[0] && parts[1] && parts[2]) {
        uint8_t *out = (uint8_t *)PyBytes_AS_STRING(parts[0]), *out_e = (uint8_t *)PyBytes_AS_STRING(parts[2]);
        uint64_t *out_p = (uint64_t *)(void *)PyBytes_AS_STRING(parts[1]);
        for (Py_ssize_t i = 0; i < count; i++) {
            uint64_t at = n[i] - start;
            out[i] = have[at];
            for (uint64_t k = from[at]; k < from[at + 1]; k++) *out_p++ = p[k], *out_e++ = e[k];
        }
        result = PyTuple_Pack(3, parts[0], parts[1], parts[2]);
    }
done:
    for (int i = 0; i < 3; i++) Py_XDECREF(parts[i]);
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&primes);
    PyBuffer_Release(&exponents);
    return result;
}

PyDoc_STRVAR(offsets_doc,
             "offsets(counts, /)\n--\n\n"
             "Where each number's primes begin, and the end of the last: running sums of a buffer of uint8, as the\n"
             "bytes of len(counts) + 1 uint64.");

static PyObject *offsets(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer counts;
    if (!PyArg_ParseTuple(args, "y*:offsets", &counts)) return NULL;
    PyObject *result = fp_new_words(counts.len + 1);
    if (result) {
        uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(result), sum = 0;
        const uint8_t *in = counts.buf;
        for (Py_ssize_t i = 0; i < counts.len; i++) out[i] = sum, sum += in[i];
        out[counts.len] = sum;
    }
    PyBuffer_Release(&counts);
    return result;
}

PyDoc_STRVAR(repeat_doc,
             "repeat(words, offsets, /)\n--\n\n"
             "Each word as often as its offsets are apart: the words of numbers, for every one of their primes.");

static PyObject *repeat(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer words, offsets;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*:repeat", &words, &offsets)) return NULL;
    const uint64_t *word = words.buf, *from = offsets.buf;
    Py_ssize_t count = words.len / 8;
    int good = fp_check_words(&words, "words") && fp_check_words(&offsets, "offsets");
    if (good && (offsets.len / 8 != count + 1 || from[0] != 0 || from[count] > PY_SSIZE_T_MAX / 8)) good = -1;
    for (Py_ssize_t i = 0; good > 0 && i < count; i++)
        if (from[i] > from[i + 1]) good = -1;
    if (good < 0) PyErr_SetString(PyExc_ValueError, "the columns do not fit each other");
    if (good > 0 && (result = fp_new_words((Py_ssize_t)from[count]))) {
        uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(result);
        for (Py_ssize_t i = 0; i < count; i++)
            for (uint64_t k = from[i]; k < from[i + 1]; k++) out[k] = word[i];
    }
    PyBuffer_Release(&words);
    PyBuffer_Release(&offsets);
    return result;
}

PyMethodDef fp_column_methods[] = {
    {"repeat", repeat, METH_VARARGS, repeat_doc},
    {"gather", gather, METH_VARARGS, gather_doc},
    {"offsets", offsets, METH_VARARGS, offsets_doc},
    {NULL, NULL, 0, NULL},
};
