#include "exchange.h"

#include <poll.h>

/* What a TLS record can hold. */
#define ND_PIECE 16384

/* So many are read before others have their turn, and the clock: a peer can
 * send faster than its answer is read. */
#define ND_PIECES_AT_ONCE 64

bool nd_exchange_is_written(const struct nd_transfer *transfer)
{
    return transfer->written == transfer->request.bytes.length;
}

static enum nd_progress fail(struct nd_transfer *transfer, enum nd_fault fault)
{
    transfer->answer.fault = fault;
    return ND_HAS_ENDED;
}

/*
 * From the first word of TLS that is not a failure on, the request may have
 * been sent: after "not now" TLS may hold it, or have written it.
 */
static enum nd_progress write_request(struct nd_transfer *transfer)
{
    const struct nd_buffer *bytes = &transfer->request.bytes;

    while (!nd_exchange_is_written(transfer)) {
        size_t sent;
        enum nd_io io = nd_connection_send(
            transfer->connection, bytes->data + transfer->written,
            bytes->length - transfer->written, &sent);

        if (io == ND_IO_FAILED && !transfer->answer.sent)
            return ND_UNFIT;
        if (io == ND_IO_FAILED)
            return fail(transfer, ND_FAULT_LOST);
        transfer->answer.sent = true;
        transfer->written += sent;
        if (io == ND_IO_AGAIN || sent == 0)
            break;
    }
    return ND_GOES_ON;
}

/* What came, or the end, is no answer to a request that was not all there. */
static enum nd_progress look_while_writing(struct nd_transfer *transfer)
{
    char byte;
    size_t received;

    switch (nd_connection_receive(transfer->connection, &byte, 1, &received)) {
    case ND_IO_AGAIN:
        return ND_GOES_ON;
    case ND_IO_DONE:
        return fail(transfer, ND_FAULT_EARLY);
    default:
        return fail(transfer, ND_FAULT_LOST);
    }
}

/* Bytes behind a whole answer say that the connection is out of step. */
static void take(struct nd_answer *answer, const char *piece, size_t length)
{
    if (nd_answer_take(answer, piece, length) < length)
        answer->keeps = false;
}

static bool has_ended(const struct nd_answer *answer)
{
    return answer->fault != ND_FAULT_NONE || answer->phase == ND_PHASE_WHOLE;
}

/* TLS may hold more than the socket shows: all of it is read, now or, after
 * ND_HAS_MORE, in the next step. */
static enum nd_progress read_answer(struct nd_transfer *transfer)
{
    struct nd_answer *answer = &transfer->answer;
    char piece[ND_PIECE];
    size_t length;
    int pieces = 0;

    while (!has_ended(answer)) {
        if (pieces++ == ND_PIECES_AT_ONCE)
            return ND_HAS_MORE;
        switch (nd_connection_receive(transfer->connection, piece,
                                      sizeof piece, &length)) {
        case ND_IO_AGAIN:
            return ND_GOES_ON;
        case ND_IO_DONE:
            take(answer, piece, length);
            break;
        case ND_IO_END:
            nd_answer_end(answer);
            break;
        default:
            return fail(transfer, nd_answer_cut(answer));
        }
    }
    return ND_HAS_ENDED;
}

enum nd_progress nd_exchange_begin(struct nd_transfer *transfer)
{
    char byte;
    size_t received;

    if (nd_connection_receive(transfer->connection, &byte, 1, &received) !=
        ND_IO_AGAIN)
        return ND_UNFIT;
    return write_request(transfer);
}

enum nd_progress nd_exchange_go_on(struct nd_transfer *transfer)
{
    enum nd_progress progress;

    if (nd_exchange_is_written(transfer))
        return read_answer(transfer);
    progress = look_while_writing(transfer);
    return progress == ND_GOES_ON ? write_request(transfer) : progress;
}

short nd_exchange_events(const struct nd_transfer *transfer)
{
    return nd_exchange_is_written(transfer) ? POLLIN : POLLIN | POLLOUT;
}
