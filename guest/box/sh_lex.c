/*
 * Tokens: cuts the text of a command into words and operators. Words keep their quotes, which mean something until they are expanded
 * (sh_expand.c); here they only say where a word ends.
 */

#include <ctype.h>
#include <string.h>

#include "sh.h"

#define SPECIAL " \t\r\n;&|<>()"

size_t name_length(const char *p)
{
    size_t n = 0;
    if (isalpha((unsigned char)*p) || *p == '_')
        while (isalnum((unsigned char)p[n]) || p[n] == '_')
            n++;
    return n;
}

/* Skips a quoted part, p at its opening quote; NULL when it stays open. */
static const char *skip_quoted(const char *p)
{
    char quote = *p++;
    while (*p && *p != quote)
        p += quote == '"' && *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : NULL;
}

/* What of $ this shell has not; NULL when `p`, at a $, is fine. */
static const char *unknown_expansion(const char *p)
{
    if (p[1] == '(')
        return "no $( ) in this shell";
    if (p[1] != '{')
        return NULL;
    size_t length = name_length(p + 2);
    if (!length && p[2] && (isdigit((unsigned char)p[2]) || strchr("?$!#@*", p[2])))
        length = 1;
    return length && p[2 + length] == '}' ? NULL : "in ${ } a name is all that is possible in this shell";
}

/* Is there within the word something that this shell does not do? */
static const char *check_word(const char *p, const char *end)
{
    bool quoted = false;
    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (*p == '\'' && !quoted) {
            p = skip_quoted(p) - 1;
        } else if (*p == '`') {
            return "no ` ` in this shell";
        } else if (*p == '$') {
            const char *error = unknown_expansion(p);
            if (error)
                return error;
        }
    }
    return NULL;
}

static enum token lex_word(struct lexer *lexer)
{
    const char *p = lexer->begin;
    while (*p && !strchr(SPECIAL, *p)) {
        if (*p == '\'' || *p == '"') {
            p = skip_quoted(p);
            if (!p)
                return T_UNFINISHED;
        } else if (*p == '\\' && p[1]) {
            if (p[1] == '\n' && !p[2])
                return T_UNFINISHED;
            p += 2;
        } else if (*p == '$' && (p[1] == '(' || p[1] == '{')) {
            lexer->error = unknown_expansion(p);
            if (lexer->error)
                return T_ERROR;
            p += strcspn(p, "}") + 1;
        } else {
            p++;
        }
    }
    size_t length = (size_t)(p - lexer->begin);
    lexer->at = p;
    lexer->error = check_word(lexer->begin, p);
    if (lexer->error)
        return T_ERROR;
    lexer->word = arena_copy(lexer->arena, lexer->begin, length);
    if ((*p == '<' || *p == '>') && strspn(lexer->word, "0123456789") == length && length <= 4)
        return T_NUMBER;
    return T_WORD;
}

/* Operators, longest first. */
static const struct {
    const char *text;
    enum token token;
} operators[] = {
    { "&>>", T_BOTH_APPEND }, { "&>", T_BOTH },  { "&&", T_AND },        { "&", T_AMPERSAND }, { "||", T_OR },
    { "|", T_PIPE },          { ";", T_SEMICOLON }, { "(", T_OPEN },      { ")", T_CLOSE },     { "<<", T_ERROR },
    { "<&", T_DUP },          { "<>", T_READ_WRITE }, { "<", T_READ },    { ">>", T_APPEND },   { ">&", T_DUP },
    { ">|", T_WRITE },        { ">", T_WRITE },   { "\n", T_NEWLINE },
};

void next_token(struct lexer *lexer)
{
    const char *p = lexer->at;
    for (;;) {
        p += strspn(p, " \t\r");
        if (p[0] != '\\' || p[1] != '\n')
            break;
        p += 2;
        if (!*p) {
            lexer->token = T_UNFINISHED;
            return;
        }
    }
    if (*p == '#')
        p += strcspn(p, "\n");
    lexer->begin = p;
    lexer->at = p;
    if (!*p) {
        lexer->token = T_END;
        return;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t length = strlen(operators[i].text);
        if (strncmp(p, operators[i].text, length) == 0) {
            lexer->at = p + length;
            lexer->token = operators[i].token;
            lexer->output = *p == '>';
            lexer->error = "no here-documents in this shell";
            return;
        }
    }
    lexer->token = lex_word(lexer);
}
