// The same algorithms as engine/policies has, step by step.
#pragma once

#include <cmath>
#include <cstdlib>
#include <vector>

#include "dice.h"
#include "region.h"

// engine/memory/candidates.ts: what a policy may see of the rows.
struct Candidates {
  const Region &region;
  // engine/memory/choice-view.ts: the choice table, and which place in the list each of its members has; −1: none.
  const uint16_t *entries = nullptr;
  const uint32_t *points = nullptr;
  int32_t entryCount = 0;
  int32_t pointCount = 0;
  std::vector<int32_t> places;

  explicit Candidates(const Region &of) : region(of) {
    const int32_t at = of.at.tableAt;
    if (at == 0) return;
    const int32_t members = get(of.words[at + TABLE_MEMBERS]);
    const int32_t membersAt = at + TABLE_HEADER_WORDS;
    pointCount = get(of.words[at + TABLE_POINTS]);
    entryCount = get(of.words[at + TABLE_ENTRIES]);
    const Word *pointsAt = of.words + membersAt + members * MEMBER_WORDS;
    points = reinterpret_cast<const uint32_t *>(pointsAt);
    entries = reinterpret_cast<const uint16_t *>(pointsAt + pointCount);
    places.assign(members, -1);
    for (int32_t member = 0; member < members; member++) {
      const int32_t ticket = get(of.words[membersAt + member * MEMBER_WORDS + MEMBER_TICKET]);
      const int32_t row = rowOfTicket(ticket);
      if (get(of.row(row, GENERATION)) != generationOfTicket(ticket)) continue;
      for (int32_t place = 0; place < of.at.count; place++) {
        if (of.listed(place) == row) places[member] = place;
      }
    }
  }

  int32_t entryRow(int32_t position) const {
    const int32_t place = places[entries[position]];
    return place < 0 ? NO_ENDPOINT : region.listed(place);
  }

  int32_t count() const { return region.at.count; }

  int32_t pull(int32_t row) const {
    if ((get(region.row(row, BARS)) & TIER_BITS) != 0) return 0;
    return pullOf(get(region.row(row, WEIGHT_Q8)), get(region.row(row, FACTOR_Q12)));
  }

  int32_t pullMax() const { return get(region.ofService(PULL_MAX)); }

  int32_t inflight(int32_t row) const {
    int32_t at = region.at.inflightAt + row;
    int32_t sum = get(region.words[at]);
    for (int32_t seat = get(region.words[SEATS_HIGH_AT]); seat > 1; seat--) {
      at += region.at.inflightStride;
      sum += get(region.words[at]);
    }
    return sum;
  }

  uint32_t nextTurn() const {
    return static_cast<uint32_t>(region.ofService(SEQUENCE).fetch_add(1, std::memory_order_seq_cst)) & 0x7fffffffu;
  }
};

// engine/policies/cheapest.ts
constexpr int32_t SCAN_MAX = 16;
constexpr int32_t DRAWS_MAX = 16;
constexpr double TWO_31 = 2147483648.0;

inline int32_t drawPosition(const Candidates &candidates, Dice &dice) {
  const int32_t most = candidates.pullMax();
  for (int32_t draw = 0; draw < DRAWS_MAX; draw++) {
    const int32_t position = below(dice.roll(), candidates.count());
    const int32_t pull = candidates.pull(candidates.region.listed(position));
    if (pull > 0 && (pull >= most || dice.wins(pull, most))) return position;
  }
  return NO_ENDPOINT;
}

inline int32_t drawByPull(const Candidates &candidates, Dice &dice) {
  int32_t row = NO_ENDPOINT;
  double sum = 0;
  for (int32_t position = 0; position < candidates.count(); position++) {
    const int32_t next = candidates.region.listed(position);
    const int32_t pull = candidates.pull(next);
    sum += pull;
    if (pull > 0 && dice.wins(pull, sum)) row = next;
  }
  return row;
}

inline int32_t cheapestOf(const Candidates &candidates, Dice &dice, int32_t start, int32_t rows) {
  int32_t best = NO_ENDPOINT;
  double bestCost = 0;
  double bestPull = 0;
  double tied = 0;
  uint32_t roll = static_cast<uint32_t>(dice.roll());
  int32_t position = start;
  for (int32_t left = rows; left > 0; left--) {
    const int32_t row = candidates.region.listed(position);
    if (++position == candidates.count()) position = 0;
    const double pull = candidates.pull(row);
    if (pull == 0) continue;
    const double cost = candidates.inflight(row);
    const double mine = cost * bestPull;
    const double theirs = bestCost * pull;
    if (mine > theirs && best != NO_ENDPOINT) continue;
    if (best == NO_ENDPOINT || mine < theirs) {
      tied = pull;
    } else {
      tied += pull;
      roll = roll * 1664525u + 1013904223u;
      if ((roll >> 1) * tied >= pull * TWO_31) continue;
    }
    best = row;
    bestCost = cost;
    bestPull = pull;
  }
  return best;
}

inline int32_t roundRobin(const Candidates &candidates, Dice &, int32_t) {
  const int32_t count = candidates.count();
  if (count == 0) return NO_ENDPOINT;
  int32_t position = static_cast<int32_t>(candidates.nextTurn() % static_cast<uint32_t>(count));
  for (int32_t step = 0; step < count; step++) {
    const int32_t row = candidates.region.listed(position);
    if (candidates.pull(row) > 0) return row;
    if (++position == count) position = 0;
  }
  return NO_ENDPOINT;
}

inline int32_t randomly(const Candidates &candidates, Dice &dice, int32_t) {
  if (candidates.count() == 0) return NO_ENDPOINT;
  const int32_t position = drawPosition(candidates, dice);
  return position < 0 ? drawByPull(candidates, dice) : candidates.region.listed(position);
}

inline int32_t leastRequest(const Candidates &candidates, Dice &dice, int32_t) {
  const int32_t count = candidates.count();
  if (count <= SCAN_MAX) return cheapestOf(candidates, dice, 0, count);
  const int32_t start = drawPosition(candidates, dice);
  if (start < 0) return cheapestOf(candidates, dice, 0, count);
  const int32_t drawn = candidates.region.listed(start);
  if (candidates.inflight(drawn) == 0) return drawn;
  return cheapestOf(candidates, dice, start, SCAN_MAX);
}

// engine/policies/weighted-round-robin.ts: static stride.
inline int32_t weightedRoundRobin(const Candidates &candidates, Dice &dice, int32_t) {
  constexpr int64_t SCALE = 65535;
  constexpr int64_t PHASE = 32767;
  const int32_t count = candidates.count();
  if (count == 0) return NO_ENDPOINT;
  const double scale = SCALE / static_cast<double>(candidates.pullMax());
  for (int32_t attempt = 2 * count; attempt > 0; attempt--) {
    const int64_t turn = candidates.nextTurn();
    const int64_t position = turn % count;
    const int32_t row = candidates.region.listed(static_cast<int32_t>(position));
    const int32_t pull = candidates.pull(row);
    if (pull == 0) continue;
    const double rounded = std::floor(pull * scale + 0.5);
    const int64_t weight = static_cast<int64_t>(rounded < 1 ? 1 : rounded > SCALE ? SCALE : rounded);
    const int64_t round = ((turn - position) / count) % SCALE;
    if ((weight * round + position * PHASE) % SCALE >= SCALE - weight) return row;
  }
  return drawByPull(candidates, dice);
}

// engine/memory/hash-key.ts
inline uint32_t avalanche(uint32_t hash) {
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  return hash ^ (hash >> 16);
}

constexpr int32_t TRIES_MAX = 32;

// engine/policies/by-table.ts. What it does after so many tries is not there: with few barred nobody comes to that.
template <typename Place>
int32_t byTable(const Candidates &candidates, Place place) {
  int32_t position = 0;
  for (int32_t attempt = 0; attempt < TRIES_MAX; attempt++) {
    position = place(attempt, position);
    const int32_t row = candidates.entryRow(position);
    if (row >= 0 && candidates.pull(row) != 0) return row;
  }
  std::abort();
}

inline int32_t maglev(const Candidates &candidates, Dice &, int32_t hash) {
  return byTable(candidates, [&](int32_t attempt, int32_t) {
    const uint32_t key =
        attempt == 0 ? static_cast<uint32_t>(hash)
                     : avalanche(static_cast<uint32_t>(hash) + static_cast<uint32_t>(attempt) * 0x9e3779b1u);
    return static_cast<int32_t>(key % static_cast<uint32_t>(candidates.entryCount));
  });
}

// engine/policies/tables/table-key.ts: the first point at or after the hash, by where it would be if all were spaced evenly.
inline int32_t ringPosition(const uint32_t *points, int32_t count, uint32_t key) {
  const double pointsPerHash = count / 4294967296.0;
  int32_t at = static_cast<int32_t>(key * pointsPerHash);
  for (int32_t step = 0; step < 2; step++) {
    at += static_cast<int32_t>((static_cast<double>(key) - points[at]) * pointsPerHash);
    at = at < 0 ? 0 : at < count ? at : count - 1;
  }
  int32_t stride = 1;
  int32_t low = at;
  int32_t high = at;
  if (points[at] < key) {
    for (at = low = at + 1; at < count && points[at] < key; at += stride) {
      low = at + 1;
      stride *= 2;
    }
    high = at < count ? at : count;
  } else {
    for (; low > 0 && points[low - 1] >= key; low -= stride) {
      high = low - 1;
      stride *= 2;
    }
    low = low > 0 ? low : 0;
  }
  while (low < high) {
    const int32_t middle = (low + high) >> 1;
    if (points[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low < count ? low : low % count;
}

inline int32_t ringHash(const Candidates &candidates, Dice &, int32_t hash) {
  const int32_t count = candidates.pointCount;
  return byTable(candidates, [&](int32_t attempt, int32_t before) {
    if (attempt == 0) return ringPosition(candidates.points, count, static_cast<uint32_t>(hash));
    return before + 1 < count ? before + 1 : 0;
  });
}
