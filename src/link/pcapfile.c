/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pcapfile.c  Writing captures: classic pcap with nanoseconds.
 *
 * Packets are written as a wire would carry them: a capture with 64 KiB super-segments and half
 * checksums, as hosts with offloads give them, misleads both people and tools.
 */
#include "link/error.h"
#include "link/gso.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCAP_MAGIC_NS     UINT32_C(0xa1b23c4d)
#define PCAP_SNAPLEN      UINT32_C(262144)
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW      101
#define PCAP_BUFFER       (256u << 10)

struct gn_pcap {
    FILE *file;
    enum gn_medium medium;
    gn_time epoch;
    int err; /* errno of the first failed write; nothing is written after it */
    uint8_t packet[GN_FRAME_MAX];
};

struct pcap_file_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, sigfigs, snaplen, linktype;
};

struct pcap_record {
    uint32_t sec, nsec, stored, length;
};

/** pcap_put() - write, unless something has failed before */
static void pcap_put(struct gn_pcap *p, const void *data, size_t len)
{
    if (p->err == 0 && fwrite(data, 1, len, p->file) != len)
        p->err = errno ? errno : EIO;
}

struct gn_pcap *gn_pcap_open(const char *path, enum gn_medium m, gn_time epoch,
                             struct gn_link_error *ret_err)
{
    struct pcap_file_header h = {
        .magic = PCAP_MAGIC_NS,
        .major = 2,
        .minor = 4,
        .snaplen = PCAP_SNAPLEN,
        .linktype = m == GN_MEDIUM_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW,
    };
    struct gn_pcap *p = malloc(sizeof *p);

    if (!p) {
        link_fail(ret_err, ENOMEM, "cannot write %s", path);
        return NULL;
    }
    p->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
    if (!p->file) {
        link_fail(ret_err, errno, "cannot write %s", path);
        free(p);
        return NULL;
    }
    p->medium = m;
    p->epoch = epoch;
    p->err = 0;
    if (p->file != stdout)
        setvbuf(p->file, NULL, _IOFBF, PCAP_BUFFER);
    pcap_put(p, &h, sizeof h);
    return p;
}

void gn_pcap_write(struct gn_pcap *p, const struct gn_frame *f, gn_time at)
{
    gn_time t = at + p->epoch;
    struct pcap_record r = {.sec = (uint32_t)(t / GN_SEC), .nsec = (uint32_t)(t % GN_SEC)};
    struct gso g;

    if (!gso_begin(&g, f, p->medium))
        return;
    while ((r.length = r.stored = gso_next(&g, p->packet)) != 0) {
        pcap_put(p, &r, sizeof r);
        pcap_put(p, p->packet, r.stored);
    }
}

void gn_pcap_flush(struct gn_pcap *p)
{
    if (p->err == 0 && fflush(p->file) != 0)
        p->err = errno;
}

int gn_pcap_close(struct gn_pcap *p)
{
    int err;

    gn_pcap_flush(p);
    if (p->file != stdout && fclose(p->file) != 0 && p->err == 0)
        p->err = errno;
    err = p->err;
    free(p);
    return -err;
}
