/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file filter.c  Filters of connections in the words of ss.
 */
#include "cli/filter.h"

#include <string.h>

bool filter_begins(const char *word)
{
    static const char *const words[] = {"state", "exclude", "and", "(", ")"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(words[i], word))
            return true;
    return !strncmp(word, "sport", 5) || !strncmp(word, "dport", 5);
}

/** need_word() - the next word of a filter */
static const char *need_word(struct args *a, const char *after)
{
    const char *value;
    if (args_next(a, &value) != ARGS_WORD)
        usage_fail(a, "what after '%s'?", after);
    return value;
}

void filter_word(struct args *a, const char *word, struct view *v)
{
    uint64_t port;
    if (!strcmp(word, "state") || !strcmp(word, "exclude")) {
        const char *name = need_word(a, word);
        struct view one = {0};
        if (!view_states(&one, name))
            usage_fail(a, "no state is called '%s'", name);
        if (word[0] == 's')
            v->states |= one.states;
        else
            v->states = (v->states ? v->states : (1u << GN_STATE_COUNT) - 1) & ~one.states;
        return;
    }
    if (!strcmp(word, "and") || !strcmp(word, "(") || !strcmp(word, ")"))
        return;
    bool source = !strncmp(word, "sport", 5);
    if (!source && strncmp(word, "dport", 5) != 0)
        usage_fail(a, "'%s' is no filter: state S, exclude S, sport = :N, dport = :N", word);
    const char *rest = word + 5;
    if (!*rest)
        rest = need_word(a, word);
    rest += strspn(rest, "=");
    if (!*rest || !strcmp(rest, "eq"))
        rest = need_word(a, word);
    rest += *rest == ':';
    if (!parse_number(rest, 1, 65535, &port))
        usage_fail(a, "'%s' is no port", rest);
    *(source ? &v->sport : &v->dport) = (uint32_t)port;
}
