/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file http.h  The parts of HTTP/1.1 (RFC 9110, RFC 9112) that do no I/O: requests, paths, ranges,
 * heads of answers.
 */
#ifndef GN_CLI_HTTP_H
#define GN_CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192
#define HTTP_PATH_MAX 1024

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_OTHER };

struct http_request {
    enum http_method method;
    char name[16];            /* of the method, for the log */
    char path[HTTP_PATH_MAX]; /* relative, decoded, without "..": "" is the root */
    char query[256];          /* what follows the "?", not decoded; cut if longer */
    char host[128];           /* of the target if it names one, else the field; empty: none */
    bool needs_host;          /* HTTP/1.1 */
    bool has_host;            /* the field is there */
    bool absolute;            /* the target names a host */
    bool has_content_range;   /* a part of something is sent */
    char accept[256];         /* the field, cut if longer */
    bool keep;                /* the connection stays */
    bool closes;              /* "Connection: close" */
    bool has_length, expects, chunked, has_range;
    uint64_t length;
    /* range: first only, first and last, or a suffix of @last octets */
    bool range_suffix, range_open;
    uint64_t first, last;
};

/** http_head_end() - octets of the head of a request in @p, its blank line included; 0: not all
 * there yet */
size_t http_head_end(const char *p, size_t n);
/** http_parse() - a head of @n octets; returns 0, or the status to refuse it with (400, 403, 414,
 * 505); never keeps pointers */
int http_parse(const char *head, size_t n, struct http_request *ret);
/** http_range() - what of @size octets is wanted: 200 all, 206 *@first and *@len, 416 none of it */
int http_range(const struct http_request *r, uint64_t size, uint64_t *first, uint64_t *len);
/** http_reason() - "Not Found" */
const char *http_reason(int status);
/** http_type() - media type by the ending of @path */
const char *http_type(const char *path);

#endif
