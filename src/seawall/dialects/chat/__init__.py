"""OpenAI's Chat Completions as a form: read into the neutral records, and written out of them.

`request_reader` and `message_reader` read what a client asks, `request_writer` and `message_writer` write what a
provider is asked, `reply` is the whole answer both ways, `stream` the streamed one, and `form` ties them together.
"""
