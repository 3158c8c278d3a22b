/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file args.c  From expressions to the arguments of calls.
 */
#include "play.h"

#include <arpa/inet.h>
#include <string.h>

#define NO_FD 0x7fffffff

long long arg_int(struct play *p, int line, const struct expr *x)
{
    long long v;

    switch (x->kind) {
    case EXPR_NUMBER: return x->num;
    case EXPR_OR: return arg_int(p, line, x->item[0]) | arg_int(p, line, x->item[1]);
    case EXPR_WORD:
        if (x->is_call && x->n == 1 && !strcmp(x->text, "htons"))
            return htons((uint16_t)arg_int(p, line, x->item[0]));
        if (x->is_call || !name_value(x->text, &v))
            fail_at(p->script, line, "no such constant: %s", x->text);
        return v;
    case EXPR_LIST: /* [n]: a number that is passed by its address */
        if (x->n == 1)
            return arg_int(p, line, x->item[0]);
        break;
    case EXPR_ELLIPSIS:
    case EXPR_STRING:
    case EXPR_STRUCT:
    case EXPR_FIELD: break;
    }
    fail_at(p->script, line, "a number expected");
}

int arg_fd(struct play *p, int line, const struct expr *x)
{
    long long v = arg_int(p, line, x);

    return v >= 0 && v < FDS && p->fd[v].known ? p->fd[v].live : v < 0 ? (int)v : NO_FD;
}

const struct expr *arg_field(const struct expr *x, const char *name)
{
    if (x->kind == EXPR_LIST && x->n == 1)
        x = x->item[0];
    for (unsigned i = 0; i < x->n; i++)
        if (x->item[i]->kind == EXPR_FIELD && !strcmp(x->item[i]->text, name))
            return x->item[i]->item[0];
    return NULL;
}

/** named_address() - inet_addr("1.2.3.4"), or inet6_addr("::1") */
static void named_address(struct play *p, int line, const struct expr *x, int family, void *ret)
{
    if (x && x->kind == EXPR_WORD && x->is_call && x->n == 1 && x->item[0]->kind == EXPR_STRING &&
        inet_pton(family, x->item[0]->text, ret) == 1)
        return;
    fail_at(p->script, line, "an address such as inet_addr(\"192.0.2.1\") expected");
}

socklen_t arg_sockaddr(struct play *p, int line, const struct expr *x, const uint8_t *addr,
                       uint16_t port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *a4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ret;
    const struct expr *f;

    memset(ret, 0, sizeof(*ret));
    if (x->kind == EXPR_ELLIPSIS) {
        if (p->script->v6) {
            a6->sin6_family = AF_INET6;
            a6->sin6_port = htons(port);
            memcpy(&a6->sin6_addr, addr, 16);
            return sizeof(*a6);
        }
        a4->sin_family = AF_INET;
        a4->sin_port = htons(port);
        memcpy(&a4->sin_addr, addr, 4);
        return sizeof(*a4);
    }
    f = arg_field(x, "sa_family");
    if (!f)
        fail_at(p->script, line, "a socket address expected");
    ret->ss_family = (sa_family_t)arg_int(p, line, f);
    f = arg_field(x, "sin_port");
    if (f)
        a4->sin_port = (in_port_t)arg_int(p, line, f);
    if (ret->ss_family == AF_INET6) {
        named_address(p, line, arg_field(x, "sin_addr"), AF_INET6, &a6->sin6_addr);
        return sizeof(*a6);
    }
    if (ret->ss_family == AF_INET)
        named_address(p, line, arg_field(x, "sin_addr"), AF_INET, &a4->sin_addr);
    return sizeof(*a4);
}
