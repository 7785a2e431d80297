/*
 * Variables: a list of names, each with a value, exported to programs or not. What the environment held at the start is in it too.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

struct entry {
    struct entry *next;
    char *name;
    char *value; /* NULL: exported as soon as it has one */
    bool exported;
};

static struct entry *entries;
struct shell shell;

static struct entry *find(const char *name)
{
    for (struct entry *e = entries; e; e = e->next)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static struct entry *find_or_add(const char *name)
{
    struct entry *e = find(name);
    if (e)
        return e;
    e = take(sizeof *e);
    e->name = copy(name);
    /* At the end: programs see them in the order in which they came. */
    struct entry **end = &entries;
    while (*end)
        end = &(*end)->next;
    *end = e;
    return e;
}

const char *variable(const char *name)
{
    const struct entry *e = find(name);
    return e ? e->value : NULL;
}

void set_variable(const char *name, const char *value)
{
    struct entry *e = find_or_add(name);
    char *fresh = copy(value);
    free(e->value);
    e->value = fresh;
}

void unset_variable(const char *name)
{
    for (struct entry **e = &entries; *e; e = &(*e)->next)
        if (strcmp((*e)->name, name) == 0) {
            struct entry *gone = *e;
            *e = gone->next;
            free(gone->name);
            free(gone->value);
            free(gone);
            return;
        }
}

void assign(const char *assignment)
{
    char *name = copy(assignment);
    char *equals = strchr(name, '=');
    *equals = 0;
    set_variable(name, equals + 1);
    free(name);
}

void export_variable(const char *name)
{
    find_or_add(name)->exported = true;
}

void print_exported(void)
{
    for (const struct entry *e = entries; e; e = e->next)
        if (e->exported && e->value)
            printf("export %s='%s'\n", e->name, e->value);
        else if (e->exported)
            printf("export %s\n", e->name);
}

struct words exported(void)
{
    struct words list = { 0 };
    for (const struct entry *e = entries; e; e = e->next) {
        if (!e->exported || !e->value)
            continue;
        struct text text = { 0 };
        text_add_string(&text, e->name);
        text_add(&text, '=');
        text_add_string(&text, e->value);
        words_add(&list, text.bytes);
    }
    return list;
}

void import_environment(void)
{
    for (char **e = environ; *e; e++) {
        size_t length = name_length(*e);
        if (!length || (*e)[length] != '=')
            continue;
        char *name = copy(*e);
        name[length] = 0;
        assign(*e);
        export_variable(name);
        free(name);
    }
}
