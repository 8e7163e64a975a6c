// XXH64, as Collet specifies it (xxhash.com, XXH64 algorithm description), for little-endian machines.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

constexpr uint64_t XX1 = 0x9E3779B185EBCA87u, XX2 = 0xC2B2AE3D27D4EB4Fu, XX3 = 0x165667B19E3779F9u, XX4 = 0x85EBCA77C2B2AE63u,
                   XX5 = 0x27D4EB2F165667C5u;

inline uint64_t xxRound(uint64_t lane, uint64_t input) { return std::rotl(lane + input * XX2, 31) * XX1; }
inline uint64_t xxMerge(uint64_t hash, uint64_t lane) { return (hash ^ xxRound(0, lane)) * XX1 + XX4; }

template <typename Number>
inline Number xxRead(const char *at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

inline uint64_t xxhash64(std::string_view text, uint64_t seed) {
  const char *at = text.data(), *const end = at + text.size();
  uint64_t hash = seed + XX5;
  if (text.size() >= 32) {
    uint64_t a = seed + XX1 + XX2, b = seed + XX2, c = seed, d = seed - XX1;
    for (; end - at >= 32; at += 32) {
      a = xxRound(a, xxRead<uint64_t>(at));
      b = xxRound(b, xxRead<uint64_t>(at + 8));
      c = xxRound(c, xxRead<uint64_t>(at + 16));
      d = xxRound(d, xxRead<uint64_t>(at + 24));
    }
    hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    hash = xxMerge(xxMerge(xxMerge(xxMerge(hash, a), b), c), d);
  }
  hash += text.size();
  for (; end - at >= 8; at += 8) hash = std::rotl(hash ^ xxRound(0, xxRead<uint64_t>(at)), 27) * XX1 + XX4;
  if (end - at >= 4) {
    hash = std::rotl(hash ^ (xxRead<uint32_t>(at) * XX1), 23) * XX2 + XX3;
    at += 4;
  }
  for (; at < end; at++) hash = std::rotl(hash ^ (static_cast<uint8_t>(*at) * XX5), 11) * XX1;
  hash = (hash ^ (hash >> 33)) * XX2;
  hash = (hash ^ (hash >> 29)) * XX3;
  return hash ^ (hash >> 32);
}
