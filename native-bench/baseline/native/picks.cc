// Picks and settles on the memory of a box, as a thread of its own would: what a decision costs where it is compiled.
//
//   picks FILE POLICY SEED PLACE …          the region, who picks, the state of its dice, and where the region has what (struct Places)
//
//   pick N    ──▶ the rows of N picks, each settled at once: by them it is known that the algorithm is the same
//   time N    ──▶ ns that N picks took with their settles
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "policies.h"

using PickRow = int32_t (*)(const Candidates &, Dice &, int32_t);

// engine/router/router.ts, engine/memory/tally.ts, engine/memory/gauges.ts
template <PickRow pickRow>
struct Router {
  const Region region;
  const Candidates candidates;
  Dice dice;
  int32_t seen, revisionSeen;

  Router(const Region &of, int32_t seed)
      : region(of), candidates(region), dice(seed), seen(get(of.words[PUBLISHED_AT])), revisionSeen(get(of.ofService(REVISION))) {}

  int32_t pick(int32_t hash) {
    // What has changed would be followed; here nothing does.
    if (get(region.words[PUBLISHED_AT]) != seen || get(region.ofService(REVISION)) != revisionSeen) std::abort();
    const int32_t row = pickRow(candidates, dice, hash);
    if (row < 0) return row;
    add(gauge(), 1);
    add(inflight(row), 1);
    add(total(row, TOTAL_PICKED), 1);
    return (get(region.row(row, GENERATION)) << 16) | row;
  }

  void settle(int32_t ticket, int32_t outcome, int32_t latencyUs) {
    const int32_t row = rowOfTicket(ticket);
    if (ticket < 0 || row >= region.at.rows) return;
    if (get(region.row(row, GENERATION)) != generationOfTicket(ticket) || get(inflight(row)) <= 0) return;
    add(inflight(row), -1);
    add(total(row, TOTAL_SETTLED + outcome), 1);
    if (outcome == OK) {
      const uint32_t before = static_cast<uint32_t>(get(total(row, TOTAL_LATENCY_US)));
      const uint32_t after = before + static_cast<uint32_t>(latencyUs);
      if (after < before) add(total(row, TOTAL_LATENCY_HIGH), 1);
      set(total(row, TOTAL_LATENCY_US), static_cast<int32_t>(after));
      if (after < before) add(total(row, TOTAL_LATENCY_HIGH), 1);
    }
    if (get(gauge()) > 0) add(gauge(), -1);
    // Nobody drains: no outcome is reported.
    if (get(region.words[DRAINER_AT]) != 0) std::abort();
  }

  Word &inflight(int32_t row) const { return region.words[region.at.inflightAt + region.at.seat * region.at.inflightStride + row]; }
  Word &gauge() const {
    return region.words[region.at.gaugesAt + region.at.seat * region.at.gaugesStride + region.at.service * GAUGE_WORDS + GAUGE_INFLIGHT];
  }
  Word &total(int32_t row, int32_t word) const {
    return region.words[region.at.totalsAt + region.at.seat * region.at.totalsStride + row * TOTAL_WORDS + word];
  }
};

// Another key for each pick, in an order that no cache foresees.
inline int32_t keyOf(long i) { return static_cast<int32_t>(static_cast<uint32_t>(i) * 0x9e3779b1u); }

template <PickRow pickRow>
int serve(const Region &region, int32_t seed) {
  Router<pickRow> router(region, seed);
  char asked[16];
  long times;
  while (std::scanf("%15s %ld", asked, &times) == 2) {
    if (std::strcmp(asked, "pick") == 0) {
      for (long i = 0; i < times; i++) {
        const int32_t ticket = router.pick(keyOf(i));
        router.settle(ticket, OK, i & 1023);
        std::printf("%d ", ticket < 0 ? ticket : rowOfTicket(ticket));
      }
      std::printf("\n");
    } else {
      const auto since = std::chrono::steady_clock::now();
      for (long i = 0; i < times; i++) router.settle(router.pick(keyOf(i)), OK, i & 1023);
      const auto took = std::chrono::steady_clock::now() - since;
      std::printf("%lld\n", static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
    }
    std::fflush(stdout);
  }
  return 0;
}

int main(int argc, char **argv) {
  constexpr int PLACES = sizeof(Places) / sizeof(int32_t);
  if (argc != 4 + PLACES) {
    std::fprintf(stderr, "usage: picks FILE POLICY SEED and %d places\n", PLACES);
    return 2;
  }
  const int file = open(argv[1], O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    std::perror(argv[1]);
    return 1;
  }
  void *memory = mmap(nullptr, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    return 1;
  }
  Region region{static_cast<Word *>(memory), {}};
  for (int i = 0; i < PLACES; i++) reinterpret_cast<int32_t *>(&region.at)[i] = std::atoi(argv[4 + i]);
  const int32_t seed = std::atoi(argv[3]);
  if (std::strcmp(argv[2], "round-robin") == 0) return serve<roundRobin>(region, seed);
  if (std::strcmp(argv[2], "random") == 0) return serve<randomly>(region, seed);
  if (std::strcmp(argv[2], "least-request") == 0) return serve<leastRequest>(region, seed);
  if (std::strcmp(argv[2], "weighted-round-robin") == 0) return serve<weightedRoundRobin>(region, seed);
  if (std::strcmp(argv[2], "maglev") == 0) return serve<maglev>(region, seed);
  if (std::strcmp(argv[2], "ring-hash") == 0) return serve<ringHash>(region, seed);
  std::fprintf(stderr, "no policy is called %s\n", argv[2]);
  return 2;
}
