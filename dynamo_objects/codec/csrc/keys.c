/* key_items: the typed key attributes of many keys; key_texts: the keys of many typed items. See module.c. */

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

PyDoc_STRVAR(key_texts_doc,
"key_texts(items, kind, places, box, text, /)\n--\n\n"
"Return tuples of the texts in attributes of typed items.\n\n"
"It raises AttributeError where an item is not of that kind, or lacks one of the attributes.");

static PyObject *
key_texts(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *items, *kind, *places, *box, *text;
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O:key_texts", &PyList_Type, &items, &PyType_Type, &kind, &PyTuple_Type,
                          &places, &PyType_Type, &box, &text))
        return NULL;
    Py_ssize_t offsets[MOST_PARTS], count = PyTuple_GET_SIZE(places), inner = offset_of(text, (PyTypeObject *)box);
    if (inner < 0)
        return NULL;
    if (count < 1 || count > MOST_PARTS) {
        PyErr_SetString(PyExc_TypeError, "a key has one or two parts");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if ((offsets[i] = offset_of(PyTuple_GET_ITEM(places, i), (PyTypeObject *)kind)) < 0)
            return NULL;
    PyObject *found = PyList_New(0);
    for (Py_ssize_t n = 0; found != NULL && n < PyList_GET_SIZE(items); n++) {
        PyObject *item = Py_NewRef(PyList_GET_ITEM(items, n)), *texts[MOST_PARTS];
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *held = Py_IS_TYPE(item, (PyTypeObject *)kind) ? SLOT(item, offsets[i]) : NULL;
            texts[i] = held != NULL && Py_IS_TYPE(held, (PyTypeObject *)box) ? SLOT(held, inner) : NULL;
            if (texts[i] == NULL) {
                PyErr_SetString(PyExc_AttributeError, "an item without its key");
                Py_DECREF(item);
                Py_DECREF(found);
                return NULL;
            }
        }
        PyObject *one = count == 1 ? PyTuple_Pack(1, texts[0]) : PyTuple_Pack(2, texts[0], texts[1]);
        if (one == NULL || PyList_Append(found, one) < 0)
            Py_CLEAR(found);
        Py_XDECREF(one);
        Py_DECREF(item);
    }
    return found;
}

PyMethodDef key_methods[] = {
    {"key_items", key_items, METH_VARARGS, key_items_doc},
    {"key_texts", key_texts, METH_VARARGS, key_texts_doc},
    {NULL, NULL, 0, NULL},
};
