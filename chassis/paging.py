"""Lists come in pages of a bounded size."""

from chassis.errors import FieldViolation, InvalidArgument

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 50, 1_000


def page_size_of(asked: int) -> int:
    """The page size that a request asks for; the default when 0. Raises InvalidArgument.

    >>> page_size_of(0), page_size_of(10)
    (50, 10)
    """
    if not 0 <= asked <= PAGE_SIZE_MAX:
        raise InvalidArgument.of([FieldViolation("page_size", f"is {asked}, not within 1 and {PAGE_SIZE_MAX}")])
    return asked or PAGE_SIZE_DEFAULT
