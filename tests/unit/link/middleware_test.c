/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <gannet/link.h>

#include "unit/link/packets.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct made in;

/** pair() - two ports without delay */
static struct gn_sim *pair(void)
{
    struct gn_sim_config c = {.ports = 2};

    return gn_sim_new(&c);
}

/** send() - the frame of @r into @l */
static void send(struct gn_link *l, const struct recipe *r, gn_time now)
{
    make(&in, r);
    cr_assert_eq(gn_link_tx(l, &in.f, 1, now), 1);
}

Test(fault, both_ways_have_their_own_path)
{
    struct gn_sim *s = pair();
    struct gn_pipe_config tx = {.latency = 100}, rx = {.latency = 50, .drop_mask = 1};
    struct gn_link *l = gn_link_fault(gn_sim_port(s, 0), &tx, &rx, 1);
    struct gn_link *far = gn_sim_port(s, 1);
    struct gn_frame f[8];

    send(l, &(struct recipe){.text = 10}, 0);
    cr_assert_eq(gn_link_deadline(l).at, 100);
    cr_assert_eq(gn_link_rx(l, f, 8, 99), 0);
    cr_assert_eq(gn_link_rx(far, f, 8, 99), 0);
    cr_assert_eq(gn_link_rx(l, f, 8, 100), 0);
    cr_assert_eq(gn_link_rx(far, f, 8, 100), 1);

    send(far, &(struct recipe){.text = 11}, 200);
    send(far, &(struct recipe){.text = 12}, 200);
    cr_assert_eq(gn_link_rx(l, f, 8, 200), 0);
    cr_assert_eq(gn_link_deadline(l).at, 250);
    cr_assert_eq(gn_link_rx(l, f, 8, 250), 1, "the first was lost");
    cr_assert_eq(f[0].len, 52);
    cr_assert_not(gn_link_deadline(l).armed);
    gn_link_close(l);
    gn_sim_free(s);
}

Test(fault, loses_wire_packets_not_super_segments)
{
    struct gn_sim *s = pair();
    struct gn_pipe_config tx = {.drop_mask = 1u << 3}, rx = {0};
    struct gn_link *l = gn_link_fault(gn_sim_port(s, 0), &tx, &rx, 1);
    struct gn_frame f[32];
    int n;

    cr_assert(l->iface.caps & GN_CAP_TSO);
    send(l, &(struct recipe){.owed = true, .gso_size = 1000, .text = 10000, .tail0 = 5000}, 0);
    n = gn_link_rx(gn_sim_port(s, 1), f, 32, 0);
    cr_assert_eq(n, 9);
    for (int i = 0; i < n; i++) {
        struct seen p = look(f[i].data, f[i].len, GN_MEDIUM_IP);

        cr_assert(p.ok);
        cr_assert_eq(p.seq, (uint32_t)(i < 3 ? i : i + 1) * 1000);
    }
    gn_link_close(l);
    gn_sim_free(s);
}

Test(fault, a_storm_neither_piles_up_nor_leaks)
{
    struct gn_sim *s = pair();
    struct gn_pipe_config ugly = {.latency = 10,
                                  .loss_ppm = 100000,
                                  .duplicate_ppm = 100000,
                                  .corrupt_ppm = 100000,
                                  .reorder_ppm = 100000,
                                  .reorder_delay = 30};
    struct gn_link *l = gn_link_fault(gn_sim_port(s, 0), &ugly, &ugly, 9);
    struct gn_frame f[4];
    unsigned got = 0;

    for (gn_time now = 0; now < 2000; now++) {
        send(gn_sim_port(s, 1), &(struct recipe){.text = 100}, now);
        send(l, &(struct recipe){.text = 100}, now);
        got += (unsigned)gn_link_rx(l, f, 4, now);
        gn_link_rx(gn_sim_port(s, 1), f, 4, now);
    }
    cr_assert(got > 1900 && got < 2100, "%u", got); /* 0.9 * 1.1 */
    gn_link_close(l);
    gn_sim_free(s);
}

/** A capture read back. */
struct capture {
    uint32_t magic, linktype;
    unsigned packets, good;
    uint64_t first_ns, last_ns;
    uint32_t len[64];
};

/** read_capture() - by hand */
static struct capture read_capture(const char *path, enum gn_medium m)
{
    static uint8_t packet[70000];
    struct capture c = {0};
    uint32_t head[6], rec[4];
    FILE *f = fopen(path, "rb");

    cr_assert_not_null(f);
    cr_assert_eq(fread(head, 1, 24, f), 24);
    c.magic = head[0];
    cr_assert_eq(head[1], 2 | 4 << 16);
    c.linktype = head[5];
    while (fread(rec, 1, 16, f) == 16) {
        uint64_t at = rec[0] * UINT64_C(1000000000) + rec[1];

        cr_assert_eq(rec[2], rec[3]);
        cr_assert_eq(fread(packet, 1, rec[2], f), rec[2]);
        c.good += look(packet, rec[2], m).ok;
        if (c.packets == 0)
            c.first_ns = at;
        c.last_ns = at;
        c.len[c.packets++ % 64] = rec[2];
    }
    fclose(f);
    return c;
}

Test(pcap, what_passes_is_written_as_on_a_wire)
{
    char path[] = "/tmp/gannet-pcap-XXXXXX";
    int fd = mkstemp(path);
    struct gn_sim *s = pair();
    struct gn_link *l = gn_link_pcap(gn_sim_port(s, 0), path, 5 * GN_SEC, NULL);
    struct gn_frame f[32];
    struct capture c;

    cr_assert_not_null(l);
    send(l, &(struct recipe){.text = 5}, 7);
    send(l, &(struct recipe){.owed = true, .text = 6, .v6 = true, .tail0 = 3}, 8);
    send(l, &(struct recipe){.owed = true, .text = 10000, .gso_size = 1000, .tail0 = 1001}, 9);
    send(gn_sim_port(s, 1), &(struct recipe){.text = 77}, 10);
    cr_assert_eq(gn_link_rx(l, f, 32, 11), 1);
    cr_assert_eq(l->stats.tx_frames, 3);
    gn_link_close(l);

    c = read_capture(path, GN_MEDIUM_IP);
    cr_assert_eq(c.magic, 0xa1b23c4d);
    cr_assert_eq(c.linktype, 101);
    cr_assert_eq(c.packets, 13);
    cr_assert_eq(c.good, 13);
    cr_assert_eq(c.first_ns, 5 * GN_SEC + 7);
    cr_assert_eq(c.last_ns, 5 * GN_SEC + 11);
    cr_assert_eq(c.len[12], 117);
    gn_sim_free(s);
    close(fd);
    unlink(path);
}

Test(pcap, an_ethernet_capture_says_so)
{
    char path[] = "/tmp/gannet-pcap-XXXXXX";
    int fd = mkstemp(path);
    struct gn_pcap *p = gn_pcap_open(path, GN_MEDIUM_ETHERNET, 0, NULL);
    struct capture c;

    make(&in, &(struct recipe){.medium = GN_MEDIUM_ETHERNET, .owed = true, .text = 50});
    gn_pcap_write(p, &in.f, 3);
    cr_assert_eq(gn_pcap_close(p), 0);
    c = read_capture(path, GN_MEDIUM_ETHERNET);
    cr_assert_eq(c.linktype, 1);
    cr_assert_eq(c.good, 1);
    close(fd);
    unlink(path);
}

Test(pcap, buffered_packets_reach_the_file_in_time)
{
    char path[] = "/tmp/gannet-pcap-XXXXXX";
    int fd = mkstemp(path);
    struct gn_sim *s = pair();
    struct gn_link *l = gn_link_pcap(gn_sim_port(s, 0), path, 0, NULL);
    struct gn_deadline d;
    struct gn_frame f[4];

    send(l, &(struct recipe){.text = 5}, GN_SEC);
    cr_assert_eq(lseek(fd, 0, SEEK_END), 0);
    gn_link_rx(gn_sim_port(s, 1), f, 4, GN_SEC);
    d = gn_link_deadline(l);
    cr_assert(d.armed);
    cr_assert_leq(d.at, 2 * GN_SEC);
    gn_link_rx(l, f, 4, d.at);
    cr_assert_eq(lseek(fd, 0, SEEK_END), 24 + 16 + 45);
    cr_assert_not(gn_link_deadline(l).armed);
    gn_link_close(l);
    gn_sim_free(s);
    close(fd);
    unlink(path);
}

Test(pcap, a_path_that_cannot_be_written_is_reported)
{
    struct gn_link_error e = {0};
    struct gn_sim *s = pair();

    cr_assert_null(gn_link_pcap(gn_sim_port(s, 0), "/nonexistent/x.pcap", 0, &e));
    cr_assert_eq(e.err, ENOENT);
    cr_assert_str_eq(e.text, "cannot write /nonexistent/x.pcap: No such file or directory");
    gn_sim_free(s);
}

Test(pcap, a_full_disk_is_reported_at_the_end)
{
    struct gn_pcap *p = gn_pcap_open("/dev/full", GN_MEDIUM_IP, 0, NULL);

    if (!p)
        cr_skip("no /dev/full here");
    make(&in, &(struct recipe){.text = 50});
    gn_pcap_write(p, &in.f, 3);
    cr_assert_eq(gn_pcap_close(p), -ENOSPC);
}

Test(trace, a_line_for_each_frame)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct gn_sim *s = pair();
    struct gn_link *l = gn_link_trace(gn_sim_port(s, 0), out);
    struct gn_frame f[4];

    send(l, &(struct recipe){.text = 5, .seq = 1000, .ctl = 0x12}, GN_SEC + 2 * GN_USEC);
    send(l, &(struct recipe){.v6 = true, .owed = true, .text = 500, .gso_size = 100, .ctl = 0x18},
         2 * GN_SEC);
    send(gn_sim_port(s, 1), &(struct recipe){.ctl = 4}, 3 * GN_SEC);
    gn_link_rx(l, f, 4, 3 * GN_SEC);
    make(&in, &(struct recipe){.text = 5});
    in.f.len = 19; /* not even an IP header */
    gn_link_tx(l, &in.f, 1, 4 * GN_SEC);
    gn_link_close(l);
    fclose(out);
    cr_assert_str_eq(text,
                     "1.000002 > 10.77.0.1:40000 10.77.0.2:80 S. seq 1000 ack 77 win 1000 len 5\n"
                     "2.000000 > fd00:0:0:77::1:40000 fd00:0:0:77::2:80 P. seq 0 ack 77 win 1000 "
                     "len 500 gso 100\n"
                     "3.000000 < 10.77.0.1:40000 10.77.0.2:80 R seq 0 ack 77 win 1000 len 0\n"
                     "4.000000 > not IP\n");
    free(text);
    gn_sim_free(s);
}
