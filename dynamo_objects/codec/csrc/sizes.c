/* plain_size: the size of an item of attribute values that are all as usual. See module.c. */

#include "speedups.h"

#define MAX_NUMBER_BYTES 21

/* Half of a number, rounded down, of negative ones too. */
static Py_ssize_t
half(Py_ssize_t number)
{
    return (number - (number & 1)) / 2;
}

/* Return the size of a number in its normal form, as codec.sizes counts it; 0: it may have another form. */
static Py_ssize_t
size_of_number(PyObject *text)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        return 0;
    const unsigned char *characters = PyUnicode_1BYTE_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), at = 0, point = -1, first = -1, last = -1;
    int is_negative = length > 0 && characters[0] == '-';
    if (length > MAX_DIGITS || (at = is_negative) == length)
        return 0;
    if (characters[at] == '0' && (is_negative + 1 < length ? characters[at + 1] != '.' : is_negative))
        return 0;
    for (Py_ssize_t i = at; i < length; i++) {
        unsigned char c = characters[i];
        if (c == '.' && point < 0 && i > at) {
            point = i;
            continue;
        }
        if (c < '0' || c > '9')
            return 0;
        if (c != '0') {
            first = first < 0 ? i : first;
            last = i;
        }
    }
    if (point >= 0 && last != length - 1)
        return 0; /* a zero to spare, or no digits behind the point */
    if (first < 0)
        return 1;
    /* The powers of ten of the first and the last digit that is not zero; the digits are stored in pairs. */
    Py_ssize_t end = point < 0 ? length : point;
    Py_ssize_t highest = end - first - (first < end), lowest = end - last - (last < end);
    Py_ssize_t size = 2 + half(highest) - half(lowest) + is_negative;
    return size < MAX_NUMBER_BYTES ? size : MAX_NUMBER_BYTES;
}

/* Return the size of an attribute value; -1: it is not plain. */
static Py_ssize_t
size_of_value(PyObject *value)
{
    PyObject *tag, *held;
    Py_ssize_t at = 0;
    if (!PyDict_CheckExact(value) || PyDict_GET_SIZE(value) != 1 || !PyDict_Next(value, &at, &tag, &held))
        return -1;
    if (!PyUnicode_CheckExact(tag))
        return -1;
    if (PyUnicode_CompareWithASCIIString(tag, "S") == 0)
        return PyUnicode_CheckExact(held) && PyUnicode_IS_COMPACT_ASCII(held) ? PyUnicode_GET_LENGTH(held) : -1;
    if (PyUnicode_CompareWithASCIIString(tag, "N") == 0) {
        Py_ssize_t size = size_of_number(held);
        return size ? size : -1;
    }
    return PyUnicode_CompareWithASCIIString(tag, "BOOL") == 0 && PyBool_Check(held) ? 1 : -1;
}

PyDoc_STRVAR(plain_size_doc,
"plain_size(item, most, /)\n--\n\n"
"Return the bytes of an item, or -1.\n\n"
"It has a size if it is a dict of ASCII names, together not longer than *most*, with attribute values that are\n"
"ASCII texts, numbers in their normal form, or booleans.");

static PyObject *
plain_size(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "plain_size() takes an item and a number");
        return NULL;
    }
    Py_ssize_t most = PyLong_AsSsize_t(arguments[1]), names = 0, values = 0, at = 0;
    if (most == -1 && PyErr_Occurred())
        return NULL;
    PyObject *name, *value;
    if (!PyDict_CheckExact(arguments[0]))
        return PyLong_FromLong(-1);
    while (PyDict_Next(arguments[0], &at, &name, &value)) {
        Py_ssize_t size = size_of_value(value);
        if (size < 0 || !PyUnicode_CheckExact(name) || !PyUnicode_IS_COMPACT_ASCII(name)
            || PyUnicode_GET_LENGTH(name) < 1)
            return PyLong_FromLong(-1);
        values += size;
        names += PyUnicode_GET_LENGTH(name);
    }
    return PyLong_FromSsize_t(names > most ? -1 : names + values);
}

PyMethodDef size_methods[] = {
    {"plain_size", (PyCFunction)(void (*)(void))plain_size, METH_FASTCALL, plain_size_doc},
    {NULL, NULL, 0, NULL},
};
