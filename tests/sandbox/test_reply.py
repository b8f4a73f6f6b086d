from seawall.sandbox.reply import whole


def test_a_whole_reply_is_one_event_of_json() -> None:
    reply = whole(404, b"{}", ("x-a", "b"))

    assert (reply.status, [event.data for event in reply.events]) == (404, [b"{}"])
    assert reply.headers == (("content-type", "application/json"), ("x-a", "b"))
    assert not reply.is_stream
    reply.begun()
