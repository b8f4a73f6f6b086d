/*
 * answer.h - read one HTTP/1.1 answer, byte by byte if need be, and keep its body.
 *
 * Knows content-length, chunked and read-to-the-end framing. An answer is complete only when its framing says so.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum { HEAD_LIMIT = 16384, BODY_LIMIT = 1 << 20 };

enum part { HEAD, BODY_LENGTH, BODY_TO_END, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE };

struct answer {
    enum part part;
    int status;
    bool close_after; /* the server will not take another request on this connection */
    size_t head_len, body_len;
    size_t left; /* bytes still to come of the body or of the chunk */
    size_t line_len;
    char line[64];
    char head[HEAD_LIMIT + 1];
    char *body; /* BODY_LIMIT bytes, owned by the caller */
};

/* Make ready for the next answer; the body's room is kept. */
void answer_reset(struct answer *a);

/* Follow the answer through these bytes. False: they are not HTTP, too long, or more than one answer. */
bool answer_feed(struct answer *a, const char *data, size_t len);

/* Count how often a text occurs in the body. */
long answer_count(const struct answer *a, const char *text);

#endif
