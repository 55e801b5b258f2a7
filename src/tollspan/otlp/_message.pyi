"""An export request as a tree of messages that are read and edited in place, field by field."""

from collections.abc import Callable
from typing import Any

class Faults:
    """Counts the children that `Message.each` dropped because they could not be read."""

    count: int

class Message:
    """A protobuf message: read when asked, edited by replacing the bytes of a field.

    Every method raises WireError when the framing of the fields it passes is broken. Strings
    that are not UTF-8 are read with U+FFFD in place of what is wrong.
    """

    parent: Message | None
    """The message that this one is embedded in."""

    scratch: Any
    """For the visitor's own use; None at first."""

    def __init__(self, wire: bytes) -> None: ...
    @property
    def wire(self) -> bytes:
        """The message as it is now."""

    @property
    def edited(self) -> bool:
        """Whether it was edited since it was made from bytes."""

    def raw(self, tag: int) -> bytes | None:
        """The payload of a bytes field; None when it is absent."""

    def text(self, tag: int) -> str:
        """A string field; empty when it is absent."""

    def number(self, tag: int) -> int | None:
        """A varint or fixed field as the unsigned number on the wire; None when it is absent."""

    def all(self, tag: int) -> list[bytes]:
        """The payloads of a repeated field with lengths."""

    def replace(self, tag: int, field: bytes) -> None:
        """`field`, whole with its tag, stands in place of every occurrence; empty bytes remove it."""

    def overwrite(self, wire: bytes) -> None:
        """The message is `wire` instead."""

    def which(self, tags: tuple[int, ...]) -> int:
        """The one of `tags`, the members of a oneof, that is set; 0 when none is."""

    def part(self, tag: int, oneof: tuple[int, ...] = ()) -> Message:
        """The message in a field that is not repeated, empty when absent. Its edits are this one's too.

        `oneof` has the tags of all members when the field is one: the others cancel what stands before them.
        """

    def value(self, tag: int) -> Any:
        """The value of an AnyValue field, as `read_value` gives it."""

    def attribute(self, tag: int, key: bytes) -> Any:
        """The value of the attribute `key` in the KeyValue field `tag`; None when it is absent or empty."""

    def attribute_wire(self, tag: int, key: bytes) -> bytes | None:
        """The same as the AnyValue's bytes; None when it is absent."""

    def attributes(self, tag: int) -> dict[str, Any]:
        """All attributes in the KeyValue field `tag`."""

    def set_attribute(self, tag: int, key: bytes, value: bytes) -> None:
        """`key` has the AnyValue `value`: in its old place, or behind the last field."""

    def delete_attribute(self, tag: int, key: bytes) -> None:
        """No attribute in the KeyValue field `tag` is called `key`."""

    def keep_attributes(self, tag: int, keep: Callable[[str], bool]) -> None:
        """Only the attributes whose key `keep` accepts are left."""

    def each(self, tag: int, visit: Callable[[Message], bool], faults: Faults | None = None) -> bool:
        """Each child in the repeated field `tag` was visited; True when there were some and none is left.

        The visitor may edit its child and the messages above it, and says whether the child is
        kept. A WireError that it raises is counted in `faults` and costs that child, or goes on
        when there are no `faults`.
        """

def read_value(wire: bytes) -> Any:
    """The value of an AnyValue: str, bool, int, float, bytes, list, dict, or None when it is empty."""

def build_value(value: Any) -> bytes:
    """The AnyValue of such a value; OverflowError, TypeError or ValueError when OTLP has none for it."""

def build_attribute(tag: int, key: str, value: Any) -> bytes:
    """A KeyValue as the whole field `tag`; errors as of `build_value`."""
