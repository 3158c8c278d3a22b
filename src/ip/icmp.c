/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp.c  ICMP and ICMPv6: echo, errors about packets of ours, errors of our own.
 *
 * Errors that arrive are translated here into what they mean to a connection, and whether they are
 * "hard" (RFC 9293 sec. 3.9.2.2, RFC 5461): a hard one says that retrying is in vain (SHLD-26), a
 * soft one must not abort anything (MUST-56) and is information for the application (SHLD-25). To
 * believe them at all, and to reset only connections that are being opened, is up to TCP, which
 * knows what is in flight (RFC 5927). Redirects are not taken up.
 */
#include "base/bits.h"
#include "ip/parts.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define QUOTE_MIN      8 /* octets of transport header that an error must quote (MAL-56) */

#define IPV4_MTU_LEAST 68   /* RFC 1191 3: no estimate below this */
#define ERROR4_MAX     576  /* octets of an ICMP error: RFC 1812 4.3.2.3 */
#define ERROR6_MAX     1280 /* RFC 4443 2.4 (c) */

/* note a drop */
static enum ip_verdict drop(enum gn_drop why, enum gn_drop *ret)
{
    *ret = why;
    return IP_CONSUMED;
}

/* --- errors in --- */

/* the largest common MTU below a packet that was too long, for routers that do not say (RFC
 * 1191 7.1) */
static uint32_t plateau_below(uint32_t len)
{
    static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

    for (unsigned i = 0; i < sizeof plateau / sizeof plateau[0]; i++)
        if (plateau[i] < len)
            return plateau[i];
    return IPV4_MTU_LEAST;
}

/* what an ICMP unreachable means; @quoted_len: of the quoted packet. GN_DROP_NONE or _ICMP_BAD */
static enum gn_drop judge_unreachable4(const struct icmp *m, uint32_t quoted_len,
                                       struct ip_packet *p)
{
    p->error = GN_E_HOST_UNREACHABLE;
    switch (m->code) {
    case ICMP4_NET: /* 0, soft: MUST-56 */
    case 6:         /* destination network unknown, and what follows it: not said to be hard */
    case 9:         /* network prohibited */
    case 11: /* network unreachable for this service */ p->error = GN_E_NET_UNREACHABLE; break;
    case ICMP4_PROTOCOL: /* 2, hard: SHLD-26 */
        p->error = GN_E_PROTOCOL;
        p->hard = true;
        break;
    case ICMP4_PORT: /* 3, hard: SHLD-26 */
        p->error = GN_E_REFUSED;
        p->hard = true;
        break;
    case ICMP4_FRAG_NEEDED: /* 4, hard in the RFC, but path MTU discovery now */
        p->error = GN_E_TOO_LONG;
        p->mtu = m->rest & 0xffff;
        if (p->mtu == 0)
            p->mtu = plateau_below(quoted_len);
        if (p->mtu < IPV4_MTU_LEAST) /* MAL-55 */
            return GN_DROP_ICMP_BAD;
        break;
    default: break; /* 1 host, 5 source route (soft: MUST-56), and others: soft */
    }
    return GN_DROP_NONE;
}

/* what an ICMP error means: GN_DROP_NONE or _ICMP_BAD */
static enum gn_drop judge4(const struct icmp *m, uint32_t quoted_len, struct ip_packet *p)
{
    if (m->type == ICMP4_UNREACHABLE)
        return judge_unreachable4(m, quoted_len, p);
    /* both soft: MUST-56 */
    p->error = m->type == ICMP4_TIME_EXCEEDED ? GN_E_HOST_UNREACHABLE : GN_E_PROTOCOL;
    return GN_DROP_NONE;
}

/* what an ICMPv6 unreachable means; codes 1 and 4 are the likes of hard ones (RFC 5461 2.2) */
static void judge_unreachable6(const struct icmp *m, struct ip_packet *p)
{
    p->error = GN_E_HOST_UNREACHABLE;
    switch (m->code) {
    case ICMP6_NO_ROUTE: /* 0, soft: MUST-56 */ p->error = GN_E_NET_UNREACHABLE; break;
    case ICMP6_PROHIBITED:
        p->error = GN_E_ACCESS;
        p->hard = true;
        break;
    case ICMP6_PORT:
        p->error = GN_E_REFUSED;
        p->hard = true;
        break;
    default: break; /* 3 address (soft: MUST-56), and others: soft */
    }
}

/* what an ICMPv6 error means: GN_DROP_NONE or _ICMP_BAD */
static enum gn_drop judge6(const struct icmp *m, struct ip_packet *p)
{
    if (m->type == ICMP6_UNREACHABLE) {
        judge_unreachable6(m, p);
    } else if (m->type == ICMP6_PACKET_TOO_BIG) {
        if (m->rest < IPV6_MTU_LEAST) /* RFC 8201 4: must be discarded; MAL-55 */
            return GN_DROP_ICMP_BAD;
        p->error = GN_E_TOO_LONG;
        p->mtu = m->rest;
    } else { /* both soft: MUST-56 */
        p->error = m->type == ICMP6_TIME_EXCEEDED ? GN_E_HOST_UNREACHABLE : GN_E_PROTOCOL;
    }
    return GN_DROP_NONE;
}

/* make @p name the quoted packet, whose transport header is at @t, @have octets of @len (MUST-54)
 */
static enum gn_drop quote(struct ip *ip, const struct ip_env *e, struct ip_packet *p,
                          const uint8_t *t, uint32_t have, uint32_t len)
{
    have = min_u32(have, len);
    if (have < QUOTE_MIN) /* MAL-56 */
        return GN_DROP_ICMP_BAD;
    if (!ip_is_ours(ip, e, &p->src))
        return GN_DROP_ICMP_NO_CONNECTION;
    p->p = t;
    p->len = p->pseudo_len = have;
    p->n_tail = 0;
    p->gso_size = 0;
    return GN_DROP_NONE;
}

/* an ICMP message that quotes a packet of ours */
static enum ip_verdict error4(struct ip *ip, const struct ip_env *e, const struct icmp *m,
                              struct ip_packet *p, enum gn_drop *ret_drop)
{
    struct ipv4 q;
    enum gn_drop why;

    if (ipv4_parse_quoted(m->body, m->body_len, &q) != GN_DROP_NONE || q.total_len < q.header_len)
        return drop(GN_DROP_ICMP_BAD, ret_drop);
    if (q.frag_off != 0) /* MAL-56: no transport header in it */
        return drop(GN_DROP_ICMP_IGNORED, ret_drop);
    why = judge4(m, q.total_len, p);
    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    p->src = q.src;
    p->dst = q.dst;
    p->proto = q.proto;
    why = quote(ip, e, p, m->body + q.header_len, m->body_len - q.header_len,
                (uint32_t)q.total_len - q.header_len);
    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    return IP_ERROR;
}

/* the same for ICMPv6 */
static enum ip_verdict error6(struct ip *ip, const struct ip_env *e, const struct icmp *m,
                              struct ip_packet *p, enum gn_drop *ret_drop)
{
    struct ipv6 q;
    enum gn_drop why = judge6(m, p);

    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    if (ipv6_parse_quoted(m->body, m->body_len, &q) != GN_DROP_NONE || q.total_len < q.header_len)
        return drop(GN_DROP_ICMP_BAD, ret_drop);
    if (q.frag.off != 0) /* MAL-56 */
        return drop(GN_DROP_ICMP_IGNORED, ret_drop);
    p->src = q.src;
    p->dst = q.dst;
    p->proto = q.next;
    why = quote(ip, e, p, m->body + q.header_len, m->body_len - q.header_len,
                q.total_len - q.header_len);
    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    return IP_ERROR;
}

/* --- what we send --- */

/* write ICMP message @m, its body copied, to @p */
static void emit(const struct ip_header *h, struct icmp *m, uint8_t *p)
{
    if (addr_v4(&h->dst))
        icmp4_emit(m, p);
    else
        icmp6_emit(&h->src, &h->dst, m, p);
}

/* queue ICMP message @m, which is too long for @path in one piece */
static enum gn_drop send_long(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                              const struct ip_header *h, struct icmp *m)
{
    struct ip_own *whole = own_new(e->mem, h->len);

    if (!whole)
        return GN_DROP_NO_MEMORY;
    emit(h, m, whole->data);
    e->stats->IcmpOutMsgs++;
    ip_own_fragments(ip, e, path, h, whole->data);
    own_free(e->mem, whole);
    return GN_DROP_NONE;
}

/* queue ICMP message @m, its body copied, with @h in front */
static enum gn_drop send(struct ip *ip, const struct ip_env *e, const struct ip_header *h,
                         struct icmp *m)
{
    struct ip_path path;
    struct ip_own *o;
    uint8_t *payload;

    if (ip_path(ip, e, &h->dst, &path) != GN_OK)
        return GN_DROP_IP_NO_ROUTE;
    if (h->len + (addr_v4(&h->dst) ? IPV4_HEADER : IPV6_HEADER) > path.mtu)
        return send_long(ip, e, &path, h, m);
    o = ip_own_packet(ip, e, &path, h, &payload);
    if (!o)
        return GN_DROP_NONE; /* counted there */
    emit(h, m, payload);
    e->stats->IcmpOutMsgs++;
    ip_own_send(ip, e, &path, h, o);
    return GN_DROP_NONE;
}

/* answer an echo request with all that came, in fragments if need be (RFC 1122 3.2.2.6, RFC 4443
 * 4.2) */
static enum gn_drop echo(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                         const struct icmp *m)
{
    bool v4 = addr_v4(&p->src);
    struct icmp reply = *m;
    struct ip_header h = {.src = p->dst,
                          .dst = p->src,
                          .proto = p->proto,
                          .tos = p->tos,
                          .ttl = (uint8_t)e->conf->ip_default_ttl,
                          .len = ICMP_HEADER + m->body_len};

    if (p->dst.b[0] == 0xff) { /* to a group of ours: in the name of our own address */
        const struct gn_addr *source = ip_source(ip, p->iface, &p->src);

        if (!source)
            return GN_DROP_ICMP_IGNORED;
        h.src = *source;
    }
    reply.type = v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    reply.code = 0;
    return send(ip, e, &h, &reply);
}

/* take one from the bucket of errors; false: it is empty (RFC 4443 2.4 (f), RFC 1812 4.3.2.8) */
static bool may_complain(struct ip *ip, const struct ip_env *e)
{
    uint64_t rate = e->conf->icmp_ratelimit;
    gn_time gone = min_u64(e->now - ip->icmp_refill, GN_SEC);
    uint64_t more = rate * gone / GN_SEC;

    if (more > 0) {
        ip->icmp_tokens = (uint32_t)min_u64(ip->icmp_tokens + more, rate);
        ip->icmp_refill = e->now;
    }
    if (ip->icmp_tokens == 0 || rate == 0)
        return false;
    ip->icmp_tokens--;
    return true;
}

/* is @p an ICMP error, a redirect, or ICMP of which that cannot be told? */
static bool is_error(const struct ip_packet *p)
{
    struct icmp m = {0};
    struct ipv4 h4;
    struct ipv6 h6;

    if (addr_v4(&p->src)) {
        if (ipv4_parse_quoted(p->whole, p->whole_len, &h4) != GN_DROP_NONE)
            return true;
        if (h4.proto != IP_PROTO_ICMP || h4.frag_off != 0)
            return false;
        if (h4.header_len >= p->whole_len)
            return true;
        m.type = p->whole[h4.header_len];
        return icmp4_is_error(&m);
    }
    if (ipv6_skim(p->whole, p->whole_len, &h6) != GN_DROP_NONE)
        return true;
    if (h6.next != IP_PROTO_ICMP6 || h6.frag.off != 0)
        return false;
    if (h6.header_len >= p->whole_len)
        return true;
    m.type = p->whole[h6.header_len];
    return icmp6_is_error(&m) || m.type == ICMP6_REDIRECT;
}

/* send an error about @p, unless RFC 1122 3.2.2 or RFC 4443 2.4 (e) forbid; failures are counted */
static void complain(struct ip *ip, const struct ip_env *e, const struct ip_packet *p, uint8_t type,
                     uint8_t code, uint32_t rest)
{
    bool v4 = addr_v4(&p->src);
    struct icmp m = {.type = type, .code = code, .rest = rest, .body = p->whole};
    struct ip_header h = {.src = p->dst, .dst = p->src, .ttl = (uint8_t)e->conf->ip_default_ttl};
    enum gn_drop why = GN_DROP_RATE_LIMITED;

    if (!ip_is_unicast(ip, &p->src) || !ip_is_ours(ip, e, &p->dst) || is_error(p))
        return;
    m.body_len = min_u32(p->whole_len, v4 ? ERROR4_MAX - IPV4_HEADER - ICMP_HEADER
                                          : ERROR6_MAX - IPV6_HEADER - ICMP_HEADER);
    h.len = ICMP_HEADER + m.body_len;
    h.proto = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6;
    if (may_complain(ip, e))
        why = send(ip, e, &h, &m);
    if (why != GN_DROP_NONE)
        ip_count(e, why);
}

void ip_send_port_unreachable(struct ip *ip, const struct ip_env *e, const struct ip_packet *p)
{
    if (addr_v4(&p->src))
        complain(ip, e, p, ICMP4_UNREACHABLE, ICMP4_PORT, 0);
    else
        complain(ip, e, p, ICMP6_UNREACHABLE, ICMP6_PORT, 0);
}

void ip_send_protocol_unreachable(struct ip *ip, const struct ip_env *e, const struct ip_packet *p)
{
    struct ipv6_problem problem;

    if (addr_v4(&p->src))
        complain(ip, e, p, ICMP4_UNREACHABLE, ICMP4_PROTOCOL, 0);
    else if (ipv6_problem(p->whole, p->whole_len, &problem))
        complain(ip, e, p, ICMP6_PARAM_PROBLEM, problem.code, problem.pointer);
}

void ip_send_parameter_problem(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                               const struct ipv6_problem *problem, bool to_group)
{
    struct ip_packet q = *p;

    if (addr_v4(&p->src) || addr_v4(&p->dst)) /* mapped ones never travel */
        return;
    if (to_group) { /* in the name of our own address */
        const struct gn_addr *source = ip_source(ip, p->iface, &p->src);

        if (!source)
            return;
        q.dst = *source;
    }
    complain(ip, e, &q, ICMP6_PARAM_PROBLEM, problem->code, problem->pointer);
}

void ip_send_reassembly_timeout(struct ip *ip, const struct ip_env *e, const struct ip_packet *p)
{
    if (addr_v4(&p->src))
        complain(ip, e, p, ICMP4_TIME_EXCEEDED, 1, 0);
    else
        complain(ip, e, p, ICMP6_TIME_EXCEEDED, 1, 0);
}

/* --- messages in --- */

/* ICMP. What was sent to a group is neither answered nor believed (RFC 1122 3.2.2.6, MAY) */
static enum ip_verdict input4(struct ip *ip, const struct ip_env *e, bool group,
                              struct ip_packet *p, enum gn_drop *ret_drop)
{
    struct icmp m;
    enum gn_drop why = icmp4_parse(p->p, p->len, &m);

    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    if (group)
        return drop(GN_DROP_ICMP_IGNORED, ret_drop);
    switch (m.type) {
    case ICMP4_ECHO: return drop(echo(ip, e, p, &m), ret_drop);
    case ICMP4_UNREACHABLE:
    case ICMP4_TIME_EXCEEDED:
    case ICMP4_PARAM_PROBLEM: return error4(ip, e, &m, p, ret_drop);
    default: return drop(GN_DROP_ICMP_IGNORED, ret_drop); /* MUST-55: Source Quench among them */
    }
}

/* ICMPv6. Only a solicitation may come from nobody (RFC 4861 7.1.1) */
static enum ip_verdict input6(struct ip *ip, const struct ip_env *e, bool group,
                              struct ip_packet *p, enum gn_drop *ret_drop)
{
    struct icmp m;
    enum gn_drop why = icmp6_parse(&p->src, &p->dst, p->p, p->len, &m);

    if (why != GN_DROP_NONE)
        return drop(why, ret_drop);
    if (m.type == ICMP6_NEIGHBOUR_SOLICIT || m.type == ICMP6_NEIGHBOUR_ADVERT)
        return drop(ip_nd_input(ip, e, p, &m), ret_drop);
    if (gn_addr_is_any(&p->src))
        return drop(GN_DROP_IP_BAD_SOURCE, ret_drop);
    if (m.type == ICMP6_ECHO)
        return drop(echo(ip, e, p, &m), ret_drop);
    if (group || m.type < ICMP6_UNREACHABLE || m.type > ICMP6_PARAM_PROBLEM)
        return drop(GN_DROP_ICMP_IGNORED, ret_drop);
    return error6(ip, e, &m, p, ret_drop);
}

enum ip_verdict ip_icmp_input(struct ip *ip, const struct ip_env *e, bool group,
                              struct ip_packet *p, enum gn_drop *ret_drop)
{
    e->stats->IcmpInMsgs++;
    if (addr_v4(&p->dst))
        return input4(ip, e, group, p, ret_drop);
    return input6(ip, e, group, p, ret_drop);
}
