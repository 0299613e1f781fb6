/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "lut/base/text.h"
#include "lut/layer/kinds.h"

/* Printing is by hand: it is most of what exporting a table of a hundred thousand rows takes, and printf() takes three
 * times as long. With all its numbers as long as an int can be a text has 170 bytes. */

static char *put_text(char *at, const char *text)
{
    size_t n = strlen(text);
    memcpy(at, text, n + 1);
    return at + n;
}

static char *put_number(char *at, const char *before, int number)
{
    char digits[12];
    int n = 0;
    unsigned rest = number < 0 ? 0u - (unsigned)number : (unsigned)number;
    at = put_text(at, before);
    if (number < 0) *at++ = '-';
    do digits[n++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (n > 0) *at++ = digits[--n];
    *at = '\0';
    return at;
}

static char *put_shape(char *at, const char *before, const struct shape *s)
{
    return put_number(put_number(put_number(at, before, s->h), "x", s->w), "x", s->c);
}

void layer_print(const struct layer *l, char *out)
{
    const struct kind *kind = &layer_kinds[l->kind];
    char *at = put_text(out, layer_kind_name(l->kind));
    at = put_shape(put_shape(at, " in=", &l->in), " out=", &l->out);
    if (kind->mid) at = put_number(at, " mid=", l->mid);
    if (kind->window) at = put_number(put_number(at, " k=", l->kernel), " s=", l->stride);
    if (kind->act) at = put_text(put_text(at, " act="), activation_name(l->act));
    if (l->se) at = put_number(at, " se=", l->se);
    if (l->residual) put_text(at, " res=1");
}

/* Cursor over "key=value" words separated by single spaces. */
struct words {
    const char *at;
};

/* Take "key=" off the front; on success value/length are the rest of the word. */
static bool take_word(struct words *w, const char *key, const char **value, size_t *length)
{
    size_t n = strlen(key);
    if (w->at[0] != ' ' || strncmp(w->at + 1, key, n) != 0 || w->at[1 + n] != '=') return false;
    *value = w->at + 1 + n + 1;
    *length = strcspn(*value, " ");
    w->at = *value + *length;
    return true;
}

static bool take_number(struct words *w, const char *key, int *out)
{
    const char *value;
    size_t length;
    uint64_t number;
    if (!take_word(w, key, &value, &length) || !text_to_u64(value, length, &number) || number > 65535) return false;
    *out = (int)number;
    return true;
}

static bool take_shape(struct words *w, const char *key, struct shape *out)
{
    const char *value;
    size_t length;
    if (!take_word(w, key, &value, &length)) return false;
    int *const parts[3] = {&out->h, &out->w, &out->c};
    for (int i = 0; i < 3; i++) {
        const char *cross = i < 2 ? memchr(value, 'x', length) : value + length;
        uint64_t number;
        if (!cross || !text_to_u64(value, (size_t)(cross - value), &number) || number > 65535) return false;
        *parts[i] = (int)number;
        length -= (size_t)(cross - value) + (i < 2);
        value = cross + (i < 2);
    }
    return true;
}

static bool take_activation(struct words *w, enum activation *out)
{
    const char *value;
    size_t length;
    return take_word(w, "act", &value, &length) && activation_parse(value, length, out);
}

static const char form[] =
    "KIND in=HxWxC out=HxWxC [mid=N] [k=N s=N] [act=none|relu|relu6|hswish|swish] [se=N] [res=1]";

/* @return the kind that the text starts with; LAYER_KINDS: none. */
static enum layer_kind find_kind(const char *text)
{
    size_t length = strcspn(text, " ");
    int kind = 0;
    while (kind < LAYER_KINDS &&
           (strlen(layer_kinds[kind].name) != length || memcmp(text, layer_kinds[kind].name, length) != 0))
        kind++;
    return (enum layer_kind)kind;
}

/* Take what every layer of the kind has. @return what is missing or malformed; NULL: nothing. */
static const char *take_required(struct words *w, struct layer *l)
{
    const struct kind *kind = &layer_kinds[l->kind];
    if (!take_shape(w, "in", &l->in)) return "in";
    if (!take_shape(w, "out", &l->out)) return "out";
    if (kind->mid && !take_number(w, "mid", &l->mid)) return "mid";
    if (kind->window && !take_number(w, "k", &l->kernel)) return "k";
    if (kind->window && !take_number(w, "s", &l->stride)) return "s";
    return kind->act && !take_activation(w, &l->act) ? "act" : NULL;
}

enum lathe_status layer_parse(const char *text, struct layer *out, struct lathe_error *err)
{
    struct layer l = {.kind = find_kind(text)};
    if (l.kind == LAYER_KINDS)
        return error_field(err, "layer",
                           "layer \"%.100s\" starts with no known kind (conv2d, mbconv, bottleneck, maxpool, avgpool, "
                           "linear)",
                           text);
    struct words w = {text + strlen(layer_kinds[l.kind].name)};
    const char *wanted = take_required(&w, &l);
    if (wanted)
        return error_field(err, "layer", "layer \"%.100s\": %s is missing or malformed; the form is %s", text, wanted,
                           form);

    int residual = 0;
    if (strncmp(w.at, " se=", 4) == 0 && (!take_number(&w, "se", &l.se) || l.se == 0))
        return error_field(err, "layer", "layer \"%.100s\": se must be from 1 to 65535, or left out", text);
    if (strncmp(w.at, " res=", 5) == 0 && (!take_number(&w, "res", &residual) || residual != 1))
        return error_field(err, "layer", "layer \"%.100s\": res must be 1, or left out", text);
    l.residual = residual == 1;
    if (*w.at)
        return error_field(err, "layer", "layer \"%.100s\": can't read \"%.40s\"; the form is %s", text, w.at, form);

    struct lathe_error why;
    if (layer_validate(&l, &why)) return error_field(err, "layer", "layer \"%.100s\": %s", text, why.message);
    *out = l;
    return LATHE_OK;
}
