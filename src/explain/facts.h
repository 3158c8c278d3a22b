/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file facts.h  What is known of a machine's connections: the input of the rules.
 *
 * Facts are values without behaviour. Three sources fill them: the kernel (inet_diag and /proc), a
 * capture (the passive observer), and a running Gannet host (STATUS). A source fills what it knows
 * and says so in `known`: a field whose bit is not set is not zero, it is unknown, and a rule that
 * needs it must say what would settle the question. Strings are borrowed from the source and live
 * as long as its facts. All spans are in nanoseconds, all sizes in octets unless a name says
 * otherwise.
 */
#ifndef GN_EXPLAIN_FACTS_H
#define GN_EXPLAIN_FACTS_H

#include <gannet/status.h>
#include <gannet/types.h>

#define FACT_NONE UINT32_MAX /* an index that points nowhere */

/** Where facts came from; it decides how a remedy is spelt (sysctl, knob, call). */
enum facts_source { FACTS_KERNEL, FACTS_CAPTURE, FACTS_GANNET };

/** Groups of fields of struct fact_conn. */
enum fact_known {
    FACT_QUEUES = 1 << 0,  /* recv_q, send_q */
    FACT_TIMER = 1 << 1,   /* timer, timer_in, backoff, probes */
    FACT_INFO = 1 << 2,    /* the figures of struct fact_info */
    FACT_OWNER = 1 << 3,   /* process: FACT_NONE then means that no process holds it (an orphan) */
    FACT_BUFFERS = 1 << 4, /* sndbuf ... drops */
    FACT_AGE = 1 << 5,     /* in_state is exact */
    FACT_AGE_MIN = 1 << 6, /* in_state is a lower bound: seen so long */
    FACT_SEEN = 1 << 7,    /* struct fact_seen: what passed on the wire */
    FACT_HISTORY = 1 << 8, /* history */
    FACT_ERROR = 1 << 9,   /* error, soft_error */
    FACT_KEEPALIVE = 1 << 10, /* keepalive: is SO_KEEPALIVE on? */
};

enum fact_timer {
    FACT_TIMER_NONE,
    FACT_TIMER_RETRANS, /* RTO; of a SYN or SYN,ACK too */
    FACT_TIMER_KEEPALIVE,
    FACT_TIMER_TIME_WAIT,
    FACT_TIMER_PERSIST,
    FACT_TIMER_FIN_WAIT_2
};

/** tcp_info, as far as rules and people ask for it. Ages are spans until the time of the facts. */
struct fact_info {
    enum gn_recovery_state recovery;
    bool timestamps, sack, wscale, ecn, app_limited;
    uint8_t snd_wscale, rcv_wscale;
    char cc[16];
    uint32_t snd_mss, rcv_mss, advmss, pmtu;
    uint32_t unacked, sacked, lost, retrans_out; /* segments */
    uint32_t retrans_total;                      /* segments, over the whole life */
    uint32_t cwnd, ssthresh;                     /* segments; ssthresh UINT32_MAX: not set */
    uint32_t snd_wnd, rcv_wnd;                   /* UINT32_MAX: not told */
    uint32_t not_sent;                           /* octets of send_q that were never sent */
    uint32_t rcv_space, reordering, reord_seen, rcv_ooo; /* rcv_ooo: segments out of order */
    gn_time rto, ato, rtt, rttvar, min_rtt, rcv_rtt;     /* 0: no measurement */
    gn_time last_data_sent, last_data_recv, last_ack_recv;
    uint64_t pacing_rate, delivery_rate; /* octets per second; 0: none */
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans, segs_out, segs_in;
    gn_time busy, rwnd_limited, sndbuf_limited; /* time spent so, over the whole life */
};

/** One end's part of what passed on the wire, as an observer saw it. */
struct fact_side {
    uint32_t syns, syn_acks, fins, rsts; /* segments, repeated ones counted */
    uint32_t data_segs, retrans, fast_retrans, rto_retrans, dup_acks, keepalives, zero_windows;
    uint32_t out_of_order,
        lost_before;            /* lost_before: holes that this capture never saw filled first */
    uint32_t full_size_unacked; /* segments of the largest size re-sent in vain (PMTU) */
    uint32_t icmp_unreach, icmp_too_big; /* ICMP errors that came back for its segments */
    uint64_t bytes;                      /* octets of text, each once */
    uint32_t largest;                    /* octets of the largest text sent */
    gn_time first, last;                 /* times of its first and last segment, facts' clock */
    gn_time zero_window_time, zero_window_longest; /* how long its window was shut: in all, once */
    bool shut;                                     /* its window is shut now */
    uint32_t windows_full;                         /* so often it had filled the other's window */
    uint32_t unanswered_keepalives;                /* in a row, now */
    uint32_t nagle_stalls;                         /* small segment waited for a delayed ACK */
};

struct fact_seen {
    struct fact_side side[2]; /* 0: local, 1: remote */
    enum gn_state remote_state;
    bool from_start; /* the handshake is in the capture */
    bool inferred;   /* a state follows from what came later, not from a segment seen */
    uint8_t rst_by;  /* 0 local, 1 remote, 2 none */
    uint8_t opener;  /* who sent the first SYN: 0 local, 1 remote, 2 not seen */
};

/** One socket: connection, listener, half-open entry or TIME-WAIT record. */
struct fact_conn {
    enum gn_kind kind;
    enum gn_state state;
    uint32_t known; /* bits of enum fact_known */
    struct gn_endpoint local, remote;
    uint32_t process;  /* index into facts.process */
    uint32_t listener; /* index into facts.conn of the listener it came through, FACT_NONE: none */
    uint32_t netns;    /* index into facts.netns */
    uint32_t uid, mark;
    uint64_t inode,
        cookie; /* what names it to ss and /proc; 0: none. Gannet: cookie is the handle */
    /* listeners: recv_q = waiting for accept, send_q = backlog, as ss shows it: full when recv_q is
     * above it */
    uint32_t recv_q, send_q;
    uint32_t half_open; /* listeners: half-open entries */
    enum fact_timer timer;
    gn_time timer_in;        /* until it fires */
    uint8_t backoff, probes; /* retransmissions in a row; unanswered probes */
    gn_time in_state;
    uint32_t sndbuf, rcvbuf, rmem, wmem, drops;
    struct fact_info info;
    const struct fact_seen *seen; /* FACT_SEEN */
    const struct gn_transition *history;
    uint8_t n_history;
    bool keepalive;
    enum gn_err error, soft_error; /* pending; an ICMP error since the last good ACK */
};

struct fact_process {
    uint32_t pid;
    const char *comm, *cmdline, *container; /* container: cgroup's last part, "" if none */
    uint32_t uid;
    uint32_t fds, fd_limit; /* descriptors in use, RLIMIT_NOFILE; 0: unknown */
};

struct fact_netns {
    const char *name; /* "" : the one we are in */
    uint64_t inode;
};

/**
 * A counter or setting by its Linux name ("TcpExtListenOverflows", "tcp_fin_timeout").
 *
 * Counters are those of nstat ("TcpRetransSegs", "TcpExtTCPTimeWaitOverflow"), and the levels of
 * /proc/net/sockstat as "SockTcpInuse", "SockTcpOrphan", "SockTcpTw", "SockTcpMem" (octets).
 * Settings are without "net.ipv4." and "net.core."; spans in nanoseconds whatever the sysctl counts
 * in, sizes in octets (tcp_mem too), vectors with a suffix: tcp_rmem_min, tcp_rmem_default,
 * tcp_rmem_max, tcp_wmem_..., tcp_mem_low, tcp_mem_pressure, tcp_mem_max, ip_local_port_min,
 * ip_local_port_max, ip_local_reserved (a number of ports).
 */
struct fact_number {
    const char *name;
    int64_t value;
    int64_t before; /* counters: the value at the sample before; equal to value if there was none */
};

/** Everything a rule may look at. */
struct facts {
    enum facts_source source;
    gn_time now;            /* wall or capture time of the sample */
    gn_time interval;       /* since the sample before, 0: none */
    bool partial;           /* something could not be read; see `gap` */
    bool holes;             /* captures: packets were missed, so a state may be an old one */
    const char *const *gap; /* sentences: what is missing and what would show it */
    size_t n_gaps;
    struct fact_conn *conn;
    size_t n_conns;
    const struct fact_process *process;
    size_t n_processes;
    const struct fact_netns *netns;
    size_t n_netns;
    const struct fact_number *counter, *setting; /* sorted by name */
    size_t n_counters, n_settings;
    const uint64_t *transition; /* how often each was made, [from * GN_STATE_COUNT + to]; NULL: not
                                   known */
};

/** facts_from_status() - a connection of a Gannet host; its history is borrowed from @s. Its
 * process is number 0, or none */
void facts_from_status(const struct gn_status *s, gn_time now, struct fact_conn *ret);
/** facts_fin_missed() - may @end (0: local, 1: remote) have sent its FIN before the capture began?
 * Nothing that passes afterwards would tell, unless that end sends text */
bool facts_fin_missed(const struct fact_conn *c, unsigned end);
/** facts_counter() - value of a counter; @fallback if it is not known */
int64_t facts_counter(const struct facts *f, const char *name, int64_t fallback);
/** facts_growth() - how much a counter has grown since the sample before; 0 if not known */
int64_t facts_growth(const struct facts *f, const char *name);
/** facts_setting() - value of a sysctl or knob; @fallback if it is not known */
int64_t facts_setting(const struct facts *f, const char *name, int64_t fallback);

#endif
