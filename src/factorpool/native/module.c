/* The Python module factorpool._native: the only file that knows Python.  It takes buffers apart, releases the GIL, calls the
 * kernel and packs what comes back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

/* How often a run without the GIL takes it back to look for Ctrl-C. */
#define SIGNAL_SECONDS 0.05

/* How many objects ahead `pack` asks for: some hundred nanoseconds of work. */
#define PREFETCH 16

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of one interpreter: the isa, chosen once. */
typedef struct {
    const fp_isa *isa;
} module_state;

static const fp_isa *isa_of(PyObject *module) { return ((module_state *)PyModule_GetState(module))->isa; }

/* What fp_control.context points to while the GIL is released. */
typedef struct {
    PyThreadState *thread;
    const volatile char *stop; /* a byte that another thread sets to end the run, or NULL */
    double next;
    int interrupted; /* a Python exception is set */
} run_state;

static int poll_python(void *context) {
    run_state *run = context;
    if (run->stop && *run->stop) return 1;
    double now = seconds();
    if (now < run->next) return 0;
    run->next = now + SIGNAL_SECONDS;
    PyEval_RestoreThread(run->thread);
    run->interrupted = PyErr_CheckSignals() < 0;
    run->thread = PyEval_SaveThread();
    return run->interrupted;
}

static int method_from_name(const char *name, fp_method *method) {
    static const struct {
        const char *name;
        fp_method method;
    } methods[] = {{"auto", FP_AUTO}, {"trial", FP_TRIAL}, {"rho", FP_RHO}, {"ecm", FP_ECM}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *method = methods[i].method;
            return 1;
        }
    PyErr_Format(PyExc_ValueError, "the kernel has no method %s", name);
    return 0;
}

/* A buffer of whole, aligned 64-bit words. */
static int check_words(const Py_buffer *view, const char *what) {
    if (view->len == 0) return 1; /* an empty array.array points anywhere */
    if (view->len % 8 == 0 && (uintptr_t)view->buf % 8 == 0) return 1;
    PyErr_Format(PyExc_ValueError, "%s must be aligned 64-bit words, not %zd bytes at %p", what, view->len, view->buf);
    return 0;
}

/* A bytes object for so many words; a MemoryError where their size would not even be a number of bytes. */
static PyObject *new_words(Py_ssize_t count) {
    return count <= PY_SSIZE_T_MAX / 8 ? PyBytes_FromStringAndSize(NULL, 8 * count) : PyErr_NoMemory();
}

/* A call of the kernel: fp_factor's, or, where numbers is NULL, fp_sieve's. */
typedef struct {
    const fp_isa *isa;
    const uint64_t *numbers;
    unsigned width;
    fp_method method;
    uint64_t start, step;
    size_t count;
} work;

/* The columns as they grow, in bytes objects: what the kernel writes is what Python gets. */
typedef struct {
    run_state *run;
    PyObject *counts, *primes, *exponents;
} packed;

static int resize(PyObject **bytes, size_t size) {
    if (size > PY_SSIZE_T_MAX) {
        PyErr_NoMemory();
        return -1;
    }
    if (*bytes) return _PyBytes_Resize(bytes, (Py_ssize_t)size);
    *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    return *bytes ? 0 : -1;
}

static int grow_packed(fp_columns *columns, size_t room, unsigned width) {
    packed *p = columns->context;
    PyEval_RestoreThread(p->run->thread);
    int failed = resize(&p->primes, 8 * width * room) < 0 || resize(&p->exponents, room) < 0;
    if (failed) {
        PyErr_Clear();
    } else {
        columns->primes = (uint64_t *)(void *)PyBytes_AS_STRING(p->primes);
        columns->exponents = (uint8_t *)PyBytes_AS_STRING(p->exponents);
        columns->room = room;
    }
    p->run->thread = PyEval_SaveThread();
    return failed ? FP_NO_MEMORY : FP_OK;
}

/* Runs it without the GIL and packs the columns; NULL with an exception if it failed or was stopped. */
static PyObject *run_kernel(const work *w, const Py_buffer *stop) {
    run_state run = {.stop = stop->buf && stop->len ? stop->buf : NULL, .next = seconds() + SIGNAL_SECONDS};
    packed p = {&run, PyBytes_FromStringAndSize(NULL, (Py_ssize_t)w->count), NULL, NULL};
    if (!p.counts) return NULL;
    fp_columns columns = {.counts = (uint8_t *)PyBytes_AS_STRING(p.counts), .grow = grow_packed, .context = &p};
    fp_control control = {poll_python, &run};
    run.thread = PyEval_SaveThread();
    int status = w->numbers ? fp_factor(w->isa, w->numbers, w->width, w->count, w->method, &control, &columns)
                            : fp_sieve(w->isa, w->start, w->step, w->count, &control, &columns);
    PyEval_RestoreThread(run.thread);
    PyObject *result = NULL;
    if (status == FP_NO_MEMORY)
        PyErr_NoMemory();
    else if (status == FP_STOPPED && !run.interrupted)
        PyErr_SetString(PyExc_InterruptedError, "stopped");
    else if (status == FP_OK && resize(&p.primes, 8 * w->width * columns.used) == 0 &&
             resize(&p.exponents, columns.used) == 0)
        result = PyTuple_Pack(3, p.counts, p.primes, p.exponents);
    Py_DECREF(p.counts);
    Py_XDECREF(p.primes);
    Py_XDECREF(p.exponents);
    return result;
}

PyDoc_STRVAR(
    factor_chunk_doc,
    "factor_chunk(numbers, method='auto', stop=None, width=1, /)\n--\n\n"
    "Factor a buffer of unsigned integers of `width` 64-bit words each, the low one first, without the GIL.\n\n"
    "Returns (counts, primes, exponents): bytes, the number of distinct primes of each number as uint8, then "
    "all primes\n"
    "in as many words and their exponents as uint8; an exponent 0 marks a composite of more than 64 bits that\n"
    "is too hard for the kernel.  Setting the first byte of the buffer `stop` ends it early with\n"
    "InterruptedError; Ctrl-C ends it with KeyboardInterrupt in the main thread.");

static PyObject *factor_chunk(PyObject *module, PyObject *args) {
    Py_buffer numbers, stop = {.buf = NULL};
    const char *name = "auto";
    work w = {.isa = isa_of(module), .width = 1};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*|sz*I:factor_chunk", &numbers, &name, &stop, &w.width)) return NULL;
    if (!check_words(&numbers, "numbers") || !method_from_name(name, &w.method)) goto done;
    if (w.width < 1 || w.width > 2 || numbers.len % (8 * w.width)) {
        PyErr_Format(PyExc_ValueError, "%zd bytes are not numbers of %u words", numbers.len, w.width);
        goto done;
    }
    w.count = (size_t)numbers.len / 8 / w.width;
    static const uint64_t none; /* an empty buffer may be NULL */
    w.numbers = w.count ? numbers.buf : &none;
    result = run_kernel(&w, &stop);
done:
    PyBuffer_Release(&numbers);
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

/* Are these `count` positive words, and the step one that the sieve can take? */
static int check_progression(unsigned long long start, unsigned long long step, Py_ssize_t count) {
    if (start && (step == 1 || step == 2) && count >= 0 &&
        (count == 0 || (uint64_t)count - 1 <= (UINT64_MAX - start) / step))
        return 1;
    PyErr_Format(PyExc_ValueError, "%zd numbers from %llu in steps of %llu are no run of words", count, start, step);
    return 0;
}

PyDoc_STRVAR(sieve_chunk_doc, "sieve_chunk(start, step, count, stop=None, /)\n--\n\n"
                              "As factor_chunk for start, start + step, ..., count numbers, step 1 or 2, by sieving.");

static PyObject *sieve_chunk(PyObject *module, PyObject *args) {
    unsigned long long start, step;
    Py_ssize_t count;
    Py_buffer stop = {.buf = NULL};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "KKn|z*:sieve_chunk", &start, &step, &count, &stop)) return NULL;
    if (check_progression(start, step, count)) {
        work w = {.isa = isa_of(module), .width = 1, .start = start, .step = step, .count = (size_t)count};
        result = run_kernel(&w, &stop);
    }
    if (stop.buf) PyBuffer_Release(&stop);
    return result;
}

PyDoc_STRVAR(progression_doc, "progression(start, step, count, /)\n--\n\n"
                              "The bytes of start, start + step, ... as uint64, step 1 or 2.");

static PyObject *progression(PyObject *module, PyObject *args) {
    (void)module;
    unsigned long long start, step;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "KKn:progression", &start, &step, &count)) return NULL;
    if (!check_progression(start, step, count)) return NULL;
    PyObject *result = new_words(count);
    if (result) {
        uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(result);
        for (Py_ssize_t i = 0; i < count; i++) out[i] = start + step * (uint64_t)i;
    }
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
    PyObject *result = new_words(count);
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
    if (check_words(&numbers, "numbers") && numbers.len) {
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
    if (!check_words(&numbers, "numbers") || !check_words(&offsets, "offsets") || !check_words(&primes, "primes"))
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

PyDoc_STRVAR(is_prime_doc, "is_prime(n, /)\n--\n\nWhether 0 <= n < 2**64 is prime: proved, not probable.");

static PyObject *is_prime(PyObject *module, PyObject *n) {
    unsigned long long value = PyLong_AsUnsignedLongLong(n);
    if (value == (unsigned long long)-1 && PyErr_Occurred()) return NULL;
    return PyBool_FromLong(fp_is_prime(isa_of(module), value));
}

PyDoc_STRVAR(offsets_doc,
             "offsets(counts, /)\n--\n\n"
             "Where each number's primes begin, and the end of the last: running sums of a buffer of uint8, as the\n"
             "bytes of len(counts) + 1 uint64.");

static PyObject *offsets(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer counts;
    if (!PyArg_ParseTuple(args, "y*:offsets", &counts)) return NULL;
    PyObject *result = new_words(counts.len + 1);
    if (result) {
        uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(result), sum = 0;
        const uint8_t *in = counts.buf;
        for (Py_ssize_t i = 0; i < counts.len; i++) out[i] = sum, sum += in[i];
        out[counts.len] = sum;
    }
    PyBuffer_Release(&counts);
    return result;
}

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

PyDoc_STRVAR(find_outside_doc, "find_outside(numbers, low, high, /)\n--\n\n"
                               "Index of the first of a buffer of uint64 that is below low or above high, or -1.");

static PyObject *find_outside(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers;
    unsigned long long low, high;
    if (!PyArg_ParseTuple(args, "y*KK:find_outside", &numbers, &low, &high)) return NULL;
    PyObject *result = NULL;
    if (check_words(&numbers, "numbers")) {
        const uint64_t *n = numbers.buf;
        Py_ssize_t count = numbers.len / 8, i = 0;
        while (i < count && n[i] >= low && n[i] <= high) i++;
        result = PyLong_FromSsize_t(i < count ? i : -1);
    }
    PyBuffer_Release(&numbers);
    return result;
}

PyDoc_STRVAR(
    parse_doc,
    "parse(text, start, in_comment, /)\n--\n\n"
    "Read decimal numbers from the bytes text[start:] until the first token that is not a number below 2**64.\n\n"
    "Returns (numbers, stop, odd, in_comment): the bytes of the numbers as uint64, where it stopped, where that token\n"
    "starts (-1 at the end of the text), and whether the text ended within a comment.");

static PyObject *parse(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer text;
    Py_ssize_t start;
    int in_comment;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*np:parse", &text, &start, &in_comment)) return NULL;
    if (start < 0 || start > text.len) {
        PyErr_Format(PyExc_ValueError, "start %zd is outside the text of %zd bytes", start, text.len);
        goto done;
    }
    const char *begin = text.buf;
    uint64_t *numbers = malloc(8 * ((size_t)(text.len - start) / 2 + 1));
    if (!numbers) {
        PyErr_NoMemory();
        goto done;
    }
    size_t count;
    fp_token odd;
    const char *stop = fp_parse(begin + start, begin + text.len, &in_comment, numbers, &count, &odd);
    result = Py_BuildValue("y#nni", (const char *)numbers, (Py_ssize_t)(8 * count), (Py_ssize_t)(stop - begin),
                           odd.start ? (Py_ssize_t)(odd.start - begin) : (Py_ssize_t)-1, in_comment);
    free(numbers);
done:
    PyBuffer_Release(&text);
    return result;
}

PyDoc_STRVAR(format_gnu_doc, "format_gnu(numbers, counts, primes, exponents, /)\n--\n\n"
                             "The columns of a factorization as GNU factor prints them, a line for each number.");

static PyObject *format_gnu(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer numbers, counts, primes, exponents;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*y*:format_gnu", &numbers, &counts, &primes, &exponents)) return NULL;
    size_t distinct = 0, room = 22 * (size_t)counts.len + 1; /* 20 digits, colon, newline; then 21 for each prime */
    for (Py_ssize_t i = 0; i < counts.len; i++) distinct += ((const uint8_t *)counts.buf)[i];
    for (Py_ssize_t i = 0; i < exponents.len; i++) room += 21 * (size_t)((const uint8_t *)exponents.buf)[i];
    if (!check_words(&numbers, "numbers") || !check_words(&primes, "primes")) goto done;
    if (numbers.len != 8 * counts.len || (size_t)exponents.len != distinct || (size_t)primes.len != 8 * distinct) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit each other");
        goto done;
    }
    char *out = malloc(room);
    if (!out) {
        PyErr_NoMemory();
        goto done;
    }
    char *end = fp_format(numbers.buf, (size_t)counts.len, counts.buf, primes.buf, exponents.buf, out);
    result = PyBytes_FromStringAndSize(out, end - out);
    free(out);
done:
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&primes);
    PyBuffer_Release(&exponents);
    return result;
}

/* Sets `isa` and `ISAS` once per interpreter; FACTORPOOL_ISA forces one. */
static int exec_module(PyObject *module) {
    PyObject *names = PyList_New(0);
    if (!names) return -1;
    const fp_isa *isa;
    for (size_t i = 0; (isa = fp_isa_at(i)); i++) {
        if (!fp_isa_usable(isa)) continue;
        PyObject *name = PyUnicode_FromString(fp_isa_name(isa));
        int status = name ? PyList_Append(names, name) : -1;
        Py_XDECREF(name);
        if (status < 0) goto failed;
    }
    const char *wanted = getenv("FACTORPOOL_ISA");
    isa = fp_isa_choose(wanted && *wanted ? wanted : NULL);
    if (!isa) {
        PyErr_Format(PyExc_ImportError, "FACTORPOOL_ISA is '%s'; this machine can run %S", wanted, names);
        goto failed;
    }
    ((module_state *)PyModule_GetState(module))->isa = isa;
    PyObject *tuple = PyList_AsTuple(names);
    int status = tuple ? PyModule_AddObjectRef(module, "ISAS", tuple) : -1;
    Py_XDECREF(tuple);
    Py_DECREF(names);
    return status < 0 ? status : PyModule_AddStringConstant(module, "isa", fp_isa_name(isa));
failed:
    Py_DECREF(names);
    return -1;
}

static PyMethodDef methods[] = {
    {"factor_chunk", factor_chunk, METH_VARARGS, factor_chunk_doc},
    {"sieve_chunk", sieve_chunk, METH_VARARGS, sieve_chunk_doc},
    {"progression", progression, METH_VARARGS, progression_doc},
    {"pack", pack, METH_O, pack_doc},
    {"span", span, METH_VARARGS, span_doc},
    {"gather", gather, METH_VARARGS, gather_doc},
    {"is_prime", is_prime, METH_O, is_prime_doc},
    {"offsets", offsets, METH_VARARGS, offsets_doc},
    {"exit_when_closed", exit_when_closed, METH_O, exit_when_closed_doc},
    {"exit_on_sigint", exit_on_sigint, METH_O, exit_on_sigint_doc},
    {"find_outside", find_outside, METH_VARARGS, find_outside_doc},
    {"parse", parse, METH_VARARGS, parse_doc},
    {"format_gnu", format_gnu, METH_VARARGS, format_gnu_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)exec_module},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,          .m_name = "_native",  .m_doc = "The C kernel; see native/README.md.",
    .m_size = sizeof(module_state), .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
