/*
 * From a word as written to arguments: ~, variables, splitting at blanks, file names, and the quotes taken away.
 *
 * While a field grows it is kept twice: as it is, and as a pattern in which a backslash precedes what was quoted. The pattern is used
 * only when something in it is special and not quoted; when no file matches, the field stands for itself.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

struct expansion {
    struct words *fields; /* NULL: all goes into one string, without splitting and file names */
    struct text plain, pattern;
    bool started; /* there is a field, perhaps an empty one */
    bool special; /* the pattern is one */
};

static void put(struct expansion *x, char c, bool quoted)
{
    text_add(&x->plain, c);
    if (quoted && strchr("*?[]-!^\\", c))
        text_add(&x->pattern, '\\');
    else if (strchr("*?[", c))
        x->special = true;
    else if (c == '\\')
        text_add(&x->pattern, '\\');
    text_add(&x->pattern, c);
    x->started = true;
}

static void put_string(struct expansion *x, const char *string, bool quoted)
{
    while (*string)
        put(x, *string++, quoted);
}

static void end_field(struct expansion *x)
{
    if (!x->started)
        return;
    if (!x->special || !match_files(x->pattern.bytes, x->fields)) {
        words_add(x->fields, x->plain.bytes ? x->plain.bytes : copy(""));
        x->plain = (struct text){ 0 };
    }
    text_clear(&x->plain);
    text_clear(&x->pattern);
    x->started = x->special = false;
}

/* Puts the value of a variable: within quotes as it is, else split at blanks. */
static void put_value(struct expansion *x, const char *value, bool quoted)
{
    if (quoted || !x->fields) {
        put_string(x, value, quoted);
        return;
    }
    for (; *value; value++) {
        if (strchr(" \t\n", *value))
            end_field(x);
        else
            put(x, *value, false);
    }
}

/* $@ is a field for each parameter; $* within quotes one with spaces between. */
static void put_parameters(struct expansion *x, char sign, bool quoted)
{
    for (int i = 1; i <= shell.parameter_count; i++) {
        if (i > 1 && sign == '@' && quoted && x->fields) {
            x->started = true;
            end_field(x);
        } else if (i > 1) {
            put_value(x, " ", quoted);
        }
        if (quoted)
            x->started = true;
        put_value(x, shell.parameters[i], quoted);
    }
}

/* Expands the $ at p. Returns what follows. */
static const char *dollar(struct expansion *x, const char *p, bool quoted)
{
    bool braces = p[1] == '{';
    const char *name = p + 1 + braces;
    size_t length = name_length(name);
    char number[16] = "";

    if (length) {
        char *key = copy(name);
        key[length] = 0;
        const char *value = variable(key);
        put_value(x, value ? value : "", quoted);
        free(key);
    } else if (*name && (isdigit((unsigned char)*name) || strchr("?$!#@*", *name))) {
        length = 1;
        switch (*name) {
        case '?': snprintf(number, sizeof number, "%d", shell.status); break;
        case '$': snprintf(number, sizeof number, "%d", (int)shell.self); break;
        case '#': snprintf(number, sizeof number, "%d", shell.parameter_count); break;
        case '!':
            if (shell.background)
                snprintf(number, sizeof number, "%d", (int)shell.background);
            break;
        case '@':
        case '*': put_parameters(x, *name, quoted); break;
        default:
            if (*name - '0' <= shell.parameter_count)
                put_value(x, shell.parameters[*name - '0'], quoted);
        }
        put_value(x, number, quoted);
    } else {
        put(x, '$', quoted);
        return p + 1;
    }
    return name + length + braces;
}

/* Copies a quoted part, p at its opening quote. Returns what follows the closing one. */
static const char *quoted_part(struct expansion *x, const char *p)
{
    char quote = *p++;
    bool only_parameters = strncmp(p, "$@\"", 3) == 0 || strncmp(p, "${@}\"", 5) == 0;

    while (*p && *p != quote) {
        if (quote == '"' && *p == '$') {
            p = dollar(x, p, true);
        } else if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$`\n", p[1])) {
            if (p[1] != '\n')
                put(x, p[1], true);
            p += 2;
        } else {
            put(x, *p++, true);
        }
    }
    /* "" is an empty field, but "$@" is none when there are no parameters. */
    if (!only_parameters)
        x->started = true;
    return *p ? p + 1 : p;
}

static void expand(struct expansion *x, const char *p)
{
    if (p[0] == '~' && (!p[1] || p[1] == '/') && variable("HOME")) {
        put_string(x, variable("HOME"), true);
        p++;
    }
    while (*p) {
        if (*p == '\'' || *p == '"') {
            p = quoted_part(x, p);
        } else if (*p == '\\' && p[1]) {
            if (p[1] != '\n')
                put(x, p[1], true);
            p += 2;
        } else if (*p == '$') {
            p = dollar(x, p, false);
        } else {
            put(x, *p++, false);
        }
    }
}

void expand_word(const char *raw, struct words *fields)
{
    struct expansion x = { .fields = fields };
    expand(&x, raw);
    end_field(&x);
}

char *expand_string(const char *raw)
{
    struct expansion x = { 0 };
    expand(&x, raw);
    text_clear(&x.pattern);
    return x.plain.bytes ? x.plain.bytes : copy("");
}
