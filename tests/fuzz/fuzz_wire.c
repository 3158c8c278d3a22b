/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_wire.c  libFuzzer target over all parsers of the wire layer (MAL-80).
 *
 * The first octet chooses a parser, the rest is its input. The oracle: what was accepted keeps the
 * promises of the parser's header (lengths in order, outputs untouched on failure), and
 * parse(emit(parse(x))) == parse(x) field by field in whatever emit can express. Checksums are
 * repaired on the way in, or nothing would get past them.
 *
 *     clang -g -O1 -std=c11 -fsanitize=fuzzer,address,undefined -Isrc -Iinclude \
 *         tests/fuzz/fuzz_wire.c src/wire/[a-z]*.c src/loop/panic.c -o fuzz_wire
 */
#include "base/bits.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"

#include <stdlib.h>

#define INPUT_MAX 2048

/** MUST() - the oracle speaks */
#define MUST(c) ((c) ? (void)0 : abort())

/** Where two values have to agree, padding of structs is none of it. */
#define SAME(a, b, field) MUST((a).field == (b).field)

static const struct gn_addr src6 = {.b = {0xfd, [15] = 1}}, dst6 = {.b = {0xfd, [15] = 2}};

/** same_addr() - octet for octet */
static bool same_addr(const struct gn_addr *a, const struct gn_addr *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/** check_tcp() - with up to two tails, whose lengths the input chooses */
static void check_tcp(const uint8_t *p, uint32_t len)
{
    static const uint8_t more[64];
    struct gn_span tail[2] = {{more, len % 5}, {more, len % 3}};
    uint32_t tails = tail[0].len + tail[1].len;
    uint8_t out[TCP_HEADER_MAX];
    struct seg s = {0}, again = {0};

    if (tcp_parse(p, len, tail, 2, &s) != GN_DROP_NONE)
        return;
    uint32_t header = (uint32_t)(p[12] >> 4) * 4;
    MUST(header >= TCP_HEADER_MIN && header <= len);
    MUST(s.text_len == len - header + tails && s.n_text <= SEG_SPANS);
    MUST(s.opt.wscale <= 14 && s.opt.n_sack <= TCPOPT_SACK_MAX && s.opt.tfo_len <= 16);

    uint32_t emitted = tcp_emit(&s, out);
    MUST(emitted == tcp_header_len(&s) && emitted <= TCP_HEADER_MAX && emitted % 4 == 0);
    MUST(tcp_parse(out, emitted, NULL, 0, &again) == GN_DROP_NONE);
    MUST(again.key.lport == s.key.rport && again.key.rport == s.key.lport);
    MUST(seq_eq(s.seq, again.seq) && seq_eq(s.ack, again.ack));
    SAME(s, again, ctl);
    SAME(s, again, wnd);
    SAME(s, again, up);
    MUST(again.opt.n_sack <= s.opt.n_sack); /* blocks may have had to yield */
    for (unsigned i = again.opt.n_sack; i < TCPOPT_SACK_MAX; i++)
        s.opt.sack[i] = (struct tcpopt_sack){seq(0), seq(0)};
    if (again.opt.n_sack == 0)
        s.opt.has &= (uint8_t)~OPT_SACK;
    s.opt.n_sack = again.opt.n_sack;
    if ((s.opt.has & OPT_ACCECN) && !(again.opt.has & OPT_ACCECN)) { /* no room for it */
        s.opt.has &= (uint8_t)~OPT_ACCECN;
        s.opt.acc_order = again.opt.acc_order;
        s.opt.n_acc = again.opt.n_acc;
        memcpy(s.opt.acc, again.opt.acc, sizeof s.opt.acc);
    }
    MUST(memcmp(&s.opt, &again.opt, sizeof s.opt) == 0);
}

/** check_ipv4() - the header's checksum repaired; some of the packet may lie outside */
static void check_ipv4(uint8_t *p, uint32_t len)
{
    struct ipv4 h, again, q;
    uint8_t out[IPV4_HEADER];
    uint32_t header = len >= IPV4_HEADER ? (p[0] & 15u) * 4 : 0, total = len + len % 7 * 200;

    if (header >= IPV4_HEADER && header <= len) {
        put16(p + 10, 0);
        put16(p + 10, csum_finish(csum(p, header)));
    }
    enum gn_drop quoted = ipv4_parse_quoted(p, len, &q);
    if (ipv4_parse(p, len, total, &h) != GN_DROP_NONE)
        return;
    MUST(quoted == GN_DROP_NONE && q.total_len == h.total_len && q.proto == h.proto);
    MUST(h.header_len <= len && h.header_len <= h.total_len && h.total_len <= total);
    h.total_len = (uint16_t)(h.total_len - h.header_len + IPV4_HEADER);
    MUST(ipv4_emit(&h, out) == IPV4_HEADER);
    MUST(ipv4_parse(out, IPV4_HEADER, h.total_len, &again) == GN_DROP_NONE);
    MUST(same_addr(&h.src, &again.src) && same_addr(&h.dst, &again.dst));
    SAME(h, again, proto);
    SAME(h, again, tos);
    SAME(h, again, ttl);
    SAME(h, again, df);
    SAME(h, again, more);
    SAME(h, again, ident);
    SAME(h, again, frag_off);
    SAME(h, again, total_len);
}

/** check_refusal6() - what is said of a packet points into it, and is never that a good fragment is
 * bad; what is skimmed is no more than what is parsed */
static void check_refusal6(const uint8_t *p, uint32_t len)
{
    struct ipv6_problem problem;
    struct ipv6 h, skimmed;
    enum gn_drop drop = ipv6_parse(p, len, UINT32_MAX, &h);
    enum gn_drop skim = ipv6_skim(p, len, &skimmed);
    bool told = ipv6_problem(p, len, &problem);

    MUST(skim != GN_DROP_NONE || (skimmed.header_len <= len && skimmed.header_len >= IPV6_HEADER));
    MUST(drop != GN_DROP_NONE || skim == GN_DROP_NONE);
    if (told)
        MUST(problem.pointer < len && problem.pointer < problem.total_len);
    if (drop == GN_DROP_NONE)
        MUST(told != ipv6_is_fragment(&h) && (!told || problem.code == ICMP6_BAD_NEXT));
}

/** check_ipv6() - the packet that emit gives has lost its extension headers but for that of a
 * fragment */
static void check_ipv6(const uint8_t *p, uint32_t len)
{
    struct ipv6 h, again, q;
    uint8_t out[IPV6_HEADER + IPV6_FRAG_HEADER], next = len ? p[0] : 0;
    uint32_t total = len + len % 7 * 200, ext;

    if (ipv6_extensions(p, len, &next, &ext) == GN_DROP_NONE)
        MUST(ext <= len && ext % 8 == 0 && ext <= IPV6_EXT_MAX * 2048);
    check_refusal6(p, len);
    enum gn_drop quoted = ipv6_parse_quoted(p, len, &q);
    if (ipv6_parse(p, len, total, &h) != GN_DROP_NONE)
        return;
    MUST(quoted == GN_DROP_NONE || h.frag.more);
    MUST(h.header_len <= len && h.header_len <= h.total_len && h.total_len <= total);
    uint32_t header = h.frag.present ? sizeof out : IPV6_HEADER;
    if (h.frag.present && h.next != 6) /* a chain behind it, which is not there any more */
        return;
    h.total_len = h.total_len - h.header_len + header;
    MUST(ipv6_emit(&h, out) == header);
    MUST(ipv6_parse(out, header, h.total_len, &again) == GN_DROP_NONE);
    MUST(same_addr(&h.src, &again.src) && same_addr(&h.dst, &again.dst));
    SAME(h, again, next);
    SAME(h, again, tclass);
    SAME(h, again, hlim);
    SAME(h, again, flow);
    SAME(h, again, total_len);
    SAME(h, again, frag.present);
    SAME(h, again, frag.more);
    SAME(h, again, frag.off);
    SAME(h, again, frag.id);
}

/** check_icmp4() - with its checksum repaired, every message of 8 octets or more is one, and is
 * emitted as it came */
static void check_icmp4(uint8_t *p, uint32_t len)
{
    struct icmp m;
    uint8_t out[INPUT_MAX];

    if (len >= ICMP_HEADER) {
        put16(p + 2, 0);
        put16(p + 2, csum_finish(csum(p, len)));
    }
    enum gn_drop drop = icmp4_parse(p, len, &m);
    MUST((drop == GN_DROP_NONE) == (len >= ICMP_HEADER));
    if (drop != GN_DROP_NONE)
        return;
    MUST(icmp4_emit(&m, out) == len && memcmp(out, p, len) == 0);
    struct ipv4 quoted;
    if (icmp4_is_error(&m) && ipv4_parse_quoted(m.body, m.body_len, &quoted) == GN_DROP_NONE)
        MUST(quoted.header_len <= m.body_len);
}

/** check_nd() - ICMPv6 with its checksum repaired, and neighbour discovery in it */
static void check_nd(uint8_t *p, uint32_t len)
{
    struct icmp m;
    struct nd n, again;
    uint8_t out[INPUT_MAX];

    if (len >= ICMP_HEADER) {
        put16(p + 2, 0);
        put16(p + 2, csum_finish(ipv6_pseudo(&src6, &dst6, 58, len) + csum(p, len)));
    }
    enum gn_drop drop = icmp6_parse(&src6, &dst6, p, len, &m);
    MUST((drop == GN_DROP_NONE) == (len >= ICMP_HEADER));
    if (drop != GN_DROP_NONE)
        return;
    MUST(icmp6_emit(&src6, &dst6, &m, out) == len && memcmp(out, p, len) == 0);
    if (nd_parse(&m, &src6, &dst6, ND_HLIM, &n) != GN_DROP_NONE)
        return;
    len = nd_emit(&n, &src6, &dst6, out);
    MUST(len <= ND_LEN_MAX && icmp6_parse(&src6, &dst6, out, len, &m) == GN_DROP_NONE);
    MUST(nd_parse(&m, &src6, &dst6, ND_HLIM, &again) == GN_DROP_NONE);
    SAME(n, again, type);
    SAME(n, again, router);
    SAME(n, again, solicited);
    SAME(n, again, override);
    SAME(n, again, has_lladdr);
    MUST(memcmp(n.lladdr, again.lladdr, 6) == 0 && same_addr(&n.target, &again.target));
}

/** check_link() - Ethernet, and ARP behind it: both are emitted as they came */
static void check_link(const uint8_t *p, uint32_t len)
{
    struct eth e;
    struct arp a;
    uint8_t out[ARP_LEN];

    if (eth_parse(p, len, &e) != GN_DROP_NONE)
        return;
    MUST(eth_emit(&e, out) == ETH_HEADER && memcmp(out, p, ETH_HEADER) == 0);
    if (arp_parse(p + ETH_HEADER, len - ETH_HEADER, &a) != GN_DROP_NONE)
        return;
    MUST(arp_emit(&a, out) == ARP_LEN && memcmp(out, p + ETH_HEADER, ARP_LEN) == 0);
}

/** check_checksum() - in one go, copied, and in two pieces cut where the first octet says */
static void check_checksum(const uint8_t *p, uint32_t len)
{
    uint8_t out[INPUT_MAX];
    uint32_t cut = len ? p[0] % len : 0;
    uint16_t whole = csum_fold(csum(p, len));

    MUST(csum_fold(csum_copy(out, p, len)) == whole && memcmp(out, p, len) == 0);
    MUST(csum_fold(csum_join(csum(p, cut), csum(p + cut, len - cut), cut)) == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** LLVMFuzzerTestOneInput() - each input is parsed from a block of exactly its size, so that any
 * read outside is seen */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    uint32_t len = (uint32_t)size - 1;
    uint8_t *p = malloc(len ? len : 1);
    MUST(p);
    memcpy(p, data + 1, len);
    switch (data[0] % 7) {
    case 0: check_tcp(p, len); break;
    case 1: check_ipv4(p, len); break;
    case 2: check_ipv6(p, len); break;
    case 3: check_icmp4(p, len); break;
    case 4: check_nd(p, len); break;
    case 5: check_link(p, len); break;
    case 6: check_checksum(p, len); break;
    }
    free(p);
    return 0;
}
