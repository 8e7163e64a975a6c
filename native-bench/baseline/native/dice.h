// engine/policies/dice.ts: xorshift32, and what is drawn by it.
#pragma once

#include <cstdint>

struct Dice {
  int32_t state;

  explicit Dice(int32_t seed) : state(seed != 0 ? seed : static_cast<int32_t>(0x9e3779b1)) {}

  // 31 random bits.
  int32_t roll() {
    uint32_t x = static_cast<uint32_t>(state);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    state = static_cast<int32_t>(x);
    return static_cast<int32_t>(x >> 1);
  }

  bool wins(double part, double whole) { return roll() * whole < part * 2147483648.0; }
};

inline int32_t below(int32_t roll, int32_t n) {
  return static_cast<int32_t>((static_cast<uint64_t>(roll >> 15) * static_cast<uint64_t>(n)) >> 16);
}
