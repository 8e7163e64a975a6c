import { BlockList } from 'node:net'
import { BroadcastChannel, parentPort } from 'node:worker_threads'
import type { AnyAgent } from '../../agents/kit/grammar/agent.ts'
import { type Directive, schedule, writeEndpoint, writeService } from '../../agents/kit/grammar/directive.ts'
import { trusted } from '../../agents/kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../../agents/kit/grammar/signal.ts'
import type { EndpointColumn } from '../../agents/kit/table-port.ts'

/**
 * A module for a test's roster: the agent of another module, with a fault built in that strikes shortly after its start.
 *
 *   faulty.js?agent=<href>&fault=throw          in the first incarnation
 *   faulty.js?agent=<href>&fault=throw&always   in every one
 *   faulty.js?agent=<href>&on=<channel>         whenever a BroadcastChannel of that name says { name, fault }
 *
 * The faults: throw, reject, exit · garble (it says what nobody can read) · loop, wait, late (it hangs while it writes to the tables) · heap, buffers (they grow).
 */
const { searchParams } = new URL(import.meta.url)

const hoard: unknown[] = []
const MIB = 2 ** 20

/** Keeps adding, slowly enough that whoever looks ten times a second can do something about it. */
function hoardEvery(take: () => unknown): void {
  setInterval(() => hoard.push(take()), 20)
}

const FAULTS: Record<string, () => void> = {
  throw() {
    throw new Error('a fault of the test')
  },
  reject() {
    void Promise.reject(new Error('a fault of the test'))
  },
  exit: () => process.exit(3),
  loop() {
    for (;;);
  },
  garble() {
    // How Node's own objects say what they are to be read as; of this kind there is none.
    const list = new BlockList()
    const clone = Object.getOwnPropertySymbols(BlockList.prototype).find(each => each.description?.includes('_clone'))!
    Object.assign(list, { [clone]: () => ({ data: {}, deserializeInfo: 'internal/nowhere:Nothing' }) })
    parentPort!.postMessage(list)
  },
  wait: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  heap: () => hoardEvery(() => Array<number>(MIB / 8).fill(1.5)),
  buffers: () => hoardEvery(() => Buffer.alloc(MIB, 1)),
}

const STRIKE_MS = 30
/** What an agent tells itself so that it decides to write without end. */
const struck = defineSignal('signalbox.test.struck', { data: trusted<null>() })

const { default: agent } = (await import(searchParams.get('agent')!)) as { default: AnyAgent }

/** Writes without end: to no tenant of row 0, but the port asks first whether it may write at all. One that owns no word loops. */
function* writes(): Generator<Directive> {
  const [column] = agent.writes
  if (column === undefined) for (;;);
  if (column === 'pullMax') for (;;) yield writeService(column, 0, 0)
  for (;;) yield writeEndpoint(column as EndpointColumn, { row: 0, generation: 0 }, 0)
}

function strikes(setup: { incarnation: number }): Directive[] {
  const fault = searchParams.get('fault')
  if (fault === null || (setup.incarnation > 1 && !searchParams.has('always'))) return []
  if (fault !== 'late') setTimeout(FAULTS[fault]!, STRIKE_MS)
  return fault === 'late' ? [schedule(STRIKE_MS, struck.of(null))] : []
}

/** Strikes when it is told to; `late` is waited for by a look at a flag. */
let isLate = false
function listen(channel: string): void {
  const faults = new BroadcastChannel(channel)
  faults.onmessage = (event: unknown) => {
    const { name, fault } = (event as { data: { name: string; fault: string } }).data
    if (name !== agent.name) return
    if (fault === 'late') isLate = true
    else setImmediate(FAULTS[fault]!)
  }
  faults.unref()
}

export default {
  ...agent,
  start(setup) {
    // A spare thread has loaded this too: what listens is the agent that runs.
    const channel = searchParams.get('on')
    if (channel !== null) listen(channel)
    const step = agent.start(setup)
    const look = channel === null ? [] : [schedule(STRIKE_MS, struck.of(null))]
    return { state: step.state, directives: [...step.directives, ...strikes(setup), ...look] }
  },
  own: [...agent.own, struck],
  decide(state, signal: Signal, now, slices) {
    if (!struck.is(signal)) return agent.decide(state, signal, now, slices)
    if (searchParams.has('on') && !isLate) return { state, directives: [schedule(STRIKE_MS, struck.of(null))] }
    return { state, directives: Object.assign([], { [Symbol.iterator]: writes }) }
  },
} satisfies AnyAgent
