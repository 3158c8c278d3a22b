/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file http.c  HTTP/1.1: requests, paths, ranges, heads of answers.
 */
#include "cli/http.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/** blank_lines() - octets of the empty lines before a request, which do not count (RFC 9112
 * sec. 2.2)
 */
static size_t blank_lines(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (p[i] == '\r' || p[i] == '\n'))
        i++;
    return i;
}

size_t http_head_end(const char *p, size_t n)
{
    for (size_t i = blank_lines(p, n); i < n; i++) {
        if (p[i] != '\n')
            continue;
        if (i + 1 < n && p[i + 1] == '\n')
            return i + 2;
        if (i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {400, "Bad Request"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {411, "Length Required"},
                   {414, "URI Too Long"},
                   {416, "Range Not Satisfiable"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {505, "HTTP Version Not Supported"},
                   {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

const char *http_type(const char *path)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".txt", "text/plain; charset=utf-8"},
                                           {".css", "text/css"},
                                           {".js", "text/javascript"},
                                           {".json", "application/json"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".md", "text/markdown"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (!strcasecmp(dot, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}

/** hex() - value of a hexadecimal digit, or -1 */
static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** decode() - the percent-encoded path @p of @n octets into r->path; 0 or a status */
static int decode(const char *p, size_t n, struct http_request *r)
{
    size_t out = 0;
    for (size_t i = 0; i < n && p[i] != '?' && p[i] != '#'; i++) {
        int c = (unsigned char)p[i];
        if (c == '%') {
            if (i + 2 >= n || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
                return 400;
            c = hex(p[i + 1]) << 4 | hex(p[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7F)
            return 400;
        if (c == '/' && (out == 0 || r->path[out - 1] == '/'))
            continue; /* leading and doubled */
        if (out == HTTP_PATH_MAX - 1)
            return 414;
        r->path[out++] = (char)c;
    }
    r->path[out] = 0;
    /* no segment may be "..": the root is the root */
    for (const char *s = r->path; s; s = strchr(s, '/')) {
        s += *s == '/';
        if (s[0] == '.' && s[1] == '.' && (s[2] == '/' || !s[2]))
            return 403;
        if (!*s)
            break;
    }
    return 0;
}

/** number() - digits up to @end into *@ret */
static bool number(const char **p, const char *end, uint64_t *ret)
{
    char digits[21];
    size_t n = 0;
    while (*p < end && **p >= '0' && **p <= '9' && n < 20)
        digits[n++] = *(*p)++;
    digits[n] = 0;
    return parse_number(digits, 0, UINT64_MAX, ret);
}

/** parse_range() - "bytes=A-B", "bytes=A-", "bytes=-N"; others, and lists, are ignored as RFC 9110
 * sec. 14.2 allows */
static void parse_range(const char *v, const char *end, struct http_request *r)
{
    if (end - v < 7 || strncasecmp(v, "bytes=", 6) != 0)
        return;
    v += 6;
    if (*v == '-') {
        v++;
        r->range_suffix = true;
        r->has_range = number(&v, end, &r->last) && v == end;
        return;
    }
    if (!number(&v, end, &r->first) || v == end || *v++ != '-')
        return;
    r->range_open = v == end;
    r->has_range = r->range_open || (number(&v, end, &r->last) && v == end && r->last >= r->first);
}

/** connection() - a list of options: "close" wins over "keep-alive", others are not for us */
static void connection(const char *v, const char *end, struct http_request *r)
{
    while (v < end) {
        const char *comma = memchr(v, ',', (size_t)(end - v));
        const char *stop = comma ? comma : end;
        while (v < stop && (*v == ' ' || *v == '\t'))
            v++;
        size_t n = (size_t)(stop - v);
        while (n && (v[n - 1] == ' ' || v[n - 1] == '\t'))
            n--;
        if (n == 5 && !strncasecmp(v, "close", n))
            r->closes = true;
        else if (n == 10 && !strncasecmp(v, "keep-alive", n))
            r->keep = true;
        v = comma ? comma + 1 : end;
    }
}

/** keep_text() - what stands between @v and @end into @ret, cut if it is longer */
static void keep_text(const char *v, const char *end, char *ret, size_t cap)
{
    size_t n = (size_t)(end - v) < cap - 1 ? (size_t)(end - v) : cap - 1;
    memcpy(ret, v, n);
    ret[n] = 0;
}

/** named() - are the @n octets at @line the word @name, in any case? */
static bool named(const char *line, size_t n, const char *name)
{
    return strlen(name) == n && !strncasecmp(line, name, n);
}

/** take_length() - Content-Length; 0 or a status */
static int take_length(const char *v, const char *end, struct http_request *r)
{
    if (r->has_length || !number(&v, end, &r->length) || v != end)
        return 400;
    r->has_length = true;
    return 0;
}

/** take_host() - Host; 0 or a status */
static int take_host(const char *v, const char *end, struct http_request *r)
{
    if (r->has_host || (size_t)(end - v) >= sizeof r->host)
        return 400;
    r->has_host = true;
    if (!r->absolute) /* RFC 9112 sec. 3.2.2 */
        keep_text(v, end, r->host, sizeof r->host);
    return 0;
}

/** field() - one header field; 0 or a status */
static int field(const char *line, const char *end, struct http_request *r)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon || colon == line || colon[-1] == ' ' || colon[-1] == '\t') /* RFC 9112 sec. 5.1 */
        return 400;
    size_t n = (size_t)(colon - line);
    const char *v = colon + 1;
    while (v < end && (*v == ' ' || *v == '\t'))
        v++;
    while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (named(line, n, "Content-Length"))
        return take_length(v, end, r);
    if (named(line, n, "Host"))
        return take_host(v, end, r);
    if (named(line, n, "Connection"))
        connection(v, end, r);
    else if (named(line, n, "Expect"))
        r->expects = named(v, (size_t)(end - v), "100-continue");
    else if (named(line, n, "Transfer-Encoding"))
        r->chunked = true;
    else if (named(line, n, "Range"))
        parse_range(v, end, r);
    else if (named(line, n, "Accept"))
        keep_text(v, end, r->accept, sizeof r->accept);
    else if (named(line, n, "Content-Range"))
        r->has_content_range = true;
    return 0;
}

/** target() - "/path", or "http://host/path", which a server must take as well (RFC 9112
 * sec. 3.2.2), into @r; 0 or a status */
static int target(const char *p, const char *end, struct http_request *r)
{
    static const char scheme[] = "http://";
    const size_t n = sizeof scheme - 1;
    if ((size_t)(end - p) > n && !strncasecmp(p, scheme, n)) {
        const char *host = p + n;
        p = host;
        while (p < end && *p != '/' && *p != '?')
            p++;
        if (p == host || (size_t)(p - host) >= sizeof r->host)
            return 400;
        keep_text(host, p, r->host, sizeof r->host);
        r->absolute = true;
    } else if (*p != '/') {
        return 400;
    }
    const char *query = memchr(p, '?', (size_t)(end - p));
    if (query)
        keep_text(query + 1, end, r->query, sizeof r->query);
    return decode(p, (size_t)(end - p), r);
}

/** request_line() - "GET /path HTTP/1.1"; 0 or a status */
static int request_line(const char *line, const char *end, struct http_request *r)
{
    const char *sp = memchr(line, ' ', (size_t)(end - line));
    if (!sp || sp == line || (size_t)(sp - line) >= sizeof r->name)
        return 400;
    memcpy(r->name, line, (size_t)(sp - line));
    r->method = !strcmp(r->name, "GET")    ? HTTP_GET
                : !strcmp(r->name, "HEAD") ? HTTP_HEAD
                : !strcmp(r->name, "PUT")  ? HTTP_PUT
                                           : HTTP_OTHER;
    const char *path = sp + 1;
    sp = memchr(path, ' ', (size_t)(end - path));
    if (!sp || end - sp != 9 || strncmp(sp + 1, "HTTP/", 5) != 0)
        return 400;
    if (strncmp(sp + 6, "1.", 2) != 0 || sp[8] < '0' || sp[8] > '9')
        return 505;
    r->keep = sp[8] != '0';
    r->needs_host = r->keep;
    return target(path, sp, r);
}

int http_parse(const char *head, size_t n, struct http_request *ret)
{
    const char *p = head + blank_lines(head, n), *stop = head + n;
    int status = 0;
    memset(ret, 0, sizeof *ret);
    for (bool first = true; p < stop && !status; first = false) {
        const char *nl = memchr(p, '\n', (size_t)(stop - p));
        if (!nl)
            break;
        const char *end = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
        if (end == p)
            break;
        status = first ? request_line(p, end, ret) : field(p, end, ret);
        p = nl + 1;
    }
    if (ret->closes)
        ret->keep = false;
    if (!status && (!*ret->name || (ret->needs_host && !ret->has_host))) /* RFC 9112 sec. 3.2 */
        status = 400;
    return status;
}

int http_range(const struct http_request *r, uint64_t size, uint64_t *first, uint64_t *len)
{
    *first = 0;
    *len = size;
    if (!r->has_range)
        return 200;
    if (r->range_suffix) {
        if (!r->last || !size)
            return 416;
        *len = r->last < size ? r->last : size;
        *first = size - *len;
        return 206;
    }
    if (r->first >= size)
        return 416;
    *first = r->first;
    uint64_t last = r->range_open || r->last >= size ? size - 1 : r->last;
    *len = last - r->first + 1;
    return 206;
}
