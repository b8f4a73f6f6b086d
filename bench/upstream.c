/*
 * upstream.c - a provider that costs next to nothing, for benchmarks on loopback.
 *
 * One thread, one epoll. It answers every POST with the same Anthropic Messages answer, or, where the request body
 * says `"stream":true`, with a stream of 60 server-sent events. Every event is one HTTP chunk and one write(2), so that
 * what stands in front of it sees as many small reads as with a real provider. `pace_us=N` anywhere in the request body
 * leaves at least N microseconds between two events. `GET /stats` says how many answers it gave: a gateway that
 * answered without asking would be found out.
 *
 *     upstream [--port P] [--max-seconds S]
 *
 * Prints `port N` when it listens. Ends on SIGTERM, when its parent dies, or after S seconds (default 3600).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 4096, IN_SIZE = 65536, EVENTS = 60, DELTAS = 55, EVENT_SIZE = 1024, BATCH = 256 };

struct blob {
    size_t len;
    char text[EVENT_SIZE + 512];
};

struct conn {
    int fd;
    bool close_after; /* the client asked for `connection: close` */
    bool wants_out;   /* EPOLLOUT is armed */
    size_t have;      /* bytes in `in` */
    const char *out;  /* what is still to be written */
    size_t out_left;
    int next_event;   /* the stream's next event; EVENTS when no stream runs */
    uint64_t pace_ns;
    uint64_t due_ns;  /* when the next event may be written */
    int slot;         /* place in `streams`, -1 when no stream runs */
    char in[IN_SIZE];
};

static struct blob message, stream[EVENTS], stats;
static struct conn *conns[MAX_FD];
static struct conn *streams[MAX_FD];
static int stream_count, epoll_fd, timer_fd;
static unsigned long messages_served, streams_served;
static volatile sig_atomic_t stopping;

static const char *const RATE_HEADERS =
    "request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n"
    "anthropic-organization-id: 5c1f5f4e-7d0a-4b6e-9a57-2f2a3a0d8f11\r\n"
    "anthropic-ratelimit-requests-limit: 4000\r\n"
    "anthropic-ratelimit-requests-remaining: 3999\r\n"
    "anthropic-ratelimit-requests-reset: 2026-11-21T08:00:00Z\r\n";

static const char *const ANSWER =
    "{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\",\"role\":\"assistant\","
    "\"model\":\"claude-haiku-5-5\",\"content\":[{\"type\":\"text\",\"text\":\"Your parcel left the depot this "
    "morning and is expected on Tuesday before noon. If nobody is at home, the driver leaves it with a neighbour and "
    "puts a card in the letter box. You can choose another day in the app.\"}],\"stop_reason\":\"end_turn\","
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":83,\"cache_creation_input_tokens\":0,"
    "\"cache_read_input_tokens\":0,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
    "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":55,\"service_tier\":\"standard\"}}";

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_event(struct blob *to, const char *head, const char *name, const char *json, bool last) {
    char event[EVENT_SIZE];
    int len = snprintf(event, sizeof event, "event: %s\ndata: %s\n\n", name, json);
    int total = snprintf(to->text, sizeof to->text, "%s%x\r\n%s\r\n%s", head, (unsigned)len, event, last ? "0\r\n\r\n" : "");
    if (len >= (int)sizeof event || total >= (int)sizeof to->text) {
        fprintf(stderr, "event %s is too long\n", name);
        exit(1);
    }
    to->len = (size_t)total;
}

static void build_answers(void) {
    static const char *const words[] = {"Your", " parcel", " left", " the", " depot", " this", " morning", " and", " is",
                                        " on", " its", " way"};
    char head[1024], json[512];
    message.len = (size_t)snprintf(message.text, sizeof message.text,
                                   "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: %zu\r\n\r\n%s",
                                   RATE_HEADERS, strlen(ANSWER), ANSWER);
    if (message.len >= sizeof message.text) {
        fprintf(stderr, "the answer is too long\n");
        exit(1);
    }
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n%s"
             "transfer-encoding: chunked\r\n\r\n",
             RATE_HEADERS);
    put_event(&stream[0], head, "message_start",
              "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\","
              "\"role\":\"assistant\",\"model\":\"claude-haiku-5-5\",\"content\":[],\"stop_reason\":null,"
              "\"stop_sequence\":null,\"usage\":{\"input_tokens\":83,\"cache_creation_input_tokens\":0,"
              "\"cache_read_input_tokens\":0,\"output_tokens\":1,\"service_tier\":\"standard\"}}}", false);
    put_event(&stream[1], "", "content_block_start",
              "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}", false);
    for (int i = 0; i < DELTAS; i++) {
        snprintf(json, sizeof json,
                 "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}",
                 words[(size_t)i % (sizeof words / sizeof *words)]);
        put_event(&stream[2 + i], "", "content_block_delta", json, false);
    }
    put_event(&stream[EVENTS - 3], "", "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}", false);
    put_event(&stream[EVENTS - 2], "", "message_delta",
              "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
              "\"usage\":{\"output_tokens\":55}}", false);
    put_event(&stream[EVENTS - 1], "", "message_stop", "{\"type\":\"message_stop\"}", true);
}

static void leave_streams(struct conn *c) {
    if (c->slot < 0)
        return;
    struct conn *moved = streams[--stream_count];
    streams[c->slot] = moved;
    moved->slot = c->slot;
    c->slot = -1;
}

static void drop(struct conn *c) {
    leave_streams(c);
    conns[c->fd] = NULL;
    close(c->fd);
    free(c);
}

static void watch(struct conn *c, bool out) {
    if (c->wants_out == out)
        return;
    struct epoll_event e = {.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0u), .data.fd = c->fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
    c->wants_out = out;
}

/* Write what is due. True: the answer is out and the next request may be read; false: waiting for time or for room. */
static bool advance(struct conn *c, bool *gone) {
    for (;;) {
        while (c->out_left > 0) {
            ssize_t n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL);
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                watch(c, true);
                return false;
            }
            if (n < 0) {
                drop(c);
                *gone = true;
                return false;
            }
            c->out += n;
            c->out_left -= (size_t)n;
        }
        watch(c, false);
        if (c->next_event == EVENTS) {
            if (c->slot >= 0) {
                leave_streams(c);
                streams_served++;
            }
            if (c->close_after) {
                drop(c);
                *gone = true;
                return false;
            }
            return true;
        }
        if (c->pace_ns > 0) {
            uint64_t now = now_ns();
            if (now < c->due_ns)
                return false;
            c->due_ns = now + c->pace_ns;
        }
        c->out = stream[c->next_event].text;
        c->out_left = stream[c->next_event].len;
        c->next_event++;
    }
}

/* Find a header's value in the request head; the name comes with its colon. */
static const char *header(const char *head, size_t len, const char *name) {
    size_t name_len = strlen(name);
    const char *end = head + len;
    for (const char *line = memmem(head, len, "\r\n", 2); line != NULL; line = memmem(line, (size_t)(end - line), "\r\n", 2)) {
        line += 2;
        if ((size_t)(end - line) > name_len && strncasecmp(line, name, name_len) == 0) {
            line += name_len;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

static void begin_answer(struct conn *c, size_t head_len, size_t body_len) {
    const char *body = c->in + head_len, *pace;
    const char *connection = header(c->in, head_len, "connection:");
    c->close_after = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    c->next_event = EVENTS;
    if (strncmp(c->in, "GET", 3) == 0) {
        char json[96];
        int len = snprintf(json, sizeof json, "{\"messages\":%lu,\"streams\":%lu}", messages_served, streams_served);
        stats.len = (size_t)snprintf(stats.text, sizeof stats.text,
                                     "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s",
                                     len, json);
        c->out = stats.text;
        c->out_left = stats.len;
    } else if (memmem(body, body_len, "\"stream\":true", 13) != NULL || memmem(body, body_len, "\"stream\": true", 14) != NULL) {
        pace = memmem(body, body_len, "pace_us=", 8);
        c->pace_ns = pace == NULL ? 0 : strtoull(pace + 8, NULL, 10) * 1000u;
        c->due_ns = 0;
        c->next_event = 0;
        c->slot = stream_count;
        streams[stream_count++] = c;
    } else {
        c->out = message.text;
        c->out_left = message.len;
        messages_served++;
    }
}

/* Answer every complete request in the buffer, one after the other. */
static void serve(struct conn *c) {
    bool gone = false;
    if (c->out_left > 0 || c->next_event < EVENTS)
        return; /* an answer is under way; what follows waits in the buffer */
    for (;;) {
        const char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
        if (end == NULL)
            return;
        size_t head_len = (size_t)(end - c->in) + 4;
        const char *length = header(c->in, head_len, "content-length:");
        size_t body_len = length == NULL ? 0 : strtoul(length, NULL, 10);
        if (header(c->in, head_len, "transfer-encoding:") != NULL || body_len > IN_SIZE - head_len - 1) {
            drop(c); /* no client of the benchmark does this; the load generator counts it as a broken answer */
            return;
        }
        if (c->have < head_len + body_len)
            return;
        begin_answer(c, head_len, body_len);
        c->have -= head_len + body_len;
        memmove(c->in, c->in + head_len + body_len, c->have);
        c->in[c->have] = '\0';
        if (!advance(c, &gone) || gone)
            return;
    }
}

static void take_input(struct conn *c) {
    size_t room = IN_SIZE - 1 - c->have;
    ssize_t n = room == 0 ? 0 : recv(c->fd, c->in + c->have, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->have += (size_t)n;
    c->in[c->have] = '\0';
    serve(c);
}

static void take_connection(int listener) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct conn *c = fd < MAX_FD ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    c->slot = -1;
    c->next_event = EVENTS;
    conns[fd] = c;
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

/* Write the events whose time has come, then set the timer to the earliest of the others. */
static void run_streams(void) {
    static uint64_t armed;
    uint64_t now = now_ns(), earliest = 0;
    for (int i = stream_count - 1; i >= 0; i--) {
        struct conn *c = streams[i];
        bool gone = false;
        if (c->out_left == 0 && c->due_ns <= now && advance(c, &gone) && !gone)
            serve(c); /* the stream is over: a request may wait behind it */
    }
    for (int i = 0; i < stream_count; i++) {
        if (streams[i]->out_left == 0 && (earliest == 0 || streams[i]->due_ns < earliest))
            earliest = streams[i]->due_ns;
    }
    if (earliest != armed) {
        struct itimerspec when = {.it_value = {.tv_sec = (time_t)(earliest / 1000000000u),
                                               .tv_nsec = (long)(earliest % 1000000000u)}};
        timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
        armed = earliest;
    }
}

static int listen_on(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1024) < 0 || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        die("listen");
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void on_signal(int number) {
    (void)number;
    stopping = 1;
}

int main(int argc, char **argv) {
    int port = 0, max_seconds = 3600;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--max-seconds") == 0)
            max_seconds = atoi(argv[i + 1]);
    }
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: epoll_wait must return */
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGALRM, &act, NULL);
    alarm((unsigned)max_seconds);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    build_answers();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_fd < 0 || timer_fd < 0)
        die("epoll");
    int listener = listen_on(port);
    struct epoll_event batch[BATCH], e = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
    e.data.fd = timer_fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &e);
    while (!stopping) {
        int n = epoll_wait(epoll_fd, batch, BATCH, -1);
        for (int i = 0; i < n; i++) {
            int fd = batch[i].data.fd;
            bool gone = false;
            if (fd == listener)
                take_connection(listener);
            else if (fd == timer_fd) {
                uint64_t ticks;
                if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
                    die("timer");
            } else if (conns[fd] != NULL) {
                if (batch[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                    take_input(conns[fd]);
                if (conns[fd] != NULL && (batch[i].events & EPOLLOUT) && advance(conns[fd], &gone) && !gone)
                    serve(conns[fd]);
            }
        }
        if (stream_count > 0)
            run_streams();
    }
    return 0;
}
