/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/loop/party.h"

#include <criterion/criterion.h>
#include <string.h>

#define CHUNK 65536

/** pattern() - octet @i of what clients send */
static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 17 + (i >> 16));
}

void party_new(struct party *p, uint8_t n, gn_time now)
{
    struct gn_host_config c = {0};

    memset(p, 0, sizeof *p);
    gn_conf_default(&c.conf);
    memset(c.secret, n, sizeof c.secret);
    c.pages = pages_source(&p->pages);
    p->host = gn_host_new(&c, now, NULL);
    cr_assert_not_null(p->host);
}

void party_free(struct party *p)
{
    gn_host_free(p->host);
    cr_assert_eq(p->pages.out, 0);
}

void party_addr(struct party *p, int iface, uint8_t n)
{
    struct gn_addr v6;

    cr_assert(gn_addr_parse("fd00:0:0:77::", &v6));
    v6.b[15] = n;
    cr_assert_eq(gn_host_add_addr(p->host, iface, gn_addr_v4(10, 77, 0, n), 24), GN_OK);
    cr_assert_eq(gn_host_add_addr(p->host, iface, v6, 64), GN_OK);
}

struct gn_endpoint endpoint4(uint8_t n, uint16_t port)
{
    return (struct gn_endpoint){.addr = gn_addr_v4(10, 77, 0, n), .port = port};
}

void party_listen(struct party *p, uint16_t port)
{
    struct gn_endpoint local = {.port = port};

    cr_assert_eq(gn_host_listen(p->host, local, 16, NULL, &p->listener), GN_OK);
}

void party_connect(struct party *p, struct gn_endpoint to, uint64_t send, gn_time now)
{
    struct gn_endpoint any = {0};

    p->send = send;
    cr_assert_eq(gn_host_connect(p->host, any, to, NULL, now, &p->conn), GN_OK);
}

/** party_finish() - the connection is over */
static void party_finish(struct party *p, gn_time now)
{
    if (!p->done)
        gn_host_close(p->host, p->conn, now);
    p->done = true;
}

/** party_receive() - read all there is; the answer after the peer's FIN if this is a server */
static void party_receive(struct party *p, gn_time now)
{
    static uint8_t buf[CHUNK];
    int64_t n;

    while ((n = gn_host_recv(p->host, p->conn, buf, sizeof buf, 0, now)) > 0) {
        for (int64_t i = 0; i < n; i++, p->got++) {
            if (!p->listener)
                ((uint8_t *)&p->answer)[p->got % 8] = buf[i];
            else if (buf[i] != pattern(p->got))
                p->wrong = true;
        }
    }
    if (n == GN_E_WOULD_BLOCK)
        return;
    if (n < 0)
        p->error = (enum gn_err)n;
    else if (p->listener)
        cr_assert_eq(gn_host_send(p->host, p->conn, &p->got, 8, 0, now), 8);
    party_finish(p, now);
}

/** party_send() - a client sends what it can, then its FIN */
static void party_send(struct party *p, gn_time now)
{
    static uint8_t buf[CHUNK];
    int64_t n = 0;

    while (p->sent < p->send && n >= 0) {
        size_t len = p->send - p->sent < CHUNK ? (size_t)(p->send - p->sent) : CHUNK;

        for (size_t i = 0; i < len; i++)
            buf[i] = pattern(p->sent + i);
        n = gn_host_send(p->host, p->conn, buf, len, 0, now);
        p->sent += n > 0 ? (uint64_t)n : 0;
    }
    if (n >= 0 && !p->fin) {
        cr_assert_eq(gn_host_shutdown(p->host, p->conn, now), GN_OK);
        p->fin = true;
    }
}

size_t party_serve(void *ctx, struct gn_host *h, gn_time now)
{
    struct party *p = ctx;
    struct gn_event ev[16];
    size_t n, did = 0;

    p->calls++;
    while ((n = gn_host_events(h, ev, 16)) > 0) {
        did += n;
        for (size_t i = 0; i < n; i++) {
            p->events |= ev[i].what;
            if (ev[i].handle == p->listener && p->conn == GN_NO_HANDLE)
                gn_host_accept(h, p->listener, &p->conn);
            if (p->conn == GN_NO_HANDLE || p->done)
                continue;
            if (ev[i].what & GN_EV_ERROR) {
                p->error = gn_host_error(h, p->conn);
                party_finish(p, now);
                continue;
            }
            if (!p->listener && (p->events & GN_EV_CONNECTED))
                party_send(p, now);
            party_receive(p, now);
        }
    }
    return did;
}
