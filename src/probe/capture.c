/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file capture.c  See capture.h. libpcap reads both file formats, both byte orders, and compiles
 * filters; what it says when something is wrong is made one line that says what helps.
 */
#define _GNU_SOURCE /* pcap.h needs the old names of types */
#include "probe/capture.h"

#include "explain/passive_link.h"

#include <pcap/pcap.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAPLEN 512        /* live: headers, those quoted by ICMP too, are all that is wanted */
#define BUFFER  (32 << 20) /* live: octets that wait for us in the kernel */
#define WAIT_MS 100        /* live: so often the caller gets a turn */

struct capture {
    pcap_t *pcap;
    int link_type;
    bool live;
    char error[CAPTURE_ERROR];
};

/** fail() - the one line; NULL */
__attribute__((format(printf, 2, 3))) static struct capture *fail(char ret_error[CAPTURE_ERROR],
                                                                  const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(ret_error, CAPTURE_ERROR, format, ap);
    va_end(ap);
    return NULL;
}

/** explain_activation() - why an interface cannot be listened to */
static void explain_activation(const char *iface, int result, pcap_t *p, char *ret_error)
{
    switch (result) {
    case PCAP_ERROR_PERM_DENIED:
        (void)fail(ret_error,
                   "cannot listen on %s without CAP_NET_RAW: run it as root, or allow it once with "
                   "'setcap cap_net_raw+ep' on this program, or capture with tcpdump and give the "
                   "file",
                   iface);
        break;
    case PCAP_ERROR_NO_SUCH_DEVICE:
        (void)fail(ret_error, "there is no interface %s ('ip link' lists them)", iface);
        break;
    case PCAP_ERROR_IFACE_NOT_UP: (void)fail(ret_error, "interface %s is down", iface); break;
    default:
        (void)fail(ret_error, "cannot listen on %s: %s", iface,
                   *pcap_geterr(p) ? pcap_geterr(p) : pcap_statustostr(result));
    }
}

/** open_live() - NULL: *ret_error says why */
static pcap_t *open_live(const char *iface, char ret_error[CAPTURE_ERROR])
{
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create(iface, why);
    int result;

    if (!p) {
        (void)fail(ret_error, "cannot listen on %s: %s", iface, why);
        return NULL;
    }
    (void)pcap_set_snaplen(p, SNAPLEN);
    (void)pcap_set_buffer_size(p, BUFFER);
    (void)pcap_set_timeout(p, WAIT_MS);
    (void)pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
    result = pcap_activate(p);
    if (result < 0) {
        explain_activation(iface, result, p, ret_error);
        pcap_close(p);
        return NULL;
    }
    if (pcap_setnonblock(p, 1, why) < 0) {
        (void)fail(ret_error, "cannot listen on %s: %s", iface, why);
        pcap_close(p);
        return NULL;
    }
    return p;
}

/** open_file() - NULL: *ret_error says why */
static pcap_t *open_file(const char *path, char ret_error[CAPTURE_ERROR])
{
    char why[PCAP_ERRBUF_SIZE] = "";
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path, *text = why;
    pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);

    if (p)
        return p;
    if (strncmp(text, path, strlen(path)) == 0 && text[strlen(path)] == ':')
        text += strlen(path) + 1 + (text[strlen(path) + 1] == ' ');
    (void)fail(ret_error, "cannot read %s: %s", name, text);
    return NULL;
}

/** set_filter() - false: it does not compile, which *ret_error says */
static bool set_filter(pcap_t *p, const char *filter, char ret_error[CAPTURE_ERROR])
{
    struct bpf_program program;

    if (!filter || !*filter)
        return true;
    if (pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0) {
        (void)fail(ret_error, "the filter '%s' is not one: %s", filter, pcap_geterr(p));
        return false;
    }
    bool good = pcap_setfilter(p, &program) == 0;
    if (!good)
        (void)fail(ret_error, "the filter '%s' cannot be set: %s", filter, pcap_geterr(p));
    pcap_freecode(&program);
    return good;
}

struct capture *capture_open(const struct capture_config *c, char ret_error[CAPTURE_ERROR])
{
    struct capture *ret = calloc(1, sizeof *ret);

    if (!ret)
        return fail(ret_error, "out of memory");
    ret->live = c->iface != NULL;
    ret->pcap = c->iface ? open_live(c->iface, ret_error) : open_file(c->path, ret_error);
    if (!ret->pcap) {
        free(ret);
        return NULL;
    }
    ret->link_type = pcap_datalink(ret->pcap);
    if (!passive_link_known(ret->link_type)) {
        const char *name = pcap_datalink_val_to_name(ret->link_type);
        (void)fail(ret_error, "its packets are of link type %d (%s), which is not supported",
                   ret->link_type, name ? name : "no name");
    } else if (set_filter(ret->pcap, c->filter, ret_error)) {
        return ret;
    }
    capture_close(ret);
    return NULL;
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    pcap_close(c->pcap);
    free(c);
}

/** wait_for_packets() - a moment, or until there are some or a signal comes */
static void wait_for_packets(const struct capture *c)
{
    struct pollfd fd = {.fd = pcap_get_selectable_fd(c->pcap), .events = POLLIN};

    (void)poll(&fd, 1, WAIT_MS);
}

enum capture_result capture_next(struct capture *c, struct capture_packet *ret)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    int result = pcap_next_ex(c->pcap, &h, &data);

    switch (result) {
    case 1: /* times before 1970 are damage */
        ret->at = h->ts.tv_sec < 0 || h->ts.tv_usec < 0
                      ? 0
                      : (gn_time)h->ts.tv_sec * GN_SEC + (gn_time)h->ts.tv_usec;
        ret->data = data;
        ret->captured = h->caplen;
        ret->length = h->len < h->caplen ? h->caplen : h->len;
        return CAPTURE_PACKET;
    case 0: wait_for_packets(c); return CAPTURE_NOTHING;
    case PCAP_ERROR_BREAK: return CAPTURE_END;
    default: snprintf(c->error, sizeof c->error, "%s", pcap_geterr(c->pcap)); return CAPTURE_BROKEN;
    }
}

const char *capture_error(const struct capture *c)
{
    return c->error;
}

int capture_link_type(const struct capture *c)
{
    return c->link_type;
}

const char *capture_link_name(const struct capture *c)
{
    const char *name = pcap_datalink_val_to_name(c->link_type);

    return name ? name : "unknown";
}

uint64_t capture_missed(const struct capture *c)
{
    struct pcap_stat s;

    if (!c->live || pcap_stats(c->pcap, &s) < 0)
        return 0;
    return s.ps_drop;
}
