/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_calls.c  libFuzzer target: any sequence of API calls with any arguments on two hosts
 * that are connected, while memory runs out now and then.
 *
 * The oracle: assertions, the books balance after every call, results are those of the headers, and
 * nothing is left in the end.
 */
#include "fuzz/duo.h"

#include <string.h>

#define HANDLES 8

static struct duo d;
static gn_handle handle[2][HANDLES];

/** any_endpoint() - a good one mostly */
static struct gn_endpoint any_endpoint(struct input *in)
{
    uint8_t a = take8(in);
    struct gn_endpoint e = duo_end_of(a & 1, a >> 1 & 1, DUO_PORT);

    if ((a & 0x70) == 0x70)
        e.port = take16(in);
    if ((a & 0x0c) == 0x0c)
        memset(e.addr.b, 0, sizeof e.addr.b);
    if (a & 0x80)
        e.addr.b[take8(in) & 15] = take8(in);
    return e;
}

/** slot() - one of the handles of host @i; now and then none at all */
static gn_handle *slot(unsigned i, struct input *in)
{
    static gn_handle wild;
    uint8_t k = take8(in);

    if (k < 240)
        return &handle[i][k % HANDLES];
    wild = (gn_handle)take32(in) << 32 | take32(in);
    return &wild;
}

/** place() - where a new handle goes */
static gn_handle *place(unsigned i, struct input *in)
{
    return &handle[i][take8(in) % HANDLES];
}

/** keep() - @c goes into @p; what was there is closed */
static void keep(unsigned i, gn_handle *p, gn_handle c)
{
    if (*p)
        (void)gn_host_close(d.h[i], *p, d.now);
    *p = c;
}

/** call_zero_copy() - room is asked for and left, or data is read */
static void call_zero_copy(unsigned i, gn_handle c, struct input *in)
{
    struct gn_room room[2];
    struct gn_span s[2];
    uint32_t want = take16(in);
    bool sends = take8(in) & 1;
    int n = sends ? gn_host_send_room(d.h[i], c, want, room) : gn_host_recv_data(d.h[i], c, s);
    static uint8_t sink;

    for (int k = 0; k < n && !sends; k++)
        for (uint32_t at = 0; at < s[k].len; at++)
            sink ^= s[k].ptr[at];
    if (n <= 0)
        return;
    if (want & 1)
        (void)gn_host_recv_done(d.h[i], c, take16(in), d.now);
    else
        (void)gn_host_recv(d.h[i], c, &sink, 1, GN_RECV_PEEK, d.now);
}

/** call_fill() - zero-copy SEND */
static void call_fill(unsigned i, gn_handle c, struct input *in)
{
    struct gn_room s[2];
    uint32_t want = take16(in), total = 0;
    int n = gn_host_send_room(d.h[i], c, want, s);

    for (int k = 0; k < n; k++) {
        memset(s[k].ptr, 0x55, s[k].len);
        total += s[k].len;
    }
    if (n > 0)
        MUST(total <= want && gn_host_send_commit(d.h[i], c, total, take8(in), d.now) == total);
}

/** call_data() - SEND, RECEIVE and their zero-copy kin */
static void call_data(unsigned i, uint8_t what, gn_handle c, struct input *in)
{
    static uint8_t buf[65536];
    uint32_t n = take16(in);
    int64_t k;

    switch (what % 4) {
    case 0:
        k = gn_host_send(d.h[i], c, buf, n, take8(in) & 3, d.now);
        MUST(k <= (int64_t)n);
        break;
    case 1:
        k = gn_host_recv(d.h[i], c, buf, n, take8(in) & 1, d.now);
        MUST(k <= (int64_t)n);
        break;
    case 2: call_zero_copy(i, c, in); break;
    default: call_fill(i, c, in); break;
    }
}

/** call_option() - any option, any value; what was set can be read */
static void call_option(unsigned i, gn_handle c, struct input *in)
{
    enum gn_opt o = (enum gn_opt)(take8(in) % GN_OPT_COUNT);
    uint64_t v = take32(in), got;

    if (v & 1)
        v = (v >> 1) % 70000;
    else if (v & 2)
        v *= GN_SEC;
    (void)gn_host_set_option(d.h[i], c, o, v, d.now);
    (void)gn_host_get_option(d.h[i], c, o, &got);
}

/** call_knob() - a knob, within its bounds or not */
static void call_knob(unsigned i, struct input *in)
{
    static const char *const values[] = {"0", "1", "2", "on", "3", "64k", "200ms", "1s", "", "x"};
    size_t n;
    const struct gn_knob *k = gn_knobs(&n);
    const char *name = k[take8(in) % n].name;

    /* without memory or connections nothing would happen any more */
    if (strcmp(name, "tcp_mem") && strcmp(name, "tcp_max_connections"))
        (void)gn_host_set_knob(d.h[i], name, values[take8(in) % (sizeof values / sizeof *values)]);
}

/** call_look() - everything that only looks */
static void call_look(unsigned i, gn_handle c)
{
    struct gn_status st;
    struct gn_event ev[4];
    size_t n = gn_host_events(d.h[i], ev, 4);

    MUST(n <= 4);
    for (size_t k = 0; k < n; k++)
        MUST(gn_host_status(d.h[i], ev[k].handle, d.now, &st) == GN_OK);
    if (gn_host_status(d.h[i], c, d.now, &st) == GN_OK)
        MUST(st.state < GN_STATE_COUNT && st.handle == c);
    (void)gn_host_poll(d.h[i], c);
    (void)gn_host_error(d.h[i], c);
    (void)gn_host_set_user(d.h[i], c, &d);
    duo_balance(&d, i);
}

/** call_open() - active or passive */
static void call_open(unsigned i, gn_handle *p, struct input *in)
{
    struct gn_endpoint local = {.port = 0}, remote = any_endpoint(in);
    uint8_t how = take8(in);
    gn_handle c = GN_NO_HANDLE;

    if (how & 1)
        local = any_endpoint(in);
    if (how & 2) {
        if (!gn_host_listen(d.h[i], remote, how >> 2, NULL, &c))
            keep(i, p, c);
    } else if (!gn_host_connect(d.h[i], local, remote, NULL, d.now, &c)) {
        keep(i, p, c);
    }
}

/** call() - one call */
static void call(unsigned i, uint8_t what, struct input *in)
{
    gn_handle *p = slot(i, in), c = GN_NO_HANDLE;

    switch (what % 16) {
    case 0:
    case 1: call_open(i, place(i, in), in); break;
    case 2:
    case 3:
        if (!gn_host_accept(d.h[i], *p, &c))
            keep(i, place(i, in), c);
        break;
    case 4:
    case 5:
    case 6: call_data(i, take8(in), *p, in); break;
    case 7: (void)gn_host_shutdown(d.h[i], *p, d.now); break;
    case 8: (void)gn_host_shutdown_read(d.h[i], *p, d.now); break;
    case 9: keep(i, p, GN_NO_HANDLE); break;
    case 10:
        (void)gn_host_abort(d.h[i], *p, d.now);
        *p = GN_NO_HANDLE;
        break;
    case 11:
    case 12: call_option(i, *p, in); break;
    case 13: call_knob(i, in); break;
    default: call_look(i, *p); break;
    }
}

/** world() - packets, time, memory */
static void world(unsigned i, uint8_t what, struct input *in)
{
    struct lab_pages *p = &d.pages[i];

    switch (what % 8) {
    case 0:
    case 1: duo_settle(&d, 4); break;
    case 2: duo_lose(&d, i, 0); break;
    case 3: duo_deliver(&d, i, take8(in)); break;
    case 4: d.now += (gn_time)take16(in) * GN_MSEC; break;
    case 5: d.now += take8(in) * GN_SEC; break;
    default: /* memory runs out for some requests */
        p->fail_from = p->calls + 1 + take8(in) % 16;
        p->fail_until = p->fail_from + take8(in);
        break;
    }
    duo_pull(&d, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    memset(handle, 0, sizeof handle);
    duo_new(&d, &in);
    while (in.n > 0) {
        uint8_t op = take8(&in);

        if (op & 2)
            world(op & 1, op >> 2, &in);
        else
            call(op & 1, op >> 2, &in);
        duo_balance(&d, op & 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        d.pages[i].fail_from = 0;
        for (unsigned k = 0; k < HANDLES; k++)
            keep(i, &handle[i][k], GN_NO_HANDLE);
    }
    duo_end(&d);
    return 0;
}
