// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TCP connection whose every byte is known, both ways at once.
 *
 * Each side sends a pseudo-random stream that is a function of the position, and
 * compares every byte with what the other side must have sent there: a lost,
 * repeated, moved or damaged one is noticed where it happens. The receiver also
 * notes how long nothing arrived. It is cheap, since it runs in a guest of a guest:
 * the stream is made of blocks that lie in a table, so memcmp() does the work.
 *
 * With --lag N the received data stays in the socket's queue, N bytes of it at any
 * time, that is, in the pages that the NIC wrote: what is compared in the end has lain
 * in such pages, untouched by the processor, for N bytes' worth of time.
 *
 * Standard output carries one JSON object a line, times in milliseconds since 1970:
 *
 *   {"event": "listening"}
 *   {"event": "connected", "time": T}
 *   {"event": "gap", "start": T, "length": MS}   at the arrival that ends it
 *   {"event": "status", "time": T, COUNTERS}     once a second, or as --status says
 *   {"event": "end", "time": T, COUNTERS}        both directions are done and right
 *   {"event": "error", "time": T, "text": "...", COUNTERS}
 *
 * COUNTERS: sent, received, queued (bytes).
 * SIGTERM or SIGINT ends the sending; the program goes on until the other side has
 * ended its own. Exit status 0 after "end", 1 after "error", 2 for a wrong call.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_MS = 10,
	BLOCK = 4096,			/* bytes of the stream that lie together in the table */
	TABLE = 1 << 20,		/* bytes */
	CHUNKS_PER_TICK = 16,		/* so that receiving never keeps from sending */
};

/* One direction: which stream it is, and how far. */
struct flow {
	uint64_t seed;
	uint64_t bytes;
};

struct stream {
	int fd;
	struct flow out, in;
	uint64_t rate;		/* bytes to send a second */
	uint64_t lag;		/* bytes to leave in the queue */
	uint64_t gap_ms;	/* shorter gaps are not reported */
	uint64_t status_ms;	/* between two reports of the counters */
	uint64_t started;	/* ms */
	uint64_t last_arrival;	/* ms */
	uint64_t arrived;	/* bytes received and queued at last_arrival */
	bool sending, peer_done;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint8_t table[TABLE];

/* Word number index of a random sequence (splitmix64). */
static uint64_t random_word(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void fill_table(void)
{
	for (size_t i = 0; i < TABLE; i += 8) {
		uint64_t word = random_word(0, i / 8);

		memcpy(table + i, &word, 8);
	}
}

/* Where the next bytes of a flow lie, and how many at most: up to the block's end. */
static const uint8_t *next_bytes(const struct flow *flow, size_t *ret_length)
{
	uint64_t start = random_word(flow->seed, flow->bytes / BLOCK) % (TABLE - BLOCK);
	size_t offset = flow->bytes % BLOCK;

	*ret_length = BLOCK - offset;
	return table + start + offset;
}

static uint64_t queued(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes : 0;
}

static void report(const struct stream *s, const char *event, const char *text)
{
	printf("{\"event\": \"%s\", \"time\": %" PRIu64, event, now_ms());
	if (text)
		printf(", \"text\": \"%s\"", text);
	printf(", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"queued\": %" PRIu64
	       "}\n", s->out.bytes, s->in.bytes, queued(s->fd));
	fflush(stdout);
}

__attribute__((format(printf, 2, 3), noreturn))
static void fail(const struct stream *s, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	report(s, "error", text);
	exit(1);
}

/* Send what the rate allows by now; a full socket takes the rest later. */
static void send_due(struct stream *s)
{
	uint64_t due = (now_ms() - s->started) * s->rate / 1000;

	while (s->out.bytes < due) {
		size_t length;
		const uint8_t *bytes = next_bytes(&s->out, &length);
		ssize_t sent;

		if (length > due - s->out.bytes)
			length = due - s->out.bytes;
		sent = send(s->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (sent < 0)
			fail(s, "sending: %s", strerror(errno));
		s->out.bytes += (uint64_t)sent;
	}
}

__attribute__((noreturn))
static void fail_at_difference(const struct stream *s, const uint8_t *got, const uint8_t *expected)
{
	size_t i = 0;

	while (got[i] == expected[i])
		i++;
	fail(s, "byte %" PRIu64 " is 0x%02x, 0x%02x was sent", s->in.bytes + i, got[i], expected[i]);
}

/* Whether received data is to wait: not once a side is done, it might wait for the other. */
static bool lags(const struct stream *s)
{
	return s->lag && s->sending && !s->peer_done;
}

/* Read and compare what lies above the lag. */
static void receive_due(struct stream *s)
{
	uint8_t buffer[BLOCK];

	for (int chunk = 0; chunk < CHUNKS_PER_TICK; chunk++) {
		size_t wanted;
		const uint8_t *expected = next_bytes(&s->in, &wanted);
		ssize_t length;

		if (lags(s) && queued(s->fd) <= s->lag)
			return;
		length = recv(s->fd, buffer, wanted, MSG_DONTWAIT);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (length < 0)
			fail(s, "receiving: %s", strerror(errno));
		if (length == 0) {
			s->peer_done = true;
			return;
		}
		if (memcmp(buffer, expected, (size_t)length))
			fail_at_difference(s, buffer, expected);
		s->in.bytes += (uint64_t)length;
	}
}

/* Note an arrival, whether it was read or waits in the queue. */
static void watch_gap(struct stream *s)
{
	uint64_t arrived = s->in.bytes + queued(s->fd);
	uint64_t now = now_ms();

	if (arrived == s->arrived)
		return;
	if (now - s->last_arrival >= s->gap_ms) {
		printf("{\"event\": \"gap\", \"start\": %" PRIu64 ", \"length\": %" PRIu64 "}\n",
		       s->last_arrival, now - s->last_arrival);
		fflush(stdout);
	}
	s->arrived = arrived;
	s->last_arrival = now;
}

static void run(struct stream *s)
{
	uint64_t next_status = now_ms() + s->status_ms;

	s->started = s->last_arrival = now_ms();
	s->sending = true;
	while (s->sending || !s->peer_done || queued(s->fd)) {
		/* In lag mode readable data is no event: it is meant to wait. */
		struct pollfd poller = {
			.fd = s->fd,
			.events = s->peer_done ? 0 : lags(s) ? POLLRDHUP : POLLIN,
		};

		if (poll(&poller, 1, TICK_MS) < 0 && errno != EINTR)
			fail(s, "poll: %s", strerror(errno));
		if (poller.revents & POLLRDHUP)
			s->peer_done = true;
		watch_gap(s);
		receive_due(s);
		if (s->sending && stop) {
			shutdown(s->fd, SHUT_WR);
			s->sending = false;
		}
		if (s->sending)
			send_due(s);
		if (now_ms() >= next_status) {
			report(s, "status", NULL);
			next_status += s->status_ms;
		}
	}
	report(s, "end", NULL);
}

/* Kept data needs room: the queue counts whole buffers, about twice their payload. */
static void make_room(const struct stream *s)
{
	int size = (int)(s->lag * 4 + (1 << 20));

	if (s->lag && setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		fail(s, "SO_RCVBUFFORCE: %s", strerror(errno));
}

static void listen_once(struct stream *s, struct sockaddr_in address)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	s->fd = listener;
	make_room(s);		/* inherited; in time for the window of the handshake */
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		fail(s, "listening on port %d: %s", ntohs(address.sin_port), strerror(errno));
	puts("{\"event\": \"listening\"}");
	fflush(stdout);
	s->fd = accept(listener, NULL, NULL);
	if (s->fd < 0)
		fail(s, "accept: %s", strerror(errno));
	close(listener);
}

static void connect_to(struct stream *s, struct sockaddr_in address)
{
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	make_room(s);
	if (connect(s->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(s, "connecting: %s", strerror(errno));
}

__attribute__((noreturn)) static void usage(void)
{
	fputs("usage: stream [--rate BYTES] [--lag BYTES] [--gap MS] [--status MS]\n"
	      "              [--limit SECONDS] listen PORT | connect ADDRESS PORT\n", stderr);
	exit(2);
}

static uint64_t number(const char *text, uint64_t maximum)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > maximum)
		usage();
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, 'r' },
		{ "lag", required_argument, NULL, 'l' },
		{ "gap", required_argument, NULL, 'g' },
		{ "status", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 't' },
		{ 0 },
	};
	struct stream s = { .fd = -1, .rate = 50000, .gap_ms = 50, .status_ms = 1000 };
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct sigaction action = { .sa_handler = on_signal };
	bool listener;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r': s.rate = number(optarg, 1u << 30); break;
		case 'l': s.lag = number(optarg, 256u << 20); break;
		case 'g': s.gap_ms = number(optarg, 3600000); break;
		case 's': s.status_ms = number(optarg, 3600000); break;
		case 't': alarm((unsigned int)number(optarg, 86400)); break;
		default: usage();
		}
	}
	argv += optind;
	argc -= optind;
	listener = argc == 2 && !strcmp(argv[0], "listen");
	if (!listener && !(argc == 3 && !strcmp(argv[0], "connect") &&
			   inet_pton(AF_INET, argv[1], &address.sin_addr) == 1))
		usage();
	address.sin_port = htons((uint16_t)number(argv[argc - 1], 65535));
	s.out = (struct flow){ .seed = listener ? 1 : 2 };
	s.in = (struct flow){ .seed = listener ? 2 : 1 };
	fill_table();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	if (listener)
		listen_once(&s, address);
	else
		connect_to(&s, address);
	printf("{\"event\": \"connected\", \"time\": %" PRIu64 "}\n", now_ms());
	fflush(stdout);
	run(&s);
	return 0;
}
