/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file internal.h  What the files of this layer share among themselves.
 */
#ifndef GN_TCP_INTERNAL_H
#define GN_TCP_INTERNAL_H

#include "base/addr.h"
#include "base/assert.h"
#include "base/bits.h"
#include "tcp/fsm.h"
#include "tcp/tcp.h"

/** One arriving segment on its way through the steps. The segment is a copy: steps trim it. */
struct arrival {
    struct tcb *t;
    const struct tcp_env *e;
    struct seg s;
    bool refuse_text; /* the window is closed, or all of it is old: only the ACK field counts */
};

/** arrival_begin() - @s arrives for @t */
static inline void arrival_begin(struct arrival *a, struct tcb *t, const struct tcp_env *e,
                                 const struct seg *s)
{
    a->t = t;
    a->e = e;
    seg_copy(&a->s, s);
    a->refuse_text = false;
}

/* arrives_closed.c */
void reset_in_reply(const struct tcp_env *e, const struct seg *s);

/* isn.c */
#define KEY_WORDS 9
/* word_of() - what siphash24_words() takes for @v in network order */
static inline uint32_t word_of(uint32_t v)
{
    return __builtin_bswap32(v);
}
unsigned key_words(const struct tcp_key *k, uint32_t ret[KEY_WORDS]);

/* challenge.c */
bool challenge_allowed(const struct tcp_env *e);

/* half_open.c */
void half_open_take(struct half_open *h, const struct tcp_env *e, const struct seg *syn,
                    const struct tcb_opts *opts, uint16_t listener);
void half_open_inherit(struct tcb *t, const struct tcp_env *e, const struct half_open *h,
                       uint32_t ts_offset, seq_t una);

/* accecn.c */
#define ACCECN_CEP_INIT \
    5u /* r.cep and s.cep at first: ACE is not zero by itself (RFC 9768 3.2.1) */
enum ecn_offer { ECN_OFFER_NONE, ECN_OFFER_CLASSIC, ECN_OFFER_ACCURATE }; /* bits of a set */
#define ECN_OFFER_BOTH 3u /* in one handshake: RST (RFC 9768 3.1.5) */
/** accecn_ace() - the field AE, CWR, ECE as a number; accecn_flags(): the reverse */
unsigned accecn_ace(uint16_t ctl);
uint16_t accecn_flags(unsigned ace);
/** accecn_offered() - what a SYN with these flags comes to with our knobs */
enum ecn_offer accecn_offered(const struct tcp_env *e, uint16_t syn);
/** accecn_answer() - flags that tell the IP-ECN field of the peer's SYN or SYN,ACK */
uint16_t accecn_answer(unsigned ecn);
/** accecn_begin() - it is agreed on; @ecn: IP-ECN field of the peer's SYN or SYN,ACK */
void accecn_begin(struct tcb *t, unsigned ecn);
/** accecn_syn_flags() - of our SYN, which asks for it */
uint16_t accecn_syn_flags(struct tcb *t, const struct tcp_env *e);
/** accecn_syn_answered() - @s is the SYN,ACK: what is agreed on, RFC 3168 included */
void accecn_syn_answered(struct tcb *t, const struct seg *s);
/** accecn_syn_crossed() - the peer's SYN has crossed ours, which asked for ECN if acc.on or ecn_ok
 */
void accecn_syn_crossed(struct tcb *t, const struct tcp_env *e, const struct seg *s);
/** accecn_syn_again() - the SYN of the peer has come again by its number, or as its SYN,ACK,
 * whose flags then say nothing more; false: the handshake is to be reset */
bool accecn_syn_again(struct tcb *t, const struct tcp_env *e, struct seg *s);
/** accecn_syn_ack_again() - @s is not acceptable, and answered: is it the SYN,ACK that was? */
void accecn_syn_ack_again(struct tcb *t, const struct seg *s);
/** accecn_third_ack() - @s acknowledges our SYN,ACK; its flags are read, and then say nothing more
 */
void accecn_third_ack(struct tcb *t, struct seg *s);
/** accecn_received() - count an acceptable segment */
void accecn_received(struct arrival *a);
/** accecn_duplicate() - text has come again: the ACK may have been lost for its option */
void accecn_duplicate(struct tcb *t);
/** accecn_stamp() - the flags of a segment without SYN; what its option says is told */
void accecn_stamp(struct tcb *t, const struct tcp_env *e, struct seg *s);
/** accecn_option_syn() - the option of our SYN,ACK: the first counters, if there is room */
void accecn_option_syn(const struct tcp_env *e, struct tcpopt *o);
/** accecn_option() - the option of another segment, @bare of text or not, if there is something to
 * tell and room; last of all */
void accecn_option(const struct tcb *t, const struct tcp_env *e, struct tcpopt *o, bool bare);
/** accecn_told() - the feedback in an ACK that is about to be processed: is congestion met? */
bool accecn_told(struct tcb *t, const struct seg *s, const struct rec_ack *ra);
/**
 * accecn_marks() - by how many marks the counter has gone up (RFC 9768 appendix A.2)
 * @cep: s.cep; @ace: the field; @packets: that the ACK newly covers; @has_ceb: @ceb tells by how
 * many octets ECEB went up
 */
uint32_t accecn_marks(uint32_t cep, unsigned ace, uint32_t packets, bool has_ceb, uint32_t ceb,
                      uint32_t mss);

/* fastopen.c */
void fastopen_cookie(const struct tcp_env *e, const struct tcp_key *k, struct tcpopt *ret);
uint32_t fastopen_syn(struct tcb *t, const struct tcp_env *e, struct seg *s);
void fastopen_answered(struct tcb *t, const struct tcp_env *e);

/* arrives_synsent.c, arrives_other.c */
void strip_syn(struct seg *s);
enum gn_drop arrives_syn_sent(struct arrival *a);
enum gn_drop arrives_other(struct arrival *a);
void fin_is_acked(struct tcb *t, const struct tcp_env *e);
enum gn_drop step5_ack(struct arrival *a);
enum gn_drop step6_to_8(struct arrival *a);

/* predict.c */
/** predicted_text() - tcp_predicted() of one segment, unless it ends something */
bool predicted_text(struct tcb *t, const struct tcp_env *e, const struct seg *s);

/* text.c */
enum gn_drop step7_text(struct arrival *a);
void count_text(struct tcb *t, const struct tcp_env *e, const struct seg *s, uint32_t n);
/** note_duplicate() - these octets came again: the next ACK reports them (RFC 2883) */
void note_duplicate(struct tcb *t, const struct tcp_env *e, seq_t from, seq_t to);
void fin_in_order(struct tcb *t, const struct tcp_env *e);
enum gn_drop step8_fin(struct arrival *a);
void text_with_syn(struct arrival *a);

/* output.c */
/** output_any() - the next segment, whatever it is; false: none */
bool output_any(struct tcb *t, const struct tcp_env *e, struct seg *s);
/** output_has_news() - may text never sent leave now, for all but congestion control? Nagle's
 * algorithm holds it back as well as the window does (CC-5682-3). Some is in flight */
bool output_has_news(const struct tcb *t);

/* acked.c */
void acked_by(struct tcb *t, const struct tcp_env *e, const struct seg *s, seq_t at);

/* ack.c */
void ack_at_once(struct tcb *t);
void ack_after_text(struct tcb *t, const struct tcp_env *e, uint32_t full);
void ack_invalid(struct tcb *t, const struct tcp_env *e, const struct seg *s);
void ack_challenge(struct tcb *t, const struct tcp_env *e);
void ack_delayed(struct tcb *t);

/* ts.c */
/** ts_now() - our timestamp clock for this connection */
static inline uint32_t ts_now(const struct tcb *t, const struct tcp_env *e)
{
    return tcp_ts_clock(e->now) + t->ts.offset;
}
/** ts_take() - the timestamp of @s, which is none of the past: R3 of RFC 7323 4.3, remember what to
 * echo; only from a segment that reaches Last.ACK.sent (OPT-TS-4, OPT-TS-10) */
static inline void ts_take(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if (!seq_le(s->seq, t->rcv.acked))
        return;
    t->ts.recent = s->opt.tsval;
    t->ts.recent_at = e->now;
}
enum gn_drop ts_check(struct arrival *a);
/** ts_update() - ts_take() of any segment: it may have no timestamp, or an old one */
void ts_update(struct tcb *t, const struct tcp_env *e, const struct seg *s);
bool ts_rtt(const struct tcb *t, const struct tcp_env *e, const struct seg *s, gn_time *ret);

/* window.c */
uint8_t window_shift(const struct tcp_env *e, const struct tcb_opts *o);
uint16_t window_announce(struct tcb *t, const struct tcp_env *e, bool syn);
bool window_worth_telling(const struct tcb *t, const struct tcp_env *e);
void window_on_read(struct tcb *t, const struct tcp_env *e, uint32_t octets);
void window_update(struct tcb *t, const struct seg *s, seq_t at);
uint32_t window_usable(const struct tcb *t);
void window_grow_sndbuf(struct tcb *t, const struct tcp_env *e);

/* rcvbuf.c */
/** rcvbuf_on_text() - with drs.marked: text has come in order, it may answer the ACK that is timed
 */
void rcvbuf_on_text(struct tcb *t, const struct tcp_env *e, const struct seg *s);
/** rcvbuf_on_ack_sent() - a segment with the ACK bit leaves; @tick: tcp_ts_clock() of now.
 * last_tick is still that of the one before */
void rcvbuf_on_ack_sent(struct tcb *t, const struct tcp_env *e, uint32_t tick);
/** rcvbuf_on_read() - the user has read @octets: does the buffer grow? */
void rcvbuf_on_read(struct tcb *t, const struct tcp_env *e, uint32_t octets);

/* sndbuf.c */
/** syn_unacked() - our SYN is at SND.UNA. The number alone does not tell: 4 GiB later it is there
 * again */
static inline bool syn_unacked(const struct tcb *t)
{
    return t->rec.handshake && seq_eq(t->snd.una, t->snd.iss);
}
/** syn_unsent() - and was never sent */
static inline bool syn_unsent(const struct tcb *t)
{
    return t->rec.handshake && seq_eq(t->snd.nxt, t->snd.iss);
}
seq_t sndbuf_base(const struct tcb *t);
uint32_t sndbuf_unsent(const struct tcb *t);
uint32_t sndbuf_room(const struct tcb *t, const struct tcp_env *e);
uint32_t sndbuf_reserve(struct tcb *t, const struct tcp_env *e, uint32_t want);
bool sndbuf_writable(const struct tcb *t, const struct tcp_env *e);
void sndbuf_tell(struct tcb *t, const struct tcp_env *e);

/* pmtu.c */
uint32_t pmtu_now(const struct tcb *t, const struct tcp_env *e);
/** pmtu_fragment() - may routers cut up what is sent? (GN_OPT_PMTU) */
static inline bool pmtu_fragment(const struct tcb_opts *o)
{
    return o->pmtu == GN_PMTU_DONT || o->pmtu >= GN_PMTU_INTERFACE;
}
enum gn_drop pmtu_on_icmp(struct tcb *t, const struct tcp_env *e, seq_t quoted, uint32_t mtu);
void pmtu_on_rto(struct tcb *t, const struct tcp_env *e);
void pmtu_on_timeout(struct tcb *t, const struct tcp_env *e);
/** pmtu_search() - the search begins, unless routers may cut up what is sent */
__attribute__((noinline)) void pmtu_search(struct tcb *t, const struct tcp_env *e);
/** pmtu_on_open() - both SYNs are known: with tcp_mtu_probing=2 the search begins */
static inline void pmtu_on_open(struct tcb *t, const struct tcp_env *e)
{
    if (e->conf->tcp_mtu_probing >= 2)
        pmtu_search(t, e);
}
/** pmtu_probe() - octets of new text that are to leave as a probe, in the segment whose options are
 *  those of @s; 0: none now */
uint32_t pmtu_probe(struct tcb *t, const struct tcp_env *e, const struct seg *s);
/** pmtu_probe_sent() - it leaves, with @len octets of text */
void pmtu_probe_sent(struct tcb *t, const struct tcp_env *e, uint32_t len);
/** pmtu_on_probe() - a probe is out, and an ACK or a timer may have told of it */
void pmtu_on_probe(struct tcb *t, const struct tcp_env *e);

/* urgent.c */
uint32_t urgent_skip(const struct tcb *t);
uint32_t urgent_run(const struct tcb *t);
void urgent_on_read(struct tcb *t, uint32_t n);
bool urgent_ready(const struct tcb *t);
void urgent_over(struct tcb *t, const struct tcp_env *e);
void urgent_point(struct tcb *t, const struct tcp_env *e, const struct seg *s);

/* options.c */
void options_syn(const struct tcb *t, const struct tcp_env *e, struct seg *s);
/** options_ts() - the timestamps of a segment with the ACK bit (OPT-TS-1); @tick: tcp_ts_clock() */
static inline void options_ts(const struct tcb *t, struct seg *s, uint32_t tick)
{
    if (!t->ts_ok)
        return;
    s->opt.has |= OPT_TS;
    s->opt.tsval = tick + t->ts.offset;
    s->opt.tsecr = t->ts.recent;
}
void options_other(const struct tcb *t, const struct tcp_env *e, struct seg *s, bool bare);
void options_negotiate(struct tcb *t, const struct tcp_env *e, const struct seg *syn);
uint16_t options_mss(const struct tcp_env *e, const struct tcp_key *k, const struct tcb_opts *o);
uint16_t options_send_mss(const struct tcp_env *e, const struct seg *syn);
void options_mss_changed(struct tcb *t, const struct tcp_env *e);
void options_before_syn(struct tcb *t, const struct tcp_env *e);

/* timeouts.c */
void timeouts_on_established(struct tcb *t, const struct tcp_env *e);
void timeouts_on_fin_wait_2(struct tcb *t, const struct tcp_env *e);
void timeouts_on_time_wait(struct tcb *t, const struct tcp_env *e);
void timeouts_on_orphan(struct tcb *t, const struct tcp_env *e);
void timeouts_persist_set(struct tcb *t, const struct tcp_env *e);
/** timeouts_persist() - after anything that changes window or queue: the persist timer runs while
 * only the peer's window holds back what waits. Nearly always it does not run, and the window is
 * open */
static inline void timeouts_persist(struct tcb *t, const struct tcp_env *e)
{
    if (deadline_armed(t->persist_at) || seq_le(seq_add(t->snd.una, t->snd.wnd), t->snd.nxt))
        timeouts_persist_set(t, e);
}
gn_time timeouts_user(const struct tcb *t, const struct tcp_env *e);

/* calls.c */
void tell_soft_error(struct tcb *t, enum gn_err error);
void connection_ends(struct tcb *t, const struct tcp_env *e, enum gn_cause cause,
                     enum gn_err error);
void connection_reset(struct tcb *t, const struct tcp_env *e, enum gn_cause cause,
                      enum gn_err error);

#endif
