// The tables of engine/policies/tables, from the same keys and weights: hashes, orders, doubles and turns are the same, and so is every entry.
// Members are taken as they are: that keys are there once and weights are some is not checked here.
//
//   tables
//
//   members N, then N lines KEY UNITS     who is in the tables; a weight of 1 is 256 units
//   maglev SIZE     ──▶ ns                builds a table, and keeps it
//   ring MIN MAX    ──▶ ns
//   entries         ──▶ the members of the table that is kept, one after the other
//   points          ──▶ of a ring its points
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "xxhash64.h"

struct Member {
  std::string key;
  double units;
};

struct Table {
  std::vector<uint16_t> entries;
  std::vector<uint32_t> points;
};

static double sumOf(const std::vector<Member> &members) {
  double sum = 0;
  for (const Member &member : members) sum += member.units;
  return sum;
}

// engine/policies/tables/maglev.ts
class Maglev {
 public:
  static Table build(const std::vector<Member> &members, int32_t size) {
    const size_t count = members.size();
    std::vector<uint16_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) { return members[a].key < members[b].key; });
    std::vector<int32_t> positions(count), skips(count);
    std::vector<double> shares(count);
    const double sum = sumOf(members);
    for (size_t turn = 0; turn < count; turn++) {
      const Member &member = members[order[turn]];
      positions[turn] = static_cast<int32_t>(xxhash64(member.key, 0) % static_cast<uint64_t>(size));
      skips[turn] = static_cast<int32_t>(xxhash64(member.key, 1) % static_cast<uint64_t>(size - 1)) + 1;
      shares[turn] = member.units / sum;
    }
    return {fill(size, order, positions, skips, shares), {}};
  }

 private:
  static constexpr uint16_t FREE = 65535;
  static constexpr size_t RUN = 64;
  static constexpr int32_t LAST_ROUND = INT32_MAX;

  static std::vector<uint16_t> fill(int32_t size, const std::vector<uint16_t> &order, std::vector<int32_t> &positions,
                                    const std::vector<int32_t> &skips, const std::vector<double> &shares) {
    std::vector<uint16_t> table(size, FREE);
    const size_t count = order.size(), runs = (count + RUN - 1) / RUN;
    const double largest = *std::max_element(shares.begin(), shares.end());
    std::vector<double> targets(count, 0);
    std::vector<int32_t> turns(count, 1), runTurns(runs, 1);
    int32_t filled = 0;
    for (int32_t round = 1;; round++) {
      for (size_t run = 0; run < runs; run++) {
        if (runTurns[run] > round) continue;
        int32_t earliest = LAST_ROUND;
        const size_t end = std::min(count, (run + 1) * RUN);
        for (size_t i = run * RUN; i < end; i++) {
          if (turns[i] == round) {
            int32_t position = positions[i];
            while (table[position] != FREE) {
              position += skips[i];
              if (position >= size) position -= size;
            }
            table[position] = order[i];
            if (++filled == size) return table;
            positions[i] = position;
            turns[i] = nextTurn(shares[i], targets[i] += largest, round);
          }
          earliest = std::min(earliest, turns[i]);
        }
        runTurns[run] = earliest;
      }
    }
  }

  static int32_t nextTurn(double share, double target, int32_t round) {
    double turn = std::ceil(target / share);
    while (turn * share < target) turn++;
    while ((turn - 1) * share >= target) turn--;
    return static_cast<int32_t>(std::min<double>(LAST_ROUND, std::max<double>(turn, round + 1.0)));
  }
};

// engine/policies/tables/ring-hash.ts and ring.ts
class RingHash {
 public:
  static Table build(const std::vector<Member> &members, double least, double most) {
    const std::vector<uint32_t> counts = pointCounts(members, least, most);
    const size_t total = std::accumulate(counts.begin(), counts.end(), size_t{0});
    std::vector<Point> points;
    points.reserve(total);
    std::vector<uint16_t> owners(total);
    std::string name;
    for (size_t member = 0; member < members.size(); member++) {
      name = members[member].key + '_';
      const size_t digitsAt = name.size();
      char digits[12];
      for (uint32_t i = 0; i < counts[member]; i++) {
        char *const end = std::to_chars(digits, digits + sizeof digits, i).ptr;
        name.resize(digitsAt);
        name.append(digits, end);
        const uint32_t ordinal = static_cast<uint32_t>(points.size());
        owners[ordinal] = static_cast<uint16_t>(member);
        points.push_back({xxhash64(name, 0), ordinal});
      }
    }
    std::sort(points.begin(), points.end(), [](const Point &a, const Point &b) {
      return a.point != b.point ? a.point < b.point : a.ordinal < b.ordinal;
    });
    Table table{std::vector<uint16_t>(total), std::vector<uint32_t>(total)};
    for (size_t i = 0; i < total; i++) {
      table.points[i] = static_cast<uint32_t>(points[i].point >> 32);
      table.entries[i] = owners[points[i].ordinal];
    }
    return table;
  }

 private:
  struct Point {
    uint64_t point;
    uint32_t ordinal;
  };

  static std::vector<uint32_t> pointCounts(const std::vector<Member> &members, double min, double max) {
    const double sum = sumOf(members);
    std::vector<double> shares;
    for (const Member &member : members) shares.push_back(member.units / sum);
    const double least = std::min(1.0, *std::min_element(shares.begin(), shares.end()));
    const double scale = std::min(std::ceil(least * min) / least, max);
    std::vector<uint32_t> counts;
    double count = 0, target = 0;
    for (const double share : shares) {
      // Rounded before it is added, as a double of JavaScript is: not fused with the sum where a machine could.
      const volatile double step = scale * share;
      target += step;
      const double before = count;
      count = std::max(count, std::ceil(target));
      counts.push_back(static_cast<uint32_t>(count - before));
    }
    return counts;
  }
};

template <typename Build>
static Table timed(Build build) {
  const auto since = std::chrono::steady_clock::now();
  Table table = build();
  const auto took = std::chrono::steady_clock::now() - since;
  std::printf("%lld\n", static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
  return table;
}

template <typename Number>
static void print(const std::vector<Number> &numbers) {
  for (const Number number : numbers) std::printf("%lu ", static_cast<unsigned long>(number));
  std::printf("\n");
}

int main() {
  std::vector<Member> members;
  Table table;
  char line[512], what[16], key[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    long first = 0, second = 0;
    if (std::sscanf(line, "%15s %ld %ld", what, &first, &second) < 1) return 2;
    if (std::strcmp(what, "members") == 0) {
      members.clear();
      for (long i = 0; i < first; i++) {
        double units;
        if (std::fgets(line, sizeof line, stdin) == nullptr || std::sscanf(line, "%255s %lf", key, &units) != 2) return 2;
        members.push_back({key, units});
      }
    } else if (std::strcmp(what, "maglev") == 0 && !members.empty() && first >= 2) {
      table = timed([&] { return Maglev::build(members, static_cast<int32_t>(first)); });
    } else if (std::strcmp(what, "ring") == 0 && !members.empty() && first >= 1) {
      table = timed([&] { return RingHash::build(members, first, second); });
    } else if (std::strcmp(what, "entries") == 0) {
      print(table.entries);
    } else if (std::strcmp(what, "points") == 0) {
      print(table.points);
    } else {
      std::fprintf(stderr, "tables: there is no %s, or there are no members\n", what);
      return 2;
    }
    std::fflush(stdout);
  }
  return 0;
}
