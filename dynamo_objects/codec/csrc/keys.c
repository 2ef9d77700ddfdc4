/* key_items: the typed key attributes of many keys. See module.c. */

#include "speedups.h"

#define MOST_PARTS 2

typedef struct {
    PyObject *box;    /* makes the attribute value of a text */
    Py_ssize_t most;  /* characters of a text; 0: the values are ints */
} Part;

/* Return the attribute value of a part of a key; NULL, perhaps without an error: it is unusual. */
static PyObject *
box_of(const Part *part, PyObject *value)
{
    if (part->most > 0) {
        if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_COMPACT_ASCII(value) || PyUnicode_GET_LENGTH(value) < 1
            || PyUnicode_GET_LENGTH(value) > part->most)
            return NULL;
        return PyObject_CallOneArg(part->box, value);
    }
    PyObject *text = PyLong_CheckExact(value) ? PyLong_Type.tp_repr(value) : NULL, *box = NULL;
    if (text != NULL && PyUnicode_GET_LENGTH(text) - (PyUnicode_READ_CHAR(text, 0) == '-') <= MAX_DIGITS)
        box = PyObject_CallOneArg(part->box, text);
    Py_XDECREF(text);
    return box;
}

/* Return the attributes of a key; NULL, perhaps without an error: it is unusual. */
static PyObject *
item_of(PyObject *kind, const Part *parts, Py_ssize_t count, PyObject *key)
{
    if (count > 1 && (!PyTuple_CheckExact(key) || PyTuple_GET_SIZE(key) != count))
        return NULL;
    PyObject *boxes[MOST_PARTS], *item = NULL;
    Py_ssize_t done = 0;
    for (; done < count; done++)
        if ((boxes[done] = box_of(&parts[done], count > 1 ? PyTuple_GET_ITEM(key, done) : key)) == NULL)
            goto end;
    item = PyObject_Vectorcall(kind, boxes, (size_t)count, NULL);
end:
    release(boxes, done);
    return item;
}

PyDoc_STRVAR(key_items_doc,
"key_items(keys, kind, parts, /)\n--\n\n"
"Return the typed key attributes of a list of keys as users write them; None where one is unusual.\n\n"
"*parts* has for each part of the key what makes its attribute value of a text, and how many characters a text may\n"
"have, or 0 for whole numbers.");

static PyObject *
key_items(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *keys, *kind, *given;
    if (!PyArg_ParseTuple(arguments, "O!OO!:key_items", &PyList_Type, &keys, &kind, &PyTuple_Type, &given))
        return NULL;
    Part parts[MOST_PARTS];
    Py_ssize_t count = PyTuple_GET_SIZE(given);
    if (count < 1 || count > MOST_PARTS) {
        PyErr_SetString(PyExc_TypeError, "a key has one or two parts");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(given, i), "On", &parts[i].box, &parts[i].most))
            return NULL;
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items != NULL && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = Py_NewRef(PyList_GET_ITEM(keys, i));
        PyObject *item = item_of(kind, parts, count, key);
        if (item == NULL || PyList_Append(items, item) < 0)
            Py_CLEAR(items);
        Py_XDECREF(item);
        Py_DECREF(key);
    }
    if (items == NULL && is_for_python())
        Py_RETURN_NONE;
    return items;
}

PyMethodDef key_methods[] = {
    {"key_items", key_items, METH_VARARGS, key_items_doc},
    {NULL, NULL, 0, NULL},
};
