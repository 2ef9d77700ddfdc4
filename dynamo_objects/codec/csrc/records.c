/* RecordMaker: from a typed item to the record that remembers it. See module.c. */

#include "speedups.h"

/* Digits that a 64-bit integer holds, whatever they are. */
#define MAX_LONG_DIGITS 18

typedef struct {
    enum way way;
    int is_scalar;          /* whether its values are immutable, and remembered as loaded */
    Py_ssize_t place;       /* of the attribute value in a typed item */
    PyTypeObject *kind;     /* of the attribute value; NULL: it may be any (WAY_WHOLE) */
    Py_ssize_t content;     /* of the text, list or dict in the attribute value */
    PyTypeObject *member;   /* of the members of a list or dict */
    Py_ssize_t text;        /* of the text in a member */
    Py_ssize_t slot;        /* of the field in a record */
    PyObject *convert;      /* from the text (WAY_DECIMAL) or the attribute value to the field's value; or NULL */
    PyObject *missing;      /* what an item without the attribute has; or NULL */
    int is_made;            /* whether `missing` is a function that makes it */
} Field;

typedef struct {
    PyObject_HEAD
    PyTypeObject *record_class;
    PyTypeObject *item_class;
    PyObject *kept_class;
    PyObject *guard;        /* first member of every kept item */
    PyObject *kept;         /* stands in `_loaded` for what is in the kept item */
    PyObject *unset;        /* stands in a typed item for an attribute that it does not have */
    PyObject *instead;      /* decodes whatever is unusual */
    Py_ssize_t stored, loaded, home;
    Py_ssize_t count, scalars, texts;
    Field *fields;
} Maker;

/* --- values ------------------------------------------------------------------------------- */

/* Return the int of a text as we would spell it; NULL without an error: it is spelt otherwise, or is long. */
static PyObject *
int_of(PyObject *text)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        return NULL;
    const unsigned char *digits = PyUnicode_1BYTE_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int is_negative = length > 0 && digits[0] == '-';
    if (is_negative) {
        digits++;
        length--;
    }
    if (length < 1 || length > MAX_DIGITS || (digits[0] == '0' && (length > 1 || is_negative)))
        return NULL;
    for (Py_ssize_t i = 0; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9')
            return NULL;
    if (length > MAX_LONG_DIGITS)
        return PyLong_FromUnicodeObject(text, 10);
    long long value = 0;
    for (Py_ssize_t i = 0; i < length; i++)
        value = 10 * value + (digits[i] - '0');
    return PyLong_FromLongLong(is_negative ? -value : value);
}

/* Tell whether a text has a number's characters only, and not too many: Decimal refuses what is no number. */
static int
may_be_decimal(PyObject *text)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        return 0;
    const unsigned char *characters = PyUnicode_1BYTE_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < length; i++) {
        unsigned char c = characters[i];
        if ((c < '0' || c > '9') && c != '.' && c != '-')
            return 0;
    }
    return length <= MAX_DIGITS;
}

/* Return the text in a member of a list or dict, borrowed; NULL without an error: it has none. */
static PyObject *
text_of(const Field *field, PyObject *member)
{
    return Py_IS_TYPE(member, field->member) ? SLOT(member, field->text) : NULL;
}

/* Return the list of the texts of a list of typed values; NULL, perhaps without an error, if it has others. */
static PyObject *
texts_of_list(const Field *field, PyObject *typed)
{
    if (!PyList_CheckExact(typed))
        return NULL;
    /* Memory is wanted in between, and what the collector then calls may change the list. */
    PyObject *texts = PyList_New(0);
    for (Py_ssize_t i = 0; texts != NULL && i < PyList_GET_SIZE(typed); i++) {
        PyObject *text = Py_XNewRef(text_of(field, PyList_GET_ITEM(typed, i)));
        if (text == NULL || PyList_Append(texts, text) < 0)
            Py_CLEAR(texts);
        Py_XDECREF(text);
    }
    return texts;
}

/* The same for a dict. */
static PyObject *
texts_of_dict(const Field *field, PyObject *typed)
{
    if (!PyDict_CheckExact(typed))
        return NULL;
    PyObject *texts = PyDict_Copy(typed), *name, *value;
    Py_ssize_t at = 0;
    while (texts != NULL && PyDict_Next(typed, &at, &name, &value)) {
        PyObject *text = Py_XNewRef(text_of(field, value));
        Py_INCREF(name);
        if (text == NULL || PyDict_SetItem(texts, name, text) < 0)
            Py_CLEAR(texts);
        Py_XDECREF(text);
        Py_DECREF(name);
    }
    return texts;
}

/* Return the value of a field that an item does not have; NULL without an error: it must have it. */
static PyObject *
missing_value(const Field *field)
{
    if (field->missing == NULL)
        return NULL;
    return field->is_made ? PyObject_CallNoArgs(field->missing) : Py_NewRef(field->missing);
}

/* Return the value of a field in an item; NULL, perhaps without an error, where Python must look at it.

   `kept` becomes what a kept item has for it, a new reference. */
static PyObject *
value_of(const Field *field, PyObject *held, PyObject **kept)
{
    PyObject *content = held, *value = NULL;
    *kept = NULL;
    if (field->kind != NULL) {
        if (!Py_IS_TYPE(held, field->kind))
            return NULL;
        content = SLOT(held, field->content);
        if (content == NULL)
            return NULL;
    }
    switch (field->way) {
    case WAY_SAME:
        value = Py_NewRef(content);
        *kept = Py_NewRef(content);
        break;
    case WAY_NUMBER:
        value = int_of(content);
        *kept = Py_XNewRef(value);
        break;
    case WAY_DECIMAL:
        if (!may_be_decimal(content))
            return NULL;
        *kept = Py_NewRef(content);
        value = PyObject_CallOneArg(field->convert, content);
        break;
    case WAY_TEXT:
        *kept = Py_NewRef(content);
        value = PyObject_CallOneArg(field->convert, held);
        break;
    case WAY_LIST:
        value = texts_of_list(field, content);
        if (value != NULL)
            *kept = PyList_AsTuple(value);
        break;
    case WAY_DICT:
        value = texts_of_dict(field, content);
        if (value != NULL)
            *kept = PyDict_Copy(value);
        break;
    default:
        *kept = Py_NewRef(held);
        value = PyObject_CallOneArg(field->convert, held);
    }
    if (value == NULL || *kept == NULL) {
        Py_CLEAR(value);
        Py_CLEAR(*kept);
    }
    return value;
}

/* --- records ------------------------------------------------------------------------------ */

/* Return what the immutable fields are loaded as. */
static PyObject *
loaded_of(const Maker *self, PyObject **values)
{
    PyObject *loaded = PyTuple_New(self->scalars);
    if (loaded == NULL)
        return NULL;
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; i < self->count; i++)
        if (self->fields[i].is_scalar)
            PyTuple_SET_ITEM(loaded, at++, Py_NewRef(values[i]));
    return loaded;
}

/* Return the record of an item; NULL, perhaps without an error, where Python must look at it.

   The room is for the values, the kept item's arguments (guard, fields) and its values of texts, in this order. */
static PyObject *
record_of(const Maker *self, PyObject *item, PyObject *home, PyObject **room)
{
    if (!Py_IS_TYPE(item, self->item_class))
        return NULL;
    Py_ssize_t count = self->count, done = 0, texts = 0;
    PyObject **values = room, **kept = room + count + 1, **apart = kept + count;
    PyObject *stored = NULL, *loaded = NULL, *record = NULL;
    int is_whole = 1;
    for (; done < count; done++) {
        const Field *field = &self->fields[done];
        PyObject *held = SLOT(item, field->place);
        if (held == self->unset || held == NULL) {
            values[done] = missing_value(field);
            kept[done] = NULL;
            is_whole = 0;
        }
        else {
            values[done] = value_of(field, held, &kept[done]);
        }
        if (values[done] == NULL)
            goto end;
    }
    if (is_whole) {
        kept[-1] = self->guard;
        for (Py_ssize_t i = 0; i < count; i++)
            if (self->fields[i].way == WAY_DECIMAL || self->fields[i].way == WAY_TEXT)
                apart[texts++] = values[i];
        size_t arguments = (size_t)(1 + count + texts);
        stored = PyObject_Vectorcall(self->kept_class, kept - 1, arguments, NULL);
        loaded = Py_NewRef(self->kept);
    }
    else {
        stored = Py_NewRef(item);
        loaded = loaded_of(self, values);
    }
    if (stored == NULL || loaded == NULL)
        goto end;
    record = self->record_class->tp_alloc(self->record_class, 0);
    if (record == NULL)
        goto end;
    for (Py_ssize_t i = 0; i < count; i++) {
        SLOT(record, self->fields[i].slot) = values[i];
        values[i] = NULL;
    }
    SLOT(record, self->stored) = stored;
    SLOT(record, self->loaded) = loaded;
    stored = loaded = NULL;
    if (home != Py_None)
        SLOT(record, self->home) = Py_NewRef(home);
end:
    Py_XDECREF(stored);
    Py_XDECREF(loaded);
    release(values, done);
    release(kept, done);
    return record;
}

static Py_ssize_t
room_for(const Maker *self)
{
    return 2 * self->count + 1 + self->texts;
}

/* --- the type ----------------------------------------------------------------------------- */

static PyObject *
maker_call(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"item", "home", NULL};
    Maker *self = (Maker *)object;
    PyObject *item, *home = Py_None, *on_stack[MOST_ON_STACK], **room = on_stack;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O:decode", names, &item, &home))
        return NULL;
    if (room_for(self) > MOST_ON_STACK && (room = PyMem_New(PyObject *, room_for(self))) == NULL)
        return PyErr_NoMemory();
    PyObject *record = record_of(self, item, home, room);
    if (room != on_stack)
        PyMem_Free(room);
    if (record == NULL && is_for_python())
        record = PyObject_CallFunctionObjArgs(self->instead, item, home, NULL);
    return record;
}

PyDoc_STRVAR(page_doc,
"page(items, home, /)\n--\n\n"
"Return the records of the items in a list, None for each that is unusual, and how many those are.");

static PyObject *
maker_page(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    Maker *self = (Maker *)object;
    if (count != 2 || !PyList_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "page() takes a list and a name");
        return NULL;
    }
    PyObject *items = arguments[0], *home = arguments[1];
    PyObject **room = PyMem_New(PyObject *, room_for(self));
    if (room == NULL)
        return PyErr_NoMemory();
    Py_ssize_t unusual = 0;
    PyObject *records = PyList_New(0);
    for (Py_ssize_t i = 0; records != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = Py_NewRef(PyList_GET_ITEM(items, i));
        PyObject *record = record_of(self, item, home, room);
        Py_DECREF(item);
        if (record == NULL && is_for_python()) {
            record = Py_NewRef(Py_None);
            unusual++;
        }
        if (record == NULL || PyList_Append(records, record) < 0)
            Py_CLEAR(records);
        Py_XDECREF(record);
    }
    PyMem_Free(room);
    return records == NULL ? NULL : Py_BuildValue("Nn", records, unusual);
}

/* Read (way, is_scalar, place, kind, content, member, text, slot, convert, missing, is_made); None stands for none. */
static int
read_field(const Maker *self, Field *field, PyObject *given)
{
    PyObject *place, *kind, *content, *member, *text, *slot, *convert, *missing;
    int way;
    if (!PyArg_ParseTuple(given, "ipOOOOOOOOp", &way, &field->is_scalar, &place, &kind, &content, &member, &text,
                          &slot, &convert, &missing, &field->is_made))
        return -1;
    field->way = (enum way)way;
    field->convert = convert == Py_None ? NULL : Py_NewRef(convert);
    field->missing = missing == Py_Ellipsis ? NULL : Py_NewRef(missing);
    field->kind = kind == Py_None ? NULL : (PyTypeObject *)Py_NewRef(kind);
    field->member = member == Py_None ? NULL : (PyTypeObject *)Py_NewRef(member);
    int has_members = way == WAY_LIST || way == WAY_DICT, converts = way == WAY_DECIMAL || way == WAY_TEXT || way == WAY_WHOLE;
    int is_right = way >= 0 && way < WAY_COUNT && (field->kind == NULL) == (way == WAY_WHOLE)
        && (field->member != NULL) == has_members && (field->convert != NULL) == converts
        && (field->kind == NULL || PyType_Check(kind)) && (field->member == NULL || PyType_Check(member));
    if (!is_right) {
        PyErr_SetString(PyExc_TypeError, "not a plan of a field");
        return -1;
    }
    if ((field->place = offset_of(place, self->item_class)) < 0 || (field->slot = offset_of(slot, self->record_class)) < 0)
        return -1;
    if (field->kind != NULL && (field->content = offset_of(content, field->kind)) < 0)
        return -1;
    return field->member != NULL && (field->text = offset_of(text, field->member)) < 0 ? -1 : 0;
}

static PyObject *
maker_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *record_class, *item_class, *kept_class, *guard, *kept, *unset, *instead, *slots[3], *fields;
    if (keywords != NULL && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "RecordMaker() takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "O!O!OOOOO(OOO)O!:RecordMaker", &PyType_Type, &record_class, &PyType_Type, &item_class,
                          &kept_class, &guard, &kept, &unset, &instead, &slots[0], &slots[1], &slots[2],
                          &PyTuple_Type, &fields))
        return NULL;
    Maker *self = (Maker *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->record_class = (PyTypeObject *)Py_NewRef(record_class);
    self->item_class = (PyTypeObject *)Py_NewRef(item_class);
    self->kept_class = Py_NewRef(kept_class);
    self->guard = Py_NewRef(guard);
    self->kept = Py_NewRef(kept);
    self->unset = Py_NewRef(unset);
    self->instead = Py_NewRef(instead);
    Py_ssize_t size = PyTuple_GET_SIZE(fields);
    self->fields = PyMem_Calloc((size_t)size + 1, sizeof(Field));
    if (self->fields == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    if ((self->stored = offset_of(slots[0], self->record_class)) < 0
        || (self->loaded = offset_of(slots[1], self->record_class)) < 0
        || (self->home = offset_of(slots[2], self->record_class)) < 0)
        goto failed;
    for (Py_ssize_t i = 0; i < size; i++) {
        self->count = i + 1;
        if (read_field(self, &self->fields[i], PyTuple_GET_ITEM(fields, i)) < 0)
            goto failed;
        self->scalars += self->fields[i].is_scalar;
        self->texts += self->fields[i].way == WAY_DECIMAL || self->fields[i].way == WAY_TEXT;
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
    Py_VISIT(self->kept_class);
    Py_VISIT(self->guard);
    Py_VISIT(self->kept);
    Py_VISIT(self->unset);
    Py_VISIT(self->instead);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_VISIT(self->fields[i].kind);
        Py_VISIT(self->fields[i].member);
        Py_VISIT(self->fields[i].convert);
        Py_VISIT(self->fields[i].missing);
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
        Py_XDECREF(self->fields[i].kind);
        Py_XDECREF(self->fields[i].member);
        Py_XDECREF(self->fields[i].convert);
        Py_XDECREF(self->fields[i].missing);
    }
    PyMem_Free(self->fields);
    Py_XDECREF(self->record_class);
    Py_XDECREF(self->item_class);
    Py_XDECREF(self->kept_class);
    Py_XDECREF(self->guard);
    Py_XDECREF(self->kept);
    Py_XDECREF(self->unset);
    Py_XDECREF(self->instead);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef maker_methods[] = {
    {"page", (PyCFunction)(void (*)(void))maker_page, METH_FASTCALL, page_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(maker_doc, "Makes the records of one class; called with an item and the name of its table.");

/* There is no tp_clear: a maker never changes, and its cycles lead through a class, which can be cleared. */
static PyType_Slot maker_slots[] = {
    {Py_tp_doc, (void *)maker_doc},
    {Py_tp_new, maker_new},
    {Py_tp_call, maker_call},
    {Py_tp_dealloc, maker_dealloc},
    {Py_tp_traverse, maker_traverse},
    {Py_tp_methods, maker_methods},
    {0, NULL},
};

PyType_Spec record_maker_spec = {
    .name = "dynamo_objects.codec._speedups.RecordMaker",
    .basicsize = sizeof(Maker),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = maker_slots,
};
