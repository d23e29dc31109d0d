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

/* run.c: what a run without the GIL needs.  `fp_run_begin` lets go of the GIL and gives what the kernel polls: it ends the run when
 * the first byte of `stop` is set, or on Ctrl-C in the main thread.  `fp_run_end` takes the GIL back; 0 with an exception unless
 * the status is FP_OK. */
typedef struct {
    PyThreadState *thread;
    const volatile char *stop;
    double next;
    int interrupted; /* a Python exception is set */
} fp_run;
fp_control fp_run_begin(fp_run *run, const Py_buffer *stop);
int fp_run_end(fp_run *run, int status);

/* buffers.c: is it a buffer of whole, aligned 64-bit words?  Else an exception is set. */
int fp_check_words(const Py_buffer *view, const char *what);
/* Bytes objects of so many bytes, and for so many words; a MemoryError where there is no such number of bytes. */
PyObject *fp_new_bytes(size_t size);
PyObject *fp_new_words(Py_ssize_t count);
/* Integers of 1, 2, 4 or 8 bytes as words, negative ones in two's complement. */
void fp_widen(uint64_t *out, const void *values, size_t size, int has_sign, size_t count);
/* Are these `count` positive words, and the step one that the sieve can take? */
int fp_check_progression(unsigned long long start, unsigned long long step, Py_ssize_t count);

extern PyMethodDef fp_arrow_methods[], fp_function_methods[], fp_chunk_methods[], fp_column_methods[],
    fp_buffer_methods[], fp_text_methods[], fp_row_methods[], fp_siqs_methods[], fp_watch_methods[];
/* pages.c: the type of mapped files. */
extern PyType_Spec fp_pages_spec;

#endif
