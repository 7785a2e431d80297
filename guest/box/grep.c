/*
 * grep: the lines that match. Basic regular expressions, extended ones with -E, plain strings with -F; several with -e or as lines of one.
 *
 * Status: 0 when a line was selected, 1 when none was, 2 after a mistake.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

struct pattern {
    struct pattern *next;
    const char *text; /* with -F */
    size_t length;
    regex_t regex;
};

static struct pattern *patterns;
/* The options by their letters. */
static bool option[128];
static bool names_shown, selected_any, failed;

static void add_pattern(const char *text)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);
    char message[128];
    if (!pattern)
        exit(fail("memory"));
    pattern->text = text;
    pattern->length = strlen(text);
    pattern->next = patterns;
    patterns = pattern;
    if (option['F'])
        return;
    int error = regcomp(&pattern->regex, text, (option['E'] ? REG_EXTENDED : 0) | (option['i'] ? REG_ICASE : 0));
    if (error) {
        regerror(error, &pattern->regex, message, sizeof message);
        fprintf(stderr, "grep: %s: %s\n", text, message);
        exit(2);
    }
}

/* Every line of `lines` is a pattern. */
static void add_patterns(char *lines)
{
    while (lines) {
        char *end = strchr(lines, '\n');
        if (end)
            *end++ = 0;
        add_pattern(lines);
        lines = end;
    }
}

/* Finds one pattern in line from `from` on. */
static bool find(struct pattern *pattern, const char *line, size_t from, size_t *begin, size_t *end)
{
    if (option['F']) {
        const char *found = option['i'] ? strcasestr(line + from, pattern->text) : strstr(line + from, pattern->text);
        if (!found)
            return false;
        *begin = (size_t)(found - line);
        *end = *begin + pattern->length;
        return true;
    }
    regmatch_t match;
    if (regexec(&pattern->regex, line + from, 1, &match, from ? REG_NOTBOL : 0) != 0)
        return false;
    *begin = from + (size_t)match.rm_so;
    *end = from + (size_t)match.rm_eo;
    return true;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Is a match one that -w and -x accept? */
static bool accepted(const char *line, size_t begin, size_t end)
{
    if (option['x'])
        return begin == 0 && !line[end];
    return !option['w'] || (!(begin && in_word(line[begin - 1])) && !in_word(line[end]) && end > begin);
}

/* The first of all matches from `from` on, the longest where several begin. */
static bool first_match(const char *line, size_t from, size_t *begin, size_t *end)
{
    bool found = false;
    size_t b, e;
    for (struct pattern *pattern = patterns; pattern; pattern = pattern->next) {
        size_t at = from;
        bool matches;
        while ((matches = find(pattern, line, at, &b, &e)) && !accepted(line, b, e) && line[b])
            at = b + 1;
        if (!matches || !accepted(line, b, e))
            continue;
        if (!found || b < *begin || (b == *begin && e > *end)) {
            *begin = b;
            *end = e;
        }
        found = true;
    }
    return found;
}

static void print_prefix(const char *name, unsigned long number)
{
    if (names_shown)
        printf("%s:", name);
    if (option['n'])
        printf("%lu:", number);
}

static void print_matches(const char *line, const char *name, unsigned long number)
{
    size_t begin, end;
    for (size_t from = 0; first_match(line, from, &begin, &end);) {
        if (end > begin) {
            print_prefix(name, number);
            printf("%.*s\n", (int)(end - begin), line + begin);
        }
        from = end > begin ? end : end + 1;
        if (from > strlen(line))
            break;
    }
}

static void search(FILE *file, const char *name)
{
    char *line = NULL;
    size_t size = 0, begin, end;
    unsigned long number = 0, selected = 0;
    ssize_t length;
    bool quiet = option['q'] || option['l'] || option['L'];

    while ((length = getline(&line, &size, file)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = 0;
        number++;
        if (first_match(line, 0, &begin, &end) == option['v'])
            continue;
        selected++;
        if (quiet)
            break;
        if (option['c'])
            continue;
        if (!option['o']) {
            print_prefix(name, number);
            puts(line);
        } else if (!option['v']) {
            print_matches(line, name, number);
        }
    }
    free(line);
    if (option['c'] && !quiet) {
        if (names_shown)
            printf("%s:", name);
        printf("%lu\n", selected);
    }
    if ((option['l'] && selected) || (option['L'] && !selected))
        puts(name);
    selected_any |= selected > 0;
}

static void complain(const char *name)
{
    failed = true;
    if (!option['s'])
        fail(name);
}

static void search_path(const char *path);

static void search_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return complain(path);
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *below = join_path(path, entry->d_name);
            /* Links within the tree are not followed, and what is not a file may never end. */
            if (entry->d_type == DT_REG || entry->d_type == DT_DIR)
                search_path(below);
            free(below);
        }
    closedir(directory);
}

static void search_path(const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    if (!standard && is_directory(path)) {
        if (option['r'])
            return search_directory(path);
        errno = EISDIR;
        return complain(path);
    }
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return complain(path);
    search(file, standard ? "(standard input)" : path);
    if (ferror(file))
        complain(path);
    if (!standard)
        fclose(file);
}

int grep_main(int argc, char **argv)
{
    char *given[64];
    size_t count = 0;

    for (int letter; (letter = getopt(argc, argv, "EFHLce:hilnoqrRsvwx")) != -1;) {
        if (letter == '?' || count == sizeof given / sizeof given[0])
            return usage("grep");
        if (letter == 'e')
            given[count++] = optarg;
        option[letter == 'R' ? 'r' : letter] = true;
    }
    if (!count && optind == argc)
        return usage("grep");
    if (!count)
        given[count++] = argv[optind++];
    for (size_t i = 0; i < count; i++)
        add_patterns(given[i]);
    names_shown = !option['h'] && (option['H'] || option['r'] || argc - optind > 1);
    if (optind == argc)
        search_path(option['r'] ? "." : "-");
    for (int i = optind; i < argc && !(option['q'] && selected_any); i++)
        search_path(argv[i]);
    return failed && !(option['q'] && selected_any) ? 2 : !selected_any;
}
