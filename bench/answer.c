/* answer.c - see answer.h. */
#define _GNU_SOURCE
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_reset(struct answer *a) {
    a->part = HEAD;
    a->status = 0;
    a->close_after = false;
    a->head_len = a->body_len = a->left = a->line_len = 0;
    a->head[0] = '\0';
}

long answer_count(const struct answer *a, const char *text) {
    size_t text_len = strlen(text);
    const char *at = a->body, *end = a->body + a->body_len;
    long n = 0;
    while ((at = memmem(at, (size_t)(end - at), text, text_len)) != NULL) {
        n++;
        at += text_len;
    }
    return n;
}

static const char *header(const struct answer *a, const char *name) {
    size_t name_len = strlen(name);
    for (const char *line = strstr(a->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_len) == 0)
            return line + name_len + strspn(line + name_len, " \t");
    }
    return NULL;
}

static bool read_head(struct answer *a) {
    const char *length = header(a, "content-length:"), *coding = header(a, "transfer-encoding:");
    const char *connection = header(a, "connection:");
    if (sscanf(a->head, "HTTP/1.%*d %d", &a->status) != 1)
        return false;
    a->close_after = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
        a->part = CHUNK_SIZE;
    else if (length != NULL) {
        a->left = strtoul(length, NULL, 10);
        a->part = a->left == 0 ? DONE : BODY_LENGTH;
    } else {
        a->part = BODY_TO_END;
        a->close_after = true;
    }
    return true;
}

/* Take bytes of the head; `used` says how many of them belong to it. */
static bool add_head(struct answer *a, const char *data, size_t len, size_t *used) {
    size_t old = a->head_len, n = len < HEAD_LIMIT - old ? len : HEAD_LIMIT - old, from = old > 3 ? old - 3 : 0;
    memcpy(a->head + old, data, n);
    char *end = memmem(a->head + from, old + n - from, "\r\n\r\n", 4);
    a->head_len = end == NULL ? old + n : (size_t)(end - a->head) + 4;
    a->head[a->head_len] = '\0';
    *used = a->head_len - old;
    return end == NULL ? a->head_len < HEAD_LIMIT : read_head(a);
}

static bool add_body(struct answer *a, const char *data, size_t len) {
    if (a->body_len + len > BODY_LIMIT)
        return false;
    memcpy(a->body + a->body_len, data, len);
    a->body_len += len;
    if (a->part == BODY_TO_END)
        return true;
    a->left -= len;
    if (a->left == 0)
        a->part = a->part == CHUNK_DATA ? CHUNK_END : DONE;
    return true;
}

/* Take one line of the chunk framing. */
static bool end_line(struct answer *a) {
    char *end;
    size_t len = a->line_len;
    a->line[len] = '\0';
    a->line_len = 0;
    if (a->part == CHUNK_END) {
        a->part = CHUNK_SIZE;
        return len == 0; /* after a chunk's data its line must be empty */
    }
    if (a->part == TRAILER) {
        a->part = len == 0 ? DONE : TRAILER;
        return true;
    }
    a->left = strtoul(a->line, &end, 16);
    a->part = a->left == 0 ? TRAILER : CHUNK_DATA;
    return end != a->line;
}

static bool add_framing(struct answer *a, char byte) {
    if (byte == '\n')
        return end_line(a);
    if (byte != '\r' && a->line_len < sizeof a->line - 1)
        a->line[a->line_len++] = byte;
    return true;
}

bool answer_feed(struct answer *a, const char *data, size_t len) {
    size_t i = 0;
    while (i < len) {
        size_t used = 1;
        bool sound;
        if (a->part == HEAD)
            sound = add_head(a, data + i, len - i, &used);
        else if (a->part == BODY_LENGTH || a->part == CHUNK_DATA || a->part == BODY_TO_END) {
            used = a->part == BODY_TO_END || len - i < a->left ? len - i : a->left;
            sound = add_body(a, data + i, used);
        } else
            sound = a->part != DONE && add_framing(a, data[i]);
        if (!sound)
            return false;
        i += used;
    }
    return true;
}
