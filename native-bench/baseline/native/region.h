// The memory of a box as the engine has laid it out, and what one thread of it writes there. Words are loaded and stored as V8 does with an
// Int32Array: relaxed, unless it says otherwise.
#pragma once

#include <atomic>
#include <cstdint>

#include "layout.h"

using Word = std::atomic<int32_t>;

inline int32_t get(const Word &word) { return word.load(std::memory_order_relaxed); }
inline void set(Word &word, int32_t value) { word.store(value, std::memory_order_relaxed); }
inline void add(Word &word, int32_t value) { set(word, get(word) + value); }

// Where a region has what, by the capacity it was made with; and the one service that is picked for.
struct Places {
  int32_t endpointsAt, servicesAt, inflightAt, inflightStride, gaugesAt, gaugesStride, totalsAt, totalsStride;
  // `tableAt` is 0 where the policy reads no table.
  int32_t rows, seat, service, listAt, count, tableAt;
};

struct Region {
  Word *words;
  Places at;

  Word &row(int32_t row, int32_t word) const { return words[at.endpointsAt + row * ROW_WORDS + word]; }
  Word &ofService(int32_t word) const { return words[at.servicesAt + at.service * SERVICE_WORDS + word]; }
  int32_t listed(int32_t position) const { return get(words[at.listAt + position]); }
};

constexpr int32_t NO_ENDPOINT = -1;
constexpr int32_t OK = 0;

inline int32_t rowOfTicket(int32_t ticket) { return ticket & 0xffff; }
inline int32_t generationOfTicket(int32_t ticket) { return (static_cast<uint32_t>(ticket) >> 16) & 0x3fff; }

// engine/memory/endpoint-table.ts, pullOf: weight × factor, rounded up.
inline int32_t pullOf(int32_t weightQ8, int32_t factorQ12) {
  return static_cast<int32_t>((static_cast<int64_t>(weightQ8) * factorQ12 + 63) / 64);
}
