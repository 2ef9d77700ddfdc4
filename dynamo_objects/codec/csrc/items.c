/* ItemMaker: from a new record to its typed item, and to the values that it is to remember. See module.c. */

#include "speedups.h"

typedef struct {
    enum way way;
    int is_scalar;          /* whether its values are immutable, and remembered as saved */
    Py_ssize_t slot;        /* of the field in a record */
    PyTypeObject *type;     /* of a usual value (WAY_DECIMAL); or NULL */
    PyTypeObject *left_out; /* of the empty value that is not stored; or NULL */
    PyObject *kind;         /* makes the attribute value of a text, or of a list or dict of members */
    PyObject *member;       /* makes the members of a list or dict; or NULL */
    PyObject *convert;      /* from the field's value to the attribute value, where C knows no way; or NULL */
} Field;

typedef struct {
    PyObject_HEAD
    PyTypeObject *record_class;
    PyObject *item_class;
    PyObject *unset;        /* stands in a typed item for an attribute that it does not have */
    PyObject *flags[2];     /* the attribute values of False and True */
    PyObject *instead;      /* encodes whatever is unusual */
    Py_ssize_t max_name;    /* characters that a name in a dict may have, whatever they are */
    Py_ssize_t count, scalars;
    Field *fields;
} Maker;

/* --- values ------------------------------------------------------------------------------- */

/* Return the attribute value of a text; steals the text, which may be NULL. */
static PyObject *
boxed(PyObject *kind, PyObject *text)
{
    if (text == NULL)
        return NULL;
    PyObject *box = PyObject_CallOneArg(kind, text);
    Py_DECREF(text);
    return box;
}

/* Return the text of an int; NULL, perhaps with an error: it is none, or it is long. */
static PyObject *
text_of_int(PyObject *value)
{
    if (!PyLong_CheckExact(value))
        return NULL;
    PyObject *text = PyLong_Type.tp_repr(value);
    if (text != NULL && PyUnicode_GET_LENGTH(text) > MAX_DIGITS)
        Py_CLEAR(text);
    return text;
}

/* Return the text of a Decimal that is plain, no NaN, and without zeros to spare; NULL, perhaps with an error. */
static PyObject *
text_of_decimal(const Field *field, PyObject *value)
{
    if (!Py_IS_TYPE(value, field->type))
        return NULL;
    PyObject *text = PyObject_Str(value);
    if (text == NULL || !PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        goto unusual;
    const unsigned char *characters = PyUnicode_1BYTE_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length < 1 || length > MAX_DIGITS || characters[length - 1] < '1' || characters[length - 1] > '9')
        goto unusual;
    for (Py_ssize_t i = 0; i < length; i++)
        if (characters[i] == 'E' || characters[i] == 'e' || characters[i] == 'N')
            goto unusual;
    return text;
unusual:
    Py_XDECREF(text);
    return NULL;
}

/* Return the list of the attribute values of a list of texts; NULL, perhaps with an error, if it has others. */
static PyObject *
boxed_list(const Field *field, PyObject *value)
{
    if (!PyList_CheckExact(value))
        return NULL;
    PyObject *boxes = PyList_New(0);
    for (Py_ssize_t i = 0; boxes != NULL && i < PyList_GET_SIZE(value); i++) {
        PyObject *text = PyList_GET_ITEM(value, i);
        PyObject *box = PyUnicode_CheckExact(text) ? boxed(field->member, Py_NewRef(text)) : NULL;
        if (box == NULL || PyList_Append(boxes, box) < 0)
            Py_CLEAR(boxes);
        Py_XDECREF(box);
    }
    return boxes;
}

/* The same for a dict, whose names must be such as attributes may have. */
static PyObject *
boxed_dict(const Maker *self, const Field *field, PyObject *value)
{
    if (!PyDict_CheckExact(value))
        return NULL;
    PyObject *boxes = PyDict_New(), *name, *text;
    Py_ssize_t at = 0;
    while (boxes != NULL && PyDict_Next(value, &at, &name, &text)) {
        if (!PyUnicode_CheckExact(name) || !PyUnicode_CheckExact(text) || PyUnicode_GET_LENGTH(name) < 1
            || PyUnicode_GET_LENGTH(name) > self->max_name) {
            Py_CLEAR(boxes);
            break;
        }
        Py_INCREF(name); /* memory is wanted below, and what the collector then calls may change the dict */
        PyObject *box = boxed(field->member, Py_NewRef(text));
        if (box == NULL || PyDict_SetItem(boxes, name, box) < 0)
            Py_CLEAR(boxes);
        Py_XDECREF(box);
        Py_DECREF(name);
    }
    return boxes;
}

/* Return the attribute value of a field's value; NULL, perhaps without an error, where Python must look at it. */
static PyObject *
box_of(const Maker *self, const Field *field, PyObject *value)
{
    PyObject *box = NULL;
    switch (field->way) {
    case WAY_SAME:
        if (PyBool_Check(value) && field->kind == Py_None)
            return Py_NewRef(self->flags[value == Py_True]);
        return PyUnicode_CheckExact(value) && field->kind != Py_None ? boxed(field->kind, Py_NewRef(value)) : NULL;
    case WAY_NUMBER:
        return boxed(field->kind, text_of_int(value));
    case WAY_DECIMAL:
        box = boxed(field->kind, text_of_decimal(field, value));
        break;
    case WAY_LIST:
        return boxed(field->kind, boxed_list(field, value));
    case WAY_DICT:
        return boxed(field->kind, boxed_dict(self, field, value));
    default:
        break;
    }
    return box != NULL || PyErr_Occurred() ? box : PyObject_CallOneArg(field->convert, value);
}

/* --- items -------------------------------------------------------------------------------- */

/* Return the item of a record, and its immutable values; NULL, perhaps without an error, where Python must look.

   The room is for the values and for the attribute values. */
static PyObject *
item_of(const Maker *self, PyObject *record, PyObject **room)
{
    if (!Py_IS_TYPE(record, self->record_class))
        return NULL;
    Py_ssize_t count = self->count, held = 0, done = 0;
    PyObject **values = room, **boxes = room + count, *item = NULL, *loaded = NULL, *pair = NULL;
    for (; held < count; held++) { /* all at once: conversions may change the record */
        values[held] = Py_XNewRef(SLOT(record, self->fields[held].slot));
        if (values[held] == NULL)
            goto end;
    }
    for (; done < count; done++) {
        const Field *field = &self->fields[done];
        int is_there = 1;
        if (field->left_out != NULL && Py_IS_TYPE(values[done], field->left_out))
            is_there = PyObject_IsTrue(values[done]);
        if (is_there < 0)
            goto end;
        boxes[done] = is_there ? box_of(self, field, values[done]) : Py_NewRef(self->unset);
        if (boxes[done] == NULL)
            goto end;
    }
    item = PyObject_Vectorcall(self->item_class, boxes, (size_t)count, NULL);
    loaded = PyTuple_New(self->scalars);
    if (item == NULL || loaded == NULL)
        goto end;
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (self->fields[i].is_scalar)
            PyTuple_SET_ITEM(loaded, at++, Py_NewRef(values[i]));
    pair = PyTuple_Pack(2, item, loaded);
end:
    Py_XDECREF(item);
    Py_XDECREF(loaded);
    release(boxes, done);
    release(values, held);
    return pair;
}

/* --- the type ----------------------------------------------------------------------------- */

static PyObject *
maker_call(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    Maker *self = (Maker *)object;
    PyObject *record, *on_stack[MOST_ON_STACK], **room = on_stack;
    if (keywords != NULL && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "ItemMaker() takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "O:encode", &record))
        return NULL;
    if (2 * self->count > MOST_ON_STACK && (room = PyMem_New(PyObject *, 2 * self->count)) == NULL)
        return PyErr_NoMemory();
    PyObject *pair = item_of(self, record, room);
    if (room != on_stack)
        PyMem_Free(room);
    if (pair == NULL && is_for_python())
        pair = PyObject_CallOneArg(self->instead, record);
    return pair;
}

/* Read (way, is_scalar, slot, type, left_out, kind, member, convert); None stands for none. */
static int
read_field(const Maker *self, Field *field, PyObject *given)
{
    PyObject *slot, *type, *left_out, *kind, *member, *convert;
    int way;
    if (!PyArg_ParseTuple(given, "ipOOOOOO", &way, &field->is_scalar, &slot, &type, &left_out, &kind, &member, &convert))
        return -1;
    field->way = (enum way)way;
    field->type = type == Py_None ? NULL : (PyTypeObject *)Py_NewRef(type);
    field->left_out = left_out == Py_None ? NULL : (PyTypeObject *)Py_NewRef(left_out);
    field->kind = Py_NewRef(kind);
    field->member = Py_NewRef(member);
    field->convert = convert == Py_None ? NULL : Py_NewRef(convert);
    int converts = way == WAY_DECIMAL || way == WAY_TEXT || way == WAY_WHOLE;
    int is_right = way >= 0 && way < WAY_COUNT && (field->convert != NULL) == converts
        && (field->type != NULL) == (way == WAY_DECIMAL) && (field->type == NULL || PyType_Check(type))
        && (field->left_out == NULL || PyType_Check(left_out));
    if (!is_right) {
        PyErr_SetString(PyExc_TypeError, "not a plan of a field");
        return -1;
    }
    return (field->slot = offset_of(slot, self->record_class)) < 0 ? -1 : 0;
}

static PyObject *
maker_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *record_class, *item_class, *unset, *flags[2], *instead, *fields;
    Py_ssize_t max_name;
    if (keywords != NULL && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "ItemMaker() takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "O!OO(OO)OnO!:ItemMaker", &PyType_Type, &record_class, &item_class, &unset,
                          &flags[0], &flags[1], &instead, &max_name, &PyTuple_Type, &fields))
        return NULL;
    Maker *self = (Maker *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->record_class = (PyTypeObject *)Py_NewRef(record_class);
    self->item_class = Py_NewRef(item_class);
    self->unset = Py_NewRef(unset);
    self->flags[0] = Py_NewRef(flags[0]);
    self->flags[1] = Py_NewRef(flags[1]);
    self->instead = Py_NewRef(instead);
    self->max_name = max_name;
    Py_ssize_t size = PyTuple_GET_SIZE(fields);
    self->fields = PyMem_Calloc((size_t)size + 1, sizeof(Field));
    if (self->fields == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        self->count = i + 1;
        if (read_field(self, &self->fields[i], PyTuple_GET_ITEM(fields, i)) < 0)
            goto failed;
        self->scalars += self->fields[i].is_scalar;
    }
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static int
maker_traverse(PyObject *object, visitproc visit, void *arg)
{
    Maker *self = (Maker *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->record_class);
    Py_VISIT(self->item_class);
    Py_VISIT(self->unset);
    Py_VISIT(self->flags[0]);
    Py_VISIT(self->flags[1]);
    Py_VISIT(self->instead);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_VISIT(self->fields[i].type);
        Py_VISIT(self->fields[i].left_out);
        Py_VISIT(self->fields[i].kind);
        Py_VISIT(self->fields[i].member);
        Py_VISIT(self->fields[i].convert);
    }
    return 0;
}

static void
maker_dealloc(PyObject *object)
{
    Maker *self = (Maker *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_XDECREF(self->fields[i].type);
        Py_XDECREF(self->fields[i].left_out);
        Py_XDECREF(self->fields[i].kind);
        Py_XDECREF(self->fields[i].member);
        Py_XDECREF(self->fields[i].convert);
    }
    PyMem_Free(self->fields);
    Py_XDECREF(self->record_class);
    Py_XDECREF(self->item_class);
    Py_XDECREF(self->unset);
    Py_XDECREF(self->flags[0]);
    Py_XDECREF(self->flags[1]);
    Py_XDECREF(self->instead);
    type->tp_free(object);
    Py_DECREF(type);
}

PyDoc_STRVAR(maker_doc, "Makes the typed items of the records of one class; called with a record.");

/* There is no tp_clear: a maker never changes, and its cycles lead through a class, which can be cleared. */
static PyType_Slot maker_slots[] = {
    {Py_tp_doc, (void *)maker_doc},
    {Py_tp_new, maker_new},
    {Py_tp_call, maker_call},
    {Py_tp_dealloc, maker_dealloc},
    {Py_tp_traverse, maker_traverse},
    {0, NULL},
};

PyType_Spec item_maker_spec = {
    .name = "dynamo_objects.codec._speedups.ItemMaker",
    .basicsize = sizeof(Maker),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = maker_slots,
};
