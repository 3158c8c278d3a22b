/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file steer.c  Steering by flow: flow_hash() as a program for the kernel.
 *
 * By itself a TUN device sends a flow to the queue that its packets came from last, for as long as
 * it remembers (three seconds, 4096 flows), and else by a hash of its own that nobody can foresee.
 * That is right for connections that came from the kernel's side, but loses those that we have
 * opened after a silence. With this program queue and host are known from the addresses and ports
 * alone, before the first packet.
 *
 * The packet begins with its IP header. A load beyond its end ends the program with 0. Fragments
 * have no ports to go by, they count as "all else".
 */
#include "link/steer.h"

#include "link/bpf.h"
#include "wire/flow.h"

#define IP_AT    BPF_REG_7 /* where the IP header lies whose flow is meant */
#define SUM      BPF_REG_8
#define PORTS_AT BPF_REG_9
#define R0       BPF_REG_0

/** load_at() - R0 = octets at @off beyond register @base, as a number of @size */
static void load_at(struct bpf_code *c, unsigned size, unsigned base, int off)
{
    bpf_put(c, BPF_LD | BPF_IND | size, 0, base, 0, off);
}

/** add_at() - the same, added to the sum */
static void add_at(struct bpf_code *c, unsigned size, unsigned base, int off)
{
    load_at(c, size, base, off);
    ALU_X(c, BPF_ADD, SUM, R0);
}

/** header_len() - R0 = octets of the IPv4 header at IP_AT */
static void header_len(struct bpf_code *c)
{
    load_at(c, BPF_B, IP_AT, 0);
    ALU_K(c, BPF_AND, R0, 15);
    ALU_K(c, BPF_LSH, R0, 2);
}

/** put_v4() - sum and PORTS_AT of an IPv4 packet, or of the one that it complains about; what is
 * neither goes to *ret_else */
static void put_v4(struct bpf_code *c, unsigned ret_else[3])
{
    unsigned tcp, error[3];

    load_at(c, BPF_H, IP_AT, 6);
    ret_else[0] = JUMP_K(c, BPF_JSET, R0, 0x3fff); /* a fragment */
    load_at(c, BPF_B, IP_AT, 9);
    tcp = JUMP_K(c, BPF_JEQ, R0, 6);
    ret_else[1] = JUMP_K(c, BPF_JNE, R0, 1);
    header_len(c);
    MOV_X(c, PORTS_AT, R0);
    load_at(c, BPF_B, PORTS_AT, 0); /* ICMP type: unreachable, time exceeded, parameter problem */
    error[0] = JUMP_K(c, BPF_JEQ, R0, 3);
    error[1] = JUMP_K(c, BPF_JEQ, R0, 11);
    error[2] = JUMP_K(c, BPF_JEQ, R0, 12);
    ret_else[2] = JUMP(c);
    for (unsigned i = 0; i < 3; i++)
        bpf_land(c, error[i]);
    MOV_X(c, IP_AT, PORTS_AT);
    ALU_K(c, BPF_ADD, IP_AT, 8);
    bpf_land(c, tcp);
    add_at(c, BPF_W, IP_AT, 12);
    add_at(c, BPF_W, IP_AT, 16);
    header_len(c);
    MOV_X(c, PORTS_AT, IP_AT);
    ALU_X(c, BPF_ADD, PORTS_AT, R0);
}

/** put_v6() - the same for IPv6 without extension headers; @ret_else: 2 */
static void put_v6(struct bpf_code *c, unsigned ret_else[2])
{
    unsigned tcp;

    load_at(c, BPF_B, IP_AT, 6);
    tcp = JUMP_K(c, BPF_JEQ, R0, 6);
    ret_else[0] = JUMP_K(c, BPF_JNE, R0, 58);
    load_at(c, BPF_B, IP_AT, 40);
    ret_else[1] = JUMP_K(c, BPF_JGT, R0, 127); /* ICMPv6 that is no error */
    MOV_K(c, IP_AT, 48);
    bpf_land(c, tcp);
    for (int off = 8; off < 40; off += 4)
        add_at(c, BPF_W, IP_AT, off);
    MOV_X(c, PORTS_AT, IP_AT);
    ALU_K(c, BPF_ADD, PORTS_AT, 40);
}

/** put_mix() - the ports, and flow_mix(): the result */
static void put_mix(struct bpf_code *c, uint32_t key)
{
    add_at(c, BPF_H, PORTS_AT, 0);
    add_at(c, BPF_H, PORTS_AT, 2);
    ALU_K(c, BPF_XOR, SUM, (int)key);
    ALU_K(c, BPF_MUL, SUM, (int)FLOW_MUL_A);
    ALU_X(c, BPF_MOV, R0, SUM);
    ALU_K(c, BPF_RSH, R0, 15);
    ALU_X(c, BPF_XOR, R0, SUM);
    ALU_K(c, BPF_MUL, R0, (int)FLOW_MUL_B);
    ALU_K(c, BPF_RSH, R0, 16);
    EXIT(c);
}

int steer_load(uint32_t key)
{
    struct bpf_code c = {.n = 0};
    unsigned v4, not_v6, mix, to_else[6];

    MOV_X(&c, BPF_REG_6, BPF_REG_1); /* where the loads below expect the packet */
    MOV_K(&c, IP_AT, 0);
    MOV_K(&c, SUM, 0);
    load_at(&c, BPF_B, IP_AT, 0);
    ALU_K(&c, BPF_RSH, R0, 4);
    v4 = JUMP_K(&c, BPF_JEQ, R0, 4);
    not_v6 = JUMP_K(&c, BPF_JNE, R0, 6);
    put_v6(&c, to_else);
    mix = JUMP(&c);
    bpf_land(&c, v4);
    put_v4(&c, to_else + 2);
    bpf_land(&c, mix);
    put_mix(&c, key);
    to_else[5] = not_v6;
    for (unsigned i = 0; i < 6; i++)
        bpf_land(&c, to_else[i]);
    MOV_K(&c, R0, 0);
    EXIT(&c);
    return bpf_load(&c, BPF_PROG_TYPE_SOCKET_FILTER, "gannet_steer");
}
