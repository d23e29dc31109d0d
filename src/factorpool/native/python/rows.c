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
    "Find the rows of a table in the bytes of a text, and the numbers that stand in one of its columns.\n\n"
    "Returns (starts, numbers): where each row begins, and, behind the last, where it ends, as uint64: the text may\n"
    "go on with one that is cut within quotes; and the numbers as uint64, or None where one of them is none below\n"
    "2**64.  None where a row does not have so many cells, or is empty, where quotes stand otherwise than around a\n"
    "cell, or a carriage return that is not before a row's line end.");

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
             "join_rows(rows, separator, lines, to, /)\n--\n\n"
             "The rows that read_rows has found with a separator, each with one of the lines behind it, all with the\n"
             "separator `to`, and quotes only around cells that need them; a ValueError unless there are as many.");

static PyObject *join_rows(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer left, right;
    int from, to;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*Cy*C:join_rows", &left, &from, &right, &to)) return NULL;
    const char *l = left.buf, *r = right.buf;
    /* A row has one byte of its own in both, but for the last, which may lack it: that is the room for separators.  A cell with the new
     * separator in it gets two quotes, unless it had them. */
    const size_t room = (size_t)left.len * (from == to ? 1 : 3) + (size_t)right.len + 2;
    char *out = is_separator(from) && is_separator(to) ? malloc(room) : NULL, *end = NULL;
    if (out) {
        Py_BEGIN_ALLOW_THREADS;
        end = fp_join_rows(l, l + left.len, (char)from, r, r + right.len, (char)to, out);
        Py_END_ALLOW_THREADS;
        if (end)
            result = PyBytes_FromStringAndSize(out, end - out);
        else
            PyErr_SetString(PyExc_ValueError, "there are more rows on one side");
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
