/* Columns to and from other libraries without a copy: the Arrow C data interface, of three structs and a way to release each.
 *
 * https://arrow.apache.org/docs/format/CDataInterface.html has the structs and who owns what; the names of the methods and
 * capsules are those of the Arrow PyCapsule interface. */
#include <errno.h>
#include <stdlib.h>

#include "module.h"

#define NULLABLE 2

typedef struct arrow_schema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct arrow_schema **children, *dictionary;
    void (*release)(struct arrow_schema *);
    void *private_data;
} arrow_schema;

typedef struct arrow_array {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct arrow_array **children, *dictionary;
    void (*release)(struct arrow_array *);
    void *private_data;
} arrow_array;

typedef struct arrow_stream {
    int (*get_schema)(struct arrow_stream *, arrow_schema *);
    int (*get_next)(struct arrow_stream *, arrow_array *);
    const char *(*get_last_error)(struct arrow_stream *);
    void (*release)(struct arrow_stream *);
    void *private_data;
} arrow_stream;

/* What Python describes a column by: (name, format, nulls, length, buffers, children), buffers and children tuples. */
typedef struct {
    const char *name, *format;
    Py_ssize_t nulls, length;
    PyObject *buffers, *children;
} field;

static int read_field(PyObject *spec, field *f) {
    return PyArg_ParseTuple(spec, "ssnnO!O!:field", &f->name, &f->format, &f->nulls, &f->length, &PyTuple_Type,
                            &f->buffers, &PyTuple_Type, &f->children);
}

/* Schemas: children lie behind each other in one piece of memory, which ends with its parent. */

static void release_schema(arrow_schema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    if (schema->n_children) free(schema->children[0]);
    free(schema->children), free((char *)schema->format), free((char *)schema->name);
    schema->release = NULL;
}

static int export_schema(PyObject *spec, arrow_schema *out) {
    field f;
    if (!read_field(spec, &f)) return 0;
    size_t children = (size_t)PyTuple_GET_SIZE(f.children);
    int has_nulls = PyTuple_GET_SIZE(f.buffers) && PyTuple_GET_ITEM(f.buffers, 0) != Py_None;
    *out = (arrow_schema){.format = strdup(f.format), .name = strdup(f.name), .flags = has_nulls ? NULLABLE : 0};
    out->release = release_schema;
    out->children = calloc(children + 1, sizeof *out->children);
    arrow_schema *storage = children ? calloc(children, sizeof *storage) : NULL;
    if (!out->format || !out->name || !out->children || (children && !storage)) {
        free(storage);
        PyErr_NoMemory();
        goto failed;
    }
    for (size_t i = 0; i < children; i++) out->children[i] = storage + i;
    out->n_children = (int64_t)children;
    for (size_t i = 0; i < children; i++)
        if (!export_schema(PyTuple_GET_ITEM(f.children, (Py_ssize_t)i), out->children[i])) goto failed;
    return 1;
failed:
    release_schema(out);
    return 0;
}

/* Arrays: each keeps the objects that its buffers are of, however long a consumer keeps it. */

#define MOST_BUFFERS 3

typedef struct {
    Py_buffer views[MOST_BUFFERS];
    const void *pointers[MOST_BUFFERS];
    arrow_array *storage;
} array_memory;

static void release_array(arrow_array *array) {
    array_memory *memory = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    if (Py_IsInitialized()) { /* else the objects are gone */
        PyGILState_STATE state = PyGILState_Ensure();
        for (int i = 0; i < MOST_BUFFERS; i++)
            if (memory->views[i].obj) PyBuffer_Release(&memory->views[i]);
        PyGILState_Release(state);
    }
    free(memory->storage), free(memory), free(array->children);
    array->release = NULL;
}

static int export_array(PyObject *spec, arrow_array *out) {
    field f;
    if (!read_field(spec, &f)) return 0;
    size_t children = (size_t)PyTuple_GET_SIZE(f.children), buffers = (size_t)PyTuple_GET_SIZE(f.buffers);
    array_memory *memory = calloc(1, sizeof *memory);
    *out = (arrow_array){.length = f.length, .null_count = f.nulls, .n_buffers = (int64_t)buffers};
    out->children = calloc(children + 1, sizeof *out->children);
    if (!memory || !out->children || buffers > MOST_BUFFERS || !(memory->storage = calloc(children + 1, sizeof *out))) {
        free(memory), free(out->children);
        *out = (arrow_array){0};
        PyErr_NoMemory();
        return 0;
    }
    out->private_data = memory, out->buffers = memory->pointers, out->release = release_array;
    for (size_t i = 0; i < children; i++) out->children[i] = memory->storage + i;
    out->n_children = (int64_t)children;
    for (size_t i = 0; i < buffers; i++) {
        PyObject *buffer = PyTuple_GET_ITEM(f.buffers, (Py_ssize_t)i);
        if (buffer == Py_None) continue;
        if (PyObject_GetBuffer(buffer, &memory->views[i], PyBUF_SIMPLE) < 0) goto failed;
        memory->pointers[i] = memory->views[i].buf;
    }
    for (size_t i = 0; i < children; i++)
        if (!export_array(PyTuple_GET_ITEM(f.children, (Py_ssize_t)i), out->children[i])) goto failed;
    return 1;
failed:
    release_array(out);
    return 0;
}

/* A stream of arrays. */

typedef struct {
    PyObject *specs; /* a tuple */
    Py_ssize_t next;
} stream_memory;

/* Does something with one of the specs, which takes Python. */
static int with_spec(arrow_stream *stream, Py_ssize_t at, int (*export)(PyObject *, void *), void *out) {
    PyGILState_STATE state = PyGILState_Ensure();
    int good = export(PyTuple_GET_ITEM(((stream_memory *)stream->private_data)->specs, at), out);
    if (!good) PyErr_Clear();
    PyGILState_Release(state);
    return good ? 0 : ENOMEM;
}

static int to_schema(PyObject *spec, void *out) { return export_schema(spec, out); }
static int to_array(PyObject *spec, void *out) { return export_array(spec, out); }

static int get_schema(arrow_stream *stream, arrow_schema *out) { return with_spec(stream, 0, to_schema, out); }

static int get_next(arrow_stream *stream, arrow_array *out) {
    stream_memory *memory = stream->private_data;
    if (memory->next == PyTuple_GET_SIZE(memory->specs)) {
        out->release = NULL; /* the end */
        return 0;
    }
    return with_spec(stream, memory->next++, to_array, out);
}

static const char *get_last_error(arrow_stream *stream) {
    (void)stream;
    return "out of memory";
}

static void release_stream(arrow_stream *stream) {
    stream_memory *memory = stream->private_data;
    if (Py_IsInitialized()) {
        PyGILState_STATE state = PyGILState_Ensure();
        Py_DECREF(memory->specs);
        PyGILState_Release(state);
    }
    free(memory);
    stream->release = NULL;
}

static void free_stream(PyObject *capsule) {
    arrow_stream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release) stream->release(stream);
    free(stream);
}

static void free_schema(PyObject *capsule) {
    arrow_schema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release) schema->release(schema);
    free(schema);
}

PyDoc_STRVAR(arrow_stream_doc,
             "arrow_stream(fields, /)\n--\n\n"
             "A capsule of an Arrow stream of arrays, of a tuple of fields that are of one schema.  A field is (name,\n"
             "format, nulls, length, buffers, children): buffers are objects with the buffer protocol, or None.");

static PyObject *make_stream(PyObject *module, PyObject *specs) {
    (void)module;
    if (!PyTuple_Check(specs) || !PyTuple_GET_SIZE(specs))
        return PyErr_Format(PyExc_TypeError, "a stream is of a tuple of fields, of one at least");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(specs); i++) { /* what it cannot describe is said here */
        arrow_schema schema;
        if (!export_schema(PyTuple_GET_ITEM(specs, i), &schema)) return NULL;
        schema.release(&schema);
    }
    arrow_stream *stream = malloc(sizeof *stream);
    stream_memory *memory = malloc(sizeof *memory);
    PyObject *capsule = NULL;
    if (stream && memory) {
        *memory = (stream_memory){.specs = Py_NewRef(specs)};
        *stream = (arrow_stream){get_schema, get_next, get_last_error, release_stream, memory};
        if ((capsule = PyCapsule_New(stream, "arrow_array_stream", free_stream))) return capsule;
        Py_DECREF(specs);
    } else {
        PyErr_NoMemory();
    }
    free(stream), free(memory);
    return NULL;
}

PyDoc_STRVAR(arrow_schema_doc, "arrow_schema(field, /)\n--\n\nA capsule of a field's Arrow schema.");

static PyObject *make_schema(PyObject *module, PyObject *spec) {
    (void)module;
    arrow_schema *schema = malloc(sizeof *schema);
    if (!schema) return PyErr_NoMemory();
    if (export_schema(spec, schema)) {
        PyObject *capsule = PyCapsule_New(schema, "arrow_schema", free_schema);
        if (capsule) return capsule;
        schema->release(schema);
    }
    free(schema);
    return NULL;
}

/* From other libraries: integers of any width become words, negative ones in two's complement. */

static int is_null(const arrow_array *array, int64_t at) {
    const uint8_t *valid = array->n_buffers ? array->buffers[0] : NULL;
    return array->null_count && valid && !(valid[(at + array->offset) / 8] >> (at + array->offset) % 8 & 1);
}

/* (words, signed, the indices of nulls) of an array of integers, or of a table of one such column. */
static PyObject *words_of(const arrow_schema *schema, const arrow_array *array) {
    const arrow_array *outer = NULL;
    if (strcmp(schema->format, "+s") == 0) {
        if (schema->n_children != 1)
            return PyErr_Format(PyExc_ValueError, "a table of %lld columns", (long long)schema->n_children);
        schema = schema->children[0], outer = array, array = array->children[0];
    }
    static const char formats[] = "cCsSiIlL"; /* of 1, 2, 4 and 8 bytes, signed and not */
    const char *format = strlen(schema->format) == 1 ? strchr(formats, schema->format[0]) : NULL;
    if (schema->dictionary || !format)
        return PyErr_Format(PyExc_ValueError, "the format %s%s", schema->format, schema->dictionary ? ", encoded" : "");
    int64_t length = outer ? outer->length : array->length, shift = outer ? outer->offset : 0;
    PyObject *words = fp_new_words((Py_ssize_t)length), *nulls = PyList_New(0), *result = NULL;
    if (!words || !nulls) goto done;
    uint64_t *out = (uint64_t *)(void *)PyBytes_AS_STRING(words);
    const size_t size = (size_t)1 << (format - formats) / 2;
    const int has_sign = (format - formats) % 2 == 0;
    const void *values = array->buffers[1]; /* perhaps none, where all are null, though the format asks for some */
    if (length && !values) memset(out, 0, 8 * (size_t)length);
    if (length && values)
        fp_widen(out, (const char *)values + (shift + array->offset) * (int64_t)size, size, has_sign, (size_t)length);
    for (int64_t i = 0; i < length; i++) {
        if (!(outer && is_null(outer, i)) && !is_null(array, i + shift)) continue;
        PyObject *index = PyLong_FromLongLong(i);
        int failed = !index || PyList_Append(nulls, index) < 0;
        Py_XDECREF(index);
        if (failed) goto done;
        out[i] = 1;
    }
    result = Py_BuildValue("(OiO)", words, has_sign, nulls);
done:
    Py_XDECREF(words), Py_XDECREF(nulls);
    return result;
}

PyDoc_STRVAR(arrow_next_doc,
             "arrow_next(stream, /)\n--\n\n"
             "The next array of integers of a capsule of an Arrow stream, as (words, signed, nulls): uint64 in two's\n"
             "complement, with a 1 for each null, and the indices of those; None at the end.");

static PyObject *arrow_next(PyObject *module, PyObject *capsule) {
    (void)module;
    arrow_stream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    arrow_schema schema;
    arrow_array array;
    PyObject *result = NULL;
    if (!stream) return NULL;
    if (!stream->release) Py_RETURN_NONE;
    int error;
    array.release = NULL;
    Py_BEGIN_ALLOW_THREADS; /* it may have to wait for other threads, which may need the GIL */
    error = stream->get_schema(stream, &schema);
    if (!error && (error = stream->get_next(stream, &array))) schema.release(&schema);
    Py_END_ALLOW_THREADS;
    if (!error) {
        result = array.release ? words_of(&schema, &array) : Py_NewRef(Py_None);
        Py_BEGIN_ALLOW_THREADS;
        if (array.release) array.release(&array);
        schema.release(&schema);
        Py_END_ALLOW_THREADS;
    }
    if (error) {
        const char *why = stream->get_last_error(stream);
        PyErr_Format(PyExc_OSError, "its stream failed: %s", why ? why : strerror(error));
    }
    return result;
}

PyDoc_STRVAR(arrow_words_doc, "arrow_words(schema, array, /)\n--\n\nThe same of the capsules of one Arrow array.");

static PyObject *arrow_words(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *schema_capsule, *array_capsule;
    if (!PyArg_ParseTuple(args, "OO:arrow_words", &schema_capsule, &array_capsule)) return NULL;
    arrow_schema *schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema");
    arrow_array *array = schema ? PyCapsule_GetPointer(array_capsule, "arrow_array") : NULL;
    return array ? words_of(schema, array) : NULL;
}

PyMethodDef fp_arrow_methods[] = {
    {"arrow_next", arrow_next, METH_O, arrow_next_doc},
    {"arrow_schema", make_schema, METH_O, arrow_schema_doc},
    {"arrow_stream", make_stream, METH_O, arrow_stream_doc},
    {"arrow_words", arrow_words, METH_VARARGS, arrow_words_doc},
    {NULL, NULL, 0, NULL},
};
