/* libsrtp2 behind the functions that mod.rs calls: one session that sends, one that receives. */
#include <srtp2/srtp.h>
#include <stdlib.h>

struct peer {
    srtp_t out;
    srtp_t in;
};

static void set_suite(srtp_policy_t *policy, int suite)
{
    switch (suite) {
    case 0:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        break;
    case 1:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        break;
    case 2:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
        break;
    default:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
    }
}

static int make(srtp_t *session, int suite, unsigned char *key, srtp_ssrc_type_t side)
{
    srtp_policy_t policy = { 0 };
    set_suite(&policy, suite);
    policy.ssrc.type = side;
    policy.key = key;
    policy.window_size = 128;
    return srtp_create(session, &policy) == srtp_err_status_ok ? 0 : -1;
}

void *peer_new(int suite, unsigned char *key)
{
    struct peer *peer = calloc(1, sizeof *peer);
    srtp_init();
    if (peer == NULL)
        return NULL;
    if (make(&peer->out, suite, key, ssrc_any_outbound) || make(&peer->in, suite, key, ssrc_any_inbound)) {
        free(peer);
        return NULL;
    }
    return peer;
}

/* what: 0 protect RTP, 1 unprotect RTP, 2 protect RTCP, 3 unprotect RTCP. The packet's length now, or -1. */
int peer_run(void *opaque, int what, void *packet, int length)
{
    struct peer *peer = opaque;
    srtp_err_status_t status;
    switch (what) {
    case 0:
        status = srtp_protect(peer->out, packet, &length);
        break;
    case 1:
        status = srtp_unprotect(peer->in, packet, &length);
        break;
    case 2:
        status = srtp_protect_rtcp(peer->out, packet, &length);
        break;
    default:
        status = srtp_unprotect_rtcp(peer->in, packet, &length);
    }
    return status == srtp_err_status_ok ? length : -1;
}

void peer_free(void *opaque)
{
    struct peer *peer = opaque;
    srtp_dealloc(peer->out);
    srtp_dealloc(peer->in);
    free(peer);
}
