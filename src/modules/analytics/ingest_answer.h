/* ingest_answer.h - what SDKs are told. */
#pragma once

#include "modules/analytics/ingest.h"

/* Takes the exchange over, hands r to the batcher and answers after the commit. */
struct fault *ingest_answer_later(struct request *rq, struct ingest_request *r);
/* The same for a pixel: the answer is a picture whatever became of the event. */
struct fault *ingest_picture_later(struct request *rq, struct ingest_request *r);
struct fault *ingest_picture(struct request *rq);
/* Replies with a fault in a form that problem readers and SDKs both understand. */
struct fault *ingest_refuse(struct request *rq, const struct fault *why);
struct str ingest_int_text(const void *mem, int64_t value);
/* {"success":true,"accepted":…,…} for a request whose fates are final. */
struct str ingest_result_json(const struct ingest_request *r);
