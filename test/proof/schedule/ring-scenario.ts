import { RING, Ring } from '../../../engine/memory/ring.ts'
import { layRing, type RingMemory, ringMemory, SEAT_HOLD, seatWord } from '../../../engine/memory/ring-layout.ts'
import { ManyWriter } from '../../../engine/memory/ring-many-writers.ts'
import { RingReader } from '../../../engine/memory/ring-reader.ts'
import { ensure, type Role, type Scenario, type Stage } from './scenario.ts'
import { ringWordName } from './word-names.ts'

/** Payloads whose records take 5, and 1 and 2 units; the area ends 6 units after the start, so that one needs padding. */
const SIZES = [[32], [0, 8]] as const
const UNITS_TO_WRAP = 6
const READER = 2

/** Words of the board: per type 1 accepted, + 2 for each time it was heard. */
const TYPES = 16
const typeOf = (writer: number, n: number): number => 1 + writer * 8 + n

function hear(board: Int32Array, type: number, bytes: Uint8Array, offset: number, length: number): void {
  ensure(type > 0 && type < TYPES, `a record of type ${type} that nobody wrote`)
  for (let at = offset; at < offset + length; at++) ensure(bytes[at] === type, `record ${type} is torn`)
  const writer = (type - 1) >> 3
  ensure(length === SIZES[writer]![(type - 1) & 7], `record ${type} has ${length} bytes`)
  board[type]! += 2
}

/** Two writers and a reader of a ring, near the wrap of its area and of its cursors. */
export function ringScenario(): Scenario {
  const make = (): SharedArrayBuffer => {
    const memory = layRing({ bytes: 1024, writers: 'many', seats: 3 }, -UNITS_TO_WRAP)
    const ring = new Ring(memory)
    ring.writer()
    ring.writer()
    ring.reader()
    return memory.buffer
  }
  const memoryOf = ({ world, words }: Stage): RingMemory => ({ ...ringMemory(world), words })
  const writer = (id: number): Role => ({
    name: `writer ${id}`,
    play(stage) {
      const ringWriter = new ManyWriter(memoryOf(stage), id)
      SIZES[id]!.forEach((bytes, n) => {
        const type = typeOf(id, n)
        const offset = ringWriter.tryClaim(type, bytes)
        ensure(offset > 0, `a claim is refused: ${offset}`)
        ringWriter.bytes.fill(type, offset, offset + bytes)
        ringWriter.commit(offset)
        stage.board[type]! += 1
      })
    },
  })
  const reader: Role = {
    name: 'reader',
    play(stage) {
      const ringReader = new RingReader(memoryOf(stage))
      for (let turn = 0; turn < 2; turn++) {
        ringReader.drain((type, bytes, offset, length) => hear(stage.board, type, bytes, offset, length))
      }
    },
  }
  const supervisor: Role = {
    name: 'supervisor',
    isSupervisor: true,
    play(stage) {
      const ring = new Ring(memoryOf(stage))
      if (stage.dead === READER) ring.recoverReader()
      else while (ring.recover(stage.dead) === RING.AGAIN);
    },
  }
  return {
    make,
    wordsOf: world => ringMemory(world).words,
    nameOf: word => ringWordName(ringMemory(make()), word),
    roles: [writer(0), writer(1), reader, supervisor],
    stopsAt(words) {
      const { firstWord } = ringMemory(words.buffer as SharedArrayBuffer)
      const holds = new Set([0, 1].map(id => seatWord(id) + SEAT_HOLD))
      // What a seat says of its claim, and the zeroes and types of records.
      return (word, isWrite) => isWrite && (holds.has(word) || word >= firstWord)
    },
    check(world, board, dead) {
      const memory = ringMemory(world)
      const rest = new RingReader(memory)
      rest.drain((type, bytes, offset, length) => hear(board, type, bytes, offset, length))
      for (let writer = 0; writer < 2; writer++) {
        for (let n = 0; n < SIZES[writer]!.length; n++) {
          const isAccepted = (board[typeOf(writer, n)]! & 1) === 1
          const heard = board[typeOf(writer, n)]! >> 1
          const type = typeOf(writer, n)
          if (!isAccepted && writer !== dead) return `record ${type} was not written`
          if (isAccepted && heard === 0) return `record ${type} was accepted and never heard`
          if (heard > 1 && dead !== READER) return `record ${type} was heard ${heard} times`
        }
      }
      const ring = new Ring(memory)
      if (ring.backlogBytes !== 0) return 'the reader stands before something for ever'
      for (let word = memory.firstWord; word < memory.words.length; word += 2) {
        if (memory.words[word] !== 0) return `what was given back is not zero: ${ringWordName(memory, word)}`
      }
      return undefined
    },
  }
}
