/* Rows of tables in text: where they are and the numbers in them, and what is put behind each. */
#include <stdlib.h>

#include "module.h"

static int is_separator(int c) {
    if (c > 0 && c < 128) return 1;
    PyErr_SetString(PyExc_ValueError, "a separator is an ASCII character");
    return 0;
}

PyDoc_STRVAR(
    read_rows_doc,
    "read_rows(text, separator, columns, column, /)\n--\n\n"
    "Find the lines of a table in the bytes of a text, and the numbers that stand in one of its columns.\n\n"
    "Returns (starts, numbers): where each line begins, and, behind the last, the end of the text, as uint64; and\n"
    "the numbers as uint64, or None where one of them is none below 2**64.  None where a line does not have\n"
    "so many cells, or is empty, or where there are quotes, or a carriage return that is not before a line end.");

static PyObject *read_rows(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    int separator;
    Py_ssize_t columns, column;
    uint64_t *starts = NULL, *numbers = NULL;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*Cnn:read_rows", &text, &separator, &columns, &column)) return NULL;
    if (!is_separator(separator)) goto done;
    if (column < 0 || column >= columns) {
        PyErr_Format(PyExc_ValueError, "there is no column %zd of %zd", column, columns);
        goto done;
    }
    const char *begin = text.buf;
    const size_t room = (size_t)text.len / 2 + 2;
    starts = malloc(8 * room), numbers = malloc(8 * room);
    if (!starts || !numbers) {
        PyErr_NoMemory();
        goto done;
    }
    size_t rows;
    int plain, all_numbers;
    Py_BEGIN_ALLOW_THREADS;
    plain = fp_read_rows(begin, begin + text.len, (char)separator, (size_t)columns, (size_t)column, starts, numbers,
                         &rows, &all_numbers);
    Py_END_ALLOW_THREADS;
    if (!plain)
        result = Py_NewRef(Py_None);
    else if (all_numbers)
        result = Py_BuildValue("y#y#", (const char *)starts, (Py_ssize_t)(8 * (rows + 1)), (const char *)numbers,
                               (Py_ssize_t)(8 * rows));
    else
        result = Py_BuildValue("y#O", (const char *)starts, (Py_ssize_t)(8 * (rows + 1)), Py_None);
done:
    free(starts), free(numbers);
    PyBuffer_Release(&text);
    return result;
}

PyDoc_STRVAR(join_rows_doc,
             "join_rows(left, right, separator, /)\n--\n\n"
             "The lines of `left`, each with the same of `right` behind it; a ValueError unless there are "
             "as many.");

static PyObject *join_rows(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer left, right;
    int separator;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*C:join_rows", &left, &right, &separator)) return NULL;
    const char *l = left.buf, *r = right.buf;
    /* A line has one byte of its own in both, but for the last, which may lack it: that is the room for separators. */
    char *out = is_separator(separator) ? malloc((size_t)left.len + (size_t)right.len + 2) : NULL, *end = NULL;
    if (out) {
        Py_BEGIN_ALLOW_THREADS;
        end = fp_join_rows(l, l + left.len, r, r + right.len, (char)separator, out);
        Py_END_ALLOW_THREADS;
        if (end)
            result = PyBytes_FromStringAndSize(out, end - out);
        else
            PyErr_SetString(PyExc_ValueError, "there are more lines on one side");
    } else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    free(out);
    PyBuffer_Release(&left);
    PyBuffer_Release(&right);
    return result;
}

PyDoc_STRVAR(count_line_ends_doc,
             "count_line_ends(text, /)\n--\n\nHow many there are: bytes.count takes ten times as long.");

static PyObject *count_line_ends(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    if (!PyArg_ParseTuple(args, "y*:count_line_ends", &text)) return NULL;
    const char *begin = text.buf;
    PyObject *result = PyLong_FromSize_t(fp_count_line_ends(begin, begin + text.len));
    PyBuffer_Release(&text);
    return result;
}

PyMethodDef fp_row_methods[] = {
    {"count_line_ends", count_line_ends, METH_VARARGS, count_line_ends_doc},
    {"read_rows", read_rows, METH_VARARGS, read_rows_doc},
    {"join_rows", join_rows, METH_VARARGS, join_rows_doc},
    {NULL, NULL, 0, NULL},
};
