"""What a call's arguments have to be, whoever wrote them."""

import orjson


def is_object(arguments: str) -> bool:
    """Say whether a text is the JSON of an object."""
    try:
        return type(orjson.loads(arguments)) is dict
    except orjson.JSONDecodeError:
        return False
