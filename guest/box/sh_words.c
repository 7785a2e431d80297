/*
 * The shell's words: quotes, backslashes, comments, $? $$ $!, and what ends a command.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

static void *grow(void *block, size_t size)
{
    block = realloc(block, size);
    if (!block) {
        fprintf(stderr, "sh: out of memory\n");
        exit(2);
    }
    return block;
}

void text_add(struct text *text, char c)
{
    if (text->length + 2 > text->room) {
        text->room = text->room ? text->room * 2 : 64;
        text->bytes = grow(text->bytes, text->room);
    }
    text->bytes[text->length++] = c;
    text->bytes[text->length] = 0;
}

void text_add_string(struct text *text, const char *string)
{
    while (*string)
        text_add(text, *string++);
}

void text_clear(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void words_clear(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->argv[i]);
    free(words->argv);
    *words = (struct words){ 0 };
}

/* Moves the word's text to the list, whose last entry stays NULL. */
static void add_word(struct words *words, struct text *word)
{
    if (words->count + 2 > words->room) {
        words->room = words->room ? words->room * 2 : 16;
        words->argv = grow(words->argv, words->room * sizeof *words->argv);
    }
    words->argv[words->count++] = word->bytes ? word->bytes : strcpy(grow(NULL, 1), "");
    words->argv[words->count] = NULL;
    *word = (struct text){ 0 };
}

/* $? $$ $! become numbers; any other $ stands for itself. Returns what follows. */
static const char *expand(const char *p, struct text *word, const struct sh_values *values)
{
    char number[16] = "";
    switch (p[1]) {
    case '?': snprintf(number, sizeof number, "%d", values->status); break;
    case '$': snprintf(number, sizeof number, "%d", (int)values->self); break;
    case '!':
        if (values->background)
            snprintf(number, sizeof number, "%d", (int)values->background);
        break;
    default: text_add(word, '$'); return p + 1;
    }
    text_add_string(word, number);
    return p + 2;
}

/* Copies a quoted part, p at its opening quote. Returns what follows the closing one, NULL when there is none. */
static const char *quoted(const char *p, struct text *word, const struct sh_values *values)
{
    char quote = *p++;
    while (*p && *p != quote) {
        if (quote == '"' && *p == '$') {
            p = expand(p, word, values);
        } else if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$\n", p[1])) {
            if (p[1] != '\n')
                text_add(word, p[1]);
            p += 2;
        } else {
            text_add(word, *p++);
        }
    }
    return *p ? p + 1 : NULL;
}

/* Copies one word, p at its first character. Returns what follows, NULL when quotes stay open. */
static const char *read_word(const char *p, struct text *word, const struct sh_values *values)
{
    while (*p && !strchr(" \t\r\n;&|<>()", *p)) {
        if (*p == '\'' || *p == '"') {
            p = quoted(p, word, values);
            if (!p)
                return NULL;
        } else if (*p == '\\') {
            if (!p[1] || (p[1] == '\n' && !p[2]))
                return NULL;
            if (p[1] != '\n')
                text_add(word, p[1]);
            p += 2;
        } else if (*p == '$') {
            p = expand(p, word, values);
        } else {
            text_add(word, *p++);
        }
    }
    return p;
}

static enum word_result syntax_error(struct words *words, const char *error)
{
    words->error = error;
    return WORDS_ERROR;
}

enum word_result next_command(const char **line, struct words *words, const struct sh_values *values)
{
    const char *p = *line;
    if (!*p)
        return WORDS_END;
    for (;;) {
        p += strspn(p, " \t\r");
        if (*p == '#')
            p += strcspn(p, "\n");
        if (!*p || *p == '\n' || *p == ';' || *p == '&')
            break;
        if (strchr("|<>()", *p))
            return syntax_error(words, "no pipes, redirection or ( ) in this shell");
        struct text word = { 0 };
        const char *after = read_word(p, &word, values);
        if (!after) {
            text_clear(&word);
            return WORDS_UNFINISHED;
        }
        /* A word of nothing but a continued line is none. */
        if (word.bytes || memchr(p, '\'', (size_t)(after - p)) || memchr(p, '"', (size_t)(after - p)))
            add_word(words, &word);
        p = after;
    }
    if (*p == '&' && p[1] == '&')
        return syntax_error(words, "no && in this shell");
    if ((*p == '&' || *p == ';') && words->count == 0)
        return syntax_error(words, *p == '&' ? "no command before &" : "no command before ;");
    words->background = *p == '&';
    *line = *p ? p + 1 : p;
    return WORDS_COMMAND;
}
