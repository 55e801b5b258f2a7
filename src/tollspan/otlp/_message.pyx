"""An export request as a tree of messages that are read and edited in place, field by field.

A `Message` is a range of bytes. Nothing is read before it is asked for, an edit replaces only
the bytes of its field, and everything else, fields of later versions included, is copied as it
came. Fields are named by their tags (`number << 3 | wire type`).

Repeated occurrences mean what protobuf says: of a scalar the last counts, embedded messages are
merged, which is concatenation. Of attributes with the same key the first counts.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from tollspan.errors import WireError
from tollspan.otlp._buffer cimport Buffer, put_raw, put_varint
from tollspan.otlp._encode cimport put_key_value, put_value
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *

from tollspan.otlp._encode_py import VALUE_DEPTH_MAX

cdef int DEPTH_MAX = VALUE_DEPTH_MAX


@cython.final
cdef class Faults:
    """Counts the children that `Message.each` dropped because they could not be read."""

    cdef public Py_ssize_t count


@cython.final
@cython.freelist(64)
cdef class Message:
    """A message; see the stub for what its methods promise."""

    cdef bytes owner                    # holds the range
    cdef const uint8_t *data
    cdef size_t size
    cdef list parts                     # (tag, Message) of the embedded messages that were asked for
    cdef bint replaced
    cdef readonly Message parent
    cdef public object scratch

    def __init__(self, bytes wire not None):
        adopt(self, wire)
        self.replaced = False

    @property
    def wire(self):
        settle(self)
        return PyBytes_FromStringAndSize(<const char *>self.data, self.size)

    @property
    def edited(self):
        settle(self)
        return self.replaced

    def raw(self, uint32_t tag):
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef Slice found = empty_slice()
        cdef bint present = False
        while next_field(&c):
            if c.tag == tag:
                found = read_bytes(&c)
                present = True
            else:
                skip_value(&c)
        check(&c)
        return to_bytes(found) if present else None

    def text(self, uint32_t tag):
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef Slice found = empty_slice()
        while next_field(&c):
            if c.tag == tag:
                found = read_bytes(&c)
            else:
                skip_value(&c)
        check(&c)
        return to_text(found)

    def number(self, uint32_t tag):
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef uint64_t found = 0
        cdef bint present = False
        while next_field(&c):
            if c.tag != tag:
                skip_value(&c)
                continue
            present = True
            if tag & 7 == VARINT:
                found = read_varint(&c)
            elif tag & 7 == FIXED64:
                found = read_fixed64(&c)
            else:
                found = read_fixed32(&c)
        check(&c)
        return found if present else None

    def all(self, uint32_t tag):
        cdef Cursor c
        cdef list found = []
        settle(self)
        c = cursor_over(self.data, self.size)
        while next_field(&c):
            if c.tag == tag:
                found.append(to_bytes(read_bytes(&c)))
            else:
                skip_value(&c)
        check(&c)
        return found

    def replace(self, uint32_t tag, bytes field not None):
        replace(self, tag, field)

    def overwrite(self, bytes wire not None):
        adopt(self, wire)

    def which(self, tuple tags not None):
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef uint32_t found = 0
        while next_field(&c):
            if c.tag in tags:
                found = c.tag
            skip_value(&c)
        check(&c)
        return found

    def part(self, uint32_t tag, tuple oneof=()):
        cdef Message part
        if self.parts is None:
            self.parts = []
        for known, part in self.parts:
            if known == tag:
                return part
        part = merged(self, tag, oneof)
        self.parts.append((tag, part))
        return part

    def value(self, uint32_t tag):
        return read_value((<Message>self.part(tag)).wire)

    def attribute(self, uint32_t tag, bytes key not None):
        cdef Slice value = find_attribute(self, tag, key)
        cdef Cursor c
        if value.data is NULL:
            return None
        c = cursor_over(value.data, value.size)
        found = to_value(&c, 0)
        check(&c)
        return found

    def attribute_wire(self, uint32_t tag, bytes key not None):
        cdef Slice value = find_attribute(self, tag, key)
        return None if value.data is NULL else to_bytes(value)

    def attributes(self, uint32_t tag):
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef dict found = {}
        cdef Attribute attribute
        cdef Cursor value
        while next_field(&c):
            if c.tag != tag:
                skip_value(&c)
                continue
            attribute = read_attribute(&c)
            key = to_text(attribute.key)
            if key not in found:
                value = cursor_over(attribute.value.data, attribute.value.size)
                found[key] = to_value(&value, 0)
                check(&value)
        check(&c)
        return found

    def set_attribute(self, uint32_t tag, bytes key not None, bytes value not None):
        cdef Buffer out = Buffer()
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef const uint8_t *begin = c.pos
        cdef bint written = False
        while next_field(&c):
            if c.tag != tag:
                skip_value(&c)
                put_raw(out, begin, c.pos - begin)
            elif not is_key(read_attribute(&c).key, key):
                put_raw(out, begin, c.pos - begin)
            elif not written:
                put_attribute(out, tag, key, value)
                written = True
            begin = c.pos
        check(&c)
        if not written:
            put_attribute(out, tag, key, value)
        adopt(self, bytes(out))

    def keep_attributes(self, uint32_t tag, keep):
        cdef Buffer out = None
        cdef Cursor c = cursor_over(self.data, self.size)
        cdef const uint8_t *begin = c.pos
        cdef const uint8_t *copied = c.pos
        while next_field(&c):
            if c.tag != tag:
                skip_value(&c)
            elif not keep(to_text(read_attribute(&c).key)):
                if out is None:
                    out = Buffer()
                put_raw(out, copied, begin - copied)
                copied = c.pos
            begin = c.pos
        check(&c)
        if out is not None:
            put_raw(out, copied, c.pos - copied)
            adopt(self, bytes(out))

    def delete_attribute(self, uint32_t tag, bytes key not None):
        if find_attribute(self, tag, key).data is not NULL:
            name = key.decode("utf-8", "replace")
            self.keep_attributes(tag, lambda other: other != name)

    def each(self, uint32_t tag, visit, Faults faults=None):
        cdef bytes owner                # keeps the range while edits may replace it
        cdef Cursor c
        cdef Message child
        cdef dict changes = None
        cdef Py_ssize_t ordinal = -1
        cdef Py_ssize_t kept = 0
        cdef bint keep
        settle(self)
        owner = self.owner
        c = cursor_over(self.data, self.size)
        while next_field(&c):
            if c.tag != tag:
                skip_value(&c)
                continue
            ordinal += 1
            child = child_over(self, owner, read_bytes(&c))
            check(&c)
            keep = visited(visit, child, faults)
            kept += keep
            if not keep or child.replaced:
                if changes is None:
                    changes = {}
                changes[ordinal] = child if keep else None
        check(&c)
        if changes is not None:
            apply_changes(self, tag, changes)
        return kept == 0 and ordinal >= 0


cdef bint visited(visit, Message child, Faults faults) except -1:
    """Whether the child is kept; its edits are settled then."""
    if faults is None:
        keep = visit(child)
        settle(child)
        return keep
    try:
        keep = visit(child)
        settle(child)
    except WireError:
        faults.count += 1
        return False
    return keep


cdef int apply_changes(Message self, uint32_t tag, dict changes) except -1:
    """Write the children anew: those in `changes` by their ordinal, None being a dropped one.

    Visitors may have edited other fields of this message meanwhile: those edits stand.
    """
    cdef Buffer out = Buffer()
    cdef Cursor c
    cdef const uint8_t *begin
    cdef const uint8_t *copied
    cdef Py_ssize_t ordinal = -1
    cdef Message child
    settle(self)
    c = cursor_over(self.data, self.size)
    begin = copied = c.pos
    while next_field(&c):
        skip_value(&c)
        if c.tag == tag:
            ordinal += 1
            if ordinal in changes:
                child = changes[ordinal]
                put_raw(out, copied, begin - copied)
                if child is not None:
                    put_field(out, tag, child.data, child.size)
                copied = c.pos
        begin = c.pos
    check(&c)
    put_raw(out, copied, c.pos - copied)
    return adopt(self, bytes(out))


cdef int adopt(Message self, bytes wire) except -1:
    self.owner = wire
    self.data = <const uint8_t *>PyBytes_AS_STRING(wire)
    self.size = PyBytes_GET_SIZE(wire)
    self.replaced = True
    return 0


cdef Message child_over(Message parent, bytes owner, Slice body):
    cdef Message child = Message.__new__(Message)
    child.owner = owner
    child.data = body.data
    child.size = body.size
    child.parent = parent
    return child


cdef int settle(Message self) except -1:
    """What was edited in embedded messages stands in this one."""
    cdef Message part
    cdef Buffer field
    if self.parts is None:
        return 0
    for tag, part in self.parts:
        settle(part)
        if part.replaced:
            field = Buffer()
            put_field(field, tag, part.data, part.size)
            replace(self, tag, bytes(field))
            part.replaced = False
    return 0


cdef int replace(Message self, uint32_t tag, bytes field) except -1:
    """Write `field` where its last occurrence was, so that it still wins over others of its oneof."""
    cdef Buffer out = Buffer()
    cdef Cursor c = cursor_over(self.data, self.size)
    cdef const uint8_t *begin = c.pos
    cdef Py_ssize_t place = -1
    while next_field(&c):
        skip_value(&c)
        if c.tag == tag:
            place = out.size
        else:
            put_raw(out, begin, c.pos - begin)
        begin = c.pos
    check(&c)
    if place < 0:
        place = out.size
    wire = bytes(out)
    return adopt(self, wire[:place] + field + wire[place:])


cdef Message merged(Message self, uint32_t tag, tuple oneof):
    """The embedded message of all occurrences of `tag` since another of its oneof; empty when there is none."""
    cdef Cursor c = cursor_over(self.data, self.size)
    cdef Slice body = empty_slice()
    cdef Slice more
    cdef bytes owner = self.owner
    while next_field(&c):
        if c.tag != tag:
            if c.tag in oneof:
                body = empty_slice()
            skip_value(&c)
            continue
        more = read_bytes(&c)
        if body.size:
            owner = to_bytes(body) + to_bytes(more)
            body.data = <const uint8_t *>PyBytes_AS_STRING(owner)
            body.size = PyBytes_GET_SIZE(owner)
        else:
            body = more
            owner = self.owner
    check(&c)
    return child_over(self, owner, body)


cdef struct Attribute:
    Slice key
    Slice value                 # the AnyValue


cdef Attribute read_attribute(Cursor *c) except *:
    """The KeyValue that `tag` announces. Without a value it has an empty one."""
    cdef Attribute attribute
    cdef Outer outer
    attribute.key = empty_slice()
    attribute.value = empty_slice()
    outer = enter(c)
    attribute.value.data = c.pos
    while next_field(c):
        if c.tag == KEY_VALUE_KEY:
            attribute.key = read_bytes(c)
        elif c.tag == KEY_VALUE_VALUE:
            attribute.value = read_bytes(c)
        else:
            skip_value(c)
    leave(c, outer)
    return attribute


cdef inline bint is_key(Slice key, bytes wanted) noexcept:
    return (
        key.size == <size_t>PyBytes_GET_SIZE(wanted)
        and memcmp(key.data, PyBytes_AS_STRING(wanted), key.size) == 0
    )


cdef Slice find_attribute(Message self, uint32_t tag, bytes key) except *:
    """The AnyValue of the first attribute with that key; its `data` is NULL when there is none."""
    cdef Cursor c = cursor_over(self.data, self.size)
    cdef Attribute attribute
    while next_field(&c):
        if c.tag != tag:
            skip_value(&c)
            continue
        attribute = read_attribute(&c)
        if is_key(attribute.key, key):
            check(&c)
            return attribute.value
    check(&c)
    return empty_slice()


cdef int put_field(Buffer out, uint32_t tag, const uint8_t *data, size_t size) except -1:
    put_varint(out, tag)
    put_varint(out, size)
    return put_raw(out, data, size)


cdef int put_attribute(Buffer out, uint32_t tag, bytes key, bytes value) except -1:
    cdef Buffer attribute = Buffer()
    put_field(attribute, KEY_VALUE_KEY, <const uint8_t *>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
    put_field(attribute, KEY_VALUE_VALUE, <const uint8_t *>PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    return put_field(out, tag, attribute.data, attribute.size)


cdef int check(const Cursor *c) except -1:
    if c.fault != SOUND:
        raise WireError("the message cannot be read", c.fault_offset)
    return 0


cdef inline bytes to_bytes(Slice slice):
    return PyBytes_FromStringAndSize(<const char *>slice.data, slice.size)


cdef inline str to_text(Slice slice):
    return slice.data[:slice.size].decode("utf-8", "replace")


def read_value(bytes wire not None):
    """The Python value of an AnyValue; see the stub."""
    cdef Cursor c = cursor_over(<const uint8_t *>PyBytes_AS_STRING(wire), PyBytes_GET_SIZE(wire))
    value = to_value(&c, 0)
    check(&c)
    return value


def build_value(value):
    """The AnyValue of a Python value; see the stub."""
    cdef Buffer out = Buffer()
    cdef Cursor c
    put_value(out, value, 0)
    c = cursor_over(out.data, out.size)
    return to_bytes(read_bytes(&c))


def build_attribute(uint32_t tag, str key not None, value):
    """The whole field `tag` with a KeyValue; see the stub."""
    cdef Buffer out = Buffer()
    put_varint(out, tag)
    put_key_value(out, key, value, 0)
    return bytes(out)


cdef object to_value(Cursor *c, int depth):
    """The value of the AnyValue under the cursor: of several members the last."""
    cdef double number
    cdef uint64_t bits
    cdef uint32_t member = 0
    value = None
    while next_field(c):
        if c.tag == ANY_STRING:
            value = to_text(read_bytes(c))
        elif c.tag == ANY_BOOL:
            value = read_varint(c) != 0
        elif c.tag == ANY_INT:
            value = <int64_t>read_varint(c)
        elif c.tag == ANY_DOUBLE:
            bits = read_fixed64(c)
            memcpy(&number, &bits, 8)
            value = number
        elif c.tag == ANY_BYTES:
            value = to_bytes(read_bytes(c))
        elif c.tag == ANY_ARRAY:
            value = add_items(c, depth, value if member == ANY_ARRAY else [])
        elif c.tag == ANY_KVLIST:
            value = add_pairs(c, depth, value if member == ANY_KVLIST else {})
        else:
            skip_value(c)
            continue
        member = c.tag
    return value


cdef list add_items(Cursor *c, int depth, list items):
    """ArrayValue: a later occurrence is merged with an earlier one."""
    cdef Outer outer = enter(c)
    cdef Outer inner
    if depth >= DEPTH_MAX:
        fail(c, TOO_DEEP)
    while next_field(c):
        if c.tag == LIST_VALUES:
            inner = enter(c)
            items.append(to_value(c, depth + 1))
            leave(c, inner)
        else:
            skip_value(c)
    leave(c, outer)
    return items


cdef dict add_pairs(Cursor *c, int depth, dict pairs):
    """KeyValueList, in the same way."""
    cdef Outer outer = enter(c)
    cdef Attribute attribute
    cdef Cursor value
    if depth >= DEPTH_MAX:
        fail(c, TOO_DEEP)
    while next_field(c):
        if c.tag != LIST_VALUES:
            skip_value(c)
            continue
        attribute = read_attribute(c)
        value = cursor_over(attribute.value.data, attribute.value.size)
        pairs.setdefault(to_text(attribute.key), to_value(&value, depth + 1))
        check(&value)
    leave(c, outer)
    return pairs
