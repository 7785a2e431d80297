/*
 * Patterns of file names: * any characters, ? one, [a-z] one of a set, [!a-z] one outside it, and backslash for a character as it is.
 * A name that begins with a dot is found only by a pattern that does; / is matched only by itself.
 */

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sh.h"

/* Is c in the set at p, behind its [? *end becomes what follows the ]; NULL when the set has no end and is an ordinary [. */
static bool in_set(const char *p, char c, const char **end)
{
    bool negated = *p == '!' || *p == '^', found = false;
    const char *first = p += negated;

    *end = NULL;
    for (; *p && (*p != ']' || p == first); p++) {
        if (*p == '\\' && p[1])
            p++;
        unsigned char low = (unsigned char)*p, high = low;
        if (p[1] == '-' && p[2] && p[2] != ']') {
            p += 2;
            if (*p == '\\' && p[1])
                p++;
            high = (unsigned char)*p;
        }
        if (low <= (unsigned char)c && (unsigned char)c <= high)
            found = true;
    }
    if (*p)
        *end = p + 1;
    return found != negated;
}

/* Does one character match what the pattern begins with? *rest becomes the pattern behind that. */
static bool matches_one(const char *pattern, char c, const char **rest)
{
    if (*pattern == '[') {
        bool in = in_set(pattern + 1, c, rest);
        if (*rest)
            return in;
    }
    if (*pattern == '\\' && pattern[1])
        pattern++;
    else if (*pattern == '?') {
        *rest = pattern + 1;
        return true;
    }
    *rest = pattern + 1;
    return *pattern == c;
}

bool pattern_matches(const char *pattern, const char *name)
{
    /* On a mismatch the last * takes one character more: earlier ones need not be tried again. */
    const char *star = NULL, *resume = NULL, *rest;

    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*name && *pattern && matches_one(pattern, *name, &rest)) {
            pattern = rest;
            name++;
        } else if (!*name && !*pattern) {
            return true;
        } else if (star && *resume) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
}

static bool is_pattern(const char *p)
{
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (strchr("*?[", *p))
            return true;
    }
    return false;
}

static void add_unescaped(struct text *path, const char *p)
{
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        text_add(path, *p);
    }
}

static void match_below(const struct text *folder, const char *pattern, struct words *found);

/* Goes on below folder/name, the rest of the pattern being `rest`; at its end, the file is found. */
static void descend(const struct text *folder, const char *name, const char *rest, struct words *found)
{
    struct text path = { 0 };
    struct stat stat;

    if (folder->bytes)
        text_add_string(&path, folder->bytes);
    add_unescaped(&path, name);
    if (!*rest) {
        if (path.bytes && lstat(path.bytes, &stat) == 0) {
            words_add(found, path.bytes);
            return;
        }
    } else if (path.bytes == NULL || *rest == '/') {
        for (; *rest == '/'; rest++)
            text_add(&path, '/');
        if (*rest)
            match_below(&path, rest, found);
        else if (lstat(path.bytes, &stat) == 0)
            return words_add(found, path.bytes);
    }
    text_clear(&path);
}

/* Finds what matches `pattern` in `folder`: its first part here, the rest below. */
static void match_below(const struct text *folder, const char *pattern, struct words *found)
{
    size_t length = strcspn(pattern, "/");
    const char *rest = pattern + length;
    char *part = copy(pattern);
    part[length] = 0;

    DIR *directory = NULL;
    if (!is_pattern(part))
        descend(folder, part, rest, found);
    else
        directory = opendir(folder->bytes ? folder->bytes : ".");
    if (directory) {
        const struct dirent *entry;
        bool dot = part[0] == '.' || (part[0] == '\\' && part[1] == '.');
        while ((entry = readdir(directory))) {
            if (entry->d_name[0] == '.' && !dot)
                continue;
            if (!pattern_matches(part, entry->d_name))
                continue;
            struct text escaped = { 0 };
            for (const char *c = entry->d_name; *c; c++) {
                if (*c == '\\')
                    text_add(&escaped, '\\');
                text_add(&escaped, *c);
            }
            descend(folder, escaped.bytes, rest, found);
            text_clear(&escaped);
        }
        closedir(directory);
    }
    free(part);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool match_files(const char *pattern, struct words *found)
{
    size_t before = found->count;
    const struct text here = { 0 };

    match_below(&here, pattern, found);
    if (found->count == before)
        return false;
    qsort(found->argv + before, found->count - before, sizeof *found->argv, by_name);
    return true;
}
