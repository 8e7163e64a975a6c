import assert from 'node:assert/strict'

/**
 * Every offset of the region, born by adding to the one before. Nothing outside this folder knows a word index.
 *
 *   ┌────────┬───────┬───────────┬──────────┬──────────┬──────────┬──────────────┬─────────┬─────────┬──────────────┬──────────┬─────────┬─────────┐
 *   │ header │ seats │ endpoints │ services │ slots    │ inflight │ gauges       │ totals  │ traffic │ outcome rings│ affinity │ choices │ texts   │
 *   │ 5 lines│ 1 line│ 3 lines   │ 2 lines  │ seats+2  │ 1 word × │ 4 words ×    │ 8 words │ 4 words │ 3 lines and  │ 2 lines  │ tables, │ n bytes │
 *   │        │ each  │ a row     │ each     │ snapshots│ row×seat │ service×seat │ row×seat│ row×seat│ records each │ a set    │ n bytes │ a row   │
 *   └────────┴───────┴───────────┴──────────┴──────────┴──────────┴──────────────┴─────────┴─────────┴──────────────┴──────────┴─────────┴─────────┘
 *
 * Int32 words throughout: plain accesses of them never tear (ECMA-262), so a word that is true on its own needs no
 * protocol. What must be read together (which rows a service has, its policy) lives in the slots, see slots.ts, and what
 * a policy looks keys or turns up in lives in the choice area, see choice-tables.ts.
 */

/** Shape of everything below. A thread refuses a region of another layout version. */
export const LAYOUT_VERSION = 6

/** 'SBX1' as a little-endian word: the first word of every region. */
export const MAGIC = 0x31584253

/** A cache line in words: words that change often and words that are read often never share one. */
export const LINE_WORDS = 16

// ── header ──────────────────────────────────────────────────────────────────────────────── owner (writes)
export const MAGIC_AT = 0 //                                                                  creator, once
export const LAYOUT_VERSION_AT = 1 //                                                         creator, once
export const ROWS_MAX_AT = 2 //                                                               creator, once
export const SERVICES_MAX_AT = 3 //                                                           creator, once
export const SEATS_MAX_AT = 4 //                                                              creator, once
export const TEXT_BYTES_AT = 5 //     bytes of one row's text                                 creator, once
export const OUTCOMES_AT = 6 //       records in one seat's outcome ring                      creator, once
export const ORIGIN_S_AT = 7 //       the monotonic clock at creation, whole seconds          creator, once
export const ORIGIN_MS_AT = 8 //      … and the milliseconds beyond                           creator, once
export const REGION_ID_AT = 9 //      two random words: the same memory is known under any handle   creator, once
export const AFFINITY_MAX_AT = 11 //  entries of the affinity table                           creator, once
export const CHOICE_BYTES_AT = 12 //  bytes for choice tables                                 creator, once
export const DICE_AT = 13 //          where the dice of its threads begin                     creator, once
// line 1: ticks about a hundred times a second
export const CLOCK_MS_AT = LINE_WORDS // ms since the origin, wraps after 49 days              whoever ticks
// line 2: changes with the structure
export const PUBLISHED_AT = 2 * LINE_WORDS // version << 8 | slot                              the writer, by CAS
export const WRITER_AT = PUBLISHED_AT + 1 //  seat + 1 of the thread that is writing, 0: none   the writer, by CAS
export const SEATS_HIGH_AT = PUBLISHED_AT + 2 // one more than the highest seat ever taken     takers, by CAS
// line 3: who reads the outcome rings, and who builds tables
export const DRAINER_AT = 3 * LINE_WORDS //   seat + 1 of the thread that drains outcomes, 0: nobody
export const BUILDER_AT = DRAINER_AT + 1 //   seat + 1 of the thread that builds choice tables, 0: nobody
export const SWITCHED_OFF_AT = DRAINER_AT + 2 // whose words do not count, see agent-switches.ts the operator, by or/and
export const TRIAL_AT = DRAINER_AT + 3 // seat + 1 of the canary of an edit on trial, or a state of trial.ts; 0: none is
export const TRIAL_SINCE_MS_AT = DRAINER_AT + 4 // clock when something was last put on trial …  agents, with the right to write
export const TRIAL_BEGAN_MS_AT = DRAINER_AT + 5 // … and when the trial began                    agents, with the right to write
export const TRIAL_VERSION_AT = DRAINER_AT + 6 // version of the structure that is tried         agents, with the right to write
// line 4: what was refused, by reason, see refusals.ts
export const REFUSED_AT = 4 * LINE_WORDS //   times, one word a reason                         who refuses, by add
export const REFUSED_WORDS = LINE_WORDS
export const HEADER_WORDS = 5 * LINE_WORDS

// ── seat: one attached thread ───────────────────────────────────────────────────────────── owner (writes)
export const SEAT_THREAD = 0 //    thread id + 1; 0: free; below 0: being given back           taker by CAS, freed on exit
export const SEAT_PIN = 1 //       slot + 1 the thread may read; 0: none                       the seat's thread
export const SEAT_PIN_NEXT = 2 //  slot + 1 it is moving to; 0: none                           the seat's thread
export const SEAT_LATE = 3 //      turns of its event loop by how late they came, see loop-delay.ts  the seat's thread
export const SEAT_LATE_WORDS = 12
export const SEAT_WORDS = LINE_WORDS

// ── endpoint row: read by every pick, written a few times a second ──────────────────────── owner (writes)
export const GENERATION = 0 //     bumped when the row changes tenant                          table writer
export const SERVICE = 1 //        index of the service it belongs to                          table writer
export const WEIGHT_Q8 = 2 //      the operator's weight, 24.8 fixed point                     table writer
export const FACTOR_Q12 = 3 //     what the facts leave of it: 0…4096 = 0…1                    load-balancer
export const BARS = 4 //           why it may not be picked, one bit per owner (bars.ts)       each bit its owner, by or/and
export const PRIORITY = 5 //       0 is taken first                                            table writer
export const HEALTH = 6 //         0 unknown · 1 healthy · 2 degraded · 3 unhealthy            health-monitor
export const HEALTHY_SINCE_MS = 7 // clock when it last became healthy                         health-monitor
export const EJECTED_UNTIL_MS = 8 // clock when the ejection ends                              failure-detector
export const EJECTIONS = 9 //      how often it was ejected of late: the back-off's exponent   failure-detector
export const LATENCY_US = 10 //    smoothed latency, saturates at 2^31 − 1                     load-balancer
export const JOINED_MS = 11 //     clock when the tenant came                                  table writer
export const RETIRED_AT = 12 //    version that took it out, −1: long ago; 0: not retired       table writer
export const KEY_HASH = 13 //      murmur3 of the endpoint's id: its name in hash policies           table writer
export const LIMIT_ADAPTIVE = 14 // requests in flight it may have, by its latency; 0: no limit  load-balancer
export const FACTOR_PLAIN_Q12 = 15 // 4096: read in place of FACTOR while that does not count    table writer
// line 1: written with every settle where the service's policy looks at latency, by any thread: a lost update heals
export const PEAK_US = LINE_WORDS // latency, up at once and slowly down; 0: nothing known      settling threads
export const PEAK_AT_MS = PEAK_US + 1 // clock of the last change of it                         settling threads
export const SETTLED_AT_MS = PEAK_US + 2 // clock of the last settle, or of the first pick after idling
export const OTHERS_INFLIGHT = PEAK_US + 3 // 1 + requests of others it told of, see others-inflight.ts; 0: never  who heard it last
export const LEVELS_AT = PEAK_US + 4 // smoothed latency in µs by in-flight level: 1, 2, 3–4, 5–8 … settling threads
export const LEVELS = 8
export const OTHERS_AT_MS = PEAK_US + 12 // clock when it told of them                        who heard it last
// line 2: what few picks look at, and the breaker, written by settles where the service has one
export const ZONE = 2 * LINE_WORDS // murmur3 of the zone's name; 0: none                      table writer
export const FORECAST_US = ZONE + 1 // the latency that is forecast; 0: no forecast            predictor
export const FORECAST_AT_MS = ZONE + 2 // clock of the forecast                                predictor
export const UTILISATION_Q12 = ZONE + 3 // 1 + used share of its capacity, 0…4096; 0: unknown   resource-manager
export const FAILURES = ZONE + 4 // failures in a row                                          settling threads
export const WINDOW_AT_MS = ZONE + 5 // clock when the window of the error rate began          settling threads
export const WINDOW_SETTLED = ZONE + 6 // requests settled in it …                             settling threads
export const WINDOW_FAILED = ZONE + 7 // … and how many of them failed                         settling threads
export const BREAKER_UNTIL_MS = ZONE + 8 // clock until which the breaker stays open           who trips it
export const BREAKER_TRIPS = ZONE + 9 // how often it was tripped since it was last closed     who trips or closes it
export const BREAKER_PROBE = ZONE + 10 // seat + 1 of whose probe is out, or who opens it; 0: none  claimed by CAS
export const BREAKER_PASSED = ZONE + 11 // probes that passed since it was tripped              who has the probe
export const REPORTED_LOAD = ZONE + 12 // what it last said of its load itself, see reported-load.ts; 0: nothing   who heard it last
export const REPORTED_AT_MS = ZONE + 13 // clock when it said so                                who heard it last
export const ROW_WORDS = 3 * LINE_WORDS

// ── service: one line that picks read, one that they write ──────────────────────────────── owner (writes)
export const REVISION = 0 //       counts changes of its rows' bars, health, weights; of SHED, POLICY  who changes one, by add
export const PULL_MAX = 1 //       the largest pull (weight × factor) of its rows               table writer and load-balancer
export const PANICS = 2 //         how often panic mode was entered                            load-balancer
export const SHED_FROM = 3 //      requests of this class and lower ones are shed; 0: none     operator
export const TRUST_Q12 = 4 //      1 + share of a forecast in what adaptive expects; 0: unset   load-balancer
export const PANIC_TOLD = 5 //     1 while a panic was told and not yet called off              load-balancer
export const ROWS_PEAK = 6 //      most rows of late: agents leave it half of these             table writer
export const ROWS_PEAK_AT_MS = 7 // clock since when they are counted                           table writer
export const POLICY = 8 //         picked by in place of the config's policy, see service-table.ts; 0: the config's  load-balancer
export const HEARS_OTHERS = 9 //   1 once an endpoint of it told how many requests it has      who heard it first
export const OTHERS_MEAN_Q8 = 10 // of what its endpoints tell of others                        who heard it last
export const OTHERS_MEAN_AT_MS = 11 // clock when the last of them told                      who heard it last
export const SHED_BY_AGENT = 12 // as SHED_FROM, by what this process can bear: the stricter counts   resource-manager
export const ADMITTED = 13 //      requests that may be in flight, by what it can bear; 0: any  resource-manager
export const SEQUENCE = LINE_WORDS // next turn of round robin and stride, one for each tier    every pick, by add
/** Tiers with a sequence of their own; the ninth shares that of the first. */
export const SEQUENCES = 8
export const SERVICE_WORDS = 2 * LINE_WORDS

// ── slot: one immutable snapshot of the structure ───────────────────────────────────────── owner (writes)
export const SLOT_VERSION = 0 //   the version it was published as                             table writer, before publishing
export const SLOT_CHECK = 1 //     checksum of all that follows                                table writer, before publishing
export const SLOT_SERVICES = 2 //  services in it                                              table writer, before publishing
export const SLOT_ROWS = 3 //      rows in it, all services together                           table writer, before publishing
export const SLOT_TERM = 4 //      term of who decided what it says; 0: nobody decided          table writer, before publishing
export const SLOT_DECISION = 5 //  … and the number of the decision within the term             table writer, before publishing
export const SLOT_HEADER_WORDS = 6
/** A service in a slot: where its rows start in the slot's list, how many, its choice table, and its text (name, policy). */
export const ENTRY_START = 0
export const ENTRY_COUNT = 1
export const ENTRY_TEXT_BYTES = 2
export const ENTRY_REVISION = 3 // version that last changed the text
export const ENTRY_TABLE = 4 // word index of its choice table; 0: it has none
export const ENTRY_TEXT = 5
export const ENTRY_WORDS = 256
/** Longest service text: JSON of its name, its policy and what else a pick must know of it. */
export const SERVICE_TEXT_BYTES_MAX = (ENTRY_WORDS - ENTRY_TEXT) * 4

// ── choice table: what a policy looks keys or turns up in, see choice-tables.ts ─────────── owner (writes)
export const TABLE_WORDS = 0 //    words it takes, this header included                       who builds it, before publishing
export const TABLE_CHECK = 1 //    checksum of all that follows                               … and so are all of these
export const TABLE_KIND = 2 //     what its entries mean, by a number of the policies' own
export const TABLE_MEMBERS = 3 //  members
export const TABLE_ENTRIES = 4 //  entries
export const TABLE_POINTS = 5 //   points: as many as entries, or none
export const TABLE_HEADER_WORDS = LINE_WORDS
/** A member: its ticket (row and generation), and the weight the table was built by. */
export const MEMBER_TICKET = 0
export const MEMBER_WEIGHT_Q8 = 1
export const MEMBER_WORDS = 2

// ── gauges: what one seat holds of one service at this moment ───────────────────────────── owner (writes)
export const GAUGE_INFLIGHT = 0 //    picked and not settled                                    the seat's thread
export const GAUGE_RETRIES = 1 //     of these, second tries                                    the seat's thread
export const GAUGE_CONNECTIONS = 2 // connections to its endpoints                              the seat's thread
export const GAUGE_PENDING = 3 //     requests that wait for room                               the seat's thread
export const GAUGE_WORDS = 4

// ── totals: what one seat did with one row, ever growing modulo 2^32 ────────────────────── owner (writes)
export const TOTAL_PICKED = 0
/** Four words by outcome code, see totalOf in outcomes.ts. */
export const TOTAL_SETTLED = 1
export const TOTAL_LATENCY_US = 5 // sum over 'ok' outcomes, low word
export const TOTAL_LATENCY_HIGH = 6 // … and twice its carries, odd while one is under way
export const TOTAL_WAITING_MS = 7 //   clock when the oldest request began to wait that has no head yet; 0: none does
export const TOTAL_WORDS = 8

// ── traffic: bodies that one seat carried to and from one row, ever growing modulo 2^32 ──── owner (writes)
export const TRAFFIC_SENT = 0 //        bytes                                                   the seat's thread
export const TRAFFIC_RECEIVED = 1 //    bytes                                                   the seat's thread
export const TRAFFIC_TIMED_BYTES = 2 // of the received those that were timed                   the seat's thread
export const TRAFFIC_TIMED_US = 3 //    how long these took                                     the seat's thread
export const TRAFFIC_WORDS = 4

// ── outcome ring of one seat ────────────────────────────────────────────────────────────── owner (writes)
export const OUTCOME_WRITE = 0 //            records ever written                              the seat's thread
export const OUTCOME_LOST = 1 //             records refused because it was full               the seat's thread
export const OUTCOME_READ = LINE_WORDS //    records ever read                                 the drainer
export const OUTCOME_RECORDS = 2 * LINE_WORDS
/** A record: ticket, outcome code, latency in µs, clock in ms. */
export const RECORD_WORDS = 4

/** One gibibyte: word and half-word indices stay far within 31 bits. */
export const CHOICE_BYTES_LIMIT = 2 ** 30

// ── affinity: a set of eight sessions, see affinity.ts; word n of entry w is at n + w ─────── owner (writes)
export const AFFINITY_WAYS = 8
export const AFFINITY_TICKET = AFFINITY_WAYS //    where the session is; the first word is its key, sealed with this   picking threads
// line 1: written while sessions are used
export const AFFINITY_UNTIL_MS = LINE_WORDS //     clock when it ends unless it is used                                 picking threads
export const AFFINITY_IS_USED = AFFINITY_UNTIL_MS + AFFINITY_WAYS // 1 once it was found again                        picking threads
export const AFFINITY_SET_WORDS = 2 * LINE_WORDS

export const SEATS_LIMIT = 254
export const ROWS_LIMIT = 1 << 16

/** How large a region is to be. Fixed at creation: shared memory that threads have mapped does not move. */
export interface Capacity {
  /** Endpoint rows, all services together. A removed row returns once nobody can see it. */
  rows: number
  services: number
  /** Threads attached at one time: proxy threads, agents, users' own, the creating one. */
  seats: number
  /** Bytes of one endpoint's text: JSON of id, url, zone, metadata, and cost and capacity where they are known. */
  textBytes: number
  /** Outcomes a thread may be ahead of the drainer before it counts loss; a power of two. */
  outcomes: number
  /**
   * Bytes for choice tables (maglev, ring-hash, the schedules of weighted-round-robin), each table three times over: the
   * live one, the one that is built, and one that a thread may still read. A table takes 2 bytes an entry, 4 a point, 8 a
   * member, and one is never larger than a third of all. 0: no table is built.
   */
  choices: number
  /** Sessions that sticky services remember, all together: 0, or a power of two. */
  affinity: number
}

/** Where each part starts, in words; `textAt` in bytes. Derived from the capacity alone, so every thread agrees. */
export interface Layout extends Capacity {
  seatsAt: number
  endpointsAt: number
  servicesAt: number
  slots: number
  slotsAt: number
  slotWords: number
  inflightAt: number
  inflightStride: number
  gaugesAt: number
  gaugesStride: number
  totalsAt: number
  totalsStride: number
  trafficAt: number
  trafficStride: number
  outcomeRingsAt: number
  outcomeRingWords: number
  choicesAt: number
  /** Where the choice area ends. */
  choicesEnd: number
  affinityAt: number
  textAt: number
  bytes: number
}

const lines = (words: number): number => Math.ceil(words / LINE_WORDS) * LINE_WORDS

export function layoutOf(capacity: Capacity): Layout {
  const { rows, services, seats, textBytes, outcomes, affinity, choices } = capacity
  const slots = seats + 2
  const slotWords = lines(SLOT_HEADER_WORDS + services * ENTRY_WORDS + rows)
  const inflightStride = lines(rows)
  const gaugesStride = lines(services * GAUGE_WORDS)
  const totalsStride = lines(rows * TOTAL_WORDS)
  const trafficStride = lines(rows * TRAFFIC_WORDS)
  const outcomeRingWords = OUTCOME_RECORDS + lines(outcomes * RECORD_WORDS)

  const seatsAt = HEADER_WORDS
  const endpointsAt = seatsAt + seats * SEAT_WORDS
  const servicesAt = endpointsAt + rows * ROW_WORDS
  const slotsAt = servicesAt + services * SERVICE_WORDS
  const inflightAt = slotsAt + slots * slotWords
  const gaugesAt = inflightAt + seats * inflightStride
  const totalsAt = gaugesAt + seats * gaugesStride
  const trafficAt = totalsAt + seats * totalsStride
  const outcomeRingsAt = trafficAt + seats * trafficStride
  const affinityAt = outcomeRingsAt + seats * outcomeRingWords
  const choicesAt = affinityAt + (affinity / AFFINITY_WAYS) * AFFINITY_SET_WORDS
  const choicesEnd = choicesAt + lines(Math.ceil(choices / 4))
  const textAt = choicesEnd * 4
  const bytes = textAt + rows * textBytes
  return {
    ...capacity,
    seatsAt,
    endpointsAt,
    servicesAt,
    slots,
    slotsAt,
    slotWords,
    inflightAt,
    inflightStride,
    gaugesAt,
    gaugesStride,
    totalsAt,
    totalsStride,
    trafficAt,
    trafficStride,
    outcomeRingsAt,
    outcomeRingWords,
    choicesAt,
    choicesEnd,
    affinityAt,
    textAt,
    bytes,
  }
}

assert(ROW_WORDS % LINE_WORDS === 0, 'a row never straddles a cache line')
assert(FACTOR_PLAIN_Q12 < LINE_WORDS && LEVELS_AT + LEVELS <= ZONE && REPORTED_AT_MS < ROW_WORDS)
assert(SEAT_PIN_NEXT < SEAT_LATE && SEAT_LATE + SEAT_LATE_WORDS <= SEAT_WORDS)
assert(ROWS_PEAK_AT_MS < LINE_WORDS && ADMITTED < LINE_WORDS && SEQUENCE + SEQUENCES <= SERVICE_WORDS)
assert(SERVICE_WORDS % LINE_WORDS === 0 && SEAT_WORDS % LINE_WORDS === 0, 'written words have lines of their own')
assert(TOTAL_SETTLED + 4 <= TOTAL_LATENCY_US && TOTAL_LATENCY_HIGH < TOTAL_WAITING_MS)
assert(AFFINITY_TICKET + AFFINITY_WAYS <= AFFINITY_UNTIL_MS && AFFINITY_IS_USED + AFFINITY_WAYS <= AFFINITY_SET_WORDS)
assert(SEATS_LIMIT + 2 <= 1 << 8, 'a slot number fits the low byte of the published word')
assert(TABLE_POINTS < TABLE_HEADER_WORDS && CHOICE_BYTES_AT < CLOCK_MS_AT && REGION_ID_AT + 2 < CHOICE_BYTES_AT)
assert(AFFINITY_MAX_AT < LINE_WORDS && TRIAL_VERSION_AT < REFUSED_AT && ENTRY_TEXT < ENTRY_WORDS)
