/* Runs of the kernel without the GIL, which another thread or Ctrl-C can end. */
#include <time.h>

#include "module.h"

/* How often a run without the GIL takes it back to look for Ctrl-C. */
#define SIGNAL_SECONDS 0.05

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int poll_python(void *context) {
    fp_run *run = context;
    if (run->interrupted || (run->stop && *run->stop)) return 1;
    double now = seconds();
    if (now < run->next) return 0;
    run->next = now + SIGNAL_SECONDS;
    PyEval_RestoreThread(run->thread);
    run->interrupted = PyErr_CheckSignals() < 0;
    run->thread = PyEval_SaveThread();
    return run->interrupted;
}

fp_control fp_run_begin(fp_run *run, const Py_buffer *stop) {
    *run = (fp_run){.stop = stop->buf && stop->len ? stop->buf : NULL, .next = seconds() + SIGNAL_SECONDS};
    run->thread = PyEval_SaveThread();
    return (fp_control){poll_python, run};
}

int fp_run_end(fp_run *run, int status) {
    PyEval_RestoreThread(run->thread);
    if (run->interrupted) return 0;
    if (status == FP_NO_MEMORY)
        PyErr_NoMemory();
    else if (status == FP_STOPPED)
        PyErr_SetString(PyExc_InterruptedError, "stopped");
    return status == FP_OK;
}
