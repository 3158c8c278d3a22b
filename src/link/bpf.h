/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bpf.h  Small programs of our own for the kernel, written as instructions.
 */
#ifndef GN_LINK_BPF_H
#define GN_LINK_BPF_H

#include <linux/bpf.h>
#include <stddef.h>

#define BPF_CODE_MAX 256

/** A program under construction. Running out of room is seen by bpf_load(). */
struct bpf_code {
    struct bpf_insn insn[BPF_CODE_MAX];
    unsigned n;
};

/** bpf_put() - append one instruction; its index, for bpf_land() */
unsigned bpf_put(struct bpf_code *c, unsigned code, unsigned dst, unsigned src, int off, int imm);
/** bpf_land() - let the jump at @index land on what is appended next */
void bpf_land(struct bpf_code *c, unsigned index);
/** bpf_load() - hand the program to the kernel: a file descriptor, or -errno */
int bpf_load(const struct bpf_code *c, enum bpf_prog_type type, const char *name);
/** bpf_call() - the system call; its result, or -errno */
int bpf_call(enum bpf_cmd cmd, union bpf_attr *attr);

/* The instructions that are used. K: with a constant, X: with a register. */
#define MOV_X(c, dst, src)           bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_K(c, dst, imm)           bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ALU_X(c, op, dst, src)       bpf_put(c, BPF_ALU | (op) | BPF_X, dst, src, 0, 0)
#define ALU_K(c, op, dst, imm)       bpf_put(c, BPF_ALU | (op) | BPF_K, dst, 0, 0, imm)
#define JUMP_K(c, op, dst, imm)      bpf_put(c, BPF_JMP | (op) | BPF_K, dst, 0, 0, imm)
#define JUMP_X(c, op, dst, src)      bpf_put(c, BPF_JMP | (op) | BPF_X, dst, src, 0, 0)
#define JUMP(c)                      bpf_put(c, BPF_JMP | BPF_JA, 0, 0, 0, 0)
#define LOAD(c, size, dst, src, off) bpf_put(c, BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define EXIT(c)                      bpf_put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

#endif
