/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.c  A connection as octets, and back.
 *
 * What is told of a connection is listed once, for both directions (base/pack.h). Left out is what
 * follows from something else (buffers' sizes, SMSS, the log of transmissions), what is the host's,
 * and what was only meant for the next moment. Names in brackets are of the requirements' list.
 */
#include "tcp/freeze.h"

#include "base/hash.h"
#include "base/pack.h"
#include "recovery/freeze.h"
#include "tcp/internal.h"

#define MARK     0x474e465au /* "GNFZ" */
#define VERSION  1
#define SUM      8u /* octets of the sum at the end */
#define TEXT_MAX ((uint32_t)1 << 30)
#define EVENTS   (2u * GN_EV_SOFT_ERROR - 1) /* all that there are */
#define MTU_MIN  552                         /* no path has less */

static const struct siphash_key sum_key = {{0}}; /* no secret: against damage */

/** What an image says besides the fields of a block. */
struct image {
    uint64_t octets; /* of all of it (MIG-F-32) */
    struct recovery_kept rec;
    uint32_t tsval;               /* our timestamp clock (MIG-F-10) */
    uint32_t snd_len, rcv_len;    /* text in the buffers, that in order (MIG-F-04, MIG-F-06) */
    uint16_t n_ooo;               /* ranges beyond it (MIG-F-15) */
    const uint8_t *ranges, *text; /* reading: where these begin */
};

static void pack_bool(struct pack *p, bool *b)
{
    uint8_t x = *b;

    pack_u8(p, &x);
    p->bad |= x > 1;
    *b = x == 1;
}

static void pack_flags(struct pack *p, struct tcb *t)
{
    uint32_t word = 0;

#define FREEZE_FLAG(at, name) word |= (uint32_t)t->name << (at);
#include "tcp/freeze.def"
    pack_u32(p, &word);
#define FREEZE_FLAG(at, name) t->name = word >> (at)&1;
#include "tcp/freeze.def"
}

/* tuple and state (MIG-F-01, MIG-F-02, MIG-F-07) */
static void pack_identity(struct pack *p, struct tcb *t)
{
    pack_octets(p, t->key.laddr.b, sizeof(t->key.laddr.b));
    pack_octets(p, t->key.raddr.b, sizeof(t->key.raddr.b));
    pack_u16(p, &t->key.lport);
    pack_u16(p, &t->key.rport);
    pack_u8(p, &t->state);
    pack_flags(p, t);
}

/* (MIG-F-03, MIG-F-05, MIG-F-09, MIG-F-12 to MIG-F-14, MIG-F-21, MIG-F-23) */
static void pack_sequences(struct pack *p, struct tcb *t)
{
    seq_t *const seqs[] = {&t->snd.una, &t->snd.nxt, &t->snd.wl1,  &t->snd.wl2,      &t->snd.up,
                           &t->snd.iss, &t->rcv.nxt, &t->rcv.edge, &t->rcv.max_edge, &t->rcv.acked,
                           &t->rcv.up,  &t->rcv.irs, &t->fin_seq};

    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
        pack_seq(p, seqs[i]);
    pack_u32(p, &t->snd.wnd);
    pack_u32(p, &t->snd.max_wnd);
    pack_u8(p, &t->snd.wscale);
    pack_u8(p, &t->rcv.wscale);
    pack_u16(p, &t->send_mss);
    pack_u16(p, &t->rcv_mss_guess);
    pack_u16(p, &t->path_mtu);
    pack_u8(p, &t->quick);
}

/* points in time of a block, and timers that it keeps (MIG-F-19, MIG-F-20), in the order of an
 * image */
#define PASTS(t)                                                                         \
    {                                                                                    \
        &(t)->ts.recent_at, &(t)->last_in, &(t)->last_out, &(t)->text_at, &(t)->created, \
            &(t)->invalid_at                                                             \
    }
#define TIMERS(t)                                                                      \
    {                                                                                  \
        &(t)->pmtu_at, &(t)->keepalive_at, &(t)->sws_at, &(t)->user_at, &(t)->state_at \
    }

/* timestamps (MIG-F-10, MIG-F-11) and timers (MIG-F-19, MIG-F-20) */
static void pack_times(struct pack *p, struct tcb *t, struct image *i)
{
    gn_time *const past[] = PASTS(t);
    deadline_t *const timers[] = TIMERS(t);

    pack_u32(p, &i->tsval);
    pack_u32(p, &t->ts.recent);
    for (size_t k = 0; k < sizeof(past) / sizeof(past[0]); k++)
        pack_past(p, past[k]);
    for (size_t k = 0; k < sizeof(timers) / sizeof(timers[0]); k++)
        pack_deadline(p, timers[k]);
    pack_u8(p, &t->probes);
}

/* what the user knows of it, and is to hear (MIG-F-26), and what was counted */
static void pack_user(struct pack *p, struct tcb *t)
{
    uint64_t *const counts[] = {&t->bytes_received, &t->bytes_sent, &t->bytes_acked,
                                &t->bytes_retrans,  &t->segs_in,    &t->segs_out};
    uint8_t error = (uint8_t)t->error, soft = (uint8_t)t->soft_error;

    pack_u16(p, &t->events);
    pack_u8(p, &error);
    pack_u8(p, &soft);
    t->error = (int8_t)error;
    t->soft_error = (int8_t)soft;
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
        pack_u64(p, counts[k]);
}

/* (MIG-F-25) */
static void pack_opts(struct pack *p, struct tcb_opts *o)
{
    uint8_t *const small[] = {&o->ttl, &o->tos, &o->pmtu, &o->keepcnt, &o->syncnt, &o->cc};
    uint32_t *const words[] = {
        &o->keepidle_s,    &o->keepintvl_ms,    &o->user_timeout_ms, &o->linger2_ms, &o->rcvlowat,
        &o->notsent_lowat, &o->max_pacing_rate, &o->window_clamp,    &o->sndbuf,     &o->rcvbuf};
    uint32_t word = 0;

#define FREEZE_OPT(at, name) word |= (uint32_t)o->name << (at);
#include "tcp/freeze.def"
    pack_u32(p, &word);
#define FREEZE_OPT(at, name) o->name = word >> (at)&1;
#include "tcp/freeze.def"
    for (size_t k = 0; k < sizeof(small) / sizeof(small[0]); k++)
        pack_u8(p, small[k]);
    pack_u16(p, &o->maxseg);
    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
        pack_u32(p, words[k]);
}

/* (MIG-F-27) */
static void pack_accecn(struct pack *p, struct accecn *a)
{
    uint32_t word = 0;

#define FREEZE_ACC(at, mask, name) word |= (uint32_t)a->name << (at);
#include "tcp/freeze.def"
    pack_u32(p, &word);
/* of 64 bits, so that gcc sees the mask of the last as well */
#define FREEZE_ACC(at, mask, name) a->name = (uint64_t)word >> (at) & (mask);
#include "tcp/freeze.def"
    pack_u32(p, &a->r_cep);
    pack_u32(p, &a->s_cep);
    for (unsigned k = 0; k < 3; k++) {
        pack_u32(p, &a->r_byte[k]);
        pack_u32(p, &a->s_byte[k]);
    }
    pack_past(p, &a->opt_at);
    pack_u32(p, &a->opt_octets);
    pack_u32(p, &a->opt_cep);
    pack_u16(p, &a->acked);
}

/* (MIG-F-16 to MIG-F-18, MIG-F-20) */
static void pack_recovery(struct pack *p, struct recovery_kept *k)
{
    gn_time *const spans[] = {&k->srtt, &k->rttvar, &k->min};
    uint32_t *const words[] = {&k->segments, &k->cwnd, &k->ssthresh, &k->retransmits, &k->marked};
    uint8_t *const small[] = {&k->backoff, &k->timeouts, &k->reo_wnd_mult};
    bool *const bits[] = {&k->handshake, &k->rto_spans_syn, &k->reordering_seen};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        pack_u64(p, spans[i]);
    pack_past(p, &k->first_unacked);
    pack_past(p, &k->last_sent);
    pack_u64(p, &k->delivered);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        pack_u32(p, words[i]);
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        pack_u8(p, small[i]);
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        pack_bool(p, bits[i]);
}

/* how it came to its state; the time of a transition is 48 bits of microseconds (tcb.h) */
static void pack_history(struct pack *p, struct tcb *t)
{
    pack_u8(p, &t->n_past);
    for (unsigned k = 0; k < GN_HISTORY; k++) {
        uint16_t what = (uint16_t)t->past[k].word;
        gn_time at = (t->past[k].word >> 16) * GN_USEC;

        pack_u16(p, &what);
        pack_past(p, &at);
        t->past[k].word = at / GN_USEC << 16 | what;
    }
}

/* all but the head, the text and the sum */
static void pack_fields(struct pack *p, struct tcb *t, struct image *i)
{
    pack_identity(p, t);
    pack_u32(p, &i->snd_len);
    pack_u32(p, &i->rcv_len);
    pack_u16(p, &i->n_ooo);
    pack_sequences(p, t);
    pack_times(p, t, i);
    pack_user(p, t);
    pack_opts(p, &t->opts);
    pack_accecn(p, &t->acc);
    pack_recovery(p, &i->rec);
    pack_history(p, t);
}

/* false: it is of a version that is not known here */
static bool pack_head(struct pack *p, struct image *i)
{
    uint32_t mark = MARK;
    uint16_t version = VERSION, needs = 0; /* features that must be understood */

    pack_u32(p, &mark);
    pack_u16(p, &version);
    pack_u16(p, &needs);
    pack_u64(p, &i->octets);
    p->bad |= mark != MARK;
    return p->bad || (version == VERSION && needs == 0);
}

/* @n octets of @r from offset @at */
static void put_text(struct pack *p, const struct ring *r, uint32_t at, uint32_t n)
{
    struct gn_span s[2];
    unsigned spans = ring_span(r, at, n, s);

    for (unsigned i = 0; i < spans; i++)
        pack_octets(p, (void *)(uintptr_t)s[i].ptr, s[i].len);
}

/* what the buffers hold: ranges out of order, then text to be sent, in order, and out of order */
static void put_buffers(struct pack *p, const struct tcb *t)
{
    for (unsigned i = 0; i < t->ooo.n; i++) {
        struct range r = t->ooo.r[i];

        pack_seq(p, &r.a);
        pack_seq(p, &r.b);
    }
    put_text(p, &t->sndbuf, 0, t->sndbuf.len);
    put_text(p, &t->rcvbuf, 0, t->rcvbuf.len);
    for (unsigned i = 0; i < t->ooo.n; i++)
        put_text(p, &t->rcvbuf, t->rcvbuf.len + seq_span(t->rcv.nxt, t->ooo.r[i].a),
                 seq_span(t->ooo.r[i].a, t->ooo.r[i].b));
}

enum gn_err tcp_may_freeze(const struct tcb *t)
{
    bool opening = t->state == GN_SYN_SENT || t->state == GN_SYN_RECEIVED;

    if (t->state == GN_CLOSED || t->state == GN_LISTEN)
        return GN_E_NOT_CONNECTED;
    if (t->fast_child || t->cookie_due || t->syn_waits || t->fast_of ||
        (opening && seq_span(t->snd.una, t->snd.nxt) > 1))
        return GN_E_UNSUPPORTED;
    return GN_OK;
}

size_t tcp_freeze(const struct tcb *t, const struct tcp_env *e, void *buf, size_t cap)
{
    struct tcb copy = *t; /* a pack may write to what it reads */
    struct image i = {.snd_len = t->sndbuf.len, .rcv_len = t->rcvbuf.len, .n_ooo = t->ooo.n};
    struct pack p = pack_writer(NULL, 0, e->now);
    uint64_t sum;

    i.tsval = ts_now(t, e);
    recovery_freeze(&t->rec, &i.rec);
    for (unsigned pass = 0; pass < 2; pass++) { /* the head says how much there is */
        (void)pack_head(&p, &i);
        pack_fields(&p, &copy, &i);
        put_buffers(&p, t);
        i.octets = p.at + SUM;
        if (pass == 0)
            p = pack_writer(buf, cap, e->now);
    }
    if (cap < i.octets || !buf)
        return i.octets;
    sum = siphash24(&sum_key, buf, p.at);
    pack_u64(&p, &sum);
    return i.octets;
}

/* the lists of an image are as long as they may be, and as long as they are */
static bool lengths_hold(const struct pack *p, const struct image *i)
{
    return i->snd_len <= TEXT_MAX && i->rcv_len <= TEXT_MAX && i->n_ooo <= RANGES_MAX && !p->bad &&
           p->end - p->at >= 8 * (size_t)i->n_ooo + i->snd_len + i->rcv_len;
}

/* the fields of an image, judged so far that they are whole; *@i says where the text is */
static enum gn_err read_fields(const void *image, size_t len, gn_time now, struct tcb *t,
                               struct image *i)
{
    struct pack p, tail;
    uint64_t sum = 0;
    bool known;

    if (!image || len < SUM)
        return GN_E_BAD_IMAGE;
    p = pack_reader(image, len - SUM, now);
    tail = pack_reader((const uint8_t *)image + p.end, SUM, now);
    *i = (struct image){.octets = 0};
    known = pack_head(&p, i);
    if (p.bad)
        return GN_E_BAD_IMAGE;
    if (!known)
        return GN_E_UNSUPPORTED;
    pack_u64(&tail, &sum);
    if (i->octets != len || sum != siphash24(&sum_key, image, p.end))
        return GN_E_BAD_IMAGE;
    pack_fields(&p, t, i);
    if (!lengths_hold(&p, i))
        return GN_E_BAD_IMAGE;
    i->ranges = (const uint8_t *)image + p.at;
    i->text = i->ranges + 8 * (size_t)i->n_ooo;
    return GN_OK;
}

/* numbers that others are reckoned with are not absurd; how they agree tcb_fault() says later */
static bool sequences_sane(const struct tcb *t, const struct image *i)
{
    uint32_t flight = seq_span(t->snd.una, t->snd.nxt);

    return flight <= i->snd_len + 2 && t->snd.wnd <= TEXT_MAX && t->snd.max_wnd <= TEXT_MAX &&
           t->snd.wscale <= 14 && t->rcv.wscale <= 14 &&
           seq_span(seq_sub(t->rcv.nxt, i->rcv_len + 1), t->rcv.max_edge) <= TEXT_MAX &&
           seq_span(t->rcv.acked, t->rcv.nxt) <= TEXT_MAX &&
           (!t->urg_snd || seq_span(t->snd.una, t->snd.up) <= i->snd_len + 1) &&
           (!t->urg_rcv || seq_span(seq_sub(t->rcv.nxt, i->rcv_len + 1), t->rcv.up) <= TEXT_MAX) &&
           (!t->ooo_fin || seq_span(t->rcv.nxt, t->fin_seq) <= TEXT_MAX);
}

static bool error_sane(int8_t error)
{
    return error <= 0 && error >= GN_E_BAD_IMAGE;
}

/* could an honest host have said so? */
static bool fields_sane(const struct tcb *t, const struct image *i)
{
    const struct tcb_opts *o = &t->opts;
    bool opening = t->state == GN_SYN_SENT || t->state == GN_SYN_RECEIVED;

    return t->state > GN_LISTEN && t->state < GN_STATE_COUNT && t->key.lport && t->key.rport &&
           addr_v4(&t->key.laddr) == addr_v4(&t->key.raddr) && opening == i->rec.handshake &&
           (!opening ||
            (seq_eq(t->snd.una, t->snd.iss) && seq_span(t->snd.una, t->snd.nxt) <= 1)) &&
           (!t->fin_acked || (i->snd_len == 0 && seq_eq(t->snd.una, t->snd.nxt))) &&
           (!t->fin_rcvd || i->n_ooo == 0) && sequences_sane(t, i) && error_sane(t->error) &&
           error_sane(t->soft_error) && o->ttl && o->pmtu < GN_PMTU_COUNT && cc_name(o->cc) &&
           o->rcvlowat && o->sndbuf <= TEXT_MAX && o->rcvbuf <= TEXT_MAX;
}

/* what is given to the block is no more than the fields that an image has */
static void take_fields(struct tcb *t, const struct tcp_env *e, const struct image *i,
                        bool same_path)
{
    t->ts.offset = i->tsval - tcp_ts_clock(e->now); /* MIG-P-07, MIG-P-08 */
    t->last_tick = tcp_ts_clock(t->last_out);
    t->send_mss = (uint16_t)max_u32(t->send_mss, (uint32_t)e->conf->tcp_min_snd_mss);
    if (t->opts.maxseg)
        t->opts.maxseg = (uint16_t)max_u32(t->opts.maxseg, (uint32_t)e->conf->tcp_min_snd_mss);
    t->opts.tos &= 0xfc; /* the rest is ECN's */
    t->events &= EVENTS;
    t->accepted = true;
    if (t->state != GN_TIME_WAIT) /* in all others it bounds those whom nobody holds */
        t->state_at = deadline_none();
    if (i->rcv_len || t->fin_rcvd)
        t->events |= GN_EV_READABLE;
    if (!same_path || t->path_mtu < MTU_MIN) { /* MIG-P-17 */
        t->path_mtu = 0;
        t->pmtu_at = deadline_none();
    }
}

/* the text that waits to be read, in order and beyond */
static bool take_received(struct tcb *t, const struct tcp_env *e, const struct image *i,
                          const uint8_t *text)
{
    struct pack p = pack_reader(i->ranges, 8 * (size_t)i->n_ooo, 0);
    uint32_t beyond = i->rcv_len;

    if (i->rcv_len && !ring_reserve(&t->rcvbuf, e->mem, i->rcv_len, 0))
        return false;
    if (i->rcv_len)
        ring_append(&t->rcvbuf, text, i->rcv_len);
    text += i->rcv_len;
    for (unsigned k = 0; k < i->n_ooo; k++) {
        seq_t a, b;
        uint32_t at, n;

        pack_seq(&p, &a);
        pack_seq(&p, &b);
        at = i->rcv_len + seq_span(t->rcv.nxt, a);
        n = seq_span(a, b);
        if (!ring_reserve(&t->rcvbuf, e->mem, at + n, beyond) ||
            !ranges_add(&t->ooo, e->mem, a, b, NULL, NULL))
            return false;
        ring_put(&t->rcvbuf, at, text, n);
        beyond = at + n;
        text += n;
    }
    return true;
}

/* are the ranges in order, apart from each other, and is their text there? */
static bool ranges_sane(const struct tcb *t, const struct image *i, size_t text)
{
    struct pack p = pack_reader(i->ranges, 8 * (size_t)i->n_ooo, 0);
    uint32_t last = 0, most = seq_span(t->rcv.nxt, t->ooo_fin ? t->fin_seq : t->rcv.max_edge);

    for (unsigned k = 0; k < i->n_ooo; k++) {
        seq_t a, b;
        uint32_t from, to;

        pack_seq(&p, &a);
        pack_seq(&p, &b);
        from = seq_span(t->rcv.nxt, a);
        to = seq_span(t->rcv.nxt, b);
        if (from <= last || to <= from || to > most || to - from > text)
            return false;
        text -= to - from;
        last = to;
    }
    return text == 0;
}

/* buffers and recovery */
static bool build(struct tcb *t, const struct tcp_env *e, const struct image *i, bool same_path)
{
    struct recovery_start s = {.una = t->snd.una, .nxt = t->snd.nxt, .cc = t->opts.cc};

    s.mss = tcp_mss(t, e);
    s.sack_ok = t->sack_ok;
    s.same_path = same_path;
    s.max_pacing = t->opts.max_pacing_rate;
    if (!recovery_thaw(&t->rec, &e->rec, &i->rec, &s) ||
        (i->snd_len && !ring_reserve(&t->sndbuf, e->mem, i->snd_len, 0)))
        return false;
    if (i->snd_len)
        ring_append(&t->sndbuf, i->text, i->snd_len);
    return take_received(t, e, i, i->text + i->snd_len);
}

enum gn_err tcp_thaw(struct tcb *t, const struct tcp_env *e, const void *image, size_t len,
                     bool same_path)
{
    struct image i;
    enum gn_err err = read_fields(image, len, e->now, t, &i);
    size_t text;

    if (err)
        return err;
    text = len - SUM - (size_t)(i.text - (const uint8_t *)image);
    if (!fields_sane(t, &i) || !ranges_sane(t, &i, text - i.snd_len - i.rcv_len))
        return GN_E_BAD_IMAGE;
    take_fields(t, e, &i, same_path);
    if (!build(t, e, &i, same_path))
        return GN_E_NO_MEMORY;
    if (tcb_fault(t))
        return GN_E_BAD_IMAGE;
    pmtu_on_open(t, e);
    options_mss_changed(t, e);
    tcp_resume(t, e, e->now);
    return GN_OK;
}

/* it was as if time had stood still for @span until now: what is to come has as much left
 * (MIG-F-19), and timestamps go on from where they were */
static void shift(struct tcb *t, const struct tcp_env *e, gn_time span)
{
    gn_time *const past[] = PASTS(t);
    deadline_t *const timers[] = TIMERS(t);

    t->ts.offset += tcp_ts_clock(e->now - span) - tcp_ts_clock(e->now); /* MIG-P-14 */
    for (size_t k = 0; k < sizeof(past) / sizeof(past[0]); k++)
        time_shift(past[k], span);
    for (size_t k = 0; k < sizeof(timers) / sizeof(timers[0]); k++)
        deadline_shift(timers[k], span);
    deadline_shift(&t->delack_at, span);
    deadline_shift(&t->persist_at, span);
    time_shift(&t->acc.opt_at, span);
    time_shift(&t->search.at, span);
    time_shift(&t->drs.since, span);
    time_shift(&t->drs.rtt_at, span);
    t->drs.marked = false;
    t->last_tick = tcp_ts_clock(t->last_out);
    recovery_resume(&t->rec, &e->rec, span);
}

void tcp_resume(struct tcb *t, const struct tcp_env *e, gn_time since)
{
    if (since < e->now)
        shift(t, e, e->now - since);
    timeouts_persist(t, e);
    if (deadline_armed(t->persist_at)) /* the window may have been opened meanwhile */
        t->persist_at = deadline_at(e->now);
    if (state_synchronised(t->state) && t->state != GN_TIME_WAIT)
        t->ack_now = true; /* MIG-P-16, MIG-S-16: what we have, and our window */
}

enum gn_err tcp_image_key(const void *image, size_t len, struct tcp_key *ret)
{
    struct tcb t = {.state = GN_CLOSED};
    struct image i;
    enum gn_err err = read_fields(image, len, 0, &t, &i);

    if (!err)
        *ret = t.key;
    return err;
}

enum gn_err gn_image_info(const void *image, size_t len, struct gn_image *ret)
{
    struct tcb t = {.state = GN_CLOSED};
    struct image i;
    enum gn_err err = read_fields(image, len, 0, &t, &i);

    if (err)
        return err;
    if (!fields_sane(&t, &i))
        return GN_E_BAD_IMAGE;
    *ret = (struct gn_image){.local = {t.key.laddr, t.key.lport},
                             .remote = {t.key.raddr, t.key.rport},
                             .state = (enum gn_state)t.state,
                             .recv_q = i.rcv_len,
                             .send_q = i.snd_len};
    return GN_OK;
}
