/*
 * Weights on their way. A block has the same rows of every matrix for every token: one stream of
 * bytes, layer after layer, the head, and from the start again. It is brought to shared memory
 * ahead of its use, in pieces (whole rows of one matrix with what belongs to them), into a ring;
 * while the block waits for numbers of others, memory goes on working.
 *
 * All threads keep the same account of the ring, so nothing is communicated. Each piece is one
 * group of asynchronous copies (device.h); where those do not exist (sm_75) a piece is there when
 * it has been asked for, and what is gained is that this happens before the wait for others.
 *
 *     sw_ring_fill(ring);       asks for pieces while there is room
 *     work = sw_ring_take(ring, source, row);    where the next one is going to be;
 *     ...                       waiting for others
 *     sw_ring_ready(ring);      it is there for the thread that asked for it;
 *     sw_sync_block();          for all
 *     sw_ring_release(ring);    the pieces in front of it may be written over
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_RING_CUH
#define SW_BACKEND_CUDA_PERSISTENT_RING_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/model.cuh"

enum sw_persistent_part {
    SW_PART_QKV,
    SW_PART_O,
    SW_PART_GATE_UP,
    SW_PART_DOWN,
    SW_PART_HEAD,
    SW_N_PARTS
};

/* What the layers' matrices of one part have in common; the host computes it. */
struct sw_persistent_shape {
    uint32_t n_rows, n_cols;
    uint32_t row_bytes;   /* of a row in memory */
    uint32_t used_at;     /* the columns that a block takes begin at this byte of its rows */
    uint32_t used_bytes;  /* and are so many bytes; all of the row but in SW_PART_O of FOUR */
    uint32_t scale_bytes; /* of a row's scales */
    uint32_t norm_bytes;  /* of the norm in front, (n_cols) floats; 0: none */
    uint32_t rows_per_piece;
};

/* Where one matrix lies; NULL: it has none. In shared memory, for each layer and part. */
struct sw_persistent_source {
    const unsigned char *rows, *scales, *bias, *norm;
};

/* The rows of a part that a block has. */
struct sw_persistent_share {
    uint32_t begin, end;
};

/* A piece in the ring: bytes from the ring's beginning. */
struct sw_ring_piece {
    uint32_t begin, end;                           /* rows */
    uint32_t rows_at, scales_at, bias_at, norm_at; /* of row `begin`; of the norm */
    uint32_t at, bytes;
};

struct sw_ring {
    sw_shared<unsigned char> data;
    uint32_t data_at; /* where data begins in the block's memory */
    uint32_t size;    /* a multiple of 16 */
    uint32_t head;    /* behind the newest piece */
    uint32_t read;    /* behind the newest piece that was taken */
    uint32_t before;  /* and behind the one before it */
    uint32_t tail;    /* behind the newest piece that may be written over */
    uint32_t n_unread, n_held;
    uint32_t source, row; /* the piece to ask for next: the row is the first of it */
    uint32_t n_sources;   /* 4 n_layers + 1 */
    sw_shared<sw_persistent_source> sources;
    sw_shared<sw_persistent_share> shares; /* (SW_N_PARTS) */
    sw_shared<sw_persistent_shape> shapes; /* (SW_N_PARTS) */
};

SW_DEVICE uint32_t sw_ring_part(const sw_ring &ring, uint32_t source)
{
    return source + 1 == ring.n_sources ? static_cast<uint32_t>(SW_PART_HEAD) : source % 4;
}

/* Bytes [begin, end) with what a chunk has in front and behind. */
SW_DEVICE uint32_t sw_chunks_around(uint32_t begin, uint32_t end)
{
    return (end + 15) / 16 * 16 - begin / 16 * 16;
}

/* Rows [begin, end) of a source, as if they lay at 0. */
SW_DEVICE sw_ring_piece sw_ring_lay(const sw_persistent_shape &shape,
                                    const sw_persistent_source &source, uint32_t begin,
                                    uint32_t end, bool is_first)
{
    sw_ring_piece p = {};
    p.begin = begin;
    p.end = end;
    p.bytes = (end - begin) * shape.used_bytes;
    p.scales_at = p.bytes + begin * shape.scale_bytes % 16;
    if (shape.scale_bytes != 0)
        p.bytes += sw_chunks_around(begin * shape.scale_bytes, end * shape.scale_bytes);
    p.bias_at = p.bytes + begin * 4 % 16;
    if (source.bias != nullptr)
        p.bytes += sw_chunks_around(begin * 4, end * 4);
    p.norm_at = p.bytes;
    if (is_first)
        p.bytes += sw_chunks_around(0, shape.norm_bytes);
    return p;
}

/* Where a piece goes: behind the one before it, or at the beginning where it would not fit. */
SW_DEVICE void sw_ring_place(const sw_ring &ring, sw_ring_piece &piece, uint32_t behind)
{
    piece.at = behind + piece.bytes <= ring.size ? behind : 0;
    piece.rows_at += piece.at;
    piece.scales_at += piece.at;
    piece.bias_at += piece.at;
    piece.norm_at += piece.at;
}

/* Bytes [begin, end) of an array of so many in all, to a multiple of 16, whole chunks; what is not
 * a whole chunk of the array, at its end, goes in halves of a word. */
SW_DEVICE void sw_ring_copy(const sw_ring &ring, uint32_t to, const unsigned char *from,
                            uint32_t begin, uint32_t end, size_t total)
{
    uint32_t first = begin / 16 * 16;
    for (uint32_t at = first + 16 * threadIdx.x; at < end; at += 16 * blockDim.x) {
        if (at + 16 <= total) {
            sw_copy16(ring.data, to + (at - first), from + at);
        } else {
            sw_shared<uint16_t> halves = sw_shared_take<uint16_t>(ring.data_at + to + (at - first));
            const uint16_t *rest = reinterpret_cast<const uint16_t *>(from + at);
            for (uint32_t i = 0; at + 2 * i < total; i++)
                halves[i] = rest[i];
        }
    }
}

/* Four chunks, a block's threads apart. Where copies are not asynchronous, all four are under way
 * before the first is waited for. */
SW_DEVICE void sw_ring_copy_four(const sw_ring &ring, uint32_t to, const unsigned char *from)
{
    const uint32_t apart = 16 * blockDim.x;
#if defined(SW_EMULATED) || __CUDA_ARCH__ >= 800
    for (uint32_t i = 0; i < 4; i++)
        sw_copy16(ring.data, to + i * apart, from + i * apart);
#else
    sw_chunk chunks[4];
    for (uint32_t i = 0; i < 4; i++)
        chunks[i] = sw_load_weights(from + i * apart);
    for (uint32_t i = 0; i < 4; i++)
        sw_shared_store16(ring.data, to + i * apart, chunks[i]);
#endif
}

/* Asks for one piece. Rows are whole chunks; where only some of their columns are used they come
 * one by one. */
SW_DEVICE void sw_ring_ask(const sw_ring &ring, const sw_persistent_shape &shape,
                           const sw_persistent_source &source, const sw_ring_piece &p)
{
    const unsigned char *rows = source.rows + static_cast<size_t>(p.begin) * shape.row_bytes;
    uint32_t n_rows = p.end - p.begin;
    if (shape.used_bytes == shape.row_bytes) {
        const uint32_t bytes = n_rows * shape.row_bytes;
        uint32_t at = 16 * threadIdx.x;
        for (; at + 3 * 16 * blockDim.x < bytes; at += 4 * 16 * blockDim.x)
            sw_ring_copy_four(ring, p.rows_at + at, rows + at);
        for (; at < bytes; at += 16 * blockDim.x)
            sw_copy16(ring.data, p.rows_at + at, rows + at);
    } else {
        uint32_t row_chunks = shape.used_bytes / 16;
        for (uint32_t i = threadIdx.x; i < n_rows * row_chunks; i += blockDim.x) {
            uint32_t row = i / row_chunks, chunk = i - row * row_chunks;
            sw_copy16(ring.data, p.rows_at + 16 * i,
                      rows + static_cast<size_t>(row) * shape.row_bytes + shape.used_at +
                          16 * chunk);
        }
    }
    if (shape.scale_bytes != 0)
        sw_ring_copy(ring, p.scales_at / 16 * 16, source.scales, p.begin * shape.scale_bytes,
                     p.end * shape.scale_bytes,
                     static_cast<size_t>(shape.n_rows) * shape.scale_bytes);
    if (source.bias != nullptr)
        sw_ring_copy(ring, p.bias_at / 16 * 16, source.bias, p.begin * 4, p.end * 4,
                     static_cast<size_t>(shape.n_rows) * 4);
    if (p.norm_at < p.at + p.bytes)
        sw_ring_copy(ring, p.norm_at, source.norm, 0, shape.norm_bytes, shape.norm_bytes);
    sw_copy_commit();
}

/* Asks for pieces as long as there is room. */
SW_DEVICE void sw_ring_fill(sw_ring &ring)
{
    for (;;) {
        uint32_t part = sw_ring_part(ring, ring.source);
        const sw_persistent_shape shape = ring.shapes[part];
        const sw_persistent_share share = ring.shares[part];
        const sw_persistent_source source = ring.sources[ring.source];
        uint32_t end = share.end - ring.row < shape.rows_per_piece
                           ? share.end
                           : ring.row + shape.rows_per_piece;
        sw_ring_piece p = sw_ring_lay(shape, source, ring.row, end, ring.row == share.begin);
        if (ring.n_held == 0)
            ring.head = ring.read = ring.tail = 0;
        bool is_wrapped = ring.n_held > 0 && ring.head <= ring.tail;
        bool has_room = ring.head + p.bytes <= (is_wrapped ? ring.tail : ring.size) ||
                        (!is_wrapped && p.bytes <= ring.tail);
        if (!has_room)
            return;
        sw_ring_place(ring, p, ring.head);
        sw_ring_ask(ring, shape, source, p);
        ring.head = p.at + p.bytes;
        ring.n_unread++;
        ring.n_held++;
        ring.row = end;
        if (end == share.end) {
            ring.source = ring.source + 1 == ring.n_sources ? 0 : ring.source + 1;
            const sw_persistent_share next = ring.shares[sw_ring_part(ring, ring.source)];
            ring.row = next.begin;
        }
    }
}

/* Behind a barrier that all threads reach when they have read all pieces but the one taken last. */
SW_DEVICE void sw_ring_release(sw_ring &ring)
{
    ring.tail = ring.before;
    ring.n_held = ring.n_unread + 1;
}

/* The thread's own copies of the piece taken last are there; the barrier that makes them everyone's
 * is the caller's. It has been asked for: no piece is larger than a third of the ring, so beside
 * the one that is still being read sw_ring_fill always finds room for another. Waiting for newer
 * pieces, too, does no harm; they were asked for long ago. */
SW_DEVICE void sw_ring_ready(const sw_ring &ring)
{
    const uint32_t n_newer = ring.n_unread;
    if (n_newer >= 24)
        sw_copy_wait<24>();
    else if (n_newer >= 16)
        sw_copy_wait<16>();
    else if (n_newer >= 12)
        sw_copy_wait<12>();
    else if (n_newer >= 8)
        sw_copy_wait<8>();
    else if (n_newer >= 6)
        sw_copy_wait<6>();
    else if (n_newer >= 4)
        sw_copy_wait<4>();
    else if (n_newer >= 2)
        sw_copy_wait<2>();
    else if (n_newer == 1)
        sw_copy_wait<1>();
    else
        sw_copy_wait<0>();
}

/* A piece with what is needed to multiply it. */
struct sw_ring_work {
    sw_ring_piece piece;
    uint32_t source, end; /* of the block's rows */
    uint32_t used_bytes, scale_bytes;
    bool has_bias;
};

/* The next piece: rows from `begin` on of a source. Nothing of it may be read yet. */
SW_DEVICE sw_ring_work sw_ring_take(sw_ring &ring, uint32_t source, uint32_t begin)
{
    const uint32_t part = sw_ring_part(ring, source);
    const sw_persistent_shape shape = ring.shapes[part];
    const sw_persistent_share share = ring.shares[part];
    const sw_persistent_source from = ring.sources[source];
    const uint32_t end =
        share.end - begin < shape.rows_per_piece ? share.end : begin + shape.rows_per_piece;
    sw_ring_work work;
    work.piece = sw_ring_lay(shape, from, begin, end, begin == share.begin);
    sw_ring_place(ring, work.piece, ring.read);
    work.source = source;
    work.end = share.end;
    work.used_bytes = shape.used_bytes;
    work.scale_bytes = shape.scale_bytes;
    work.has_bias = from.bias != nullptr;
    ring.before = ring.read;
    ring.read = work.piece.at + work.piece.bytes;
    ring.n_unread--;
    return work;
}

#endif
