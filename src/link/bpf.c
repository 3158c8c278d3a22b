/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bpf.c  Small programs of our own for the kernel.
 */
#define _GNU_SOURCE
#include "link/bpf.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned bpf_put(struct bpf_code *c, unsigned code, unsigned dst, unsigned src, int off, int imm)
{
    unsigned at = c->n;

    if (at < BPF_CODE_MAX)
        c->insn[at] = (struct bpf_insn){.code = (uint8_t)code,
                                        .dst_reg = dst & 15,
                                        .src_reg = src & 15,
                                        .off = (int16_t)off,
                                        .imm = imm};
    c->n++;
    return at;
}

void bpf_land(struct bpf_code *c, unsigned index)
{
    if (index < BPF_CODE_MAX)
        c->insn[index].off = (int16_t)(c->n - index - 1);
}

int bpf_call(enum bpf_cmd cmd, union bpf_attr *attr)
{
    long r = syscall(SYS_bpf, cmd, attr, sizeof *attr);

    return r < 0 ? -errno : (int)r;
}

int bpf_load(const struct bpf_code *c, enum bpf_prog_type type, const char *name)
{
    union bpf_attr attr;

    if (c->n > BPF_CODE_MAX)
        return -E2BIG;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = type;
    attr.insns = (uint64_t)(uintptr_t)c->insn;
    attr.insn_cnt = c->n;
    attr.license = (uint64_t)(uintptr_t) "BSD";
    for (unsigned i = 0; name[i] && i < sizeof attr.prog_name - 1; i++)
        attr.prog_name[i] = name[i];
    return bpf_call(BPF_PROG_LOAD, &attr);
}
