/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file numbers.c  See numbers.h.
 */
#define _GNU_SOURCE
#include "probe/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES 16384

/** How a sysctl becomes numbers. */
struct sysctl {
    const char *path;   /* under /proc/sys/net */
    const char *values; /* a name for each value */
    int64_t scale;      /* 0: octets a page */
};

#define SECONDS ((int64_t)GN_SEC)
#define IPV4(n)         \
    {                   \
        "ipv4/" n, n, 1 \
    }
#define IPV4_S(n)             \
    {                         \
        "ipv4/" n, n, SECONDS \
    }
#define CORE(n)         \
    {                   \
        "core/" n, n, 1 \
    }

/** Those that a rule, a remedy or a reader asks for. */
static const struct sysctl sysctls[] = {
    IPV4("ip_no_pmtu_disc"),
    IPV4("tcp_abort_on_overflow"),
    IPV4("tcp_base_mss"),
    IPV4("tcp_keepalive_probes"),
    IPV4("tcp_max_orphans"),
    IPV4("tcp_max_syn_backlog"),
    IPV4("tcp_max_tw_buckets"),
    IPV4("tcp_min_snd_mss"),
    IPV4("tcp_moderate_rcvbuf"),
    IPV4("tcp_mtu_probing"),
    IPV4("tcp_notsent_lowat"),
    IPV4("tcp_orphan_retries"),
    IPV4("tcp_retries1"),
    IPV4("tcp_retries2"),
    IPV4("tcp_sack"),
    IPV4("tcp_slow_start_after_idle"),
    IPV4("tcp_syn_linear_timeouts"),
    IPV4("tcp_syn_retries"),
    IPV4("tcp_synack_retries"),
    IPV4("tcp_syncookies"),
    IPV4("tcp_timestamps"),
    IPV4("tcp_tw_reuse"),
    IPV4("tcp_window_scaling"),
    IPV4_S("tcp_fin_timeout"),
    IPV4_S("tcp_keepalive_intvl"),
    IPV4_S("tcp_keepalive_time"),
    {"ipv4/tcp_rto_min_us", "tcp_rto_min", (int64_t)GN_USEC},
    {"ipv4/tcp_rto_max_ms", "tcp_rto_max", (int64_t)GN_MSEC},
    {"ipv4/ip_local_port_range", "ip_local_port_min ip_local_port_max", 1},
    {"ipv4/tcp_mem", "tcp_mem_low tcp_mem_pressure tcp_mem_max", 0},
    {"ipv4/tcp_rmem", "tcp_rmem_min tcp_rmem_default tcp_rmem_max", 1},
    {"ipv4/tcp_wmem", "tcp_wmem_min tcp_wmem_default tcp_wmem_max", 1},
    CORE("netdev_max_backlog"),
    CORE("rmem_max"),
    CORE("somaxconn"),
    CORE("wmem_max"),
    {"netfilter/nf_conntrack_count", "nf_conntrack_count", 1},
    {"netfilter/nf_conntrack_max", "nf_conntrack_max", 1},
    {"netfilter/nf_conntrack_tcp_timeout_established", "nf_conntrack_tcp_timeout_established",
     SECONDS},
};

/** Those of sockstat: its word, our name, and what a value is worth. */
static const struct sysctl levels[] = {
    {"inuse", "SockTcpInuse", 1}, {"orphan", "SockTcpOrphan", 1}, {"tw", "SockTcpTw", 1},
    {"alloc", "SockTcpAlloc", 1}, {"mem", "SockTcpMem", 0},
};

/** read_text() - a file of /proc, ended by a NUL; its length, -1: it cannot be read */
static ssize_t read_text(const char *path, char *buf)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n, len = 0;

    if (fd < 0)
        return -1;
    while (len < FILE_MAX_BYTES - 1) {
        n = read(fd, buf + len, (size_t)(FILE_MAX_BYTES - 1 - len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += n;
    }
    close(fd);
    buf[len] = '\0';
    return len;
}

/** add() - a number; what is not a number is left out. @scale 0: pages */
static void add(struct store *s, struct list *l, const char *name, size_t len, const char *value,
                int64_t scale)
{
    char *end;
    struct fact_number *n;
    long long v;

    errno = 0;
    v = strtoll(value, &end, 10);
    if (end == value || errno != 0)
        return;
    n = store_add(s, l, sizeof *n);
    if (n == NULL)
        return;
    n->name = store_text(s, name, len);
    if (scale == 0)
        scale = sysconf(_SC_PAGESIZE);
    if (__builtin_mul_overflow(v, scale, &n->value)) /* 4294967295 and the like: no limit */
        n->value = v < 0 ? INT64_MIN : INT64_MAX;
    n->before = (int64_t)l->n; /* the order of reading, until numbers_settle() */
}

/** next_word() - the word at *@at, and its length; false: the line is over */
static bool next_word(const char **at, size_t *ret_len)
{
    *at += strspn(*at, " \t");
    *ret_len = strcspn(*at, " \t\n");
    return *ret_len > 0;
}

/** next_line() - behind the end of the line at @at */
static const char *next_line(const char *at)
{
    at += strcspn(at, "\n");
    return at + (*at == '\n');
}

void numbers_pairs(struct store *s, const char *text)
{
    while (*text != '\0') {
        const char *names = text, *values = next_line(names);
        size_t group = strcspn(names, ": \n"), n, m;
        char full[128];

        text = next_line(values);
        if (names[group] != ':' || group >= 32 || strncmp(names, values, group + 1) != 0)
            return;
        memcpy(full, names, group);
        names += group + 1;
        values += group + 1;
        for (; next_word(&names, &n) && next_word(&values, &m); names += n, values += m) {
            if (group + n > sizeof full)
                continue;
            memcpy(full + group, names, n);
            add(s, &s->counters, full, group + n, values, 1);
        }
    }
}

void numbers_levels(struct store *s, const char *text)
{
    const char *name = strstr(text, "TCP:"), *value;
    size_t n, m;

    if (name == NULL)
        return;
    for (name += 4; next_word(&name, &n); name = value + m) {
        value = name + n;
        if (!next_word(&value, &m))
            return;
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
            const struct sysctl *l = &levels[i];

            if (strlen(l->path) == n && memcmp(l->path, name, n) == 0)
                add(s, &s->counters, l->values, strlen(l->values), value, l->scale);
        }
    }
}

void numbers_setting(struct store *s, const char *names, int64_t scale, const char *text)
{
    size_t n, m;

    for (; next_word(&names, &n) && next_word(&text, &m); names += n, text += m)
        add(s, &s->settings, names, n, text, scale);
}

int64_t numbers_ports(const char *text)
{
    int64_t ports = 0;

    for (;;) {
        char *end;
        unsigned long low = strtoul(text, &end, 10), high = low;

        if (end == text)
            return 0;
        if (*end == '-') {
            text = end + 1;
            high = strtoul(text, &end, 10);
        }
        if (end == text || high < low || high > UINT16_MAX)
            return 0;
        ports += (int64_t)(high - low + 1);
        if (*end != ',')
            return ports;
        text = end + 1;
    }
}

/** read_settings() - the sysctls that there are; an old kernel lacks some, which the rules know */
static void read_settings(struct store *s, char *text)
{
    char path[96], ports[24];

    for (size_t i = 0; i < sizeof sysctls / sizeof sysctls[0]; i++) {
        snprintf(path, sizeof path, "/proc/sys/net/%s", sysctls[i].path);
        if (read_text(path, text) > 0)
            numbers_setting(s, sysctls[i].values, sysctls[i].scale, text);
    }
    if (read_text("/proc/sys/net/ipv4/ip_local_reserved_ports", text) >= 0) {
        snprintf(ports, sizeof ports, "%lld", (long long)numbers_ports(text));
        numbers_setting(s, "ip_local_reserved", 1, ports);
    }
}

void numbers_read(struct store *s)
{
    char text[FILE_MAX_BYTES];

    if (read_text("/proc/thread-self/net/snmp", text) > 0)
        numbers_pairs(s, text);
    else
        store_gap(s, "/proc/net/snmp cannot be read: resets and failed opens are not counted");
    if (read_text("/proc/thread-self/net/netstat", text) > 0)
        numbers_pairs(s, text);
    else
        store_gap(s, "/proc/net/netstat cannot be read: overflows, cookies and drops are not "
                     "counted");
    if (read_text("/proc/thread-self/net/sockstat", text) > 0)
        numbers_levels(s, text);
    read_settings(s, text);
}

/** by_name() - for qsort(); of the same name the one read first */
static int by_name(const void *left, const void *right)
{
    const struct fact_number *a = left, *b = right;
    int way = strcmp(a->name, b->name);

    return way != 0 ? way : (a->before > b->before) - (a->before < b->before);
}

/** join() - one number of each name, summed or the first; are there any that differ? */
static bool join(struct list *l, bool sum)
{
    struct fact_number *n = l->item;
    size_t kept = 0;
    bool differ = false;

    if (l->n == 0)
        return false;
    qsort(n, l->n, sizeof *n, by_name);
    for (size_t i = 1; i < l->n; i++) {
        if (strcmp(n[i].name, n[kept].name) != 0)
            n[++kept] = n[i];
        else if (sum)
            n[kept].value += n[i].value;
        else
            differ |= n[i].value != n[kept].value;
    }
    l->n = kept + 1;
    return differ;
}

void numbers_settle(struct store *s, const struct facts *before)
{
    struct fact_number *c;

    join(&s->counters, true);
    if (join(&s->settings, false))
        store_gap(s, "the namespaces' settings differ: those of the first one are named");
    c = s->counters.item;
    for (size_t i = 0; i < s->counters.n; i++)
        c[i].before = before != NULL ? facts_counter(before, c[i].name, c[i].value) : c[i].value;
    c = s->settings.item;
    for (size_t i = 0; i < s->settings.n; i++)
        c[i].before = c[i].value;
}
