/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syncookie.c  SYN cookies (RFC 4987 sec. 3.6): the half-open connection lives in the ISN
 * that we send.
 *
 *     ISN = 27 bits of a keyed hash over tuple, peer's ISN, slot, what was agreed on, and the 5
 * bits below | 2 bits of the slot | 3 bits of MSS index
 *
 * A slot is 64 s; this one and the last are accepted. The peer's window scale, SACK and ECN survive
 * if it uses timestamps: they stand in the low six bits of our timestamp, which comes back as its
 * echo (SEC-4987-6). Our own window scale would make our timestamps too coarse; a listener
 * announces one and the same in all cookies of a slot, and remembers it for the two slots. All this
 * is hashed, too: an echo that tells something else makes a cookie that is none of ours, so what
 * holds is what the SYN,ACK said. Accurate ECN shows in the flags of the third ACK itself. Nothing
 * is sent again: if the third ACK is lost and it is for us to speak first, the connection hangs
 * until the peer speaks (SEC-4987-7).
 */
#include "tcp/internal.h"

#define SLOT           (64 * GN_SEC)
#define TS_BITS        6
#define TS_MASK        ((1u << TS_BITS) - 1)
#define TS_WSCALE_NONE 15u
#define TS_SACK        16u
#define TS_ECN         32u

/* the MSS that a cookie can express: the largest that is not above the peer's */
static const uint16_t mss_table[8] = {64, 536, 1024, 1220, 1300, 1360, 1440, 1460};

static unsigned mss_index(uint16_t mss)
{
    unsigned i = 7;

    while (i > 0 && mss_table[i] > mss)
        i--;
    return i;
}

/* the 27 bits */
static uint32_t cookie_mac(const struct tcp_env *e, const struct half_open *h, uint32_t slot,
                           uint32_t low)
{
    uint32_t word[KEY_WORDS + 3];
    unsigned n = key_words(&h->key, word);

    word[n] = word_of(h->irs);
    word[n + 1] = word_of(slot);
    word[n + 2] = word_of(low);
    return (uint32_t)siphash24_words(&e->secrets->cookie[slot & 1], word, n + 3) << 5;
}

/* what the peer gives back in the low bits of our timestamp */
static uint32_t timestamp_bits(const struct half_open *h)
{
    uint32_t opts = h->flags & HALF_OPEN_WSCALE ? h->wscale : TS_WSCALE_NONE;

    if (h->flags & HALF_OPEN_SACK)
        opts |= TS_SACK;
    if (h->flags & HALF_OPEN_ECN)
        opts |= TS_ECN;
    return opts;
}

/* the cookie of @h in a slot; without timestamps nothing was agreed on */
static uint32_t cookie(const struct tcp_env *e, const struct half_open *h, uint32_t slot,
                       unsigned mss)
{
    uint32_t low = (slot & 3) << 3 | mss, agreed = 0;

    if (h->flags & HALF_OPEN_TS)
        agreed = 1u << 15 | (uint32_t)h->rcv_wscale << 11 | timestamp_bits(h) << 5;
    return cookie_mac(e, h, slot, agreed | low) | low;
}

/* our timestamp with the options in its low bits; never ahead of the clock, so that later ones are
 * not older */
static uint32_t timestamp_with_options(const struct half_open *h, uint32_t now)
{
    uint32_t ts = (now & ~TS_MASK) | timestamp_bits(h);

    return (int32_t)(ts - now) > 0 ? ts - (1u << TS_BITS) : ts;
}

/* the scale to announce in a slot, where it would be @shift by now */
static uint8_t scale_in_slot(struct cookie_scale *c, uint32_t slot, uint8_t shift)
{
    if (c->slot != slot + 1) {
        c->slot = slot + 1;
        c->shift[slot & 1] = shift;
    }
    return c->shift[slot & 1];
}

void syncookie_reply(const struct tcp_env *e, const struct seg *syn, const struct tcb_opts *o,
                     struct cookie_scale *scale)
{
    uint32_t queued = e->replies->n, slot = (uint32_t)(e->now / SLOT);
    struct half_open h;
    struct seg *s;

    half_open_take(&h, e, syn, o, 0); /* the cookie takes the place of the ISN */
    if (!(h.flags & HALF_OPEN_TS))    /* nothing would bring them back */
        h.flags &= (uint8_t) ~(HALF_OPEN_SACK | HALF_OPEN_WSCALE | HALF_OPEN_ECN);
    if (h.flags & HALF_OPEN_WSCALE)
        h.rcv_wscale = scale_in_slot(scale, slot, h.rcv_wscale) & 15u;
    h.iss = cookie(e, &h, slot, mss_index(h.mss));
    half_open_reply(&h, e, o);
    e->stats->SyncookiesSent++;
    if (e->replies->n == queued || !(h.flags & HALF_OPEN_TS))
        return;
    s = reply_at(e->replies, e->replies->n - 1);
    s->opt.tsval = timestamp_with_options(&h, s->opt.tsval);
}

/* the options that came back with our timestamp */
static void options_from_echo(struct half_open *h, const struct seg *s)
{
    uint32_t opts = s->opt.tsecr & TS_MASK;

    h->flags |= HALF_OPEN_TS;
    h->ts_recent = s->opt.tsval;
    if ((opts & 15) != TS_WSCALE_NONE) {
        h->flags |= HALF_OPEN_WSCALE;
        h->wscale = opts & 15u;
    }
    if (opts & TS_SACK)
        h->flags |= HALF_OPEN_SACK;
    if (opts & TS_ECN)
        h->flags |= HALF_OPEN_ECN;
}

bool syncookie_check(const struct tcp_env *e, const struct seg *s, const struct cookie_scale *scale,
                     uint16_t listener, struct half_open *ret)
{
    struct half_open h = {
        .key = s->key, .irs = s->seq.raw - 1, .iss = s->ack.raw - 1, .listener = listener};
    uint32_t now = (uint32_t)(e->now / SLOT);

    if (s->opt.has & OPT_TS)
        options_from_echo(&h, s);
    for (uint32_t age = 0; age < 2 && age <= now; age++) {
        uint32_t slot = now - age;

        if (h.flags & HALF_OPEN_WSCALE)
            h.rcv_wscale = scale->shift[slot & 1] & 15u;
        if (((h.iss >> 3) & 3) != (slot & 3) || cookie(e, &h, slot, h.iss & 7) != h.iss)
            continue;
        h.mss = mss_table[h.iss & 7];
        /* a peer that speaks it tells so in this ACK (RFC 9768 5.1); CWR of RFC 3168 says nothing
           of the kind */
        h.accecn = e->conf->tcp_ecn >= 3 && !(h.flags & HALF_OPEN_ECN) && accecn_ace(s->ctl) > 1;
        e->stats->SyncookiesRecv++;
        *ret = h;
        return true;
    }
    e->stats->SyncookiesFailed++;
    return false;
}
