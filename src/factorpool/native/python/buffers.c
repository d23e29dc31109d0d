/* Buffers of 64-bit words: from Python's ints, from ranges, and what is in them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "module.h"

/* How many objects ahead `pack` asks for: some hundred nanoseconds of work. */
#define PREFETCH 16

#define HUGE_PAGE ((uintptr_t)1 << 21)

/* A buffer of whole, aligned 64-bit words. */
int fp_check_words(const Py_buffer *view, const char *what) {
    if (view->len == 0) return 1; /* an empty array.array points anywhere */
    if (view->len % 8 == 0 && (uintptr_t)view->buf % 8 == 0) return 1;
    PyErr_Format(PyExc_ValueError, "%s must be aligned 64-bit words, not %zd bytes at %p", what, view->len, view->buf);
    return 0;
}

/* Has malloc keep the memory of large results for later ones, which takes a quarter of the time off a range.  That of glibc takes a block
 * from the system, and gives it back at once, if it is larger than any that was freed before, of those up to 32 MB: so one of nearly that
 * size is freed here, once for the whole process.  Another malloc does what it does. */
static void keep_memory(void) {
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&done)) return;
    /* Within 32 MB as pages, with its header; volatile, for else the compiler leaves both calls out. */
    void *volatile block = malloc(((size_t)1 << 25) - ((size_t)1 << 13));
    free(block);
}

/* A bytes object of so many bytes, or a MemoryError.  A large one gets pages of 2 MB where the system has them for those who ask:
 * it gives new memory page by page, which for those of 4 KB takes longer than to write them. */
PyObject *fp_new_bytes(size_t size) {
    if (size > PY_SSIZE_T_MAX) return PyErr_NoMemory();
    if (size >= HUGE_PAGE) keep_memory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
#ifdef MADV_HUGEPAGE
    if (bytes && size >= HUGE_PAGE) {
        uintptr_t start = (uintptr_t)PyBytes_AS_STRING(bytes), first = (start + HUGE_PAGE - 1) & -HUGE_PAGE;
        (void)madvise((void *)first, (start + size - first) & -HUGE_PAGE, MADV_HUGEPAGE); /* without, only slower */
    }
#endif
    return bytes;
}

/* A bytes object for so many words; a MemoryError where their size would not even be a number of bytes. */
PyObject *fp_new_words(Py_ssize_t count) {
    return count <= PY_SSIZE_T_MAX / 8 ? fp_new_bytes(8 * (size_t)count) : PyErr_NoMemory();
}

/* Are these `count` positive words, and the step one that the sieve can take? */
int fp_check_progression(unsigned long long start, unsigned long long step, Py_ssize_t count) {
    if (start && (step == 1 || step == 2) && count >= 0 &&
        (count == 0 || (uint64_t)count - 1 <= (UINT64_MAX - start) / step))
        return 1;
    PyErr_Format(PyExc_ValueError, "%zd numbers from %llu in steps of %llu are no run of words", count, start, step);
    return 0;
}

PyDoc_STRVAR(progression_doc, "progression(start, step, count, /)\n--\n\n"
                              "The bytes of start, start + step, ... as uint64, step 1 or 2.");

static PyObject *progression(PyObject *module, PyObject *args) {
    (void)module;
    unsigned long long start, step;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "KKn:progression", &start, &step, &count)) return NULL;
    if (!fp_check_progression(start, step, count)) return NULL;
    PyObject *result = fp_new_words(count);
    if (result) {
        uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(result);
        for (Py_ssize_t i = 0; i < count; i++) out[i] = start + step * (uint64_t)i;
    }
    return result;
}

/* For each type a loop of its own, which the compiler makes vectors of.  The values may lie anywhere. */
#define WIDEN(type)                                                                                                    \
    do {                                                                                                               \
        typedef type loose __attribute__((aligned(1), may_alias));                                                     \
        for (size_t i = 0; i < count; i++) out[i] = (uint64_t)((const loose *)values)[i];                              \
    } while (0)
void fp_widen(uint64_t *out, const void *values, size_t size, int has_sign, size_t count) {
    if (size == 1 && has_sign) WIDEN(int8_t);
    if (size == 1 && !has_sign) WIDEN(uint8_t);
    if (size == 2 && has_sign) WIDEN(int16_t);
    if (size == 2 && !has_sign) WIDEN(uint16_t);
    if (size == 4 && has_sign) WIDEN(int32_t);
    if (size == 4 && !has_sign) WIDEN(uint32_t);
    if (size == 8) WIDEN(uint64_t);
}

PyDoc_STRVAR(widen_doc,
             "widen(values, size, signed, /)\n--\n\n"
             "Integers of `size` bytes each (1, 2, 4 or 8) as uint64 in a bytearray, negative ones in two's\n"
             "complement.");

static PyObject *widen(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer values;
    Py_ssize_t size;
    int has_sign;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*np:widen", &values, &size, &has_sign)) return NULL;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || values.len % size) {
        PyErr_Format(PyExc_ValueError, "%zd bytes are not integers of %zd bytes", values.len, size);
    } else if (values.len / size > PY_SSIZE_T_MAX / 8) {
        PyErr_NoMemory();
    } else if ((result = PyByteArray_FromStringAndSize(NULL, values.len / size * 8))) {
        uint64_t *out = (uint64_t *)(void *)PyByteArray_AS_STRING(result);
        Py_BEGIN_ALLOW_THREADS;
        fp_widen(out, values.buf, (size_t)size, has_sign, (size_t)(values.len / size));
        Py_END_ALLOW_THREADS;
    }
    PyBuffer_Release(&values);
    return result;
}

PyDoc_STRVAR(pack_doc, "pack(numbers, /)\n--\n\n"
                       "The bytes of a list or tuple of ints as uint64, or None if one of them is anything but an int\n"
                       "from 1 to 2**64 - 1.");

static PyObject *pack(PyObject *module, PyObject *numbers) {
    (void)module;
#ifdef Py_GIL_DISABLED
    PyObject *items = PySequence_Tuple(numbers); /* another thread may shorten a list meanwhile */
#else
    PyObject *items = PySequence_Fast(numbers, "pack takes a list or a tuple");
#endif
    if (!items) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    PyObject *result = fp_new_words(count);
    uint64_t *out = result ? (uint64_t *)(void *)PyBytes_AS_STRING(result) : NULL;
    for (Py_ssize_t i = 0; result && i < count; i++) {
        /* Ints of a shuffled list lie all over the memory: ask for them early. */
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        if (i + PREFETCH < count) __builtin_prefetch(PySequence_Fast_GET_ITEM(items, i + PREFETCH));
        out[i] = PyLong_CheckExact(item) ? PyLong_AsUnsignedLongLong(item) : 0;
        if (out[i] == 0 || (out[i] == UINT64_MAX && PyErr_Occurred())) {
            PyErr_Clear();
            Py_SETREF(result, Py_NewRef(Py_None));
            break;
        }
    }
    Py_DECREF(items);
    return result;
}

PyDoc_STRVAR(span_doc, "span(numbers, /)\n--\n\nThe least and the largest of a buffer of uint64 that is not empty.");

static PyObject *span(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*:span", &numbers)) return NULL;
    if (fp_check_words(&numbers, "numbers") && numbers.len) {
        const uint64_t *n = numbers.buf;
        uint64_t low = n[0], high = n[0];
        for (Py_ssize_t i = 1; i < numbers.len / 8; i++) {
            low = n[i] < low ? n[i] : low;
            high = n[i] > high ? n[i] : high;
        }
        result = Py_BuildValue("KK", (unsigned long long)low, (unsigned long long)high);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "no numbers have no span");
    }
    PyBuffer_Release(&numbers);
    return result;
}

PyDoc_STRVAR(find_outside_doc, "find_outside(numbers, low, high, /)\n--\n\n"
                               "Index of the first of a buffer of uint64 that is below low or above high, or -1.");

static PyObject *find_outside(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers;
    unsigned long long low, high;
    if (!PyArg_ParseTuple(args, "y*KK:find_outside", &numbers, &low, &high)) return NULL;
    PyObject *result = NULL;
    if (fp_check_words(&numbers, "numbers")) {
        const uint64_t *n = numbers.buf;
        Py_ssize_t count = numbers.len / 8, i = 0;
        while (i < count && n[i] >= low && n[i] <= high) i++;
        result = PyLong_FromSsize_t(i < count ? i : -1);
    }
    PyBuffer_Release(&numbers);
    return result;
}

PyDoc_STRVAR(copy_doc, "copy(target, start, part, /)\n--\n\n"
                       "Writes the bytes of `part` into the buffer `target`, from byte `start` on, without the GIL.");

static PyObject *copy(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer target, part;
    Py_ssize_t start;
    if (!PyArg_ParseTuple(args, "w*ny*:copy", &target, &start, &part)) return NULL;
    int fits = start >= 0 && start <= target.len && part.len <= target.len - start;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS;
        memcpy((char *)target.buf + start, part.buf, (size_t)part.len);
        Py_END_ALLOW_THREADS;
    } else {
        PyErr_Format(PyExc_ValueError, "%zd bytes from %zd on are more than %zd", part.len, start, target.len);
    }
    PyBuffer_Release(&target);
    PyBuffer_Release(&part);
    return fits ? Py_NewRef(Py_None) : NULL;
}

PyMethodDef fp_buffer_methods[] = {
    {"copy", copy, METH_VARARGS, copy_doc},
    {"progression", progression, METH_VARARGS, progression_doc},
    {"pack", pack, METH_O, pack_doc},
    {"widen", widen, METH_VARARGS, widen_doc},
    {"span", span, METH_VARARGS, span_doc},
    {"find_outside", find_outside, METH_VARARGS, find_outside_doc},
    {NULL, NULL, 0, NULL},
};
