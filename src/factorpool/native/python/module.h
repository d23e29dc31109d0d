/* What the files of this folder share; it is the only one that includes Python.h.
 *
 * Each file brings the functions of one kind, and lists them at its end; module.c puts the lists together. */
#ifndef FP_MODULE_H
#define FP_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../kernel.h"

/* module.c: the isa of the module's interpreter, chosen once. */
const fp_isa *fp_module_isa(PyObject *module);

/* buffers.c: is it a buffer of whole, aligned 64-bit words?  Else an exception is set. */
int fp_check_words(const Py_buffer *view, const char *what);
/* A bytes object for so many words; a MemoryError where their size would not even be a number of bytes. */
PyObject *fp_new_words(Py_ssize_t count);
/* Are these `count` positive words, and the step one that the sieve can take? */
int fp_check_progression(unsigned long long start, unsigned long long step, Py_ssize_t count);

extern PyMethodDef fp_chunk_methods[], fp_column_methods[], fp_buffer_methods[], fp_text_methods[], fp_watch_methods[];

#endif
