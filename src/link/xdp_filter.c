/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file xdp_filter.c  The program for an AF_XDP socket.
 *
 * XDP cannot copy a frame: it is the socket's or the kernel's. So the program has to know what is
 * whose, questions to all included, lest the kernel's own addresses on that interface fall silent.
 * It hangs on a link of the kernel's kind (BPF_LINK_CREATE), so it goes when this process does,
 * however that ends.
 */
#define _GNU_SOURCE
#include "link/xdp_filter.h"

#include "link/bpf.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define DATA          BPF_REG_7
#define END           BPF_REG_8
#define CTX           BPF_REG_6
#define WORD          BPF_REG_4
#define HALF          BPF_REG_5

#define ARP_TYPE_AT   12
#define ARP_TARGET_AT 38

/** word_of(), half_of() - octets as the kernel's loads on this machine see them */
static int word_of(const uint8_t *p)
{
    int v;

    memcpy(&v, p, sizeof v);
    return v;
}

static int half_of(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/** Jumps to the place where a frame is taken. */
struct takes {
    unsigned at[GN_NIC_ADDRS + 1], n;
};

/** unless_equal() - a jump over what follows, unless the low 32 bits of @reg are @value */
static unsigned unless_equal(struct bpf_code *c, unsigned reg, int value)
{
    return bpf_put(c, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, value);
}

/** take_mac() - take what is sent to @mac */
static void take_mac(struct bpf_code *c, const uint8_t mac[6], struct takes *t)
{
    unsigned other = unless_equal(c, WORD, word_of(mac));
    unsigned other_too = unless_equal(c, HALF, half_of(mac + 4));

    t->at[t->n++] = JUMP(c);
    bpf_land(c, other);
    bpf_land(c, other_too);
}

/** take_questions() - take ARP requests for one of the addresses of @nc; may change WORD and HALF
 */
static void take_questions(struct bpf_code *c, const struct gn_nic_config *nc, struct takes *t)
{
    static const uint8_t arp[2] = {0x08, 0x06};
    unsigned other, cut;

    LOAD(c, BPF_H, HALF, DATA, ARP_TYPE_AT);
    other = unless_equal(c, HALF, half_of(arp));
    MOV_X(c, BPF_REG_0, DATA);
    bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_0, 0, 0, ARP_TARGET_AT + 4);
    cut = JUMP_X(c, BPF_JGT, BPF_REG_0, END);
    LOAD(c, BPF_W, WORD, DATA, ARP_TARGET_AT);
    for (unsigned i = 0; i < nc->n_addr; i++)
        if (gn_addr_is_v4(&nc->addr[i]))
            t->at[t->n++] =
                bpf_put(c, BPF_JMP32 | BPF_JEQ | BPF_K, WORD, 0, 0, word_of(nc->addr[i].b + 12));
    bpf_land(c, other);
    bpf_land(c, cut);
}

/** put_program() - the whole of it; @map: a file descriptor of the map with the socket */
static void put_program(struct bpf_code *c, const struct nic *n, const struct gn_nic_config *nc,
                        int map)
{
    struct takes t = {.n = 0};
    unsigned cut;

    MOV_X(c, CTX, BPF_REG_1);
    LOAD(c, BPF_W, DATA, CTX, offsetof(struct xdp_md, data));
    LOAD(c, BPF_W, END, CTX, offsetof(struct xdp_md, data_end));
    MOV_X(c, BPF_REG_0, DATA);
    bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_0, 0, 0, 14);
    cut = JUMP_X(c, BPF_JGT, BPF_REG_0, END);
    LOAD(c, BPF_W, WORD, DATA, 0);
    LOAD(c, BPF_H, HALF, DATA, 4);
    take_mac(c, n->mac, &t);
    for (unsigned i = 0; i < nc->n_addr; i++) {
        const uint8_t *a = nc->addr[i].b;

        if (!gn_addr_is_v4(&nc->addr[i]))
            take_mac(c, (const uint8_t[6]){0x33, 0x33, 0xff, a[13], a[14], a[15]}, &t);
    }
    take_questions(c, nc, &t);
    bpf_land(c, cut);
    MOV_K(c, BPF_REG_0, XDP_PASS);
    EXIT(c);
    for (unsigned i = 0; i < t.n; i++)
        bpf_land(c, t.at[i]);
    LOAD(c, BPF_W, BPF_REG_2, CTX, offsetof(struct xdp_md, rx_queue_index));
    bpf_put(c, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
    bpf_put(c, 0, 0, 0, 0, 0); /* the upper half of that constant */
    MOV_K(c, BPF_REG_3, XDP_PASS);
    bpf_put(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map);
    EXIT(c);
}

/** filter_map() - a map with the socket @fd for queue 0: a file descriptor, or -errno */
static int filter_map(int fd)
{
    union bpf_attr attr;
    uint32_t key = 0;
    int map, r;

    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_XSKMAP;
    attr.key_size = attr.value_size = sizeof(uint32_t);
    attr.max_entries = 1;
    map = bpf_call(BPF_MAP_CREATE, &attr);
    if (map < 0)
        return map;
    memset(&attr, 0, sizeof attr);
    attr.map_fd = (uint32_t)map;
    attr.key = (uint64_t)(uintptr_t)&key;
    attr.value = (uint64_t)(uintptr_t)&fd;
    r = bpf_call(BPF_MAP_UPDATE_ELEM, &attr);
    if (r < 0)
        close(map);
    return r < 0 ? r : map;
}

/** filter_link() - put @prog onto the interface in @mode: a file descriptor, or -errno */
static int filter_link(const struct nic *n, int prog, uint32_t mode)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.link_create.prog_fd = (uint32_t)prog;
    attr.link_create.target_ifindex = (uint32_t)n->index;
    attr.link_create.attach_type = BPF_XDP;
    attr.link_create.flags = mode;
    return bpf_call(BPF_LINK_CREATE, &attr);
}

int xdp_filter_attach(const struct nic *n, const struct gn_nic_config *c, int fd,
                      struct xdp_filter *ret)
{
    struct bpf_code code = {.n = 0};
    int map = filter_map(fd), prog, link;

    if (map < 0)
        return map;
    put_program(&code, n, c, map);
    prog = bpf_load(&code, BPF_PROG_TYPE_XDP, "gannet_xdp");
    close(map); /* the program keeps it, and the link keeps the program */
    if (prog < 0)
        return prog;
    ret->native = true;
    link = filter_link(n, prog, XDP_FLAGS_DRV_MODE);
    if (link == -EOPNOTSUPP) {
        ret->native = false;
        link = filter_link(n, prog, XDP_FLAGS_SKB_MODE);
    }
    close(prog);
    ret->link = link;
    return link < 0 ? link : 0;
}
