import { type Contest, type Contestant, type Side, spreadOf } from '../../contest.ts'
import type { Group } from '../../suite.ts'
import { Course, type Moved } from './course.ts'
import type { Way } from './ends.ts'
import { NativeCourse } from './native-course.ts'
import { expectedSum } from './payload.ts'

const PAYLOADS = [16, 64, 256]
/** Of a ring, per turn: some milliseconds, against which the 50 µs that a thread may be late are little. */
const RECORDS = 200_000
/** Of a port, whose records take a hundred times as long. */
const MESSAGES = 10_000
/** Records that one thread writes before it reads them: they fit into the ring, whatever their payload. */
const AT_ONCE = 200
/** There and back in a row, and how many times that is timed in a turn. */
const TIMES = 100
const GROUPS = 20

/** Anything that moves records. */
type Mover = Pick<Course, 'move' | 'moveAlone' | 'ping' | 'close'>

/**
 * Records from one thread to another, or from two to one; a thread's own, which shows what they cost where nobody waits; and how long one
 * takes. A port's side is the better one of a typed array and of numbers: both are there.
 */
export const ringGroup: Group = {
  name: 'ring',
  summary: 'records from one thread to another',
  contests: [
    ...PAYLOADS.map(bytes => across(`one writer/${bytes} B`, 'ring, one writer', 'one', bytes, 1)),
    ...PAYLOADS.map(bytes => across(`many, 1 writes/${bytes} B`, 'ring, many writers', 'many', bytes, 1)),
    ...PAYLOADS.map(bytes => across(`many, 2 write/${bytes} B`, 'ring, many writers', 'many', bytes, 2)),
    ...PAYLOADS.map(alone),
    volley(16),
  ],
}

function across(name: string, ours: Way, kind: 'one' | 'many', bytes: number, writers: number): Contest {
  const side = (sideName: string, way: Way, records: number): Side =>
    moving(
      sideName,
      () => Course.across(way, bytes, writers),
      writers,
      bytes,
      records,
      (mover, each) => mover.move(each),
    )
  return {
    name: `ring/${name}`,
    figures: [{ name: 'record', unit: 'ns' }],
    rounds: 30,
    warmUp: 5,
    sides: [
      side('signalbox', ours, RECORDS),
      ...(kind === 'many' ? [side('signalbox, a ring each', 'ring, one each', RECORDS)] : []),
      moving(
        'C++ -O2',
        () => NativeCourse.begin(kind, bytes, writers),
        writers,
        bytes,
        RECORDS,
        (mover, each) => mover.move(each),
      ),
      side('ringbuf.js, framed', 'ringbuf, framed', RECORDS),
      side('ringbuf.js, one size', 'ringbuf, one size', RECORDS),
      side('MessagePort, typed array', 'port, typed array', MESSAGES),
      side('MessagePort, numbers', 'port, numbers', MESSAGES),
    ],
  }
}

function alone(bytes: number): Contest {
  const turn = (mover: Mover, records: number): Promise<Moved> => mover.moveAlone(records, AT_ONCE)
  const side = (name: string, way: Way, records: number): Side =>
    moving(name, () => Course.alone(way, bytes), 1, bytes, records, turn)
  const native = (name: string, kind: 'one' | 'many'): Side =>
    moving(name, () => NativeCourse.begin(kind, bytes, 1), 1, bytes, RECORDS, turn)
  return {
    name: `ring/same thread/${bytes} B`,
    figures: [{ name: 'record', unit: 'ns' }],
    rounds: 30,
    warmUp: 5,
    sides: [
      side('signalbox, one writer', 'ring, one writer', RECORDS),
      side('signalbox, many writers', 'ring, many writers', RECORDS),
      native('C++ -O2, one writer', 'one'),
      native('C++ -O2, many writers', 'many'),
      side('ringbuf.js, framed', 'ringbuf, framed', RECORDS),
      side('ringbuf.js, one size', 'ringbuf, one size', RECORDS),
      side('MessagePort, typed array', 'port, typed array', MESSAGES),
      side('MessagePort, numbers', 'port, numbers', MESSAGES),
      side('no ring: payload alone', 'array', RECORDS),
    ],
  }
}

/**
 * Half of the way there and back. Whoever shares memory looks without pause, so that the figure is that of the caches and of the loop; one
 * that sleeps is woken by the kernel, as the event loop of a thread is that listens to a port.
 */
function volley(bytes: number): Contest {
  const side = (name: string, way: Way): Side => pinging(name, () => Course.volley(way, bytes))
  return {
    name: `ring/one way/${bytes} B`,
    figures: [{ name: 'one way', unit: 'ns' }],
    rounds: 20,
    warmUp: 3,
    sides: [
      side('signalbox', 'ring, one writer'),
      pinging('C++ -O2', () => NativeCourse.begin('one', bytes, 1)),
      side('ringbuf.js, framed', 'ringbuf, framed'),
      side('MessagePort, polled', 'port, polled'),
      side('MessagePort, typed array', 'port, typed array'),
      side('signalbox, reader sleeps', 'ring, sleeping reader'),
    ],
  }
}

/** A side whose turn is so many records in all; each has come once, whole, and in its writer's order, or the turn fails. */
function moving(
  name: string,
  begin: () => Promise<Mover | undefined>,
  writers: number,
  bytes: number,
  records: number,
  turn: (mover: Mover, recordsEach: number) => Promise<Moved>,
): Side {
  const recordsEach = records / writers
  return {
    name,
    async begin() {
      const mover = await begin()
      if (mover === undefined) return undefined
      const sum = expectedSum(writers, recordsEach, bytes)
      return contestant(mover, async () => {
        const moved = await turn(mover, recordsEach)
        if (moved.records !== records || moved.sum !== sum || moved.faults > 0) {
          throw new Error(
            `Cannot measure: ${name} has moved something else than it was given, ${JSON.stringify(moved)}`,
          )
        }
        return [moved.ns / records]
      })
    },
  }
}

function pinging(name: string, begin: () => Promise<Mover | undefined>): Side {
  return {
    name,
    async begin() {
      const mover = await begin()
      if (mover === undefined) return undefined
      return contestant(mover, async () => [spreadOf(await mover.ping(TIMES, GROUPS)).median / (2 * TIMES)])
    },
  }
}

function contestant(mover: Mover, turn: Contestant['turn']): Contestant {
  return { turn, close: () => mover.close() }
}
