/* The pages of a file in memory, without the descriptor: Python's own mmap keeps one (before 3.13), and a program has a thousand. */
#include <sys/mman.h>

#include "module.h"

typedef struct {
    PyObject_HEAD;
    void *start;
    Py_ssize_t length;
} pages;

static PyObject *new_pages(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)keywords;
    int fd;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "in:Pages", &fd, &length)) return NULL;
    if (length < 1) return PyErr_Format(PyExc_ValueError, "%zd bytes have no pages", length);
    pages *self = (pages *)(void *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->start = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (self->start == MAP_FAILED) {
        Py_DECREF(self);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    self->length = length;
    return (PyObject *)self;
}

static void free_pages(PyObject *object) {
    pages *self = (pages *)(void *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->length) munmap(self->start, (size_t)self->length);
    type->tp_free(object);
    Py_DECREF(type);
}

static int get_buffer(PyObject *object, Py_buffer *view, int flags) {
    pages *self = (pages *)(void *)object;
    return PyBuffer_FillInfo(view, object, self->start, self->length, 0, flags);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)"Pages(fd, length, /)\n--\n\nThe first bytes of a file, copied on write."},
    {Py_tp_new, (void *)new_pages},
    {Py_tp_dealloc, (void *)free_pages},
    {Py_bf_getbuffer, (void *)get_buffer},
    {0, NULL},
};

PyType_Spec fp_pages_spec = {
    .name = "factorpool._native.Pages",
    .basicsize = sizeof(pages),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
