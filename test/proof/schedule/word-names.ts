import {
  BUILDER_AT,
  CLOCK_MS_AT,
  DRAINER_AT,
  LINE_WORDS,
  OUTCOME_READ,
  OUTCOME_WRITE,
  PUBLISHED_AT,
  ROW_WORDS,
  SEAT_PIN,
  SEAT_PIN_NEXT,
  SEAT_THREAD,
  SEAT_WORDS,
  SEATS_HIGH_AT,
  WRITER_AT,
} from '../../../engine/memory/layout.ts'
import type { Region } from '../../../engine/memory/region.ts'
import * as ring from '../../../engine/memory/ring-layout.ts'

/** What the words of a region are called in a printed schedule. */
export function regionWordName({ layout }: Region, word: number): string {
  const header: Record<number, string> = {
    [PUBLISHED_AT]: 'PUBLISHED',
    [WRITER_AT]: 'WRITER',
    [SEATS_HIGH_AT]: 'SEATS_HIGH',
    [DRAINER_AT]: 'DRAINER',
    [BUILDER_AT]: 'BUILDER',
    [CLOCK_MS_AT]: 'CLOCK_MS',
  }
  const seatWords: Record<number, string> = { [SEAT_THREAD]: 'THREAD', [SEAT_PIN]: 'PIN', [SEAT_PIN_NEXT]: 'PIN_NEXT' }
  const ringWords: Record<number, string> = { [OUTCOME_WRITE]: 'WRITE', [OUTCOME_READ]: 'READ' }
  const within = (start: number, size: number): [number, number] => [
    Math.floor((word - start) / size),
    (word - start) % size,
  ]
  if (word < layout.seatsAt) return header[word] ?? `header word ${word}`
  if (word < layout.endpointsAt) {
    const [seat, at] = within(layout.seatsAt, SEAT_WORDS)
    return `${seatWords[at] ?? `word ${at}`} of seat ${seat}`
  }
  if (word < layout.servicesAt) {
    const [row, at] = within(layout.endpointsAt, ROW_WORDS)
    return `word ${at} of row ${row}`
  }
  if (word < layout.slotsAt) return `service word ${word - layout.servicesAt}`
  if (word < layout.inflightAt) {
    const [slot, at] = within(layout.slotsAt, layout.slotWords)
    return `word ${at} of slot ${slot}`
  }
  if (word < layout.totalsAt) {
    const [seat, at] = within(layout.inflightAt, layout.inflightStride)
    return `in flight of row ${at}, seat ${seat}`
  }
  if (word < layout.outcomeRingsAt) return `totals word ${word - layout.totalsAt}`
  if (word >= layout.choicesAt) return `choice word ${word - layout.choicesAt}`
  const [seat, at] = within(layout.outcomeRingsAt, layout.outcomeRingWords)
  return `${ringWords[at] ?? (at < 2 * LINE_WORDS ? `word ${at}` : `record word ${at - 2 * LINE_WORDS}`)} of ring ${seat}`
}

/** What the words of a ring are called. */
export function ringWordName(memory: ring.RingMemory, word: number): string {
  const head: Record<number, string> = {
    [ring.READER]: 'READER',
    [ring.WRITE_CURSOR]: 'WRITE_CURSOR',
    [ring.READ_CURSOR]: 'READ_CURSOR',
    [ring.FREEING_CURSOR]: 'FREEING_CURSOR',
    [ring.SLEEPING]: 'SLEEPING',
    [ring.LOSS]: 'LOSS',
  }
  const seatWords: Record<number, string> = {
    [ring.SEAT_STATE]: 'STATE',
    [ring.SEAT_CURSOR]: 'CURSOR',
    [ring.SEAT_UNITS]: 'UNITS',
    [ring.SEAT_HOLD]: 'HOLD',
  }
  if (word >= memory.firstWord) {
    const at = word - memory.firstWord
    return `${at % 2 === 0 ? 'even' : 'odd'} word of unit ${at >> 1}`
  }
  if (word < ring.seatWord(0)) return head[word] ?? `head word ${word}`
  const at = word - ring.seatWord(0)
  return `${seatWords[at % ring.SEAT_WORDS] ?? `word ${at}`} of seat ${Math.floor(at / ring.SEAT_WORDS)}`
}
