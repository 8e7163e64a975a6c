import { atomics } from './atomics.ts'
import { elapsedMs } from './clock.ts'
import type { EndpointTable } from './endpoint-table.ts'
import {
  ADMITTED,
  PANIC_TOLD,
  PANICS,
  POLICY,
  PULL_MAX,
  REVISION,
  ROWS_PEAK,
  ROWS_PEAK_AT_MS,
  SERVICE_WORDS,
  SHED_BY_AGENT,
  SHED_FROM,
  SWITCHED_OFF_AT,
  TRUST_Q12,
} from './layout.ts'
import type { Region } from './region.ts'

/** Trust 1: a forecast counts for all there is to know. */
const TRUST_WHOLE = 4096

/** The bit of SWITCHED_OFF under which an agent's words on admission do not count, see agent-switches.ts. */
export const ADMISSION_OFF = 1 << 21
/** Of POLICY: the policy is there for a while only, see setPolicy. */
const PASSING = 1 << 8

/** How long a service's largest number of rows is remembered after a removal: ten minutes, in which somebody sees an alarm. */
export const ROWS_PEAK_MS = 600_000

/**
 * Two lines per service: one that every pick reads (has a fact changed, the largest pull), one that picks write (whose
 * turn it is). The drawing with the owners is in layout.ts.
 */
export class ServiceTable {
  readonly #region: Region
  readonly #words: Int32Array
  readonly #at: number

  constructor(region: Region) {
    this.#region = region
    this.#words = region.words
    this.#at = region.layout.servicesAt
  }

  /** Changes whenever bars, health or weights of the service's rows do; modulo 2^32. */
  revision(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + REVISION]
  }

  /**
   * The same for who looks at the facts next.
   *
   * writes    nothing
   * reads     REVISION
   * ordering  SeqCst load: facts that are read after it, plainly, are as new as it is. After a plain load they may be older, and
   *           nothing would call for another look
   * progress  wait-free
   * pairs     touchService
   */
  revisionOfFacts(service: number): number {
    return atomics.load(this.#words, this.#at + service * SERVICE_WORDS + REVISION)
  }

  /** The largest pull among the service's rows, in the unit of `EndpointTable.pull`; for a moment it may be too small. */
  pullMax(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + PULL_MAX]
  }

  panics(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + PANICS]
  }

  countPanic(service: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + PANICS]++
  }

  /** Whether the control plane has told of a panic that is not over yet; picks decide for themselves. */
  isPanicTold(service: number): boolean {
    return this.#words[this.#at + service * SERVICE_WORDS + PANIC_TOLD] !== 0
  }

  setPanicTold(service: number, told: boolean): void {
    this.#words[this.#at + service * SERVICE_WORDS + PANIC_TOLD] = told ? 1 : 0
  }

  /** The class from which on requests are shed, see classes.ts; 0: none. Of the operator's word and the agent's the stricter. */
  shedFrom(service: number): number {
    const byOperator = this.#words[this.#at + service * SERVICE_WORDS + SHED_FROM]
    const byAgent = this.#isAdmissionOff ? 0 : this.shedByAgent(service)
    if (byOperator === 0 || byAgent === 0) return byOperator + byAgent
    return Math.min(byOperator, byAgent)
  }

  /** The operator's word. */
  setShedFrom(service: number, from: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + SHED_FROM] = from
    touchService(this.#region, service)
  }

  /** The agent's word, whether it counts or not. */
  shedByAgent(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + SHED_BY_AGENT]
  }

  setShedByAgent(service: number, from: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + SHED_BY_AGENT] = from
    touchService(this.#region, service)
  }

  /** Requests that may be in flight as long as this process can bear no more; 0: any number. */
  admitted(service: number): number {
    return this.#isAdmissionOff ? 0 : this.#words[this.#at + service * SERVICE_WORDS + ADMITTED]
  }

  setAdmitted(service: number, requests: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + ADMITTED] = requests
    touchService(this.#region, service)
  }

  get #isAdmissionOff(): boolean {
    return (this.#words[SWITCHED_OFF_AT] & ADMISSION_OFF) !== 0
  }

  /** How far forecasts are believed by adaptive, 0…1; undefined until somebody has said. */
  trust(service: number): number | undefined {
    const word = this.#words[this.#at + service * SERVICE_WORDS + TRUST_Q12]
    return word === 0 ? undefined : (word - 1) / TRUST_WHOLE
  }

  setTrust(service: number, share: number): void {
    const whole = Math.round(Math.min(1, Math.max(0, share)) * TRUST_WHOLE)
    this.#words[this.#at + service * SERVICE_WORDS + TRUST_Q12] = 1 + whole
  }

  /** The policy that is picked by in place of the config's, counted from 1 in the order of the policies; 0: the config's. */
  policy(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + POLICY] & (PASSING - 1)
  }

  /** Whether that was set for a while only: should who set it die, whoever comes after takes it back. */
  isPolicyPassing(service: number): boolean {
    return (this.#words[this.#at + service * SERVICE_WORDS + POLICY] & PASSING) !== 0
  }

  /**
   * Has every thread pick by another policy from its next pick on.
   *
   *   POLICY   bit 0…7: which, counted from 1 · bit 8: for a while only
   */
  setPolicy(service: number, policy: number, isPassing: boolean): void {
    this.#words[this.#at + service * SERVICE_WORDS + POLICY] = policy === 0 ? 0 : policy | (isPassing ? PASSING : 0)
    touchService(this.#region, service)
  }

  /** Writes down a pull that may be the largest now. Constant time: one that became smaller is left to refreshPullMax. */
  raisePullMax(service: number, pull: number): void {
    const at = this.#at + service * SERVICE_WORDS + PULL_MAX
    if (pull > this.#words[at]) this.#words[at] = pull
  }

  /**
   * Writes down the largest pull, after weights or factors have changed. Two owners may do so at one moment and the
   * smaller value win: then a pick clamps, and the load balancer's next tick mends it.
   */
  refreshPullMax(service: number, rows: readonly number[], endpoints: EndpointTable): void {
    let most = 0
    for (const row of rows) most = Math.max(most, endpoints.pull(row))
    this.#words[this.#at + service * SERVICE_WORDS + PULL_MAX] = most
  }

  /**
   * The most rows the service had of late, `before` being what it has now: that many small removals are seen as the large one
   * they make together.
   */
  rowsPeak(service: number, before: number, nowMs: number): number {
    const at = this.#at + service * SERVICE_WORDS
    const isOld = elapsedMs(nowMs, this.#words[at + ROWS_PEAK_AT_MS]) > ROWS_PEAK_MS
    return isOld ? before : Math.max(before, this.#words[at + ROWS_PEAK])
  }

  /** Counts from so many rows on. Only the table writer calls this, while it holds the right to write. */
  setRowsPeak(service: number, rows: number, nowMs: number): void {
    const at = this.#at + service * SERVICE_WORDS
    this.#words[at + ROWS_PEAK] = rows
    this.#words[at + ROWS_PEAK_AT_MS] = nowMs
  }

  /** For a service that is new at this index. Called before the slot that lists it is published. */
  begin(service: number): void {
    const at = this.#at + service * SERVICE_WORDS
    this.#words.fill(0, at, at + SERVICE_WORDS)
  }
}

/**
 * Tells every pick to look at the facts of a service anew.
 *
 * writes    REVISION
 * ordering  SeqCst add, after the fact was written: who sees the new revision sees the fact
 * progress  wait-free
 * pairs     ServiceTable.revision, read plainly by the next pick of every thread; revisionOfFacts
 */
export function touchService({ words, layout }: Region, service: number): void {
  atomics.add(words, layout.servicesAt + service * SERVICE_WORDS + REVISION, 1)
}
