/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/networks.h"

#include <string.h>

#include "agents/wire/layer.h"
#include "firmware/app/text.h"
#include "firmware/boards/board.h"
#include "lut/layer/board_memory.h"

/* Places of networks in the pool, 0 layers where there is none. Those built lie at its start without gaps, `used`
 * layers in all; the one being described follows them. */
struct place {
    uint16_t first, count;
};

static struct wire_layer pool[NETWORK_LAYERS_MAX];
static struct place places[NETWORKS_MAX];
static int used, last;
static int described, described_count, described_known; /* number, layers in all, layers that came; count 0: none */

void networks_clear(void)
{
    memset(places, 0, sizeof places);
    used = described_count = 0;
    last = -1;
}

static bool refuse(struct refusal *r, enum wire_error_code code, uint64_t detail, const char *text)
{
    r->code = code;
    r->detail = detail;
    struct text t = text_into(r->text, sizeof r->text);
    text_add(&t, text);
    return false;
}

bool networks_begin(const struct wire_net_begin *m, struct refusal *r)
{
    if (m->network >= NETWORKS_MAX || m->layers < 1 || m->layers > NETWORK_LAYERS_MAX)
        return refuse(r, WIRE_E_INVALID, 0, "networks are 0 to 31 and have 1 to 256 layers");
    described_count = 0;
    if (m->layers > NETWORK_LAYERS_MAX - used)
        return refuse(r, WIRE_E_NO_MEMORY, (uint64_t)(used + m->layers) * sizeof pool[0],
                      "no room for so many layers beside the other networks: RESET drops them");
    described = m->network;
    described_count = m->layers;
    described_known = 0;
    return true;
}

bool networks_add(const struct wire_net_layers *m, struct refusal *r)
{
    struct lathe_error err;
    struct layer layer;
    if (!described_count || m->first != described_known || m->count > described_count - described_known)
        return refuse(r, WIRE_E_STATE, 0, "layers come in order, as many as NET_BEGIN said");
    for (int i = 0; i < m->count; i++) {
        if (wire_layer_to(&m->layers[i], &layer, &err)) return refuse(r, WIRE_E_INVALID, 0, err.message);
        pool[used + described_known + i] = m->layers[i];
    }
    described_known += m->count;
    return true;
}

/* Whether each layer's input is the output before it. */
static bool check_chain(const struct network *n, struct refusal *r)
{
    for (int i = 1; i < n->count; i++) {
        const struct wire_layer *a = &n->layers[i - 1];
        const struct wire_layer *b = &n->layers[i];
        if (a->out_h == b->in_h && a->out_w == b->in_w && a->out_c == b->in_c) continue;
        refuse(r, WIRE_E_INVALID, 0, "");
        struct text t = text_into(r->text, sizeof r->text);
        text_add(&t, "layer ");
        text_number(&t, (uint64_t)i);
        text_add(&t, " does not take what the layer before it gives");
        return false;
    }
    return true;
}

static bool check_fit(const struct network *n, struct wire_net_build_reply *out, struct refusal *r)
{
    *out = (struct wire_net_build_reply){.packed = (uint32_t)n->count};
    for (int i = 0; i < n->count; i++) {
        struct layer layer = network_layer(n, i);
        const char *why = board_layer_refusal(&layer);
        if (why) return refuse(r, WIRE_E_UNSUPPORTED, 0, why);
        uint64_t bytes = board_layer_arena_bytes(&layer);
        if (bytes > out->arena_bytes) out->arena_bytes = bytes;
        out->weight_bytes += board_layer_flash_bytes(&layer);
    }
    const uint64_t arena = (uint64_t)(arena_end - arena_start);
    if (out->arena_bytes <= arena) return true;
    refuse(r, WIRE_E_NO_MEMORY, out->arena_bytes, "");
    struct text t = text_into(r->text, sizeof r->text);
    text_add(&t, "activations need ");
    text_number(&t, out->arena_bytes);
    text_add(&t, " bytes of SRAM, and this board has ");
    text_number(&t, arena);
    text_add(&t, " for them");
    return false;
}

/* Take a network's layers out of the pool; those behind move up, the one described too. */
static void remove_place(int number)
{
    struct place gone = places[number];
    if (!gone.count) return;
    const int behind = used + described_count - gone.first - gone.count;
    memmove(&pool[gone.first], &pool[gone.first + gone.count], (size_t)behind * sizeof pool[0]);
    for (int i = 0; i < NETWORKS_MAX; i++)
        if (places[i].first > gone.first) places[i].first = (uint16_t)(places[i].first - gone.count);
    places[number].count = 0;
    used -= gone.count;
}

bool networks_build(const struct wire_net_build *m, struct wire_net_build_reply *out, struct refusal *r)
{
    if (!described_count || m->network != described || described_known != described_count)
        return refuse(r, WIRE_E_STATE, 0, "the network is not described: NET_BEGIN and all its layers come first");
    const struct network network = {&pool[used], described_count};
    bool fits = check_chain(&network, r) && check_fit(&network, out, r);
    if (fits) {
        remove_place(described);
        places[described] = (struct place){(uint16_t)used, (uint16_t)described_count};
        used += described_count;
        last = described;
    }
    described_count = 0;
    return fits;
}

struct network networks_find(int number)
{
    if (number < 0 || number >= NETWORKS_MAX) return (struct network){0};
    return (struct network){&pool[places[number].first], places[number].count};
}

struct network networks_last(void)
{
    return networks_find(last);
}

struct layer network_layer(const struct network *n, int i)
{
    struct layer layer = {0};
    wire_layer_to(&n->layers[i], &layer, NULL); /* it was checked when it came */
    return layer;
}

int network_occurrence(const struct network *n, int i)
{
    int equal = 0;
    const struct layer layer = network_layer(n, i);
    for (int k = 0; k < i; k++) {
        const struct layer other = network_layer(n, k);
        equal += layer_equal(&layer, &other);
    }
    return equal;
}

uint32_t network_output_bytes(const struct network *n)
{
    const struct wire_layer *l = &n->layers[n->count - 1];
    return (uint32_t)l->out_h * l->out_w * l->out_c;
}
