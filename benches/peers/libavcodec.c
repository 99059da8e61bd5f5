/* libavcodec's G.711 behind the three functions that benches/peers/mod.rs calls.
 *
 * The input is lent to the library without a copy, and what it makes is read where it lies unless the caller gives
 * somewhere to put it: no way through its interface is shorter. */
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <stdlib.h>
#include <string.h>

enum { DECODE, ENCODE, CONVERT };

struct peer {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
    int task;
};

static void lent(void *opaque, uint8_t *data)
{
    (void)opaque;
    (void)data;
}

void peer_free(void *opaque)
{
    struct peer *peer = opaque;
    avcodec_free_context(&peer->context);
    av_packet_free(&peer->packet);
    av_frame_free(&peer->frame);
    free(peer);
}

void *peer_new(int a_law, int task)
{
    enum AVCodecID id = a_law ? AV_CODEC_ID_PCM_ALAW : AV_CODEC_ID_PCM_MULAW;
    const AVCodec *codec = task == ENCODE ? avcodec_find_encoder(id) : avcodec_find_decoder(id);
    struct peer *peer;
    if (task == CONVERT || codec == NULL || (peer = calloc(1, sizeof *peer)) == NULL)
        return NULL;
    peer->task = task;
    peer->packet = av_packet_alloc();
    peer->frame = av_frame_alloc();
    peer->context = avcodec_alloc_context3(codec);
    if (peer->packet == NULL || peer->frame == NULL || peer->context == NULL)
        return peer_free(peer), NULL;
    peer->context->sample_rate = 8000;
    peer->context->sample_fmt = AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&peer->context->ch_layout, 1);
    if (avcodec_open2(peer->context, codec, NULL) < 0)
        return peer_free(peer), NULL;
    return peer;
}

static int decode(struct peer *peer, const void *in, int samples, void *out)
{
    int sent;
    peer->packet->buf = av_buffer_create((uint8_t *)in, samples, lent, NULL, AV_BUFFER_FLAG_READONLY);
    if (peer->packet->buf == NULL)
        return -1;
    peer->packet->data = (uint8_t *)in;
    peer->packet->size = samples;
    sent = avcodec_send_packet(peer->context, peer->packet);
    av_packet_unref(peer->packet);
    if (sent < 0 || avcodec_receive_frame(peer->context, peer->frame) < 0
        || peer->frame->nb_samples != samples)
        return -1;
    if (out != NULL)
        memcpy(out, peer->frame->data[0], (size_t)samples * 2);
    av_frame_unref(peer->frame);
    return 0;
}

static int encode(struct peer *peer, const void *in, int samples, void *out)
{
    AVFrame *frame = peer->frame;
    int sent;
    frame->buf[0] = av_buffer_create((uint8_t *)in, samples * 2, lent, NULL, AV_BUFFER_FLAG_READONLY);
    if (frame->buf[0] == NULL)
        return -1;
    frame->data[0] = (uint8_t *)in;
    frame->linesize[0] = samples * 2;
    frame->nb_samples = samples;
    frame->format = AV_SAMPLE_FMT_S16;
    frame->sample_rate = 8000;
    av_channel_layout_default(&frame->ch_layout, 1);
    sent = avcodec_send_frame(peer->context, frame);
    av_frame_unref(frame);
    if (sent < 0 || avcodec_receive_packet(peer->context, peer->packet) < 0
        || peer->packet->size != samples)
        return -1;
    if (out != NULL)
        memcpy(out, peer->packet->data, (size_t)samples);
    av_packet_unref(peer->packet);
    return 0;
}

int peer_run(void *opaque, const void *in, int samples, void *out)
{
    struct peer *peer = opaque;
    return peer->task == ENCODE ? encode(peer, in, samples, out) : decode(peer, in, samples, out);
}
