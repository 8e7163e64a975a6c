// Records from one thread to another, and what that takes: the contests of native-bench/memory/ring, with threads of C++.
//
//   ring KIND CAPACITY BYTES WRITERS        one or many (the kind of ring), its size and that of a payload in bytes, how many threads write
//
//   move N          ──▶ ns SUM FAULTS       N records of each writer, from the first that is written to the last that is read
//   alone N M       ──▶ ns SUM FAULTS       the same in one thread, which writes M and reads them, and so on
//   ping N G        ──▶ ns …                N there and N back, one by one, G times: what each of these groups took
//
// SUM is of all words of all payloads, FAULTS those that were not the next of their writer.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ring.h"

constexpr int32_t TYPE = 1;
constexpr uint32_t GOLDEN = 0x9e3779b1u;
// As in native-bench/memory/patience.ts; but here there is a yield.
constexpr int LOOKS = 2000;

static int64_t nowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// native-bench/memory/ring/payload.ts
static void fill(int32_t *words, int32_t count, int32_t writer, int32_t n) {
  const uint32_t seed = static_cast<uint32_t>(n) * GOLDEN;
  words[0] = n;
  words[1] = writer;
  for (int32_t word = 2; word < count; word++) words[word] = static_cast<int32_t>(seed + static_cast<uint32_t>(word));
}

struct Audit {
  int64_t records = 0, faults = 0;
  uint32_t sum = 0;
  std::vector<int32_t> next;

  explicit Audit(int writers) : next(writers) {}
  void take(const int32_t *words, int32_t count) {
    uint32_t all = sum;
    for (int32_t word = 0; word < count; word++) all += static_cast<uint32_t>(words[word]);
    sum = all;
    if (words[0] != next[words[1]]++) faults++;
    records++;
  }
};

struct Patience {
  int looks = 0;
  void wait() {
    if (++looks < LOOKS) return;
    looks = 0;
    std::this_thread::yield();
  }
};

// A thread that is there already, and does what it is told.
class Hand {
 public:
  Hand() : thread([this] { serve(); }) {}
  ~Hand() {
    tell(nullptr);
    thread.join();
  }
  void tell(std::function<void()> work) {
    std::lock_guard<std::mutex> guard(lock);
    task = std::move(work);
    isTold = true;
    isDone = false;
    changed.notify_all();
  }
  void await() {
    std::unique_lock<std::mutex> guard(lock);
    changed.wait(guard, [this] { return isDone; });
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> guard(lock);
    for (;;) {
      changed.wait(guard, [this] { return isTold; });
      isTold = false;
      if (!task) return;
      guard.unlock();
      task();
      guard.lock();
      isDone = true;
      changed.notify_all();
    }
  }
  std::mutex lock;
  std::condition_variable changed;
  std::function<void()> task;
  bool isTold = false, isDone = true;
  std::thread thread;
};

template <typename Writer>
class Course {
 public:
  Course(uint32_t capacity, int32_t payload, int writers)
      : there(capacity), back(capacity), bytes(payload), backWriter(back), hands(writers), sinceNs(writers) {
    for (int writer = 0; writer < writers; writer++) ends.emplace_back(there);
  }

  void move(int32_t records) {
    Audit audit(ends.size());
    int64_t untilNs = 0;
    std::atomic<bool> isReading{false};
    reader.tell([&] {
      isReading.store(true, std::memory_order_release);
      readUntil(there, audit, static_cast<int64_t>(ends.size()) * records);
      untilNs = nowNs();
    });
    while (!isReading.load(std::memory_order_acquire)) std::this_thread::yield();
    for (size_t writer = 0; writer < ends.size(); writer++) {
      hands[writer].tell([this, writer, records] {
        sinceNs[writer] = nowNs();
        for (int32_t n = 0; n < records; n++) writeOne(ends[writer], writer, n);
      });
    }
    for (Hand &hand : hands) hand.await();
    reader.await();
    tell(untilNs - *std::min_element(sinceNs.begin(), sinceNs.end()), audit);
  }

  void alone(int32_t records, int32_t atOnce) {
    Audit audit(1);
    int64_t tookNs = 0;
    reader.tell([&] {
      const int64_t since = nowNs();
      for (int32_t n = 0; n < records; n += atOnce) {
        const int32_t until = std::min(records, n + atOnce);
        for (int32_t i = n; i < until; i++) writeOne(ends[0], 0, i);
        readUntil(there, audit, until);
      }
      tookNs = nowNs() - since;
    });
    reader.await();
    tell(tookNs, audit);
  }

  void ping(int32_t times, int32_t groups) {
    Audit pinged(1), ponged(1);
    reader.tell([&] {
      for (int32_t n = 0; n < times * groups; n++) {
        readUntil(there, ponged, n + 1);
        writeOne(backWriter, 0, n);
      }
    });
    hands[0].tell([&] {
      for (int32_t group = 0, n = 0; group < groups; group++) {
        const int64_t since = nowNs();
        for (int32_t i = 0; i < times; i++, n++) {
          writeOne(ends[0], 0, n);
          readUntil(back, pinged, n + 1);
        }
        std::printf("%lld ", static_cast<long long>(nowNs() - since));
      }
    });
    hands[0].await();
    reader.await();
    std::printf("\n");
  }

 private:
  void writeOne(Writer &writer, int32_t id, int32_t n) {
    Patience patience;
    while (!writer.write(TYPE, bytes, [&](int32_t *words) { fill(words, bytes >> 2, id, n); })) patience.wait();
  }

  void readUntil(Ring &ring, Audit &audit, int64_t records) {
    Patience patience;
    while (audit.records < records) {
      const int32_t got = ring.drain<Writer::isMany>([&](const int32_t *words, int32_t count) { audit.take(words, count); });
      if (got > 0) patience.looks = 0;
      else patience.wait();
    }
  }

  static void tell(int64_t ns, const Audit &audit) {
    std::printf("%lld %d %lld\n", static_cast<long long>(ns), static_cast<int32_t>(audit.sum), static_cast<long long>(audit.faults));
  }

  Ring there, back;
  const int32_t bytes;
  std::vector<Writer> ends;
  Writer backWriter;
  Hand reader;
  std::vector<Hand> hands;
  std::vector<int64_t> sinceNs;
};

template <typename Writer>
static int serve(uint32_t capacity, int32_t bytes, int writers) {
  Course<Writer> course(capacity, bytes, writers);
  char line[128], what[16];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    int first = 0, second = 0;
    if (std::sscanf(line, "%15s %d %d", what, &first, &second) < 2) return 2;
    if (std::strcmp(what, "move") == 0) course.move(first);
    else if (std::strcmp(what, "alone") == 0) course.alone(first, second);
    else course.ping(first, second);
    std::fflush(stdout);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: ring one|many CAPACITY BYTES WRITERS\n");
    return 2;
  }
  const uint32_t capacity = std::strtoul(argv[2], nullptr, 10);
  const int32_t bytes = std::atoi(argv[3]), writers = std::atoi(argv[4]);
  const bool isMany = std::strcmp(argv[1], "many") == 0;
  if (capacity < 1024 || (capacity & (capacity - 1)) != 0 || bytes < 16 || writers < 1 || (!isMany && writers > 1)) {
    std::fprintf(stderr, "ring: a capacity of 2^n bytes, payloads of 16 bytes or more, and one writer of a ring of one\n");
    return 2;
  }
  return isMany ? serve<ManyWriter>(capacity, bytes, writers) : serve<OneWriter>(capacity, bytes, writers);
}
