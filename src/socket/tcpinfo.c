/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcpinfo.c  TCP_INFO: STATUS as Linux's struct tcp_info. A file of its own because the
 * kernel's header, which has the whole of the struct, does not go together with the C library's.
 */
#include "base/bits.h"
#include "socket/sock.h"

#include <linux/tcp.h>

/** linux_state() - the kernel's number of a state */
static uint8_t linux_state(enum gn_state s)
{
    switch (s) {
    case GN_ESTABLISHED: return 1;
    case GN_SYN_SENT: return 2;
    case GN_SYN_RECEIVED: return 3;
    case GN_FIN_WAIT_1: return 4;
    case GN_FIN_WAIT_2: return 5;
    case GN_TIME_WAIT: return 6;
    case GN_CLOSED: return 7;
    case GN_CLOSE_WAIT: return 8;
    case GN_LAST_ACK: return 9;
    case GN_LISTEN: return 10;
    case GN_CLOSING: return 11;
    case GN_STATE_COUNT: break;
    }
    return 7;
}

/** linux_ca_state() - TCP_CA_Open, _Disorder, _Recovery, _Loss */
static uint8_t linux_ca_state(enum gn_recovery_state r)
{
    switch (r) {
    case GN_RECOVERY_OPEN: return 0;
    case GN_RECOVERY_DISORDER: return 1;
    case GN_RECOVERY_FAST: return 3;
    case GN_RECOVERY_LOSS: return 4;
    }
    return 0;
}

/** us() - microseconds, and no more than fit */
static uint32_t us(gn_time t)
{
    return (uint32_t)min_u64(t / GN_USEC, UINT32_MAX);
}

/** since_ms() - milliseconds from @t to @now */
static uint32_t since_ms(gn_time t, gn_time now)
{
    return t && t < now ? (uint32_t)min_u64((now - t) / GN_MSEC, UINT32_MAX) : 0;
}

/** segments() - octets as segments of @mss, rounded up */
static uint32_t segments(uint32_t octets, uint32_t mss)
{
    return mss ? octets / mss + (octets % mss != 0) : 0;
}

/** adv_mss() - the MSS that we announce; as on Linux, timestamps are taken off once they are agreed
 * on
 */
static uint32_t adv_mss(const struct gn_status *s)
{
    bool open = s->state != GN_SYN_SENT && s->state != GN_SYN_RECEIVED;

    return s->adv_mss - (open && s->opt_timestamps ? 12 : 0);
}

/** fill_sender() - windows, recovery and times of the sending side */
static void fill_sender(struct tcp_info *i, const struct gn_status *s, gn_time now)
{
    i->tcpi_retransmits = (uint8_t)min_u32(s->backoff, 255);
    i->tcpi_backoff = (uint8_t)min_u32(s->backoff, 255);
    i->tcpi_probes = s->probes;
    i->tcpi_rto = us(s->rto);
    i->tcpi_rtt = us(s->srtt);
    i->tcpi_rttvar = us(s->rttvar);
    i->tcpi_min_rtt = s->min_rtt ? us(s->min_rtt) : UINT32_MAX;
    i->tcpi_snd_mss = s->mss;
    i->tcpi_unacked = segments(s->snd.nxt - s->snd.una, s->mss);
    i->tcpi_sacked = segments(s->sacked, s->mss);
    i->tcpi_lost = segments(s->lost, s->mss);
    i->tcpi_retrans = segments(s->retrans_out, s->mss);
    i->tcpi_total_retrans = s->retransmits;
    i->tcpi_snd_cwnd = s->mss ? s->cwnd / s->mss : 0;
    i->tcpi_snd_ssthresh = s->ssthresh == UINT32_MAX || !s->mss ? INT32_MAX : s->ssthresh / s->mss;
    i->tcpi_snd_wnd = s->snd.wnd;
    i->tcpi_pacing_rate = s->pacing_rate ? s->pacing_rate : UINT64_MAX;
    i->tcpi_max_pacing_rate = s->max_pacing_rate ? s->max_pacing_rate : UINT64_MAX;
    i->tcpi_delivery_rate = s->delivery_rate;
    i->tcpi_delivery_rate_app_limited = s->delivery_app_limited;
    i->tcpi_notsent_bytes = s->not_sent;
    i->tcpi_last_data_sent = since_ms(s->last_out, now);
    i->tcpi_bytes_acked = s->bytes_acked;
    i->tcpi_bytes_sent = s->bytes_sent;
    i->tcpi_bytes_retrans = s->bytes_retrans;
    i->tcpi_delivered = s->delivered;
    i->tcpi_delivered_ce = s->delivered_ce;
}

int tcpinfo_get(struct sock *sk, void *value, socklen_t *len)
{
    gn_time now = stack_now(sk->stack);
    struct gn_status s = {.state = GN_CLOSED};
    struct tcp_info i = {0};

    if (sk->phase != PHASE_IDLE)
        (void)gn_host_status(sk->stack->host, sk->handle, now, &s);
    i.tcpi_state = linux_state(s.state);
    i.tcpi_ca_state = linux_ca_state(s.recovery);
    if (s.state == GN_LISTEN) { /* as Linux overloads them */
        i.tcpi_unacked = s.recv_q;
        i.tcpi_sacked = s.backlog;
    } else {
        fill_sender(&i, &s, now);
    }
    i.tcpi_options =
        (uint8_t)((s.opt_timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (s.opt_sack ? TCPI_OPT_SACK : 0) |
                  (s.opt_wscale ? TCPI_OPT_WSCALE : 0) |
                  (s.opt_ecn || s.opt_accecn ? TCPI_OPT_ECN : 0) |
                  (s.syn_text ? TCPI_OPT_SYN_DATA : 0));
    i.tcpi_snd_wscale = s.snd.wscale & 15u;
    i.tcpi_rcv_wscale = s.rcv.wscale & 15u;
    i.tcpi_rcv_mss = s.rcv_mss ? s.rcv_mss : min_u32(s.mss, s.peer_mss);
    i.tcpi_advmss = adv_mss(&s);
    i.tcpi_pmtu = s.path_mtu;
    i.tcpi_last_ack_recv = since_ms(s.last_in, now);
    i.tcpi_last_data_recv = since_ms(s.last_text ? s.last_text : s.last_in, now);
    i.tcpi_rcv_space = s.rcvbuf;
    i.tcpi_reordering = (uint32_t)gn_host_conf(sk->stack->host)->tcp_reordering;
    i.tcpi_bytes_received = s.bytes_received;
    i.tcpi_segs_in = (uint32_t)s.segs_in;
    i.tcpi_segs_out = (uint32_t)s.segs_out;
    *len = min_u32(*len, sizeof(i));
    memcpy(value, &i, *len);
    return 0;
}
