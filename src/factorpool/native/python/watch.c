/* Watchers in threads of their own, which end the process whatever Python is doing. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "module.h"

static void *wait_for_hangup(void *fd) {
    struct pollfd p = {.fd = (int)(intptr_t)fd, .events = 0}; /* a hang-up is always reported */
    while (poll(&p, 1, -1) < 0 && errno == EINTR) continue;
    _exit(0);
}

PyDoc_STRVAR(exit_when_closed_doc,
             "exit_when_closed(fd, /)\n--\n\n"
             "End this process at once when the other end of a pipe is closed, whatever it is doing then, and\n"
             "whoever holds the GIL: a worker must not outlive its parent.");

static PyObject *start_watching(PyObject *fd, void *(*watch)(void *)) {
    pthread_t thread;
    int number = PyObject_AsFileDescriptor(fd);
    if (number < 0) return NULL;
    int status = pthread_create(&thread, NULL, watch, (void *)(intptr_t)number);
    if (status != 0) {
        errno = status;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    pthread_detach(thread);
    Py_RETURN_NONE;
}

static PyObject *exit_when_closed(PyObject *module, PyObject *fd) {
    (void)module;
    return start_watching(fd, wait_for_hangup);
}

/* Seconds that Python has to act on Ctrl-C before exit_on_sigint ends the process for it. */
#define GRACE_SECONDS 1

static void *wait_for_sigint(void *fd) {
    char number;
    ssize_t got;
    while ((got = read((int)(intptr_t)fd, &number, 1)) == 1 || (got < 0 && errno == EINTR))
        if (got == 1 && number == SIGINT) {
            sleep(GRACE_SECONDS);
            if (isatty(2)) got = write(2, "\x1b[?25h", 6); /* a progress bar hides the cursor */
            _exit(128 + SIGINT);
        }
    return NULL;
}

PyDoc_STRVAR(exit_on_sigint_doc,
             "exit_on_sigint(fd, /)\n--\n\n"
             "End this process with status 130 a second after Ctrl-C if it is still there then: a library that holds\n"
             "the GIL keeps Python from acting on it.  `fd` is the other end of `signal.set_wakeup_fd`'s pipe.");

static PyObject *exit_on_sigint(PyObject *module, PyObject *fd) {
    (void)module;
    return start_watching(fd, wait_for_sigint);
}

PyMethodDef fp_watch_methods[] = {
    {"exit_when_closed", exit_when_closed, METH_O, exit_when_closed_doc},
    {"exit_on_sigint", exit_on_sigint, METH_O, exit_on_sigint_doc},
    {NULL, NULL, 0, NULL},
};
