/* spandsp's G.711 behind the three functions that benches/peers/mod.rs calls. */
#include <spandsp.h>
#include <stdlib.h>

enum { DECODE, ENCODE, CONVERT };

struct peer {
    g711_state_t *state;
    int task;
};

void *peer_new(int a_law, int task)
{
    struct peer *peer = malloc(sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->state = g711_init(NULL, a_law ? G711_ALAW : G711_ULAW);
    peer->task = task;
    return peer;
}

int peer_run(void *opaque, const void *in, int samples, void *out)
{
    struct peer *peer = opaque;
    switch (peer->task) {
    case DECODE:
        return g711_decode(peer->state, out, in, samples) == samples ? 0 : -1;
    case ENCODE:
        return g711_encode(peer->state, out, in, samples) == samples ? 0 : -1;
    default:
        return g711_transcode(peer->state, out, in, samples) == samples ? 0 : -1;
    }
}

void peer_free(void *opaque)
{
    struct peer *peer = opaque;
    g711_free(peer->state);
    free(peer);
}
