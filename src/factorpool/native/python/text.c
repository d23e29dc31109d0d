/* Numbers from text, and factorizations as text. */
#include <stdlib.h>

#include "module.h"

static int check_start(Py_ssize_t start, const Py_buffer *text) {
    if (start >= 0 && start <= text->len) return 1;
    PyErr_Format(PyExc_ValueError, "start %zd is outside the text of %zd bytes", start, text->len);
    return 0;
}

PyDoc_STRVAR(
    parse_doc,
    "parse(text, start, in_comment, /)\n--\n\n"
    "Read decimal numbers from the bytes text[start:] until the first token that is not a number below 2**64.\n\n"
    "Returns (numbers, stop, odd, in_comment, lines): the bytes of the numbers as uint64, where it stopped, where\n"
    "that token starts (-1 at the end of the text), whether the text ended within a comment, and how many line ends\n"
    "came before.");

static PyObject *parse(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    Py_ssize_t start;
    fp_reading reading = {0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*np:parse", &text, &start, &reading.in_comment)) return NULL;
    if (!check_start(start, &text)) goto done;
    const char *begin = text.buf;
    uint64_t *numbers = malloc(8 * ((size_t)(text.len - start) / 2 + 1));
    if (!numbers) {
        PyErr_NoMemory();
        goto done;
    }
    size_t count;
    fp_token odd;
    const char *stop;
    Py_BEGIN_ALLOW_THREADS; /* workers that are threads need the GIL for moments, and would wait for milliseconds */
    stop = fp_parse(begin + start, begin + text.len, &reading, numbers, &count, &odd);
    Py_END_ALLOW_THREADS;
    result = Py_BuildValue("y#nnin", (const char *)numbers, (Py_ssize_t)(8 * count), (Py_ssize_t)(stop - begin),
                           odd.start ? (Py_ssize_t)(odd.start - begin) : (Py_ssize_t)-1, reading.in_comment,
                           (Py_ssize_t)reading.lines);
    free(numbers);
done:
    PyBuffer_Release(&text);
    return result;
}

PyDoc_STRVAR(
    count_numbers_doc,
    "count_numbers(text, /)\n--\n\n"
    "Count the decimal numbers of a text, up to its last white space, without reading them.\n\n"
    "Returns (count, stop, lines): how many there are, where that white space ends, and how many line ends come\n"
    "before; None where parse would stop at one, or where there is more than digits and white space.");

static PyObject *count_numbers(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    if (!PyArg_ParseTuple(args, "y*:count_numbers", &text)) return NULL;
    const char *begin = text.buf, *stop;
    size_t count, lines;
    PyObject *result = NULL;
    if (!fp_count_numbers(begin, begin + text.len, &stop, &count, &lines))
        result = Py_NewRef(Py_None);
    else
        result = Py_BuildValue("nnn", (Py_ssize_t)count, (Py_ssize_t)(stop - begin), (Py_ssize_t)lines);
    PyBuffer_Release(&text);
    return result;
}

PyDoc_STRVAR(skip_numbers_doc, "skip_numbers(text, start, count, /)\n--\n\n"
                               "Where `count` numbers end, from text[start:] on, of a text that was counted.");

static PyObject *skip_numbers(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    Py_ssize_t start, count;
    if (!PyArg_ParseTuple(args, "y*nn:skip_numbers", &text, &start, &count)) return NULL;
    PyObject *result = NULL;
    const char *begin = text.buf;
    if (count < 0)
        PyErr_Format(PyExc_ValueError, "there are no %zd numbers", count);
    else if (check_start(start, &text))
        result = PyLong_FromSsize_t(fp_skip_numbers(begin + start, begin + text.len, (size_t)count) - begin);
    PyBuffer_Release(&text);
    return result;
}

PyDoc_STRVAR(format_rows_doc, "format_rows(style, shape, numbers, counts, primes, exponents, /)\n--\n\n"
                              "The columns of a factorization as text in the style 'gnu', 'csv', 'tsv', 'bare' or "
                              "'jsonl', a line for each number, with\n"
                              "the shape 'repeated' or 'powers', or, 'flat', for each of its primes.");

/* Where a name is in a list that ends with NULL; a ValueError for one that is not. */
static int index_of(const char *const *names, const char *name, const char *what) {
    for (int at = 0; names[at]; at++)
        if (strcmp(names[at], name) == 0) return at;
    PyErr_Format(PyExc_ValueError, "there is no %s %s", what, name);
    return -1;
}

static PyObject *format_rows(PyObject *module, PyObject *args) {
    (void)module;
    static const char *const styles[] = {"gnu", "csv", "tsv", "bare", "jsonl", NULL};
    static const char *const shapes[] = {"repeated", "powers", "flat", NULL};
    const char *style_name, *shape_name;
    Py_buffer numbers, counts, primes, exponents;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "ssy*y*y*y*:format_rows", &style_name, &shape_name, &numbers, &counts, &primes,
                          &exponents))
        return NULL;
    int style = index_of(styles, style_name, "style"), shape = style < 0 ? -1 : index_of(shapes, shape_name, "shape");
    size_t distinct = 0;
    for (Py_ssize_t i = 0; i < counts.len; i++) distinct += ((const uint8_t *)counts.buf)[i];
    if (shape < 0 || !fp_check_words(&numbers, "numbers") || !fp_check_words(&primes, "primes")) goto done;
    if (numbers.len != 8 * counts.len || (size_t)exponents.len != distinct || (size_t)primes.len != 8 * distinct) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit each other");
        goto done;
    }
    char *out = malloc(fp_format_room((fp_style)style, (fp_shape)shape, (size_t)counts.len, distinct, exponents.buf));
    if (!out) {
        PyErr_NoMemory();
        goto done;
    }
    char *end;
    Py_BEGIN_ALLOW_THREADS;
    end = fp_format((fp_style)style, (fp_shape)shape, numbers.buf, (size_t)counts.len, counts.buf, primes.buf,
                    exponents.buf, out);
    Py_END_ALLOW_THREADS;
    result = PyBytes_FromStringAndSize(out, end - out);
    free(out);
done:
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&primes);
    PyBuffer_Release(&exponents);
    return result;
}

PyMethodDef fp_text_methods[] = {
    {"parse", parse, METH_VARARGS, parse_doc},
    {"count_numbers", count_numbers, METH_VARARGS, count_numbers_doc},
    {"skip_numbers", skip_numbers, METH_VARARGS, skip_numbers_doc},
    {"format_rows", format_rows, METH_VARARGS, format_rows_doc},
    {NULL, NULL, 0, NULL},
};
