/* What records.c and items.c share; see module.c for what this is. */

#ifndef DYNAMO_OBJECTS_SPEEDUPS_H
#define DYNAMO_OBJECTS_SPEEDUPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* How a field is read, kept and written; in the order of making.WAYS, and with the names of kept.py. */
enum way { WAY_SAME, WAY_NUMBER, WAY_DECIMAL, WAY_TEXT, WAY_LIST, WAY_DICT, WAY_WHOLE, WAY_COUNT };

/* Numbers with more digits are left to Python. */
#define MAX_DIGITS 38

/* Objects for which a call needs no memory of its own. */
#define MOST_ON_STACK 128

/* The content of a slot, borrowed. */
#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

/* Return where a slot is in the objects of a type; -1 with an error: it is no slot of theirs. */
static inline Py_ssize_t
offset_of(PyObject *descriptor, PyTypeObject *owner)
{
    if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type) && PyType_IsSubtype(owner, PyDescr_TYPE(descriptor))) {
        PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
        Py_ssize_t last = owner->tp_basicsize - (Py_ssize_t)sizeof(PyObject *);
        if (member->type == T_OBJECT_EX && member->offset >= (Py_ssize_t)sizeof(PyObject) && member->offset <= last)
            return member->offset;
    }
    PyErr_Format(PyExc_TypeError, "not a slot of %s", owner->tp_name);
    return -1;
}

/* Drop the references in an array. */
static inline void
release(PyObject **objects, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        Py_CLEAR(objects[i]);
}

/* Tell whether Python must look at what C could not do; after an interruption and the like nobody must. */
static inline int
is_for_python(void)
{
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return 0;
        PyErr_Clear();
    }
    return 1;
}

extern PyType_Spec record_maker_spec;
extern PyType_Spec item_maker_spec;
extern PyMethodDef size_methods[];
extern PyMethodDef key_methods[];

#endif
