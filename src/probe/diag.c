/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file diag.c  See diag.h.
 *
 * One request dumps one address family in all states; listeners, half-open entries and TIME-WAIT
 * records are among the answers. What costs is the copying of tcp_info, some 400 octets a socket,
 * so nothing is asked for that no rule reads. A dump is no snapshot: the kernel walks its tables
 * while sockets come and go, and says so (NLM_F_DUMP_INTR) where it knows.
 */
#define _GNU_SOURCE
#include "probe/diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_BYTES 65536 /* the kernel fills up to half of it with one dump message */
#define DUMP_ATTEMPTS 3
/* tcp_info has grown; what stands behind the end that our headers know: */
#define TCPI_RCV_WND (offsetof(struct tcp_info, tcpi_snd_wnd) + 4)

/** A state of the kernel (include/net/tcp_states.h) as the RFC calls it. */
static const enum gn_state states[] = {
    [1] = GN_ESTABLISHED, [2] = GN_SYN_SENT,  [3] = GN_SYN_RECEIVED, [4] = GN_FIN_WAIT_1,
    [5] = GN_FIN_WAIT_2,  [6] = GN_TIME_WAIT, [7] = GN_CLOSED,       [8] = GN_CLOSE_WAIT,
    [9] = GN_LAST_ACK,    [10] = GN_LISTEN,   [11] = GN_CLOSING,     [12] = GN_SYN_RECEIVED,
};

/** take_address() - an address of inet_diag */
static struct gn_addr take_address(uint8_t family, const void *from)
{
    uint8_t b[16];

    memcpy(b, from, sizeof b);
    if (family == AF_INET)
        return gn_addr_v4(b[0], b[1], b[2], b[3]);
    struct gn_addr a;

    memcpy(a.b, b, sizeof a.b);
    return a;
}

/** msec() - a span of the kernel's */
static gn_time msec(uint32_t ms)
{
    return ms * GN_MSEC;
}

/** usec() - a span of the kernel's; its greatest value stands for "none yet" */
static gn_time usec(uint32_t us)
{
    return us == UINT32_MAX ? 0 : us * GN_USEC;
}

/** take_timer() - which timer runs, and how often it has fired in a row */
static void take_timer(const struct inet_diag_msg *m, struct fact_conn *c)
{
    static const enum fact_timer timers[] = {FACT_TIMER_NONE, FACT_TIMER_RETRANS,
                                             FACT_TIMER_KEEPALIVE, FACT_TIMER_TIME_WAIT,
                                             FACT_TIMER_PERSIST};

    if (m->idiag_timer >= sizeof timers / sizeof timers[0])
        return;
    c->known |= FACT_TIMER;
    c->timer = timers[m->idiag_timer];
    c->timer_in = c->timer != FACT_TIMER_NONE ? msec(m->idiag_expires) : 0;
    if (c->timer == FACT_TIMER_RETRANS)
        c->backoff = m->idiag_retrans;
    else
        c->probes = m->idiag_retrans;
    /* An orphan waits for the peer's FIN by the keep-alive's timer, or as a TIME-WAIT record. */
    if (c->state == GN_FIN_WAIT_2 && c->inode == 0 && c->timer != FACT_TIMER_NONE) {
        c->timer = FACT_TIMER_FIN_WAIT_2;
        c->probes = 0;
    }
}

/** take_keepalive() - inet_diag does not tell SO_KEEPALIVE, but an established connection that has
 * it always runs a timer: the keep-alive's unless something more urgent is due */
static void take_keepalive(struct fact_conn *c)
{
    bool at_rest = c->state == GN_ESTABLISHED || c->state == GN_CLOSE_WAIT;

    if (!(c->known & FACT_TIMER) || !at_rest)
        return;
    if (c->timer != FACT_TIMER_KEEPALIVE && c->timer != FACT_TIMER_NONE)
        return;
    c->known |= FACT_KEEPALIVE;
    c->keepalive = c->timer == FACT_TIMER_KEEPALIVE;
}

/** take_rates() - the part of tcp_info that newer kernels have added; a short one ends in zeroes
 */
static void take_rates(const struct tcp_info *t, size_t len, struct fact_info *i)
{
    i->bytes_acked = t->tcpi_bytes_acked;
    i->bytes_received = t->tcpi_bytes_received;
    i->segs_out = t->tcpi_segs_out;
    i->segs_in = t->tcpi_segs_in;
    i->not_sent = t->tcpi_notsent_bytes;
    i->min_rtt = usec(t->tcpi_min_rtt);
    i->pacing_rate = t->tcpi_pacing_rate == UINT64_MAX ? 0 : t->tcpi_pacing_rate;
    i->delivery_rate = t->tcpi_delivery_rate;
    i->app_limited = t->tcpi_delivery_rate_app_limited;
    i->busy = t->tcpi_busy_time * GN_USEC;
    i->rwnd_limited = t->tcpi_rwnd_limited * GN_USEC;
    i->sndbuf_limited = t->tcpi_sndbuf_limited * GN_USEC;
    i->bytes_sent = t->tcpi_bytes_sent;
    i->bytes_retrans = t->tcpi_bytes_retrans;
    i->reord_seen = t->tcpi_reord_seen;
    i->rcv_ooo = t->tcpi_rcv_ooopack;
    i->snd_wnd = len >= TCPI_RCV_WND ? t->tcpi_snd_wnd : UINT32_MAX;
}

/** take_info() - tcp_info of any length; shorter than the first kernels sent, it is ignored */
static void take_info(const void *from, size_t len, struct fact_conn *c)
{
    static const enum gn_recovery_state phases[] = {GN_RECOVERY_OPEN, GN_RECOVERY_DISORDER,
                                                    GN_RECOVERY_OPEN, GN_RECOVERY_FAST,
                                                    GN_RECOVERY_LOSS};
    struct fact_info *i = &c->info;
    struct tcp_info t = {0};

    if (len < offsetof(struct tcp_info, tcpi_pacing_rate))
        return;
    memcpy(&t, from, len < sizeof t ? len : sizeof t);
    c->known |= FACT_INFO;
    i->recovery = t.tcpi_ca_state < 5 ? phases[t.tcpi_ca_state] : GN_RECOVERY_OPEN;
    i->timestamps = t.tcpi_options & TCPI_OPT_TIMESTAMPS;
    i->sack = t.tcpi_options & TCPI_OPT_SACK;
    i->wscale = t.tcpi_options & TCPI_OPT_WSCALE;
    i->ecn = t.tcpi_options & TCPI_OPT_ECN;
    i->snd_wscale = t.tcpi_snd_wscale;
    i->rcv_wscale = t.tcpi_rcv_wscale;
    i->snd_mss = t.tcpi_snd_mss;
    i->rcv_mss = t.tcpi_rcv_mss;
    i->advmss = t.tcpi_advmss;
    i->pmtu = t.tcpi_pmtu;
    i->retrans_out = t.tcpi_retrans;
    i->retrans_total = t.tcpi_total_retrans;
    i->cwnd = t.tcpi_snd_cwnd;
    i->ssthresh = t.tcpi_snd_ssthresh >= INT32_MAX ? UINT32_MAX : t.tcpi_snd_ssthresh;
    i->rcv_space = t.tcpi_rcv_space;
    i->reordering = t.tcpi_reordering;
    i->rto = usec(t.tcpi_rto);
    i->ato = usec(t.tcpi_ato);
    i->rtt = usec(t.tcpi_rtt);
    i->rttvar = usec(t.tcpi_rttvar);
    i->rcv_rtt = usec(t.tcpi_rcv_rtt);
    take_rates(&t, len, i);
    i->rcv_wnd = UINT32_MAX;
    if (len >= TCPI_RCV_WND + 4)
        memcpy(&i->rcv_wnd, (const char *)from + TCPI_RCV_WND, 4);
    if (c->kind == GN_KIND_LISTENER) /* these mean the accept queue there, which recv_q tells */
        return;
    i->unacked = t.tcpi_unacked;
    i->sacked = t.tcpi_sacked;
    i->lost = t.tcpi_lost;
    if (c->timer == FACT_TIMER_NONE)
        c->probes = t.tcpi_probes;
    if (c->timer != FACT_TIMER_RETRANS)
        c->backoff = t.tcpi_backoff;
    if (c->state == GN_SYN_SENT) /* nothing was sent or received yet; the kernel counts from boot */
        return;
    i->last_data_sent = msec(t.tcpi_last_data_sent);
    i->last_data_recv = msec(t.tcpi_last_data_recv);
    i->last_ack_recv = msec(t.tcpi_last_ack_recv);
}

/** take_memory() - SK_MEMINFO */
static void take_memory(const void *from, size_t len, struct fact_conn *c)
{
    uint32_t v[SK_MEMINFO_VARS] = {0};

    if (len < (SK_MEMINFO_WMEM_QUEUED + 1) * sizeof v[0])
        return;
    memcpy(v, from, len < sizeof v ? len : sizeof v);
    c->known |= FACT_BUFFERS;
    c->rmem = v[SK_MEMINFO_RMEM_ALLOC];
    c->rcvbuf = v[SK_MEMINFO_RCVBUF];
    c->wmem = v[SK_MEMINFO_WMEM_QUEUED];
    c->sndbuf = v[SK_MEMINFO_SNDBUF];
    c->drops = v[SK_MEMINFO_DROPS];
}

/** take_attribute() - one of those that follow inet_diag_msg */
static void take_attribute(const struct nlattr *a, struct fact_conn *c)
{
    const void *from = mnl_attr_get_payload(a);
    size_t len = mnl_attr_get_payload_len(a);

    switch (mnl_attr_get_type(a)) {
    case INET_DIAG_INFO: take_info(from, len, c); break;
    case INET_DIAG_SKMEMINFO: take_memory(from, len, c); break;
    case INET_DIAG_CONG:
        if (len >= sizeof c->info.cc)
            len = sizeof c->info.cc - 1;
        memcpy(c->info.cc, from, len);
        break;
    case INET_DIAG_MARK:
        if (len >= sizeof c->mark)
            memcpy(&c->mark, from, sizeof c->mark);
        break;
    default: break;
    }
}

/** take_age() - how long it has been in its state at least, as far as the kernel's own clocks say.
 * Whatever the peer sent in a state, it sent after the state began: its last ACK is younger than
 * the FIN or the ACK of our FIN that brought us there. */
static void take_age(struct fact_conn *c)
{
    const struct fact_info *i = &c->info;
    gn_time age = 0, full;

    if (c->state == GN_TIME_WAIT) {
        full = 60 * GN_SEC; /* TCP_TIMEWAIT_LEN, not a setting */
        age = c->timer_in < full ? full - c->timer_in : 0;
    } else if (c->kind == GN_KIND_HALF_OPEN || c->state == GN_SYN_SENT) {
        /* 1 s, doubled each time; newer kernels repeat 1 s some times first */
        age = c->backoff * GN_SEC;
    } else if (c->known & FACT_INFO) {
        switch (c->state) {
        case GN_ESTABLISHED:
            age = i->last_data_sent > i->last_data_recv ? i->last_data_sent : i->last_data_recv;
            age = age > i->last_ack_recv ? age : i->last_ack_recv;
            break;
        case GN_CLOSE_WAIT:
        case GN_FIN_WAIT_2: age = i->last_ack_recv; break;
        case GN_FIN_WAIT_1:
        case GN_CLOSING:
        case GN_LAST_ACK:
        case GN_SYN_SENT:
        case GN_SYN_RECEIVED:
        case GN_TIME_WAIT:
        case GN_LISTEN:
        case GN_CLOSED:
        case GN_STATE_COUNT: break;
        }
    }
    if (age == 0)
        return;
    c->in_state = age;
    c->known |= FACT_AGE_MIN;
}

/** kind_of() - which of the four */
static enum gn_kind kind_of(enum gn_state s)
{
    if (s == GN_LISTEN)
        return GN_KIND_LISTENER;
    if (s == GN_SYN_RECEIVED)
        return GN_KIND_HALF_OPEN;
    return s == GN_TIME_WAIT ? GN_KIND_TIME_WAIT : GN_KIND_CONNECTION;
}

bool diag_take(const struct nlmsghdr *message, struct fact_conn *ret)
{
    const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
    struct fact_conn c = {.process = FACT_NONE, .listener = FACT_NONE};
    const struct nlattr *a;
    int left;

    if (mnl_nlmsg_get_payload_len(message) < sizeof *m)
        return false;
    if (m->idiag_state == 0 || m->idiag_state >= sizeof states / sizeof states[0])
        return false;
    if (m->idiag_family != AF_INET && m->idiag_family != AF_INET6)
        return false;
    c.state = states[m->idiag_state];
    c.kind = kind_of(c.state);
    c.local = (struct gn_endpoint){take_address(m->idiag_family, m->id.idiag_src),
                                   ntohs(m->id.idiag_sport)};
    c.remote = (struct gn_endpoint){take_address(m->idiag_family, m->id.idiag_dst),
                                    ntohs(m->id.idiag_dport)};
    c.uid = m->idiag_uid;
    c.inode = m->idiag_inode;
    c.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
    c.recv_q = m->idiag_rqueue;
    c.send_q = m->idiag_wqueue;
    c.known = FACT_QUEUES;
    take_timer(m, &c);
    take_keepalive(&c);
    a = mnl_nlmsg_get_payload_offset(message, sizeof *m);
    left = (int)(mnl_nlmsg_get_payload_len(message) - sizeof *m);
    for (; mnl_attr_ok(a, left); a = mnl_attr_next(a)) {
        left -= (int)MNL_ALIGN(a->nla_len);
        take_attribute(a, &c);
    }
    take_age(&c);
    *ret = c;
    return true;
}

/** A dump that runs. */
struct dump {
    struct store *store;
    uint32_t netns;
    unsigned seq;
    bool done, interrupted;
};

/** take_messages() - all of one datagram; 0, or -errno that the kernel sent */
static int take_messages(struct dump *d, const void *from, int len)
{
    const struct nlmsghdr *h = from;

    for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
        struct fact_conn c, *place;

        if (!mnl_nlmsg_seq_ok(h, d->seq))
            continue;
        d->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (h->nlmsg_type == NLMSG_DONE) {
            d->done = true;
            return 0;
        }
        if (h->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

            d->done = true;
            return mnl_nlmsg_get_payload_len(h) < sizeof *e || e->error == 0 ? -EPROTO : e->error;
        }
        if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || !diag_take(h, &c))
            continue;
        place = store_add(d->store, &d->store->conns, sizeof c);
        if (place == NULL)
            continue;
        c.netns = d->netns;
        *place = c;
    }
    return 0;
}

/** ask() - send the request for all sockets of a family */
static int ask(struct mnl_socket *nl, uint8_t family, unsigned seq)
{
    char buf[256]; /* a header and struct inet_diag_req_v2 */
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    struct inet_diag_req_v2 *r;

    h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    h->nlmsg_seq = seq;
    r = mnl_nlmsg_put_extra_header(h, sizeof *r);
    r->sdiag_family = family;
    r->sdiag_protocol = IPPROTO_TCP;
    r->idiag_states = UINT32_MAX;
    r->idiag_ext =
        1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_SKMEMINFO - 1);
    return mnl_socket_sendto(nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

/** run_dump() - one family, to its end */
static int run_dump(struct mnl_socket *nl, struct dump *d, uint8_t family, char *buf)
{
    int r = ask(nl, family, d->seq);

    while (r == 0 && !d->done) {
        ssize_t n = mnl_socket_recvfrom(nl, buf, RECEIVE_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPROTO;
        r = take_messages(d, buf, (int)n);
    }
    return r;
}

/** dump_family() - a dump that was interrupted is begun anew, but not for ever */
static int dump_family(struct mnl_socket *nl, struct store *s, uint32_t netns, uint8_t family,
                       unsigned *seq, char *buf)
{
    size_t before = s->conns.n;

    for (int attempt = 1;; attempt++) {
        struct dump d = {.store = s, .netns = netns, .seq = ++*seq};
        int r = run_dump(nl, &d, family, buf);

        if (r != 0 && (r != -ENOBUFS || attempt == DUMP_ATTEMPTS))
            return r;
        if (r == 0 && !d.interrupted)
            return 0;
        if (attempt == DUMP_ATTEMPTS) {
            store_gap(s, "sockets came and went while they were listed: some may be missing or "
                         "listed twice; run it again");
            return 0;
        }
        s->conns.n = before;
    }
}

/** settle() - what two families came to: one of them is enough to go on with */
static int settle(struct store *s, int v4, int v6)
{
    if (v4 != 0 && v6 != 0)
        return v4;
    if (v4 != 0)
        store_gap(s, "IPv4 sockets are not listed in full: %s", diag_why(v4));
    /* A kernel without IPv6 has no such sockets either. */
    if (v6 != 0 && v6 != -ENOENT && v6 != -EAFNOSUPPORT)
        store_gap(s, "IPv6 sockets are not listed in full: %s", diag_why(v6));
    return 0;
}

int diag_dump(struct store *s, uint32_t netns)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    char *buf;
    unsigned seq = 0;
    int room = 1 << 20, r;

    if (nl == NULL)
        return errno != 0 ? -errno : -EPROTONOSUPPORT;
    buf = malloc(RECEIVE_BYTES);
    /* An error to be told again and again is less than a dump that ends for want of room. */
    (void)setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (buf == NULL)
        r = -ENOMEM;
    else if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
        r = -errno;
    else
        r = 0;
    if (r == 0) {
        int v4 = dump_family(nl, s, netns, AF_INET, &seq, buf);
        int v6 = dump_family(nl, s, netns, AF_INET6, &seq, buf);

        r = settle(s, v4, v6);
    }
    free(buf);
    mnl_socket_close(nl);
    return r;
}

/** ask_for() - send the request for one socket */
static int ask_for(struct mnl_socket *nl, const struct fact_conn *c)
{
    char buf[256];
    bool v4 = gn_addr_is_v4(&c->local.addr);
    size_t from = v4 ? 12 : 0;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    struct inet_diag_req_v2 *r;

    h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    h->nlmsg_flags = NLM_F_REQUEST;
    r = mnl_nlmsg_put_extra_header(h, sizeof *r);
    r->sdiag_family = v4 ? AF_INET : AF_INET6;
    r->sdiag_protocol = IPPROTO_TCP;
    r->idiag_states = UINT32_MAX;
    r->id.idiag_sport = htons(c->local.port);
    r->id.idiag_dport = htons(c->remote.port);
    memcpy(r->id.idiag_src, c->local.addr.b + from, 16 - from);
    memcpy(r->id.idiag_dst, c->remote.addr.b + from, 16 - from);
    r->id.idiag_cookie[0] = (uint32_t)c->cookie;
    r->id.idiag_cookie[1] = (uint32_t)(c->cookie >> 32);
    return mnl_socket_sendto(nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

/** tells_end() - does the answer say that there is no such socket, or that it has no file now? */
static bool tells_end(const struct nlmsghdr *h, const struct fact_conn *c)
{
    struct fact_conn now;

    if (h->nlmsg_type != NLMSG_ERROR)
        return diag_take(h, &now) && now.inode != c->inode;
    if (mnl_nlmsg_get_payload_len(h) < sizeof(struct nlmsgerr))
        return false;
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
    return e->error == -ENOENT || e->error == -ESTALE;
}

bool diag_gone(const struct fact_conn *c)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    _Alignas(struct nlmsghdr) char buf[8192];
    const struct nlmsghdr *h = (const void *)buf;
    ssize_t n = -1;
    bool gone = false;

    if (nl == NULL)
        return false;
    if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 && ask_for(nl, c) == 0)
        n = mnl_socket_recvfrom(nl, buf, sizeof buf);
    if (n > 0 && mnl_nlmsg_ok(h, (int)n))
        gone = tells_end(h, c);
    mnl_socket_close(nl);
    return gone;
}

const char *diag_why(int error)
{
    switch (-error) {
    case ENOENT:
        return "this kernel has no inet_diag for TCP (as root: modprobe tcp_diag inet_diag)";
    case EPERM:
    case EACCES:
        return "this process may not ask the kernel (a seccomp filter or policy forbids it)";
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return "there is no netlink socket to ask the kernel by (no sock_diag, or a sandbox)";
    case ENOBUFS: return "the kernel had no buffers for the answer; run it again";
    case ENOMEM: return "out of memory";
    default: return strerror(-error);
    }
}
