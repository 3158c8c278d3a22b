/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file consumer.c  A program that embeds the core: one host on its own memory, no I/O.
 *
 * Valid C11 and C++17; linked with the shared library, the static one, and the core alone. With
 * OWN_PANIC it brings the panic hook itself.
 */
#include <gannet/conf.h>
#include <gannet/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef OWN_PANIC
void gn_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "consumer: %s:%d: %s\n", file, line, what);
    abort();
}
#endif

/* blocks that are lent out now */
static int n_blocks;

static void *page_alloc(void *ctx, size_t bytes)
{
    (void)ctx;
    n_blocks++;
    return aligned_alloc(64, bytes);
}

static void page_free(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    n_blocks--;
    free(block);
}

/* One listener on a fresh host: the state it reports, or a negative error. */
static int try_host(struct gn_host *h)
{
    struct gn_endpoint any = {{{0}}, 80};
    struct gn_iface tun = {GN_MEDIUM_IP, {0}, 1500, 0, "tun"};
    struct gn_status status;
    gn_handle listener;
    enum gn_err err;

    if (gn_host_add_iface(h, &tun) != 0)
        return -1;
    err = gn_host_add_addr(h, 0, gn_addr_v4(10, 0, 0, 1), 24);
    if (err == GN_OK)
        err = gn_host_listen(h, any, 8, NULL, &listener);
    if (err == GN_OK)
        err = gn_host_status(h, listener, 0, &status);
    return err == GN_OK ? (int)status.state : (int)err;
}

int main(void)
{
    struct gn_host_config cfg;
    enum gn_err err = GN_OK;
    struct gn_host *h;
    int state;

    memset(&cfg, 0, sizeof(cfg));
    memset(cfg.secret, 7, sizeof(cfg.secret)); /* a real program asks its system */
    gn_conf_default(&cfg.conf);
    cfg.pages.alloc = page_alloc;
    cfg.pages.free = page_free;
    h = gn_host_new(&cfg, 0, &err);
    if (!h) {
        fprintf(stderr, "consumer: %s\n", gn_err_text(err));
        return 1;
    }
    state = try_host(h);
    gn_host_free(h);
    if (state != GN_LISTEN || n_blocks != 0) {
        fprintf(stderr, "consumer: state %d, %d blocks not given back\n", state, n_blocks);
        return 1;
    }
    puts(gn_state_name(GN_LISTEN));
    return 0;
}
