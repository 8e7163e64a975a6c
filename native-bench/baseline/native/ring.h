// The ring of engine/memory/ring.ts as C++ has it: the same records, the same cursors, each on a cache line of its own. What it leaves out is what
// a ring between threads that never die and never sleep does not need: the seats by which the claim of a dead writer is finished, the word
// of a reader that sleeps, and the checks of what it is handed.
//
//        0               4               8
//        +---------------+---------------+---------------------------+-------+
//        | length        | type          | payload, length - 8 bytes | to 8s |
//        +---------------+---------------+---------------------------+-------+
//        length counts itself: 0 nobody wrote here yet · negative claimed · positive committed; type -1 is padding
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

constexpr int32_t FULL = -1;
constexpr int32_t PADDING = -1;
constexpr uint32_t HEADER_BYTES = 8;

using Word = std::atomic<int32_t>;

inline int32_t *plain(Word &word) { return reinterpret_cast<int32_t *>(&word); }

// What all kinds have. Cursors count units of 8 bytes mod 2^32.
class Ring {
 public:
  explicit Ring(uint32_t bytes) : units(bytes / 8), words(new (std::align_val_t(64)) Word[bytes / 4]{}) {}
  ~Ring() { operator delete[](words, std::align_val_t(64)); }
  Ring(const Ring &) = delete;

  const uint32_t units;
  Word *const words;
  alignas(64) std::atomic<uint32_t> writeCursor{0};
  alignas(64) std::atomic<uint32_t> readCursor{0};
  alignas(64) uint32_t readFrom = 0;

  Word &header(uint32_t cursor) const { return words[2 * (cursor & (units - 1))]; }

  static uint32_t need(uint32_t bytes) { return (bytes + HEADER_BYTES + 7) >> 3; }
  // What is left before the end of the area, where a record does not fit there any more.
  uint32_t padding(uint32_t cursor, uint32_t need) const {
    const uint32_t toEnd = units - (cursor & (units - 1));
    return toEnd < need ? toEnd : 0;
  }

  // Hands what is there to `onRecord(words, count)`, and gives a quarter of the area back at a time.
  template <bool hasManyWriters, typename OnRecord>
  int32_t drain(OnRecord onRecord) {
    const uint32_t end = writeCursor.load(std::memory_order_acquire);
    uint32_t cursor = readFrom;
    int32_t records = 0;
    while (static_cast<int32_t>(end - cursor) > 0) {
      Word &at = header(cursor);
      const int32_t length = at.load(hasManyWriters ? std::memory_order_acquire : std::memory_order_relaxed);
      if (length <= 0) break;
      cursor += (static_cast<uint32_t>(length) + 7) >> 3;
      if (*plain((&at)[1]) != PADDING) {
        records++;
        onRecord(plain((&at)[2]), (length - HEADER_BYTES) >> 2);
      }
      if (cursor - readFrom >= units / 4) giveBack<hasManyWriters>(cursor);
    }
    if (cursor != readFrom) giveBack<hasManyWriters>(cursor);
    return records;
  }

 private:
  // With many writers a claim is visible before its length is: an old length there would be read as a record.
  template <bool hasManyWriters>
  void giveBack(uint32_t to) {
    if (hasManyWriters) {
      for (uint32_t cursor = readFrom; cursor != to; cursor++) header(cursor).store(0, std::memory_order_relaxed);
    }
    readFrom = to;
    readCursor.store(to, std::memory_order_release);
  }
};

// engine/memory/ring-one-writer.ts
class OneWriter {
 public:
  static constexpr bool isMany = false;
  explicit OneWriter(Ring &of) : ring(of) {}

  // `fill(words)` writes the payload. False: the ring is full.
  template <typename Fill>
  bool write(int32_t type, uint32_t bytes, Fill fill) {
    const uint32_t need = Ring::need(bytes), padding = ring.padding(cursor, need);
    if (ring.units - (cursor - known) < padding + need) {
      known = ring.readCursor.load(std::memory_order_acquire);
      if (ring.units - (cursor - known) < padding + need) return false;
    }
    if (padding > 0) {
      *plain(ring.header(cursor)) = static_cast<int32_t>(padding << 3);
      *plain((&ring.header(cursor))[1]) = PADDING;
    }
    Word &header = ring.header(cursor + padding);
    fill(plain((&header)[2]));
    *plain(header) = static_cast<int32_t>(bytes + HEADER_BYTES);
    *plain((&header)[1]) = type;
    cursor += padding + need;
    ring.writeCursor.store(cursor, std::memory_order_release);
    return true;
  }

 private:
  Ring &ring;
  uint32_t cursor = 0;
  // The read cursor as last looked up.
  uint32_t known = 0;
};

// engine/memory/ring-many-writers.ts
class ManyWriter {
 public:
  static constexpr bool isMany = true;
  explicit ManyWriter(Ring &of) : ring(of) {}

  template <typename Fill>
  bool write(int32_t type, uint32_t bytes, Fill fill) {
    const uint32_t need = Ring::need(bytes);
    for (;;) {
      uint32_t cursor = ring.writeCursor.load(std::memory_order_acquire);
      const uint32_t read = ring.readCursor.load(std::memory_order_acquire);
      const uint32_t padding = ring.padding(cursor, need);
      if (static_cast<int32_t>(ring.units - (cursor - read)) < static_cast<int32_t>(padding + need)) return false;
      const uint32_t claimed = padding > 0 ? padding : need;
      if (!ring.writeCursor.compare_exchange_strong(cursor, cursor + claimed, std::memory_order_acq_rel)) continue;
      Word &header = ring.header(cursor);
      if (padding > 0) {
        *plain((&header)[1]) = PADDING;
        header.store(static_cast<int32_t>(padding << 3), std::memory_order_release);
        continue;
      }
      const int32_t length = static_cast<int32_t>(bytes + HEADER_BYTES);
      header.store(-length, std::memory_order_relaxed);
      fill(plain((&header)[2]));
      *plain((&header)[1]) = type;
      header.store(length, std::memory_order_release);
      return true;
    }
  }

 private:
  Ring &ring;
};
