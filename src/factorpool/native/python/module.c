/* The Python module factorpool._native: chooses the isa, and puts together what the other files of this folder bring. */
#include <stdlib.h>

#include "module.h"

typedef struct {
    const fp_isa *isa;
} module_state;

const fp_isa *fp_module_isa(PyObject *module) { return ((module_state *)PyModule_GetState(module))->isa; }

/* Adds the functions, `Pages`, `isa` and `ISAS`, once per interpreter; FACTORPOOL_ISA forces one. */
static int exec_module(PyObject *module) {
    PyMethodDef *lists[] = {fp_chunk_methods, fp_column_methods, fp_function_methods,
                            fp_arrow_methods, fp_buffer_methods, fp_text_methods,
                            fp_row_methods,   fp_siqs_methods,   fp_watch_methods};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (PyModule_AddFunctions(module, lists[i]) < 0) return -1;
    PyObject *type = PyType_FromModuleAndSpec(module, &fp_pages_spec, NULL);
    int added = type ? PyModule_AddType(module, (PyTypeObject *)(void *)type) : -1;
    Py_XDECREF(type);
    if (added < 0) return -1;
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
    PyModuleDef_HEAD_INIT,          .m_name = "_native", .m_doc = "The C kernel; see native/README.md.",
    .m_size = sizeof(module_state), .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
