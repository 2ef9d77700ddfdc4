/* The module _speedups: makes records of typed items, and typed items of records, as the functions do that
   decoders.py and typed_encoders.py write; makes the key attributes of many keys, and knows sizes of usual items.

   It is optional. Where it could not be compiled, and for whatever is not as usual, the functions in Python do the
   same; tests compare the two. No text is parsed here but the digits of numbers: msgspec has parsed and checked the
   JSON, and a typed item is an object of one known type with objects in its slots.

   Nothing here writes to what it is given. Conversions of single values are the only code of others that is called,
   and they see nothing that is half made. */

#include "speedups.h"

static int
module_exec(PyObject *module)
{
    PyType_Spec *specs[] = {&record_maker_spec, &item_maker_spec};
    const char *names[] = {"RecordMaker", "ItemMaker"};
    for (int i = 0; i < 2; i++) {
        PyObject *type = PyType_FromSpec(specs[i]);
        if (type == NULL)
            return -1;
        int failed = PyModule_AddObjectRef(module, names[i], type);
        Py_DECREF(type);
        if (failed < 0)
            return -1;
    }
    return PyModule_AddFunctions(module, size_methods) < 0 ? -1 : PyModule_AddFunctions(module, key_methods);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "dynamo_objects.codec._speedups",
    .m_size = 0,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__speedups(void)
{
    return PyModuleDef_Init(&module);
}
