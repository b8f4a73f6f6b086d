/*
 * load.c - a load generator that checks what it gets, for benchmarks on loopback.
 *
 * One thread, one epoll. Closed loop (default): N connections, each sends its next request when the last answer is
 * complete. Open loop (--rate R): requests start on a fixed schedule, whatever the answers do, and latency counts from
 * the intended start, so that a stall is felt by everybody who would have come during it.
 *
 *     load --port P --request FILE [--connections N] [--rate R] [--seconds S] [--requests M] [--timeout S]
 *          [--must TEXT]... [--count TEXT=N]... [--first TEXT]
 *
 * FILE holds one HTTP/1.1 request as it goes on the wire. An answer is good when its status is 200, its framing is
 * complete, every --must text is in its body and every --count text occurs exactly N times. Everything else is counted
 * by kind and never enters the latencies; a run with errors says so. --first names the text whose arrival is the first
 * token. Every good answer's time is kept, so percentiles are exact. Ends after S seconds of sending or M requests, and
 * at most one --timeout later. Prints one JSON object.
 */
#define _GNU_SOURCE
#include "answer.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, READ_SIZE = 1 << 18, MAX_CHECKS = 8, BATCH = 256 };
enum outcome { GOOD, BAD_STATUS, WRONG, CUT, NO_CONNECTION, TIMED_OUT, OUTCOMES };
enum state { CLOSED, IDLE, SENDING, RECEIVING };

static const char *const OUTCOME_NAMES[] = {"good", "status", "wrong", "cut", "no_connection", "timed_out"};

struct samples {
    uint64_t *ns;
    size_t len, room;
};

struct conn {
    int fd;
    enum state state;
    bool token_seen;
    uint64_t intended_ns, sent_ns, first_byte_ns, first_token_ns;
    size_t sent;     /* bytes of the request that are out */
    size_t searched; /* bytes of the body in which the first token is not */
    struct answer answer;
};

static struct {
    int port, connections;
    double rate, seconds, timeout_s;
    size_t requests, request_len;
    char *request;
    const char *must[MAX_CHECKS], *counted[MAX_CHECKS], *first;
    int must_len, counted_len;
    long counts[MAX_CHECKS];
} set = {.connections = 32, .seconds = 5, .timeout_s = 10, .requests = SIZE_MAX};

static struct conn conns[MAX_CONNECTIONS];
static int idle[MAX_CONNECTIONS], idle_len, in_flight, epoll_fd, timer_fd;
static size_t started, outcomes[OUTCOMES], bytes_in, no_connection_run;
static uint64_t begin_ns, last_done_ns;
static struct samples total_times, byte_times, token_times;
static char answer_head[256];

static void die(const char *what) {
    perror(what);
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void keep(struct samples *s, uint64_t ns) {
    if (s->len == s->room) {
        s->room = s->room == 0 ? 65536 : s->room * 2;
        s->ns = realloc(s->ns, s->room * sizeof *s->ns);
        if (s->ns == NULL)
            die("realloc");
    }
    s->ns[s->len++] = ns;
}

static enum outcome judge(const struct conn *c) {
    if (c->answer.status != 200)
        return BAD_STATUS;
    for (int i = 0; i < set.must_len; i++)
        if (answer_count(&c->answer, set.must[i]) == 0)
            return WRONG;
    for (int i = 0; i < set.counted_len; i++)
        if (answer_count(&c->answer, set.counted[i]) != set.counts[i])
            return WRONG;
    return set.first != NULL && !c->token_seen ? WRONG : GOOD;
}

static void hang_up(struct conn *c) {
    close(c->fd);
    c->fd = -1;
    c->state = CLOSED;
}

/* The exchange on this connection is over, well or badly; the connection may carry another. */
static void finish(struct conn *c, enum outcome outcome) {
    uint64_t now = now_ns();
    outcomes[outcome]++;
    in_flight--;
    last_done_ns = now;
    no_connection_run = outcome == NO_CONNECTION ? no_connection_run + 1 : 0;
    if (outcome == GOOD) {
        keep(&total_times, now - c->intended_ns);
        keep(&byte_times, c->first_byte_ns - c->intended_ns);
        if (set.first != NULL)
            keep(&token_times, c->first_token_ns - c->intended_ns);
    } else if (answer_head[0] == '\0') { /* the first failure is shown, to save a guess */
        snprintf(answer_head, sizeof answer_head, "%s: %.200s", OUTCOME_NAMES[outcome], c->answer.head);
    }
    if (c->fd >= 0 && ((outcome != GOOD && outcome != BAD_STATUS && outcome != WRONG) || c->answer.close_after))
        hang_up(c);
    else if (c->fd >= 0)
        c->state = IDLE;
    idle[idle_len++] = (int)(c - conns);
}

static bool connect_now(struct conn *c) {
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)set.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Loopback connects at once or not at all, so the connect may block; what follows must not. */
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) {
        if (c->fd >= 0)
            close(c->fd);
        c->fd = -1;
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    c->state = IDLE;
    return true;
}

static void watch(struct conn *c, bool out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

static void push_request(struct conn *c) {
    while (c->sent < set.request_len) {
        ssize_t n = send(c->fd, set.request + c->sent, set.request_len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (c->state != SENDING)
                watch(c, true);
            c->state = SENDING;
            return;
        }
        if (n < 0) {
            finish(c, CUT);
            return;
        }
        c->sent += (size_t)n;
    }
    if (c->state == SENDING)
        watch(c, false);
    c->state = RECEIVING;
}

static void start(uint64_t intended_ns) {
    struct conn *c = &conns[idle[--idle_len]];
    started++;
    in_flight++;
    c->intended_ns = intended_ns;
    c->sent_ns = now_ns();
    c->sent = c->searched = 0;
    c->first_byte_ns = c->first_token_ns = 0;
    c->token_seen = false;
    answer_reset(&c->answer);
    if (c->fd < 0 && !connect_now(c))
        finish(c, NO_CONNECTION);
    else
        push_request(c);
}

/* Note when the body's first byte and the first token came. */
static void note_firsts(struct conn *c) {
    const struct answer *a = &c->answer;
    if (c->first_byte_ns == 0 && (a->body_len > 0 || a->part == DONE))
        c->first_byte_ns = now_ns();
    if (set.first == NULL || c->token_seen)
        return;
    size_t len = strlen(set.first), from = c->searched >= len ? c->searched - len + 1 : 0;
    c->token_seen = memmem(a->body + from, a->body_len - from, set.first, len) != NULL;
    c->first_token_ns = c->token_seen ? now_ns() : 0;
    c->searched = a->body_len;
}

static void take_input(struct conn *c) {
    static char in[READ_SIZE];
    ssize_t n = recv(c->fd, in, sizeof in, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (c->state == IDLE) { /* the server closed a connection that nobody used; the next request opens another */
        hang_up(c);
        return;
    }
    if (n <= 0) {
        finish(c, n == 0 && c->answer.part == BODY_TO_END ? judge(c) : CUT);
        return;
    }
    bytes_in += (size_t)n;
    if (c->state == SENDING || !answer_feed(&c->answer, in, (size_t)n)) {
        finish(c, CUT);
        return;
    }
    note_firsts(c);
    if (c->answer.part == DONE)
        finish(c, judge(c));
}

static bool may_start(uint64_t now) {
    return started < set.requests && (set.rate > 0 || now < begin_ns + (uint64_t)(set.seconds * 1e9)) &&
           no_connection_run < 100;
}

/* Start what is due: in closed loop whoever is free, in open loop what the schedule says, however late. */
static void dispatch(void) {
    uint64_t now = now_ns();
    while (idle_len > 0 && may_start(now)) {
        uint64_t intended = now;
        if (set.rate > 0) {
            intended = begin_ns + (uint64_t)((double)started * 1e9 / set.rate);
            if (intended > now) {
                struct itimerspec when = {.it_value = {.tv_sec = (time_t)(intended / 1000000000u),
                                                       .tv_nsec = (long)(intended % 1000000000u)}};
                timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
                return;
            }
        }
        start(intended);
    }
}

static void give_up_on_the_late(void) {
    uint64_t now = now_ns(), limit = (uint64_t)(set.timeout_s * 1e9);
    for (int i = 0; i < set.connections; i++)
        if (conns[i].fd >= 0 && conns[i].state != IDLE && now - conns[i].sent_ns > limit)
            finish(&conns[i], TIMED_OUT);
}

static void run(void) {
    struct epoll_event batch[BATCH], e = {.events = EPOLLIN, .data.ptr = NULL};
    uint64_t last_look = 0;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &e);
    for (int i = 0; i < set.connections; i++) {
        conns[i].fd = -1;
        conns[i].answer.body = malloc(BODY_LIMIT);
        if (conns[i].answer.body == NULL)
            die("malloc");
        connect_now(&conns[i]); /* before the clock runs; a failure shows with the first request */
        idle[idle_len++] = i;
    }
    begin_ns = last_done_ns = now_ns();
    for (;;) {
        dispatch();
        if (in_flight == 0 && !may_start(now_ns()))
            return;
        int n = epoll_wait(epoll_fd, batch, BATCH, 50);
        for (int i = 0; i < n; i++) {
            struct conn *c = batch[i].data.ptr;
            uint64_t ticks;
            if (c == NULL) {
                if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
                    die("timer");
            } else if (c->fd >= 0 && c->state == SENDING && (batch[i].events & EPOLLOUT))
                push_request(c);
            else if (c->fd >= 0)
                take_input(c);
        }
        if (now_ns() - last_look > 100000000u) {
            give_up_on_the_late();
            last_look = now_ns();
        }
    }
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double at(const struct samples *s, double share) {
    return (double)s->ns[(size_t)ceil(share * (double)s->len) - 1] / 1e3;
}

static void print_times(const char *name, struct samples *s) {
    if (s->len == 0) {
        printf(",\"%s\":null", name);
        return;
    }
    qsort(s->ns, s->len, sizeof *s->ns, by_size);
    printf(",\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", name, at(s, 0.5), at(s, 0.9), at(s, 0.99), at(s, 1));
}

static void print_result(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    double seconds = (double)(last_done_ns - begin_ns) / 1e9;
    printf("{\"good\":%zu,\"seconds\":%.6f,\"load_cpu_s\":%.6f,\"bytes\":%zu,\"errors\":{", outcomes[GOOD], seconds, cpu_s, bytes_in);
    for (int i = GOOD + 1; i < OUTCOMES; i++)
        printf("%s\"%s\":%zu", i == GOOD + 1 ? "" : ",", OUTCOME_NAMES[i], outcomes[i]);
    printf("},\"first_error\":\"");
    for (const char *p = answer_head; *p != '\0'; p++)
        putchar((unsigned char)*p < ' ' || *p == '"' || *p == '\\' ? ' ' : *p);
    printf("\"");
    print_times("latency_us", &total_times);
    print_times("first_byte_us", &byte_times);
    print_times("first_token_us", &token_times);
    printf("}\n");
}

static void read_request(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path);
    set.request = malloc(BODY_LIMIT);
    set.request_len = set.request == NULL ? 0 : fread(set.request, 1, BODY_LIMIT, file);
    fclose(file);
}

static void add_count(char *text) {
    char *sign = strrchr(text, '=');
    if (sign == NULL || set.counted_len == MAX_CHECKS) {
        fprintf(stderr, "--count wants TEXT=N, at most %d times\n", MAX_CHECKS);
        exit(2);
    }
    *sign = '\0';
    set.counted[set.counted_len] = text;
    set.counts[set.counted_len++] = strtol(sign + 1, NULL, 10);
}

static void set_option(const char *name, char *value) {
    if (strcmp(name, "--port") == 0)
        set.port = atoi(value);
    else if (strcmp(name, "--request") == 0)
        read_request(value);
    else if (strcmp(name, "--connections") == 0)
        set.connections = atoi(value);
    else if (strcmp(name, "--rate") == 0)
        set.rate = strtod(value, NULL);
    else if (strcmp(name, "--seconds") == 0)
        set.seconds = strtod(value, NULL);
    else if (strcmp(name, "--requests") == 0)
        set.requests = strtoul(value, NULL, 10);
    else if (strcmp(name, "--timeout") == 0)
        set.timeout_s = strtod(value, NULL);
    else if (strcmp(name, "--must") == 0 && set.must_len < MAX_CHECKS)
        set.must[set.must_len++] = value;
    else if (strcmp(name, "--count") == 0)
        add_count(value);
    else if (strcmp(name, "--first") == 0 && value[0] != '\0')
        set.first = value;
    else {
        fprintf(stderr, "option %s %s is not understood\n", name, value);
        exit(2);
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2)
        set_option(argv[i], argv[i + 1]);
    if (argc % 2 == 0 || set.port <= 0 || set.request_len == 0 || set.connections < 1 || set.connections > MAX_CONNECTIONS) {
        fprintf(stderr, "usage: load --port P --request FILE [...], 1 to %d connections; see the top of load.c\n", MAX_CONNECTIONS);
        return 2;
    }
    if (set.rate > 0) /* an open loop's length is fixed in advance */
        set.requests = (size_t)fmin(set.rate * set.seconds, (double)set.requests);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    alarm((unsigned)(set.seconds + 3 * set.timeout_s) + 60); /* the last word, should the loop not end by itself */
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_fd < 0 || timer_fd < 0)
        die("epoll");
    run();
    print_result();
    return 0;
}
