"""The Messages form: Anthropic's endpoint, read into neutral records and written from them.

`request_reader` and `block_reader` read what a client asks, `request_writer` and its neighbours write what a provider
is asked, `reply` reads and writes whole answers, `stream_decoder` and `stream_encoder` their pieces. `form` puts them
together.
"""
